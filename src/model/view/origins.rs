//! Where what a view hands out is from.
//!
//! A plan of one unit can be traced: the view then notes, beside the keys it is asked for, the origin of each fact that it
//! hands out, after visibility and selection had their say. What only planners can tell to matter (a Gateway's server on
//! the listener's port) they credit themselves. Views that nobody traces note nothing.
//!
//! Absent: what is only looked up on the way (a proxy's own pod, nodes, the identities behind certificates), and gateways
//! between networks.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use crate::api::{Key, Kind};
use crate::base::{Host, Labels, Namespace, Str};
use crate::model::facts::{Authenticator, Handle, PeerRules, Registry, Rule, Service, Sidecar, Target, VirtualService};

use super::{Scope, Snapshot, View};

/// What a fact is from, as far as the fact tells. [`Index::origins`](crate::model::index::Index::origins) knows the
/// objects.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The mesh's settings.
    Mesh,
    /// An object.
    Object(Key),
    /// The definitions of a host in a namespace.
    Definition(Host, Namespace, Registry),
    /// Whoever answers for a host in a namespace.
    Endpoints(Host, Namespace),
    /// A VirtualService with its delegates, or the Ingresses of a host.
    Routes(Namespace, Str),
    /// A Gateway, or the Ingress that makes one; `namespace/name`.
    Gateway(Str),
    /// The RequestAuthentications of a namespace that say this.
    Authenticator(Namespace, Handle<Authenticator>),
}

/// What a traced view notes.
#[derive(Default)]
pub(super) struct Trace {
    /// The resource that is asked about.
    name: Str,
    origins: RefCell<BTreeSet<Origin>>,
}

impl<'s> View<'s> {
    /// A view that notes where what it hands out is from, for the sake of one resource.
    pub fn traced(snapshot: &'s Snapshot, scope: &'s Scope, name: &Str) -> Self {
        let trace = Trace { name: name.clone(), ..Trace::default() };
        Self { trace: Some(Rc::new(trace)), ..Self::new(snapshot, scope) }
    }

    /// What was noted.
    pub fn into_origins(self) -> BTreeSet<Origin> {
        self.trace.map(|trace| trace.origins.take()).unwrap_or_default()
    }

    /// Whether a resource has to be planned: while one is traced, others of its unit need not.
    pub fn wants(&self, name: impl FnOnce() -> Str) -> bool {
        self.trace.as_ref().is_none_or(|trace| trace.name == name())
    }

    pub(super) fn credit(&self, origin: impl FnOnce() -> Origin) {
        if let Some(trace) = &self.trace {
            trace.origins.borrow_mut().insert(origin());
        }
    }

    fn credit_object(&self, kind: Kind, namespace: &Namespace, name: &Str) {
        self.credit(|| Origin::Object(Key::new(kind, namespace.clone(), name.clone())));
    }

    /// A service matters.
    pub fn credit_service(&self, service: &Service) {
        let kind = match service.registry {
            Registry::Kubernetes => Kind::Service,
            Registry::External => Kind::ServiceEntry,
        };
        self.credit_object(kind, &service.namespace, &service.object);
    }

    /// A service for which a workload answers matters.
    pub fn credit_target(&self, target: &Target) {
        self.credit(|| Origin::Definition(target.host.clone(), target.namespace.clone(), target.registry));
    }

    /// A VirtualService matters.
    pub fn credit_routes(&self, rule: &VirtualService) {
        self.credit(|| Origin::Routes(rule.namespace.clone(), rule.name.clone()));
    }

    /// A Gateway matters, `namespace/name`.
    pub fn credit_gateway(&self, gateway: &Str) {
        self.credit(|| Origin::Gateway(gateway.clone()));
    }

    /// A Telemetry matters.
    pub fn credit_telemetry(&self, namespace: &Namespace, name: &Str) {
        self.credit_object(Kind::Telemetry, namespace, name);
    }

    /// A Sidecar matters.
    pub fn credit_sidecar(&self, sidecar: &Sidecar) {
        self.credit_object(Kind::Sidecar, &sidecar.namespace, &sidecar.name);
    }

    /// PeerAuthentications matter to a workload; to a namespace as a whole if there are no labels.
    pub fn credit_peer_rules(&self, rules: &PeerRules, namespace: &Namespace, labels: &Labels) {
        if self.trace.is_none() {
            return;
        }
        let (root, own) = rules.in_force(labels);
        root.into_iter().for_each(|name| self.credit_object(Kind::PeerAuthentication, &self.snapshot.mesh.root, name));
        own.into_iter().for_each(|name| self.credit_object(Kind::PeerAuthentication, namespace, name));
    }

    /// The same for each of several workloads; nobody is looked at but while a resource is traced.
    pub fn credit_peers<'l>(
        &self,
        rules: &PeerRules,
        namespace: &Namespace,
        workloads: impl Iterator<Item = &'l Labels>,
    ) {
        if self.trace.is_some() {
            workloads.for_each(|labels| self.credit_peer_rules(rules, namespace, labels));
        }
    }

    pub(super) fn credit_services(&self, services: &[Handle<Service>]) {
        services.iter().for_each(|service| self.credit_service(service));
    }

    pub(super) fn credit_rule(&self, rule: &Rule) {
        rule.from.iter().for_each(|(namespace, name)| self.credit_object(Kind::DestinationRule, namespace, name));
    }

    pub(super) fn credit_policy(&self, namespace: &Namespace, name: &Str) {
        self.credit_object(Kind::AuthorizationPolicy, namespace, name);
    }
}
