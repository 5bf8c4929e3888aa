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
    fn is_discovered(&self, namespace: &Namespace) -> bool {
        let selectors = &self.snapshot.mesh.config.discovery_selectors;
        if selectors.is_empty() || namespace.is_empty() {
            return true;
        }
        let labels = self.labels_of(namespace);
        selectors.iter().any(|selector| selector.matches(&labels))
    }

    /// The labels of a namespace.
    pub(super) fn labels_of(&self, namespace: &Namespace) -> Labels {
        let described = self.get(Kind::Namespace, &Namespace::default(), namespace.str());
        let mut labels = described.map(|o| o.meta.labels.clone()).unwrap_or_default();
        labels.entry(NAME.into()).or_insert_with(|| namespace.str().clone());
        labels
    }

    /// Puts an object in the place of the one of its key, which may be gone or not count.
    pub(super) fn replace(&mut self, key: &Key, new: Option<&Arc<Object>>, dirty: &mut Dirty) {
        self.hidden.remove(key);
        if let Some(old) = self.objects.remove(key) {
            self.mark(&old, false, dirty);
        }
        let Some(new) = new else { return };
        if self.is_discovered(&key.namespace) {
            self.mark(new, true, dirty);
            self.objects.insert(key.clone(), Arc::clone(new));
        } else {
            self.hidden.insert(key.clone(), Arc::clone(new));
        }
    }

    /// All namespaces that have objects.
    pub(super) fn namespaces(&self) -> BTreeSet<Namespace> {
        self.objects.keys().chain(self.hidden.keys()).map(|key| key.namespace.clone()).collect()
    }

    /// Looks again whether the objects of some namespaces count.
    pub(super) fn rediscover(&mut self, namespaces: &BTreeSet<Namespace>, dirty: &mut Dirty) {
        for namespace in namespaces {
            let found = if self.is_discovered(namespace) { &self.hidden } else { &self.objects };
            let of_kind = |kind| {
                let from = Key { kind, namespace: namespace.clone(), name: Str::default() };
                found.range(from..).take_while(move |(k, _)| k.kind == kind && k.namespace == *namespace)
            };
            let moving: Vec<_> = Kind::all().flat_map(of_kind).map(|(k, o)| (k.clone(), Arc::clone(o))).collect();
            moving.iter().for_each(|(key, object)| self.replace(key, Some(object), dirty));
        }
    }
}

#[cfg(test)]
mod tests;
