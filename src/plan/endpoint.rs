//! Which endpoints proxies get: a unit per host, an assignment per port and subset whose endpoints the control plane
//! sends.
//!
//! Invariants: every cluster that waits for endpoints gets an assignment, be it empty; callers for whom preferences come
//! to the same share it.

mod near;

#[cfg(test)]
mod tests;

use crate::api::destination_rule::Subset;
use crate::base::{Host, Labels, Str};
use crate::generate::cluster::{outbound_name, server_name};
use crate::generate::endpoint::{Answering, Between, LoadAssignment, Selection, Transport};
use crate::model::facts::{Distribution, Port, Rule, Service, Traffic, tls_mode};
use crate::model::{FactKey, Scope, View};
use crate::proxy::{Proxy, Role};

use super::called;
use super::caller::Caller;
use super::cluster::Found;
use super::gateway::passes_by_name;
use super::{Output, Planner};

/// What distinguishes endpoints.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndpointFacets {
    /// From where the proxies see the mesh.
    pub scope: Scope,
    /// Whether they get anything: sidecars and gateways do.
    pub served: bool,
    /// Whether they are gateways, which send no calls where callers were going.
    pub gateway: bool,
    /// Whether they pass TLS of the mesh on by the name in the handshake.
    pub passing: bool,
    /// Where they stand.
    pub caller: Caller,
}

/// What holds for a proxy.
pub fn facets(view: &View<'_>, proxy: &Proxy) -> EndpointFacets {
    EndpointFacets {
        scope: view.scope().clone(),
        served: matches!(proxy.role, Role::Sidecar | Role::Router),
        gateway: proxy.role == Role::Router,
        passing: passes_by_name(view, proxy),
        caller: Caller::placed(view, proxy),
    }
}

/// Plans load assignments.
pub struct Endpoints;

impl Planner for Endpoints {
    type Facets = EndpointFacets;
    type Unit = Host;

    fn scope(facets: &EndpointFacets) -> &Scope {
        &facets.scope
    }

    fn units(view: &View<'_>, facets: &EndpointFacets) -> Vec<Host> {
        if facets.served { view.hosts().cloned().collect() } else { Vec::new() }
    }

    fn unit_of(key: &FactKey) -> Option<Host> {
        called::unit_of(key)
    }

    fn plan(view: &View<'_>, facets: &EndpointFacets, host: &Host, out: &mut Output<'_>) {
        let Some(service) = called::service(view, facets.served, host, out) else { return };
        let rule = view.rule(&service, &facets.caller.labels);
        let rule = rule.as_deref();
        for port in &service.ports {
            let found = Found::of(&service, port, facets.gateway, &view.mesh().features);
            let subsets = rule.iter().flat_map(|r| &r.subsets).map(Some);
            for subset in std::iter::once(None).chain(subsets) {
                if found.under(rule, subset, port.number) == Found::Sent {
                    let traffic = traffic(rule, subset, port.number);
                    let wanted =
                        Wanted { service: &service, port, rule, subset, traffic, resolved: false, passing: false };
                    let name = subset.map_or("", |s| &s.name);
                    out.resource(&LoadAssignment {
                        cluster: outbound_name(port.number, name, host),
                        answering: answering(view, &wanted, &facets.caller),
                    });
                    if facets.passing && !service.external {
                        let wanted = Wanted { passing: true, ..wanted };
                        out.resource(&LoadAssignment {
                            cluster: server_name(port.number, name, host).into(),
                            answering: answering(view, &wanted, &facets.caller),
                        });
                    }
                }
            }
        }
    }
}

/// The endpoints of one cluster, as they are wanted.
pub(super) struct Wanted<'w> {
    pub(super) service: &'w Service,
    pub(super) port: &'w Port,
    pub(super) rule: Option<&'w Rule>,
    pub(super) subset: Option<&'w Subset>,
    /// The policy in force.
    pub(super) traffic: Traffic<'w>,
    /// Whether they stand in the cluster itself, as names that the proxy resolves.
    pub(super) resolved: bool,
    /// Whether they are for TLS of the mesh that is passed on.
    pub(super) passing: bool,
}

/// Who answers for a cluster, and how a caller prefers them.
pub(super) fn answering(view: &View<'_>, wanted: &Wanted<'_>, caller: &Caller) -> Answering {
    let Wanted { service, port, rule, subset, .. } = *wanted;
    let said = |policy| tls_mode(policy, port.number);
    let of_subset = subset.and_then(|s| said(s.traffic_policy.as_deref()));
    let mode = of_subset.or_else(|| said(rule.and_then(|r| r.policy.as_deref())));
    let endpoints = view.endpoints(service).cloned();
    let detected = || {
        let rules = view.peer_rules(&service.namespace);
        let all = endpoints.iter().flat_map(|e| &e.list).map(|e| &e.workload.labels);
        let meant = |labels: &&Labels| subset.is_none_or(|s| s.labels.iter().all(|(k, v)| labels.get(k) == Some(v)));
        view.credit_peers(&rules, &service.namespace, all.filter(meant));
        Transport::Detected(rules)
    };
    Answering {
        selection: Selection {
            port: port.number,
            labels: subset.map(|s| s.labels.clone()).unwrap_or_default(),
            unhealthy: takes_unhealthy(service, &traffic(rule, subset, port.number)),
            draining: service.labels.get("istio.io/persistent-session").is_some_and(|l| !l.is_empty()),
            node: service.node_local.then(|| caller.node.clone()),
            networks: caller.networks.clone(),
            labelled: view.mesh().features.cluster_labels && view.mesh().features.endpoint_labels,
            cluster: own_cluster(view, service, caller),
            transport: mode.map_or_else(detected, Transport::Said),
            mutual_only: wanted.passing,
        },
        endpoints,
        between: between(view, wanted, caller),
        near: near::resolve(wanted, caller, &view.mesh().clusters),
    }
}

/// The callers' cluster, where they may use endpoints of that alone. The control plane's own callers find no others.
fn own_cluster(view: &View<'_>, service: &Service, caller: &Caller) -> Option<Str> {
    let foreign = !caller.cluster.is_empty();
    (foreign && view.mesh().cluster_local.includes(&service.host)).then(|| caller.cluster.clone())
}

/// From where a cluster's endpoints are reached. Where the proxy resolves names, those of gateways will do.
fn between(view: &View<'_>, wanted: &Wanted<'_>, caller: &Caller) -> Option<Between> {
    let networks = view.networks();
    let gateways = if wanted.resolved { &networks.all } else { &networks.at_addresses };
    let (network, families) = caller.network.clone()?;
    (!gateways.is_empty()).then(|| Between { gateways: gateways.clone(), network, families })
}

/// The rule's policy with the subset's laid over it, without the mesh's defaults.
fn traffic<'w>(rule: Option<&'w Rule>, subset: Option<&'w Subset>, port: u16) -> Traffic<'w> {
    let own = subset.and_then(|s| s.traffic_policy.as_deref());
    Traffic::of(rule.and_then(|r| r.policy.as_deref()), port).narrowed(own, port)
}

/// Endpoints that are not ready are sent, unless Envoy might call them in a panic (istio
/// `pilot/pkg/xds/endpoints/endpoint_builder.go`, `supportsUnhealthyEndpoints`).
fn takes_unhealthy(service: &Service, traffic: &Traffic<'_>) -> bool {
    service.distribution() != Distribution::Any || traffic.outlier.is_none_or(|o| o.min_health_percent <= 0)
}
