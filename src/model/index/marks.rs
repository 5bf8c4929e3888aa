//! What has to be derived again because of an object, or of new settings.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::api::{Key, Kind, Object, Spec};
use crate::base::{Host, Namespace, Str};

use super::{Index, at, delegate, services, update};

/// What the derivation of a host's endpoints looked at besides the host's own objects.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    /// An address of a cluster; see [`at`].
    Ip(Str),
    /// In whatever cluster, as the next two.
    Pod(Namespace, Str),
    Node(Str),
    /// Which pods and WorkloadEntries there are in a namespace.
    Workloads(Namespace),
}

/// What has to be derived again.
#[derive(Default)]
pub(super) struct Dirty {
    pub(super) services: BTreeSet<Host>,
    pub(super) endpoints: BTreeSet<Host>,
    pub(super) rules: BTreeSet<(Namespace, Host)>,
    pub(super) routes: BTreeSet<(Namespace, Str)>,
    pub(super) authn: BTreeSet<Namespace>,
    pub(super) authz: BTreeSet<Namespace>,
    pub(super) authenticators: BTreeSet<Namespace>,
    pub(super) sidecars: BTreeSet<Namespace>,
    pub(super) filters: BTreeSet<Namespace>,
    pub(super) telemetry: BTreeSet<Namespace>,
    pub(super) addresses: BTreeSet<Str>,
    pub(super) selectors: BTreeSet<Namespace>,
    pub(super) sources: BTreeSet<Source>,
    /// Hosts whose visibility may have changed.
    pub(super) scopes: BTreeSet<Host>,
    pub(super) aliases: bool,
    pub(super) credentials: BTreeSet<Key>,
    /// Gateways between networks, and which endpoints are on which.
    pub(super) networks: bool,
    pub(super) gateways: bool,
    pub(super) ingresses: bool,
}

impl Index {
    /// Registers an object in (or removes it from) the direct indexes, and marks what follows from it.
    pub(super) fn mark(&mut self, object: &Arc<Object>, present: bool, dirty: &mut Dirty) {
        let key = object.key();
        let namespace = &object.meta.namespace;
        match &object.spec {
            Spec::Service(service) => {
                let host = services::kubernetes_host(&object.meta, &self.options.domain);
                update(&mut self.defining, host.clone(), &key, present);
                dirty.aliases |= services::is_alias(service);
                dirty.ingresses |= self.ingresses.asks_for(namespace, &object.meta.name);
                dirty.endpoints.insert(host.clone());
                self.mark_gateway(&object.meta, &host, &key, present, dirty);
                dirty.services.insert(host);
                dirty.selectors.insert(namespace.clone());
            }
            Spec::ServiceEntry(entry) => {
                for host in services::entry_hosts(entry) {
                    update(&mut self.defining, host.clone(), &key, present);
                    dirty.endpoints.insert(host.clone());
                    dirty.services.insert(host);
                }
                dirty.selectors.insert(namespace.clone());
            }
            Spec::EndpointSlice(_) => {
                if let Some(service) = object.meta.labels.get("kubernetes.io/service-name") {
                    update(&mut self.slices, (namespace.clone(), service.clone()), &key, present);
                    dirty.endpoints.insert(services::host_of(service, namespace, &self.options.domain));
                }
            }
            Spec::Pod(pod) => {
                dirty.sources.insert(Source::Pod(namespace.clone(), object.meta.name.clone()));
                dirty.sources.insert(Source::Workloads(namespace.clone()));
                for ip in &pod.ips {
                    self.mark_address(ip, &key, present, dirty);
                }
            }
            Spec::WorkloadEntry(entry) => {
                dirty.sources.insert(Source::Workloads(namespace.clone()));
                self.mark_address(&entry.workload.address, &key, present, dirty);
            }
            Spec::Node(_) => {
                dirty.networks = true;
                dirty.sources.insert(Source::Node(object.meta.name.clone()));
                let cluster = &object.meta.cluster;
                let on_node = |o: &&Arc<Object>| {
                    o.meta.cluster == *cluster && matches!(&o.spec, Spec::Pod(p) if p.node_name == object.meta.name)
                };
                let ips = self.objects.values().filter(on_node).flat_map(|o| match &o.spec {
                    Spec::Pod(pod) => pod.ips.iter().map(|ip| at(cluster, ip)).collect(),
                    _ => Vec::new(),
                });
                dirty.addresses.extend(ips);
            }
            Spec::Namespace(_) => {
                dirty.networks |= object.meta.name == self.options.system;
                let own = self
                    .defining
                    .iter()
                    .filter(|(_, keys)| keys.iter().any(|k| k.namespace.str() == &object.meta.name));
                dirty.services.extend(own.map(|(host, _)| host.clone()));
            }
            Spec::DestinationRule(rule) => {
                let host = delegate::resolve(&rule.host, namespace, &self.options.domain);
                self.rules.update(namespace, &host, &key, present);
                dirty.rules.insert((namespace.clone(), host));
            }
            Spec::VirtualService(_) => {
                dirty.routes.insert((namespace.clone(), object.meta.name.clone()));
            }
            Spec::PeerAuthentication(_) => {
                dirty.authn.insert(namespace.clone());
            }
            Spec::AuthorizationPolicy(_) => {
                dirty.authz.insert(namespace.clone());
            }
            Spec::RequestAuthentication(_) => {
                dirty.authenticators.insert(namespace.clone());
            }
            Spec::Telemetry(_) => {
                dirty.telemetry.insert(namespace.clone());
            }
            Spec::Sidecar(_) => {
                dirty.sidecars.insert(namespace.clone());
            }
            Spec::Secret(_) | Spec::Opaque(Kind::ConfigMap, _) => {
                dirty.credentials.insert(key);
            }
            Spec::EnvoyFilter(_) => {
                dirty.filters.insert(namespace.clone());
            }
            Spec::Gateway(_) => dirty.gateways = true,
            Spec::Ingress(_) | Spec::IngressClass(_) => dirty.ingresses = true,
            _ => {}
        }
    }

    fn mark_address(&mut self, ip: &Str, key: &Key, present: bool, dirty: &mut Dirty) {
        let ip = &at(&key.cluster, ip);
        update(&mut self.at_address, ip.clone(), key, present);
        dirty.sources.insert(Source::Ip(ip.clone()));
        dirty.addresses.insert(ip.clone());
    }

    /// New settings of the mesh may touch every fact: default visibility, trust domain, root namespace.
    pub(super) fn mark_everything(&mut self, dirty: &mut Dirty) {
        dirty.networks = true;
        dirty.ingresses = true;
        dirty.services.extend(self.defining.keys().cloned());
        dirty.endpoints.extend(self.defining.keys().cloned());
        dirty.rules.extend(self.rules.keys());
        dirty.addresses.extend(self.at_address.keys().cloned());
        dirty.scopes.extend(self.defining.keys().cloned());
        dirty.routes.extend(self.ingresses.routes.keys().cloned());
        let routes = self.objects.keys().filter(|k| k.kind == Kind::VirtualService);
        dirty.routes.extend(routes.map(|k| (k.namespace.clone(), k.name.clone())));
    }
}
