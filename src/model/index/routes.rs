//! VirtualServices by host.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use imbl::OrdMap;

use crate::api::virtual_service::{self, Delegate, HttpRoute};
use crate::api::{Kind, Object, Spec};
use crate::base::{Host, Namespace, Str};
use crate::model::facts::{Handle, HostRoutes, VirtualService};
use crate::model::reads::Readers;
use crate::model::snapshot::{Changes, FactKey};

use super::{Dirty, Index, delegate, put};

/// Namespace and name of a VirtualService.
pub(in crate::model) type Name = (Namespace, Str);

/// A VirtualService with its delegates in their places.
struct Merged {
    rule: virtual_service::VirtualService,
    delegates: Vec<Name>,
    /// Delegates and routes of theirs that are not in force.
    dropped: Vec<delegate::Dropped>,
}

/// VirtualServices as facts, and which host each is for.
#[derive(Default)]
pub(super) struct Routes {
    facts: BTreeMap<Name, Handle<VirtualService>>,
    by_host: BTreeMap<Host, BTreeSet<Name>>,
    /// By the hosts that their routes lead to; those of sidecars alone.
    leading: BTreeMap<Host, BTreeSet<Name>>,
    /// By the Gateways they are bound to.
    by_gateway: BTreeMap<Str, BTreeSet<Name>>,
    /// Which VirtualServices go on with which others, there or not.
    delegating: Readers<Name, Name>,
    /// Of which VirtualServices delegates, or routes of theirs, are not in force.
    dropped: OrdMap<Name, Arc<[delegate::Dropped]>>,
}

impl Routes {
    /// The VirtualServices for exactly this host.
    pub(super) fn of(&self, host: &Host) -> impl Iterator<Item = &Handle<VirtualService>> {
        self.by_host.get(host).into_iter().flatten().filter_map(|name| self.facts.get(name))
    }

    /// The delegates of a VirtualService, there or not.
    pub(super) fn delegates(&self, root: &Name) -> &[Name] {
        self.delegating.reads(root)
    }

    /// The VirtualServices bound to a Gateway.
    fn bound_to(&self, gateway: &Str) -> impl Iterator<Item = &Handle<VirtualService>> {
        self.by_gateway.get(gateway).into_iter().flatten().filter_map(|name| self.facts.get(name))
    }

    /// All hosts that some VirtualService is for.
    pub(super) fn hosts(&self) -> impl Iterator<Item = &Host> {
        self.by_host.keys()
    }

    /// What is not in force of delegates, by the VirtualService that goes on with them.
    pub(super) fn dropped(&self) -> &OrdMap<Name, Arc<[delegate::Dropped]>> {
        &self.dropped
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
        let mut gateways = BTreeSet::new();
        let mut wild = false;
        let mut led = BTreeSet::new();
        let mut names = std::mem::take(&mut dirty.routes);
        let roots: Vec<Name> = names.iter().flat_map(|name| self.routes.delegating.of(name)).cloned().collect();
        names.extend(roots);
        for name in names {
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
                for to in fact.iter().filter(|v| v.in_mesh()).flat_map(|v| v.destinations(None)) {
                    let host = Host::new(to.host.clone());
                    super::update(&mut self.routes.leading, host.clone(), &name, present);
                    led.insert(host);
                }
                for gateway in fact.iter().flat_map(|v| &v.gateways).filter(|g| *g != "mesh") {
                    super::update(&mut self.routes.by_gateway, gateway.clone(), &name, present);
                    gateways.insert(gateway.clone());
                }
            }
            self.routes.facts.extend(new.map(|v| (name, v)));
        }
        for gateway in gateways {
            let list = Routes::sorted(self.routes.bound_to(&gateway));
            if put(&mut self.snapshot.bound, &gateway, (!list.is_empty()).then_some(list)) {
                changes.keys.insert(FactKey::Bound(gateway));
            }
        }
        for host in hosts {
            if host.is_wildcard() {
                dirty.scopes.insert(host);
                continue;
            }
            let list = Routes::sorted(self.routes.of(&host));
            let routes = (!list.is_empty()).then(|| HostRoutes::new(list));
            if put(&mut self.snapshot.routes, &host, routes) {
                changes.keys.insert(FactKey::Routes(host.clone()));
                changes.keys.insert(FactKey::AnyRoutes);
                dirty.scopes.insert(host);
            }
        }
        for host in led {
            let names = self.routes.leading.get(&host).into_iter().flatten();
            let list = Routes::sorted(names.filter_map(|name| self.routes.facts.get(name)));
            if put(&mut self.snapshot.leading, &host, (!list.is_empty()).then_some(list)) {
                changes.keys.insert(FactKey::Leading(host));
            }
        }
        if wild {
            let wild = |v: &&Handle<VirtualService>| v.hosts.iter().any(Host::is_wildcard);
            self.snapshot.wild_routes = Handle::new(Routes::sorted(self.routes.facts.values().filter(wild)));
            changes.keys.insert(FactKey::WildRoutes);
        }
    }

    /// A VirtualService with its delegates; `None` for one without hosts, which is a delegate.
    fn virtual_service(&mut self, root: &Name) -> Option<VirtualService> {
        let (namespace, name) = root;
        self.routes.delegating.forget(root);
        self.routes.dropped.remove(root);
        let Some(object) = self.get(Kind::VirtualService, namespace, name).cloned() else {
            return self.ingresses.routes.get(root).cloned();
        };
        let Spec::VirtualService(spec) = &object.spec else { return None };
        if spec.hosts.is_empty() {
            return None;
        }
        let merged = self.merged(spec, namespace);
        if !merged.delegates.is_empty() {
            self.routes.delegating.record(root, merged.delegates);
        }
        if !merged.dropped.is_empty() {
            self.routes.dropped.insert(root.clone(), merged.dropped.into());
        }
        let export: BTreeSet<Str> = spec.export_to.iter().cloned().collect();
        let gateways = match spec.gateways.is_empty() {
            true => vec!["mesh".into()],
            false => spec.gateways.iter().map(|g| delegate::gateway(g, namespace)).collect(),
        };
        Some(VirtualService {
            name: name.clone(),
            namespace: namespace.clone(),
            created: object.meta.created,
            hosts: spec.hosts.iter().map(|h| delegate::resolve(h, namespace, &self.options.domain)).collect(),
            gateways,
            export_to: self.export_to(&export, &self.snapshot.mesh.config.default_virtual_service_export_to, namespace),
            http: merged.rule.http,
            tls: merged.rule.tls,
            tcp: merged.rule.tcp,
            by_path_segment: false,
        })
    }

    /// Completes short names and puts delegates in their places.
    fn merged(&self, spec: &virtual_service::VirtualService, namespace: &Namespace) -> Merged {
        let mut rule = spec.clone();
        delegate::complete(&mut rule, namespace, &self.options.domain);
        let mut delegates = Vec::new();
        let (http, dropped) = delegate::merge(std::mem::take(&mut rule.http), |to| {
            let (delegate, routes) = self.delegate(to, namespace);
            delegates.push(delegate);
            routes
        });
        rule.http = http;
        Merged { rule, delegates, dropped }
    }

    /// The routes of a delegate, or a sentence that says why there are none.
    fn delegate(&self, to: &Delegate, root: &Namespace) -> (Name, Result<Vec<HttpRoute>, Str>) {
        let namespace = if to.namespace.is_empty() { root.clone() } else { Namespace::new(to.namespace.clone()) };
        let name = (namespace.clone(), to.name.clone());
        let missing =
            |why: &str| Err(format!("the delegate {namespace}/{} {why}; this route is ignored", to.name).into());
        let object: Option<&Object> = self.get(Kind::VirtualService, &namespace, &to.name).map(AsRef::as_ref);
        let Some(Spec::VirtualService(spec)) = object.map(|o| &o.spec) else {
            return (name, missing("does not exist or is not valid"));
        };
        if !spec.hosts.is_empty() {
            return (name, missing("has hosts of its own and so is no delegate"));
        }
        let export: BTreeSet<Str> = spec.export_to.iter().cloned().collect();
        let default = &self.snapshot.mesh.config.default_virtual_service_export_to;
        if !self.export_to(&export, default, &namespace).includes(root) {
            return (name, missing(&format!("is not exported to {root}")));
        }
        let mut spec = spec.clone();
        delegate::complete(&mut spec, &namespace, &self.options.domain);
        (name, Ok(spec.http))
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
