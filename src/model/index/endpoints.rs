//! Endpoints of each definition of a host.

mod entries;
mod kubernetes;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::api::{Kind, Object, Spec};
use crate::base::{Host, Namespace, Str};
use crate::model::facts::{Endpoint, Endpoints, Identities};
use crate::model::snapshot::{Changes, FactKey};

use super::workloads::Selected;
use super::{Dirty, Index, Source, at, put};

impl Index {
    pub(super) fn derive_endpoints(&mut self, dirty: &mut Dirty, changes: &mut Changes) {
        for host in std::mem::take(&mut dirty.endpoints) {
            let mut reads = Vec::new();
            let mut by_namespace: BTreeMap<Namespace, Vec<Endpoint>> = BTreeMap::new();
            let mut entries: BTreeMap<Namespace, BTreeSet<Str>> = BTreeMap::new();
            let objects = self.defining_objects(&host);
            // By which numbers callers know the ports; other clusters may have other numbers by the same names.
            let first = objects.iter().filter(|o| o.kind() == Kind::Service).min_by_key(|o| &o.meta.cluster).cloned();
            for object in objects {
                let list = by_namespace.entry(object.meta.namespace.clone()).or_default();
                match &object.spec {
                    Spec::Service(service) => {
                        let from = list.len();
                        let known = match first.as_ref().map(|o| &o.spec) {
                            Some(Spec::Service(first)) => first,
                            _ => service,
                        };
                        self.kubernetes_endpoints(&object.meta, service, known, list, &mut reads);
                        if service.selector.is_empty() {
                            let ips = list[from..].iter().flat_map(|e| &e.addresses);
                            let ips = ips.map(|ip| at(&object.meta.cluster, ip));
                            entries.entry(object.meta.namespace.clone()).or_default().extend(ips);
                        }
                    }
                    Spec::ServiceEntry(entry) => {
                        let from = list.len();
                        self.entry_endpoints(&host, &object.meta, entry, list, &mut reads);
                        let own = &self.options.cluster;
                        let ips = list[from..].iter().flat_map(|e| e.addresses.iter().map(|ip| (&e.workload, ip)));
                        let ips = ips.map(|(w, ip)| at(if w.cluster == *own { "" } else { &w.cluster }, ip));
                        entries.entry(object.meta.namespace.clone()).or_default().extend(ips);
                    }
                    _ => {}
                }
            }
            self.met_without_pods += reads.iter().filter(|read| self.is_missing(read)).count() as u64;
            self.endpoint_readers.record(&host, reads);
            let before: BTreeSet<Namespace> = self.endpoint_namespaces(&host);
            let (mut changed, mut others) = (false, false);
            for namespace in before.union(&by_namespace.keys().cloned().collect()) {
                let key = (host.clone(), namespace.clone());
                let value = by_namespace.remove(namespace).map(|mut list| {
                    list.sort_by_key(|e| e.service_port);
                    Endpoints { list }
                });
                let identities = value.as_ref().map(|e| Identities::of(&e.list));
                changed |= put(&mut self.snapshot.endpoints, &key, value);
                others |= put(&mut self.snapshot.identities, &key, identities);
                self.move_entry_addresses(&key, entries.remove(namespace).unwrap_or_default(), dirty);
            }
            if others {
                changes.keys.insert(FactKey::Identities(host.clone()));
            }
            if changed {
                changes.keys.insert(FactKey::Endpoints(host));
            }
        }
    }

    fn is_missing(&self, read: &Source) -> bool {
        let there =
            |namespace, name| self.all_clusters().any(|c| self.get_in(&c, Kind::Pod, namespace, name).is_some());
        matches!(read, Source::Pod(namespace, name) if !there(namespace, name))
    }

    /// The objects that define a host, by the names of their clusters as istiod sorts them, then oldest first.
    fn defining_objects(&self, host: &Host) -> Vec<Arc<Object>> {
        let keys = self.defining.get(host).into_iter().flatten();
        let mut objects: Vec<_> = keys.filter_map(|k| self.objects.get(k)).cloned().collect();
        let order = |o: &Arc<Object>| (self.cluster_name(&o.meta.cluster).clone(), o.meta.created, o.meta.name.clone());
        objects.sort_by_cached_key(order);
        objects
    }

    fn endpoint_namespaces(&self, host: &Host) -> BTreeSet<Namespace> {
        let from = (host.clone(), Namespace::default());
        self.snapshot
            .endpoints
            .range(from..)
            .take_while(|((h, _), _)| h == host)
            .map(|((_, ns), _)| ns.clone())
            .collect()
    }

    /// Which ServiceEntries lead to an address: proxies there answer for them.
    fn move_entry_addresses(&mut self, key: &(Host, Namespace), now: BTreeSet<Str>, dirty: &mut Dirty) {
        let before: BTreeSet<Str> = self.entries_of.get(key).cloned().unwrap_or_default();
        for ip in before.symmetric_difference(&now) {
            super::update(&mut self.entry_addresses, ip.clone(), key, now.contains(ip));
            dirty.addresses.insert(ip.clone());
        }
        if now.is_empty() {
            self.entries_of.remove(key)
        } else {
            self.entries_of.insert(key.clone(), now)
        };
    }
}

impl Selected {
    fn endpoint(&self, address: Str, port: u16, service_port: u16) -> Endpoint {
        Endpoint {
            addresses: vec![address],
            port,
            service_port,
            weight: self.weight,
            health: self.health,
            workload: Arc::clone(&self.workload),
        }
    }
}
