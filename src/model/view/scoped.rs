//! What a Sidecar lets through (istio `pilot/pkg/model/sidecar.go`).
//!
//! Hosts are looked at one by one, when they are asked for: whether a Sidecar lets a host through follows from the host's
//! definitions and from the VirtualServices that lead to it, so that nobody has to go through all services.

use std::collections::BTreeSet;

use crate::base::{Host, Labels, Namespace};
use crate::model::facts::{Egress, EgressListener, ExportTo, Handle, Registry, Service, Sidecar, VirtualService};

use super::definitions::like;
use super::{FactKey, Scope, View};

impl<'s> View<'s> {
    /// The Sidecar that applies to a workload: of its namespace the first that selects it, else that of the root
    /// namespace for all (istio `pilot/pkg/model/push_context.go`, `doGetSidecarScope`). The labels are asked for only
    /// where they matter.
    pub fn sidecar(&self, namespace: &Namespace, labels: impl FnOnce() -> Labels) -> Option<Handle<Sidecar>> {
        let own = self.sidecars(namespace);
        let selects = own.iter().any(|s| s.selector.is_some());
        let labels = if selects { labels() } else { Labels::new() };
        let chosen = |s: &&Handle<Sidecar>| {
            s.selector.as_ref().is_none_or(|wanted| wanted.iter().all(|(k, v)| labels.get(k) == Some(v)))
        };
        let root = || self.sidecars(&self.mesh().root).iter().find(|s| s.selector.is_none());
        own.iter().find(chosen).or_else(root).cloned()
    }

    fn sidecars(&self, namespace: &Namespace) -> &'s [Handle<Sidecar>] {
        self.note(FactKey::Sidecars(namespace.clone()));
        self.snapshot.sidecars.get(namespace).map(|list| list.as_slice()).unwrap_or_default()
    }

    /// The view through one of the Sidecar's listeners, whose hosts and routes are its own. Its reads are noted here.
    pub fn through(&self, listener: usize) -> Self {
        Self {
            listener: Some(listener),
            reads: self.reads.clone(),
            namespace: self.namespace.clone(),
            trace: self.trace.clone(),
            ..*self
        }
    }

    /// What a Sidecar lets through, if one restricts that.
    pub fn egress(&self) -> Option<&'s Egress> {
        match self.scope {
            Scope::Sidecar(_, egress) => Some(egress),
            Scope::Public | Scope::Namespace(_) => None,
        }
    }

    /// The listeners that are looked through.
    fn listeners(&self, egress: &'s Egress) -> &'s [EgressListener] {
        match self.listener {
            Some(index) => &egress.listeners[index..=index],
            None => &egress.listeners,
        }
    }

    /// Whether a VirtualService counts for what is looked through.
    pub(super) fn lets_through(&self, egress: &'s Egress, rule: &VirtualService) -> bool {
        self.listeners(egress).iter().any(|listener| listener.routes_by(rule, &self.namespace))
    }

    /// The definitions that listeners let through, each once.
    pub(super) fn imported(&self, egress: &'s Egress, host: &Host) -> Vec<Handle<Service>> {
        let visible = self.visible(host);
        let mut all: Vec<Handle<Service>> = Vec::new();
        for listener in self.listeners(egress) {
            for service in self.through_listener(listener, &visible) {
                if !all.iter().any(|s| s.object == service.object && s.namespace == service.namespace) {
                    all.push(service);
                }
            }
        }
        all
    }

    fn through_listener(&self, listener: &EgressListener, visible: &[Handle<Service>]) -> Vec<Handle<Service>> {
        let mut found: Vec<_> = visible.iter().filter_map(|s| listener.import(s, &self.namespace)).collect();
        if let Some(home) = self.home(&found) {
            found.retain(|s| s.namespace == home);
        }
        if listener.is_exact() {
            // Of hosts named in full, a namespace has one definition (`servicesForExactHosts`).
            found.sort_by_key(|s| s.registry != Registry::Kubernetes);
            found.truncate(1);
        }
        found
    }

    /// The service of a host: what the listeners let through, and after it what routes of theirs lead to (istio
    /// `collectImportedServices`).
    pub(super) fn collected(&self, egress: &'s Egress, host: &Host) -> Option<Handle<Service>> {
        let visible = self.visible(host);
        self.note(FactKey::Leading(host.clone()));
        let leading = self.snapshot.leading.get(host).map(|l| l.as_slice()).unwrap_or_default();
        let mut leading: Vec<_> = leading.iter().filter(|v| v.export_to.includes(&self.namespace)).collect();
        leading.sort_by(|a, b| self.order(a).cmp(&self.order(b)));
        let mut sum = None;
        for listener in &egress.listeners {
            for service in self.through_listener(listener, &visible) {
                add(&mut sum, service);
            }
            for route in leading.iter().filter(|v| listener.routes_by(v, &self.namespace)) {
                let destinations = route.destinations(Some(&self.namespace)).filter(|d| *d.host == **host);
                let numbers: BTreeSet<Option<u32>> = destinations.map(|d| d.port.map(|p| p.number)).collect();
                if numbers.is_empty() {
                    continue;
                }
                let found = self.destination(host, &visible);
                let trimmed = found.and_then(|service| match listener.needs_port() {
                    Some(_) => listener.on_port(&service),
                    None => on_ports(&service, &numbers),
                });
                if sum.is_none() && trimmed.is_some() {
                    // It is let through for the sake of the route alone.
                    self.credit_routes(route);
                }
                trimmed.into_iter().for_each(|service| add(&mut sum, service));
            }
        }
        sum.iter().for_each(|service| self.credit_service(service));
        sum
    }

    /// The definition that a route means: that of the own namespace, visible or not; else Kubernetes' before others, the
    /// older before the younger.
    fn destination(&self, host: &Host, visible: &[Handle<Service>]) -> Option<Handle<Service>> {
        let kubernetes = |s: &&Handle<Service>| s.registry == Registry::Kubernetes;
        let all = self.snapshot.services.get(host).map(|s| s.as_slice()).unwrap_or_default();
        let own = || all.iter().filter(|s| s.namespace == self.namespace);
        let own = own().find(kubernetes).or_else(|| own().next());
        let oldest = || visible.iter().min_by_key(|s| s.created);
        own.or_else(|| visible.iter().find(kubernetes)).or_else(oldest).cloned()
    }

    /// All hosts that may be let through: those that listeners name, and those that routes of theirs lead to. Not
    /// recorded: planners have a unit for each.
    pub(super) fn collectable(&self, egress: &'s Egress) -> BTreeSet<&'s Host> {
        let mut all = BTreeSet::new();
        egress.listeners.iter().for_each(|listener| self.candidates(listener, None, &mut all));
        let through = |v: &Handle<VirtualService>| egress.listeners.iter().any(|l| l.routes_by(v, &self.namespace));
        let led = self.snapshot.leading.iter().filter(|(_, routes)| routes.iter().any(through));
        all.extend(led.map(|(host, _)| host));
        all
    }

    /// Adds the hosts that a listener may let through, perhaps only those with a port.
    fn candidates(&self, listener: &'s EgressListener, port: Option<u16>, out: &mut BTreeSet<&'s Host>) {
        let imports = &listener.imports;
        let own = (&self.namespace, &imports.own);
        for (namespace, hosts) in imports.named.iter().chain([own]).filter(|(_, h)| !h.wild.is_empty()) {
            self.note(FactKey::Home(namespace.clone()));
            let homes = self.snapshot.homes.get(namespace).into_iter().flat_map(|h| h.iter());
            out.extend(homes.filter(|host| hosts.wild.iter().any(|w| w.covers(host))));
        }
        let exact = imports.named.values().chain([&imports.own, &imports.any]).flat_map(|h| &h.exact);
        out.extend(exact);
        let under = |host: &&Host| imports.any.wild.iter().any(|w| w.covers(host));
        match port {
            _ if imports.any.wild.is_empty() => {}
            Some(number) => out.extend(self.hosts_on_port(number).into_iter().flat_map(|h| h.iter()).filter(under)),
            None => {
                self.note(FactKey::AnyPort);
                out.extend(self.snapshot.services.keys().filter(under));
            }
        }
    }

    /// Definitions that are let through, with a port of a number or with any, in the order in which istiod takes them.
    pub(super) fn imported_on(&self, egress: &'s Egress, port: Option<u16>) -> Vec<Handle<Service>> {
        let mut hosts = BTreeSet::new();
        let listeners = self.listeners(egress);
        listeners.iter().for_each(|listener| self.candidates(listener, port, &mut hosts));
        let mut all: Vec<_> = hosts.into_iter().flat_map(|host| self.imported(egress, host)).collect();
        all.retain(|s| port.is_none_or(|number| s.port(number).is_some()));
        let by_age = listeners.iter().all(EgressListener::is_exact);
        all.sort_by_key(|s| {
            let public = !by_age && s.export_to == ExportTo::All;
            (public, s.created, s.name.clone(), s.namespace.clone(), s.object.clone(), s.host.clone())
        });
        all
    }
}

/// Only ports that routes ask for; all of them if one asks for none in particular. A service without any of them is not
/// let through (istio `serviceMatchingVirtualServicePorts`).
fn on_ports(service: &Handle<Service>, numbers: &BTreeSet<Option<u32>>) -> Option<Handle<Service>> {
    if numbers.contains(&None) || numbers.contains(&Some(0)) {
        return Some(service.clone());
    }
    let asked = service.ports.iter().filter(|p| numbers.contains(&Some(p.number.into())));
    let ports: Vec<_> = asked.cloned().collect();
    match ports.len() {
        0 => None,
        n if n == service.ports.len() => Some(service.clone()),
        _ => Some(Handle::new(Service { ports, ..(**service).clone() })),
    }
}

/// Adds a definition to what there is of its host: Kubernetes' replaces others, and what is alike brings its ports (istio
/// `appendSidecarServices`).
fn add(sum: &mut Option<Handle<Service>>, service: Handle<Service>) {
    let Some(old) = sum else {
        *sum = Some(service);
        return;
    };
    match (old.registry, service.registry) {
        (Registry::Kubernetes, Registry::External) => {}
        (Registry::External, Registry::Kubernetes) => *sum = Some(service),
        _ if !like(old, &service) => {}
        _ => {
            let known = |number| old.ports.iter().any(|p| p.number == number);
            let new: Vec<_> = service.ports.iter().filter(|p| !known(p.number)).cloned().collect();
            if !new.is_empty() {
                let ports = old.ports.iter().cloned().chain(new).collect();
                *sum = Some(Handle::new(Service { ports, ..(**old).clone() }));
            }
        }
    }
}
