//! VirtualServices by host.

use std::collections::{BTreeMap, BTreeSet};

use crate::api::{Kind, Spec};
use crate::base::{Host, Namespace, Str};
use crate::model::facts::{Handle, VirtualService};
use crate::model::snapshot::{Changes, FactKey};

use super::{Dirty, Index, delegate, put};

type Name = (Namespace, Str);

/// VirtualServices as facts, and which host each is for.
#[derive(Default)]
pub(super) struct Routes {
    facts: BTreeMap<Name, Handle<VirtualService>>,
    by_host: BTreeMap<Host, BTreeSet<Name>>,
}

impl Routes {
    /// The VirtualServices for exactly this host.
    pub(super) fn of(&self, host: &Host) -> impl Iterator<Item = &Handle<VirtualService>> {
        self.by_host.get(host).into_iter().flatten().filter_map(|name| self.facts.get(name))
    }

    /// One of them by its name.
    pub(super) fn fact(&self, namespace: &Namespace, name: &Str) -> Option<&Handle<VirtualService>> {
        self.facts.get(&(namespace.clone(), name.clone()))
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &Handle<VirtualService>> {
        self.facts.values()
    }

    /// Those, by age, name and namespace.
    fn sorted<'a>(names: impl Iterator<Item = &'a Handle<VirtualService>>) -> Vec<Handle<VirtualService>> {
        let mut list: Vec<_> = names.cloned().collect();
        list.sort_by(|a, b| (a.created, &a.name, &a.namespace).cmp(&(b.created, &b.name, &b.namespace)));
        list
    }
}

impl Index {
    pub(super) fn derive_routes(&mut self, dirty: &mut Dirty, changes: &mut Changes) {
        let mut hosts = BTreeSet::new();
        let mut wild = false;
        for name in std::mem::take(&mut dirty.routes) {
            let old = self.routes.facts.remove(&name);
            let new = self.virtual_service(&name).map(|v| Handle::renew(old.as_ref(), v));
            if old == new {
                self.routes.facts.extend(new.map(|v| (name, v)));
                continue;
            }
            for (fact, present) in [(&old, false), (&new, true)] {
                for host in fact.iter().flat_map(|v| &v.hosts) {
                    super::update(&mut self.routes.by_host, host.clone(), &name, present);
                    hosts.insert(host.clone());
                    wild |= host.is_wildcard();
                }
            }
            self.routes.facts.extend(new.map(|v| (name, v)));
        }
        for host in hosts {
            if host.is_wildcard() {
                continue;
            }
            let list = Routes::sorted(self.routes.of(&host));
            if put(&mut self.snapshot.routes, &host, (!list.is_empty()).then_some(list)) {
                changes.keys.insert(FactKey::Routes(host.clone()));
                changes.keys.insert(FactKey::AnyRoutes);
                dirty.scopes.insert(host);
            }
        }
        if wild {
            let wild = |v: &&Handle<VirtualService>| v.hosts.iter().any(Host::is_wildcard);
            self.snapshot.wild_routes = Handle::new(Routes::sorted(self.routes.facts.values().filter(wild)));
            changes.keys.insert(FactKey::WildRoutes);
        }
    }

    fn virtual_service(&self, (namespace, name): &Name) -> Option<VirtualService> {
        let object = self.get(Kind::VirtualService, namespace, name)?;
        let Spec::VirtualService(spec) = &object.spec else { return None };
        if spec.hosts.is_empty() {
            return None;
        }
        let domain = &self.options.domain;
        let export: BTreeSet<Str> = spec.export_to.iter().cloned().collect();
        let gateways = match spec.gateways.is_empty() {
            true => vec!["mesh".into()],
            false => spec.gateways.iter().map(|g| gateway(g, namespace)).collect(),
        };
        Some(VirtualService {
            name: name.clone(),
            namespace: namespace.clone(),
            created: object.meta.created,
            hosts: spec.hosts.iter().map(|h| delegate::resolve(h, namespace, domain)).collect(),
            gateways,
            export_to: self.export_to(&export, &self.snapshot.mesh.config.default_virtual_service_export_to, namespace),
            http: spec.http.clone(),
            tls: spec.tls.clone(),
            tcp: spec.tcp.clone(),
        })
    }

    pub(super) fn derive_authn(&mut self, dirty: &Dirty, changes: &mut Changes) {
        for namespace in &dirty.authn {
            let policies = self.of_kind(Kind::PeerAuthentication, namespace).filter_map(|o| match &o.spec {
                Spec::PeerAuthentication(p) => Some((o.meta.name.clone(), o.meta.created, p.clone())),
                _ => None,
            });
            let mut list: Vec<_> = policies.collect();
            list.sort_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
            if put(&mut self.snapshot.authn, namespace, (!list.is_empty()).then_some(list)) {
                changes.keys.insert(FactKey::Authn(namespace.clone()));
            }
        }
    }
}

/// A gateway as it is referred to: `mesh`, or `namespace/name` (istio `resolveGatewayName`).
fn gateway(name: &str, namespace: &Namespace) -> Str {
    match name {
        "mesh" => "mesh".into(),
        name if name.contains('/') => match name.strip_prefix("./") {
            Some(own) => format!("{namespace}/{own}").into(),
            None => name.into(),
        },
        // Old form: name.namespace.svc…
        name => match name.split_once('.') {
            Some((own, rest)) => format!("{}/{own}", rest.split('.').next().unwrap_or_default()).into(),
            None => format!("{namespace}/{name}").into(),
        },
    }
}
