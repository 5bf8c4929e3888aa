//! The only way to read a snapshot: from a scope, and on record.

mod authz;
mod connections;
mod definitions;
mod gateways;
mod origins;
mod routes;
mod rules;
mod scoped;
mod targets;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use crate::api::Key;
use crate::base::{Host, Labels, Namespace, Str};

use super::facts::{
    Authn, Credential, Distinctions, Endpoints, ExportTo, Filter, Handle, Identities, Instance, Mesh, Networks,
    PeerRules, PortMembers, Service, Telemetry, VirtualService,
};
use super::index::at;
use super::snapshot::{FactKey, Scope, Snapshot};

use origins::Trace;

pub use origins::Origin;

/// A snapshot as seen from a scope. Every read is recorded, so that a change of what was read, or of what was looked
/// for and not found, finds its readers.
pub struct View<'s> {
    snapshot: &'s Snapshot,
    scope: &'s Scope,
    /// The namespace of the callers; [`Scope::Public`] is one that no object can name.
    namespace: Namespace,
    /// Of a Sidecar's listeners the one that is looked through; all of them if absent.
    listener: Option<usize>,
    reads: Rc<RefCell<Vec<FactKey>>>,
    trace: Option<Rc<Trace>>,
}

impl<'s> View<'s> {
    /// A view from a scope.
    pub fn new(snapshot: &'s Snapshot, scope: &'s Scope) -> Self {
        let namespace = match scope {
            Scope::Public => Namespace::default(),
            Scope::Namespace(namespace) | Scope::Sidecar(namespace, _) => namespace.clone(),
        };
        Self { snapshot, scope, namespace, listener: None, reads: Rc::default(), trace: None }
    }

    /// The scope.
    pub fn scope(&self) -> &'s Scope {
        self.scope
    }

    /// What was read, in order, with repetitions.
    pub fn into_reads(self) -> Vec<FactKey> {
        self.reads.take()
    }

    /// Settings of the whole mesh.
    pub fn mesh(&self) -> &'s Handle<Mesh> {
        self.note(FactKey::Mesh);
        self.credit(|| Origin::Mesh);
        &self.snapshot.mesh
    }

    /// All hosts that some service has, visible or not, but for those that no Sidecar lets through; in order. Not
    /// recorded: planners have a unit for each.
    pub fn hosts(&self) -> Box<dyn Iterator<Item = &'s Host> + 's> {
        match self.egress() {
            Some(egress) => Box::new(self.collectable(egress).into_iter()),
            None => Box::new(self.snapshot.services.keys()),
        }
    }

    /// All hosts of VirtualServices, exact ones. Not recorded: planners have a unit for each.
    pub fn routed_hosts(&self) -> impl Iterator<Item = &'s Host> {
        self.snapshot.routes.keys()
    }

    /// All port numbers that some service has. Not recorded: planners have a unit for each.
    pub fn ports(&self) -> Box<dyn Iterator<Item = u16> + 's> {
        match self.egress() {
            Some(egress) => {
                let services = self.imported_on(egress, None);
                let numbers: BTreeSet<u16> = services.iter().flat_map(|s| &s.ports).map(|p| p.number).collect();
                Box::new(numbers.into_iter())
            }
            None => Box::new(self.snapshot.ports.keys().copied()),
        }
    }

    /// Hosts with a port of that number, visible or not, in order.
    pub fn hosts_on_port(&self, port: u16) -> Option<&'s Handle<BTreeSet<Host>>> {
        self.members_on_port(port).map(|members| &members.hosts)
    }

    /// All definitions with a port of that number, visible or not. Readers need no further read of any of them.
    pub fn members_on_port(&self, port: u16) -> Option<&'s Handle<PortMembers>> {
        self.note(FactKey::Port(port));
        self.snapshot.ports.get(&port)
    }

    /// The host of a service that a provider of the mesh config names, if it is there; whoever may see it.
    pub fn located(&self, service: &str) -> Option<Host> {
        let (host, there) = self.snapshot.located(service);
        self.note(FactKey::Service(host.clone()));
        self.snapshot.services.get(&host).into_iter().filter(|_| there).for_each(|all| self.credit_services(all));
        there.then_some(host)
    }

    /// The endpoints of a definition.
    pub fn endpoints(&self, service: &Service) -> Option<&'s Handle<Endpoints>> {
        self.credit(|| Origin::Endpoints(service.host.clone(), service.namespace.clone()));
        self.endpoints_of(service)
    }

    /// [`View::endpoints`], for the view's own use.
    fn endpoints_of(&self, service: &Service) -> Option<&'s Handle<Endpoints>> {
        self.note(FactKey::Endpoints(service.host.clone()));
        self.snapshot.endpoints.get(&(service.host.clone(), service.namespace.clone()))
    }

    /// Who the endpoints of a definition are. `None` where it has no endpoints known to the control plane.
    pub fn identities(&self, service: &Service) -> Option<&'s Handle<Identities>> {
        self.note(FactKey::Identities(service.host.clone()));
        self.snapshot.identities.get(&(service.host.clone(), service.namespace.clone()))
    }

    /// What a Secret or a ConfigMap has for gateways.
    pub fn credential(&self, key: &Key) -> Option<&'s Handle<Credential>> {
        self.note(FactKey::Credential(key.clone()));
        let found = self.snapshot.credentials.get(key);
        found.iter().for_each(|_| self.credit(|| Origin::Object(key.clone())));
        found
    }

    /// All Secrets and ConfigMaps that have something for gateways. Not recorded: planners have a unit for each.
    pub fn credentials(&self) -> impl Iterator<Item = &'s Key> {
        self.snapshot.credentials.keys()
    }

    /// How networks are entered.
    pub fn networks(&self) -> &'s Handle<Networks> {
        self.note(FactKey::Networks);
        &self.snapshot.networks
    }

    /// What about proxies makes a difference.
    pub fn distinctions(&self) -> &'s Handle<Distinctions> {
        self.note(FactKey::Distinctions);
        &self.snapshot.distinctions
    }

    /// The VirtualServices of sidecars that have this very host, or a wildcard that overlaps it; visible ones only,
    /// those of the caller's namespace alone first, then those exported to it by name, each group oldest first.
    pub fn virtual_services(&self, host: &Host) -> Vec<Handle<VirtualService>> {
        let all = self.routing(host);
        all.iter().for_each(|rule| self.credit_routes(rule));
        all
    }

    /// [`View::virtual_services`], for the view's own use.
    fn routing(&self, host: &Host) -> Vec<Handle<VirtualService>> {
        self.note(FactKey::Routes(host.clone()));
        self.note(FactKey::WildRoutes);
        let exact = self.snapshot.routes.get(host).into_iter().flat_map(|routes| routes.seen_from(&self.namespace));
        let wild =
            self.snapshot.wild_routes.iter().filter(|v| v.hosts.iter().any(|h| h.is_wildcard() && h.matches(host)));
        let mut all: Vec<_> = exact.chain(wild).filter(|v| self.routes_by(v)).cloned().collect();
        all.sort_by(|a, b| self.order(a).cmp(&self.order(b)));
        all.dedup();
        all
    }

    /// Whether sidecars use a VirtualService here.
    fn routes_by(&self, rule: &VirtualService) -> bool {
        let through = || self.egress().is_none_or(|e| self.lets_through(e, rule));
        rule.in_mesh() && rule.export_to.includes(&self.namespace) && through()
    }

    /// The PeerAuthentications of a namespace, oldest first.
    pub fn authn(&self, namespace: &Namespace) -> Option<&'s Handle<Authn>> {
        self.note(FactKey::Authn(namespace.clone()));
        self.snapshot.authn.get(namespace)
    }

    /// The EnvoyFilters of a namespace, in the order in which they are applied.
    pub fn filters(&self, namespace: &Namespace) -> Option<&'s Handle<Vec<Filter>>> {
        self.note(FactKey::Filters(namespace.clone()));
        self.snapshot.filters.get(namespace)
    }

    /// The Telemetries of a namespace, oldest first.
    pub fn telemetry(&self, namespace: &Namespace) -> &'s [Telemetry] {
        self.note(FactKey::Telemetry(namespace.clone()));
        self.snapshot.telemetry.get(namespace).map(|list| list.as_slice()).unwrap_or_default()
    }

    /// The PeerAuthentications that may concern workloads of a namespace.
    pub fn peer_rules(&self, namespace: &Namespace) -> PeerRules {
        let root = &self.mesh().root;
        let own = if namespace == root { None } else { self.authn(namespace).cloned() };
        let rules = PeerRules { root: self.authn(root).cloned(), own };
        self.credit_peer_rules(&rules, namespace, &Labels::new());
        rules
    }

    /// A cluster as services name it: the control plane's own is ``, as is one that is not known.
    pub fn cluster<'a>(&self, stated: &'a str) -> &'a str {
        if self.distinctions().clusters.contains(stated) { stated } else { "" }
    }

    /// What is known about an address in the cluster that a proxy states.
    pub fn instance(&self, cluster: &str, address: &Str) -> Option<&'s Handle<Instance>> {
        let key = at(self.cluster(cluster), address);
        self.note(FactKey::Address(key.clone()));
        self.snapshot.addresses.get(&key)
    }

    /// Services of a namespace that select workloads by labels.
    pub fn selecting(&self, namespace: &Namespace) -> Option<&'s Handle<BTreeSet<Host>>> {
        self.note(FactKey::Selectors(namespace.clone()));
        self.snapshot.selectors.get(namespace)
    }

    /// What is private to the caller's namespace first, then what is exported to it by name, then the rest; each by
    /// age, name and namespace (istio `pilot/pkg/model/virtualservice.go`, `SelectVirtualServices`).
    fn order<'v>(&self, v: &'v VirtualService) -> (u8, i64, &'v Str, &'v Namespace) {
        let rank = match v.export_to {
            ExportTo::Only(_) if v.namespace == self.namespace => 0,
            ExportTo::Only(_) => 1,
            ExportTo::All => 2,
        };
        (rank, v.created, &v.name, &v.namespace)
    }

    fn note(&self, key: FactKey) {
        self.reads.borrow_mut().push(key);
    }
}
