//! Endpoints of each definition of a host.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::api::endpoint_slice::{Endpoint as SliceEndpoint, EndpointSlice};
use crate::api::service::{Service as KubeService, TargetPort, Transport};
use crate::api::service_entry::{Resolution, ServiceEntry};
use crate::api::{Key, Kind, Meta, Object, Spec};
use crate::base::{Host, Namespace, Str};
use crate::model::facts::{Endpoint, Endpoints, Health, Identities, Workload};
use crate::model::snapshot::{Changes, FactKey};

use super::workloads::{Selected, is_alive};
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

    /// From EndpointSlices of the Service's cluster, and in the own one from WorkloadEntries that the Service selects
    /// (istio `serviceregistry/kube/controller/endpointslice.go`). `known` is the Service as callers know it.
    fn kubernetes_endpoints(
        &self,
        meta: &Meta,
        service: &KubeService,
        known: &KubeService,
        out: &mut Vec<Endpoint>,
        reads: &mut Vec<Source>,
    ) {
        let slices = self.slices.get(&(meta.namespace.clone(), meta.name.clone())).into_iter().flatten();
        let mut shared = Shared::default();
        for slice in slices.filter(|k| k.cluster == meta.cluster).filter_map(|k| self.objects.get(k)) {
            let Spec::EndpointSlice(slice) = &slice.spec else { continue };
            if slice.address_type == "FQDN" {
                continue;
            }
            for endpoint in &slice.endpoints {
                for address in &endpoint.addresses {
                    let Some(workload) = self.slice_workload(meta, endpoint, address, &mut shared, reads) else {
                        continue;
                    };
                    slice_ports(known, slice).for_each(|(service_port, port)| {
                        out.push(Endpoint {
                            addresses: vec![address.clone()],
                            port,
                            service_port,
                            weight: 0,
                            health: health(endpoint),
                            workload: Arc::clone(&workload),
                        });
                    });
                }
            }
        }
        let here = meta.cluster.is_empty();
        if here && !service.is_headless() && !service.selector.is_empty() && service.external_name.is_empty() {
            self.selected_entries(meta, service, out, reads);
        }
    }

    fn selected_entries(&self, meta: &Meta, service: &KubeService, out: &mut Vec<Endpoint>, reads: &mut Vec<Source>) {
        reads.push(Source::Workloads(meta.namespace.clone()));
        if self.of_kind(Kind::WorkloadEntry, &meta.namespace).next().is_none() {
            return;
        }
        for found in self.selected(&meta.namespace, &service.selector, reads) {
            let is_ip = found.address.parse::<std::net::IpAddr>().is_ok();
            if !matches!(found.object.spec, Spec::WorkloadEntry(_)) || !is_ip {
                continue;
            }
            for port in service.ports.iter().filter(|p| p.protocol == Transport::Tcp) {
                let target = match &port.target_port {
                    TargetPort::Number(n) => Some(found.port(&port.name).unwrap_or(*n as u16)),
                    TargetPort::Name(name) => found.port(name),
                };
                if let Some(target) = target {
                    out.push(found.endpoint(found.address.clone(), target, port.port as u16));
                }
            }
        }
    }

    /// The workload behind an address of a slice: the pod it names, else a ready pod of the namespace with that
    /// address. `None` while a pod that is named is not known yet.
    fn slice_workload(
        &self,
        meta: &Meta,
        endpoint: &SliceEndpoint,
        address: &Str,
        shared: &mut Shared,
        reads: &mut Vec<Source>,
    ) -> Option<Arc<Workload>> {
        let pod = match &endpoint.target_ref {
            Some(target) if target.kind == "Pod" => {
                let namespace = if target.namespace.is_empty() {
                    meta.namespace.clone()
                } else {
                    Namespace::new(target.namespace.clone())
                };
                reads.push(Source::Pod(namespace.clone(), target.name.clone()));
                Some(self.get_in(&meta.cluster, Kind::Pod, &namespace, &target.name)?)
            }
            _ => {
                let address = at(&meta.cluster, address);
                let pod = self.pod_at(&address, &meta.namespace);
                reads.push(Source::Ip(address));
                pod
            }
        };
        Some(match pod {
            Some(object) => shared
                .pods
                .entry(object.key())
                .or_insert_with(|| match &object.spec {
                    Spec::Pod(pod) => Arc::new(self.pod_workload(&object.meta, pod, reads)),
                    _ => Arc::new(self.bare_workload(&meta.cluster, Str::default())),
                })
                .clone(),
            None => {
                let network = self.network_of(&meta.cluster, &Default::default(), address);
                let bare = || Arc::new(self.bare_workload(&meta.cluster, network.clone()));
                shared.bare.entry(network.clone()).or_insert_with(bare).clone()
            }
        })
    }

    fn pod_at(&self, ip: &Str, namespace: &Namespace) -> Option<&Arc<Object>> {
        let keys = self.at_address.get(ip).into_iter().flatten();
        let pods =
            keys.filter(|k| k.kind == Kind::Pod && k.namespace == *namespace).filter_map(|k| self.objects.get(k));
        pods.into_iter().find(|o| matches!(&o.spec, Spec::Pod(p) if p.ready && is_alive(p)))
    }

    /// From what a ServiceEntry writes or selects; a host resolved by DNS without either is its own endpoint (istio
    /// `serviceregistry/serviceentry/conversion.go`, `convertServiceEntryToInstances`).
    fn entry_endpoints(
        &self,
        host: &Host,
        meta: &Meta,
        entry: &ServiceEntry,
        out: &mut Vec<Endpoint>,
        reads: &mut Vec<Source>,
    ) {
        let dns = matches!(entry.resolution, Resolution::Dns | Resolution::DnsRoundRobin);
        let found = match &entry.workload_selector {
            Some(selector) => {
                let mut found = self.selected(&meta.namespace, &selector.labels, reads);
                found.retain(|s| dns || s.address.is_empty() || s.address.parse::<std::net::IpAddr>().is_ok());
                found
            }
            None => Vec::new(),
        };
        let own: Vec<_> = match (&entry.workload_selector, entry.endpoints.is_empty()) {
            (Some(_), _) => Vec::new(),
            (None, true) if dns => vec![(host.str().clone(), 0, None, Arc::new(self.own_workload(meta)))],
            (None, _) => entry
                .endpoints
                .iter()
                .enumerate()
                .map(|(i, e)| {
                    let name = format!("{}-{i}", meta.name).into();
                    let workload = self.entry_workload(name, &meta.namespace, &Default::default(), e);
                    (e.address.clone(), e.weight, Some(&e.ports), Arc::new(workload))
                })
                .collect(),
        };
        let round_robin = entry.resolution == Resolution::DnsRoundRobin;
        // To istiod each address is a service of its own, and their endpoints stand side by side.
        let copies = entry.addresses.len().max(1);
        for port in entry.ports.iter().flat_map(|port| std::iter::repeat_n(port, copies)) {
            let number = port.number as u16;
            let default = if port.target_port == 0 { number } else { port.target_port as u16 };
            let written = own.iter().map(|(address, weight, ports, workload)| {
                let stated = ports.and_then(|p| p.get(&port.name)).map(|p| *p as u16).filter(|p| *p > 0);
                let (address, target) = socket_or(address, stated.unwrap_or(default));
                Endpoint {
                    addresses: vec![address],
                    port: target,
                    service_port: number,
                    weight: *weight,
                    health: Health::Unknown,
                    workload: Arc::clone(workload),
                }
            });
            let selected = found.iter().map(|s| {
                let (address, target) = socket_or(&s.address, s.port(&port.name).unwrap_or(default));
                s.endpoint(address, target, number)
            });
            for endpoint in written.chain(selected) {
                if round_robin && out.iter().any(|e| e.service_port == number) {
                    continue;
                }
                out.push(endpoint);
            }
        }
    }

    /// The workload that a host resolved by DNS stands for.
    fn own_workload(&self, meta: &Meta) -> Workload {
        Workload {
            name: meta.name.clone(),
            namespace: meta.namespace.clone(),
            labels: Default::default(),
            ..self.bare_workload(&Str::new(), Str::default())
        }
    }
}

/// Workloads already made while deriving one host.
#[derive(Default)]
struct Shared {
    pods: BTreeMap<Key, Arc<Workload>>,
    /// By network.
    bare: BTreeMap<Str, Arc<Workload>>,
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

/// For each port of a slice that the Service has too: the Service's number and the endpoint's.
fn slice_ports<'a>(service: &'a KubeService, slice: &'a EndpointSlice) -> impl Iterator<Item = (u16, u16)> + 'a {
    slice.ports.iter().filter_map(|p| {
        let port = service.ports.iter().find(|s| s.name == p.name)?;
        Some((port.port as u16, p.port.unwrap_or_default() as u16))
    })
}

/// Ready, else going away (as what says nothing of it is taken to be, istio `endpointHealthStatus`), else not ready.
fn health(endpoint: &SliceEndpoint) -> Health {
    match (endpoint.conditions.ready, endpoint.conditions.terminating) {
        (true, _) => Health::Healthy,
        (false, Some(true) | None) => Health::Terminating,
        (false, Some(false)) => Health::Unhealthy,
    }
}

/// A UNIX socket has a path and no port.
fn socket_or(address: &Str, port: u16) -> (Str, u16) {
    match address.strip_prefix("unix://") {
        Some(path) => (path.into(), 0),
        None => (address.clone(), port),
    }
}
