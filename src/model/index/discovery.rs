//! Which namespaces belong to the mesh (`discoverySelectors`; istio `pkg/kube/namespace/filter.go`). Objects of others are
//! kept aside, as if they were not there, until their namespace or the mesh's settings change.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::api::{Key, Kind, Object};
use crate::base::{Labels, Namespace, Str};

use super::{Dirty, Index};

/// The label that Kubernetes gives each namespace.
const NAME: &str = "kubernetes.io/metadata.name";

impl Index {
    /// Whether objects of a namespace count, and those of none. A namespace that nobody describes has no labels but its
    /// name.
    fn is_discovered(&self, cluster: &Str, namespace: &Namespace) -> bool {
        let selectors = &self.snapshot.mesh.config.discovery_selectors;
        if selectors.is_empty() || namespace.is_empty() {
            return true;
        }
        let labels = self.labels_of(cluster, namespace);
        selectors.iter().any(|selector| selector.matches(&labels))
    }

    /// The labels of a namespace of a cluster.
    pub(super) fn labels_of(&self, cluster: &Str, namespace: &Namespace) -> Labels {
        let described = self.get_in(cluster, Kind::Namespace, &Namespace::default(), namespace.str());
        let mut labels = described.map(|o| o.meta.labels.clone()).unwrap_or_default();
        labels.entry(NAME.into()).or_insert_with(|| namespace.str().clone());
        labels
    }

    /// Puts an object in the place of the one of its key, which may be gone or not count.
    pub(super) fn replace(&mut self, key: &Key, new: Option<&Arc<Object>>, dirty: &mut Dirty) {
        let hidden = self.hidden.remove(key).is_some();
        let old = self.objects.remove(key);
        self.count(&key.cluster, hidden || old.is_some(), new.is_some(), dirty);
        if let Some(old) = old {
            self.mark(&old, false, dirty);
        }
        let Some(new) = new else { return };
        if self.is_discovered(&key.cluster, &key.namespace) {
            self.mark(new, true, dirty);
            self.objects.insert(key.clone(), Arc::clone(new));
        } else {
            self.hidden.insert(key.clone(), Arc::clone(new));
        }
    }

    /// Keeps count of the clusters. One that is new, or gone, has a network or had one.
    fn count(&mut self, cluster: &Str, before: bool, now: bool, dirty: &mut Dirty) {
        if cluster.is_empty() || before == now {
            return;
        }
        let objects = self.clusters.entry(cluster.clone()).or_default();
        dirty.networks |= *objects == 0;
        *objects = if now { *objects + 1 } else { objects.saturating_sub(1) };
        if *objects == 0 {
            self.clusters.remove(cluster);
            dirty.networks = true;
        }
    }

    /// All namespaces that have objects, by cluster.
    pub(super) fn namespaces(&self) -> BTreeSet<(Str, Namespace)> {
        let keys = self.objects.keys().chain(self.hidden.keys());
        keys.map(|key| (key.cluster.clone(), key.namespace.clone())).collect()
    }

    /// Looks again whether the objects of some namespaces count.
    pub(super) fn rediscover(&mut self, namespaces: &BTreeSet<(Str, Namespace)>, dirty: &mut Dirty) {
        for (cluster, namespace) in namespaces {
            let found = if self.is_discovered(cluster, namespace) { &self.hidden } else { &self.objects };
            let of_kind = |kind| {
                let from = Key { cluster: cluster.clone(), ..Key::new(kind, namespace.clone(), Str::default()) };
                let there = move |k: &Key| k.kind == kind && k.cluster == *cluster && k.namespace == *namespace;
                found.range(from..).take_while(move |(k, _)| there(k))
            };
            let moving: Vec<_> = Kind::all().flat_map(of_kind).map(|(k, o)| (k.clone(), Arc::clone(o))).collect();
            moving.iter().for_each(|(key, object)| self.replace(key, Some(object), dirty));
        }
    }
}

#[cfg(test)]
mod tests;
