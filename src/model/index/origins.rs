//! From where facts are from to the objects behind them.

use std::collections::BTreeSet;

use crate::api::{Key, Kind, Spec};
use crate::base::{Host, Namespace, Str};
use crate::model::Origin;
use crate::model::facts::{Authenticator, Handle, Registry};

use super::{Index, Source, at, authz, ingress};

impl Index {
    /// The objects that facts are from, in the order of keys, each once. The mesh's settings count as the ConfigMap in
    /// which Istio keeps them, whatever they were read from.
    ///
    /// O(log objects) for each origin, and for endpoints O(endpoints); for what Ingresses made O(Ingresses).
    pub fn origins(&self, origins: &BTreeSet<Origin>) -> Vec<Key> {
        let mut found = BTreeSet::new();
        for origin in origins {
            match origin {
                Origin::Mesh => drop(found.insert(self.mesh_key())),
                Origin::Object(key) => drop(found.insert(key.clone())),
                Origin::Definition(host, namespace, registry) => {
                    let kind = match registry {
                        Registry::Kubernetes => Kind::Service,
                        Registry::External => Kind::ServiceEntry,
                    };
                    let all = self.defining.get(host).into_iter().flatten();
                    found.extend(all.filter(|key| key.kind == kind && key.namespace == *namespace).cloned());
                }
                Origin::Endpoints(host, namespace) => self.behind_endpoints(host, namespace, &mut found),
                Origin::Routes(namespace, name) => self.behind_routes(namespace, name, &mut found),
                Origin::Gateway(gateway) => self.behind_gateway(gateway, &mut found),
                Origin::Authenticator(namespace, said) => self.behind_authenticator(namespace, said, &mut found),
            }
        }
        found.into_iter().collect()
    }

    /// What the mesh's settings count as.
    pub fn mesh_key(&self) -> Key {
        let namespace = Namespace::new(self.options.system.clone());
        Key::new(Kind::ConfigMap, namespace, "istio".into())
    }

    /// Slices, and the pods and WorkloadEntries at the addresses.
    fn behind_endpoints(&self, host: &Host, namespace: &Namespace, found: &mut BTreeSet<Key>) {
        let defining = self.defining.get(host).into_iter().flatten().filter(|key| key.namespace == *namespace);
        for service in defining.filter(|key| key.kind == Kind::Service) {
            let slices = self.slices.get(&(service.namespace.clone(), service.name.clone()));
            found.extend(slices.into_iter().flatten().cloned());
        }
        let Some(endpoints) = self.snapshot.endpoints.get(&(host.clone(), namespace.clone())) else { return };
        // Pods may share the address of their node.
        let reads = self.endpoint_readers.reads(host);
        for endpoint in &endpoints.list {
            let named = &endpoint.workload.cluster;
            let cluster = if *named == self.options.cluster { Str::new() } else { named.clone() };
            for address in endpoint.addresses.iter().map(|address| at(&cluster, address)) {
                let read = |key: &&Key| {
                    key.kind == Kind::WorkloadEntry
                        || reads.binary_search(&Source::Pod(key.namespace.clone(), key.name.clone())).is_ok()
                        || reads.binary_search(&Source::Ip(address.clone())).is_ok()
                };
                let there = self.at_address.get(&address).into_iter().flatten();
                let own = there.filter(|key| key.namespace == endpoint.workload.namespace);
                found.extend(own.filter(read).cloned());
            }
        }
    }

    fn behind_routes(&self, namespace: &Namespace, name: &Str, found: &mut BTreeSet<Key>) {
        let key = |(namespace, name): &super::Name| Key::new(Kind::VirtualService, namespace.clone(), name.clone());
        let root = (namespace.clone(), name.clone());
        if self.get(Kind::VirtualService, namespace, name).is_some() {
            let delegates = self.routes.delegates(&root).iter().map(key);
            found.extend(delegates.filter(|key| self.objects.contains_key(key)));
            found.insert(key(&root));
            return;
        }
        let Some(made) = self.ingresses.routes.get(&root) else { return };
        for (key, object) in self.of_any_namespace(Kind::Ingress) {
            let Spec::Ingress(ingress) = &object.spec else { continue };
            let host = |said: &Str| if said.is_empty() { Host::from("*") } else { Host::new(said.clone()) };
            if ingress.rules.iter().any(|rule| rule.http.is_some() && made.hosts.contains(&host(&rule.host))) {
                found.insert(key.clone());
            }
        }
    }

    fn behind_gateway(&self, gateway: &Str, found: &mut BTreeSet<Key>) {
        let Some((namespace, name)) = gateway.split_once('/') else { return };
        let key = Key::new(Kind::Gateway, namespace.into(), name.into());
        if self.objects.contains_key(&key) {
            found.insert(key);
            return;
        }
        let ingresses = self.of_any_namespace(Kind::Ingress);
        found.extend(ingresses.filter(|(_, o)| ingress::gateway_name(&o.meta) == *name).map(|(key, _)| key.clone()));
    }

    fn behind_authenticator(&self, namespace: &Namespace, said: &Handle<Authenticator>, found: &mut BTreeSet<Key>) {
        let all = self.of_kind(Kind::RequestAuthentication, namespace);
        let same = all.filter(|object| authz::authenticator(object).as_ref() == Some(said));
        found.extend(same.map(|object| object.key()));
    }

    fn of_any_namespace(&self, kind: Kind) -> impl Iterator<Item = (&Key, &std::sync::Arc<crate::api::Object>)> {
        let from = Key::new(kind, Namespace::default(), Str::default());
        self.objects.range(from..).take_while(move |(key, _)| key.kind == kind && key.cluster.is_empty())
    }
}
