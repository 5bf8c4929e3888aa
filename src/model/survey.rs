//! What is odd in objects that are fine each by itself: names that nothing answers to, two claims to one host, routes
//! and rules that are never used.
//!
//! Comes in: all objects and facts of one revision, as [`Survey`] holds them. Goes out: findings, sorted.
//!
//! A survey is taken in no time (its maps share their nodes with the index) and looked at wherever there is time for
//! it: never on the engine's thread, never because something changed. Looking costs about as much as the objects are
//! many; nothing in it is quadratic in how many objects speak of one host.
//!
//! Severity: where calls fail that follow what is written, it is an error; what has no effect, or not the one that it
//! seems to have, is a warning; what is odd and works as written is an information.

mod annotations;
mod authz;
mod destinations;
mod endpoints;
mod entries;
mod filters;
mod gateways;
mod identity;
mod known;
mod notes;
mod routes;
mod rules;
mod security;
mod services;
mod sidecars;
mod telemetry;
mod visibility;

use std::sync::Arc;

use imbl::OrdMap;

use crate::api::{Key, Kind, Object, Spec};
use crate::base::{Finding, Namespace, Str};

use super::index::{Allocations, Dropped, Name};
use super::snapshot::Snapshot;
use known::Known;
use notes::Notes;

/// All objects of one revision and the facts that follow from them. Cheap to take and to clone.
#[derive(Clone)]
pub struct Survey {
    pub(super) objects: OrdMap<Key, Arc<Object>>,
    /// Those of namespaces that do not belong to the mesh.
    pub(super) hidden: OrdMap<Key, Arc<Object>>,
    pub(super) snapshot: Snapshot,
    pub(super) dropped: OrdMap<Name, Arc<[Dropped]>>,
    pub(super) allocations: Allocations,
}

impl Survey {
    /// An object of the mesh.
    pub fn object(&self, key: &Key) -> Option<&Arc<Object>> {
        self.objects.get(key)
    }

    /// All objects of a kind in the own cluster, by namespace and name.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Arc<Object>> {
        let first = Key::new(kind, Namespace::default(), Str::new());
        let own = move |key: &Key| key.kind == kind && key.cluster.is_empty();
        self.objects.range(first..).take_while(move |(key, _)| own(key)).map(|(_, object)| object)
    }

    /// The virtual addresses that were given.
    pub fn allocations(&self) -> &Allocations {
        &self.allocations
    }

    /// All objects of the mesh, by key.
    pub fn objects(&self) -> impl Iterator<Item = &Arc<Object>> {
        self.objects.values()
    }

    /// The facts that follow from them.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Everything odd, sorted.
    pub fn findings(&self) -> Vec<Finding> {
        let known = &Known::new(self);
        let mut out = Vec::new();
        // What is odd in other clusters is for those who look after them.
        for object in self.objects.values().filter(|object| object.meta.cluster.is_empty()) {
            let notes = &mut Notes::new(object, &mut out);
            annotations::annotations(notes);
            match &object.spec {
                Spec::VirtualService(spec) => routes::virtual_service(spec, known, notes),
                Spec::DestinationRule(spec) => rules::destination_rule(spec, known, notes),
                Spec::ServiceEntry(spec) => entries::service_entry(spec, known, notes),
                Spec::WorkloadEntry(spec) => entries::workload_entry(&spec.workload, known, notes),
                Spec::Service(spec) => services::service(spec, known, notes),
                Spec::EndpointSlice(spec) => endpoints::endpoint_slice(spec, known, notes),
                Spec::Gateway(spec) => gateways::gateway(spec, known, notes),
                Spec::Ingress(spec) => gateways::ingress(spec, known, notes),
                Spec::EnvoyFilter(spec) => filters::envoy_filter(spec, known, notes),
                Spec::Sidecar(spec) => sidecars::sidecar(spec, known, notes),
                Spec::PeerAuthentication(spec) => security::peer_authentication(spec, known, notes),
                Spec::AuthorizationPolicy(spec) => authz::authorization_policy(spec, known, notes),
                Spec::RequestAuthentication(spec) => authz::request_authentication(spec, known, notes),
                Spec::Telemetry(spec) => telemetry::telemetry(spec, known, notes),
                Spec::Opaque(kind, _) => annotations::without_effect(*kind, notes),
                _ => {}
            }
        }
        routes::claims(known, &mut out);
        routes::unused_delegates(known, &mut out);
        rules::joined(known, &mut out);
        entries::claims(known, &mut out);
        gateways::claims(known, &mut out);
        sidecars::claims(known, &mut out);
        security::claims(known, &mut out);
        authz::claims(known, &mut out);
        telemetry::claims(known, &mut out);
        out.sort();
        out.dedup();
        out
    }

    /// Endpoints that name a pod that is not there: of how many services, and how many. O(endpoints).
    pub fn endpoints_without_pods(&self) -> (usize, usize) {
        endpoints::without_pods(self)
    }

    /// What workloads that cannot decide whom they let in will notice: policies that say so.
    pub fn demands_authorization(&self) -> Vec<Finding> {
        let mut out = Vec::new();
        for object in self.objects.values() {
            authz::unguarded(&object.spec, &mut Notes::new(object, &mut out));
        }
        out
    }

    /// What workloads that cannot prove who they are will notice: rules that demand mutual TLS, and policies that ask
    /// who calls.
    pub fn demands_identity(&self) -> Vec<Finding> {
        let mut out = Vec::new();
        for object in self.objects.values() {
            identity::demands(&object.spec, &mut Notes::new(object, &mut out));
        }
        out
    }
}
