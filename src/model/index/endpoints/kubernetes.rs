//! Endpoints of Kubernetes Services.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::api::endpoint_slice::{Endpoint as SliceEndpoint, EndpointSlice};
use crate::api::service::{Service as KubeService, TargetPort, Transport};
use crate::api::{Key, Kind, Meta, Object, Spec};
use crate::base::{Namespace, Str};
use crate::model::facts::{Endpoint, Health, Workload};

use crate::model::index::workloads::is_alive;
use crate::model::index::{Index, Source, at};

impl Index {
    /// From EndpointSlices of the Service's cluster, and from WorkloadEntries there that the Service selects (istio
    /// `serviceregistry/kube/controller/{endpointslice,multicluster}.go`). `known` is the Service as callers know it.
    pub(super) fn kubernetes_endpoints(
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
        if !service.is_headless() && !service.selector.is_empty() && service.external_name.is_empty() {
            reads.push(Source::Workloads(meta.namespace.clone()));
            self.selected_entries(meta, service, known, out);
        }
    }

    fn selected_entries(&self, meta: &Meta, service: &KubeService, known: &KubeService, out: &mut Vec<Endpoint>) {
        for found in self.entries(&meta.cluster, &meta.namespace, &service.selector) {
            if found.address.parse::<std::net::IpAddr>().is_err() {
                continue;
            }
            for port in service.ports.iter().filter(|p| p.protocol == Transport::Tcp) {
                let target = match &port.target_port {
                    TargetPort::Number(n) => Some(found.port(&port.name).unwrap_or(*n as u16)),
                    TargetPort::Name(name) => found.port(name),
                };
                let called = known.ports.iter().find(|p| p.name == port.name);
                if let (Some(target), Some(called)) = (target, called) {
                    out.push(found.endpoint(found.address.clone(), target, called.port as u16));
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
}

/// Workloads already made while deriving one host.
#[derive(Default)]
struct Shared {
    pods: BTreeMap<Key, Arc<Workload>>,
    /// By network.
    bare: BTreeMap<Str, Arc<Workload>>,
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
