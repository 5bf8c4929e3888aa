//! Objects by kind, cluster, namespace and name.

use std::sync::Arc;

use crate::api::{Key, Kind, Object};
use crate::base::{Namespace, Str};

use super::Index;

impl Index {
    /// The name of a cluster, which the own one has too.
    pub(super) fn cluster_name<'a>(&'a self, cluster: &'a Str) -> &'a Str {
        if cluster.is_empty() { &self.options.cluster } else { cluster }
    }

    /// All clusters that have objects, the own one first, as keys name them.
    pub(super) fn all_clusters(&self) -> impl Iterator<Item = Str> {
        std::iter::once(Str::new()).chain(self.clusters.keys().cloned())
    }

    /// An object of some cluster.
    pub(super) fn get_in(&self, cluster: &Str, kind: Kind, namespace: &Namespace, name: &Str) -> Option<&Arc<Object>> {
        self.objects.get(&Key { cluster: cluster.clone(), ..Key::new(kind, namespace.clone(), name.clone()) })
    }

    /// An object of the own cluster.
    pub(super) fn get(&self, kind: Kind, namespace: &Namespace, name: &Str) -> Option<&Arc<Object>> {
        self.objects.get(&Key::new(kind, namespace.clone(), name.clone()))
    }

    /// All objects of a kind in a namespace of the own cluster, by name.
    pub(super) fn of_kind<'a>(&'a self, kind: Kind, namespace: &'a Namespace) -> impl Iterator<Item = &'a Arc<Object>> {
        self.of_kind_in(&Str::new(), kind, namespace)
    }

    /// The same of some cluster.
    pub(super) fn of_kind_in<'a>(
        &'a self,
        cluster: &Str,
        kind: Kind,
        namespace: &'a Namespace,
    ) -> impl Iterator<Item = &'a Arc<Object>> + use<'a> {
        let from = Key { cluster: cluster.clone(), ..Key::new(kind, namespace.clone(), Str::default()) };
        let cluster = cluster.clone();
        let there = move |key: &Key| key.kind == kind && key.cluster == cluster && key.namespace == *namespace;
        self.objects.range(from..).take_while(move |(key, _)| there(key)).map(|(_, object)| object)
    }

    /// The same of all clusters, one after the other.
    pub(super) fn of_kind_everywhere<'a>(
        &'a self,
        kind: Kind,
        namespace: &'a Namespace,
    ) -> impl Iterator<Item = &'a Arc<Object>> + use<'a> {
        self.all_clusters().flat_map(move |cluster| self.of_kind_in(&cluster, kind, namespace))
    }
}

/// How an address of a cluster is looked up: those of several clusters may be the same.
pub(in crate::model) fn at(cluster: &str, address: &Str) -> Str {
    if cluster.is_empty() { address.clone() } else { format!("{cluster}/{address}").into() }
}
