//! What a VirtualService's routes need to know of their destinations.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::api::destination_rule::{HashKey, LoadBalancer, Policy, PortPolicy};
use crate::api::virtual_service::{Destination, HttpRoute};
use crate::base::{Host, Labels, Str};
use crate::generate::route::{Defaults, Edge, Pick, Rule};
use crate::model::View;
use crate::model::facts::{self, Handle, VirtualService};

use super::host::on_port;

/// Who asks.
pub(in crate::plan) struct Asking<'a> {
    pub(in crate::plan) view: &'a View<'a>,
    pub(in crate::plan) labels: &'a Labels,
    pub(in crate::plan) defaults: &'a Arc<Defaults>,
}

/// The recipe of a VirtualService's routes for a port, at a gateway or not.
pub(in crate::plan) fn recipe(
    asking: &Asking<'_>,
    rule: &Handle<VirtualService>,
    port: u16,
    picks: Vec<Pick>,
    edge: Option<bool>,
) -> Arc<Rule> {
    let mut edge = edge.map(|tls| Edge { tls, ports: BTreeMap::new() });
    let mut targets = BTreeMap::new();
    let mut hashes = BTreeMap::new();
    let mut last = None;
    for pick in &picks {
        if last.replace(pick.route) == Some(pick.route) {
            continue;
        }
        let route = &rule.http[pick.route];
        if route.redirect.is_some() || route.direct_response.is_some() {
            continue;
        }
        for destination in destinations(route) {
            let host = &destination.host;
            match &mut edge {
                Some(edge) => {
                    let Some(service) = asking.view.service(&Host::new(host.clone())) else { continue };
                    targets.extend(service.target.clone().map(|target| (host.clone(), target)));
                    if let [only] = &service.ports[..] {
                        edge.ports.insert(host.clone(), only.number);
                    }
                }
                None if targets.contains_key(host) => {}
                None => targets.extend(target(asking, host, port).map(|t| (host.clone(), t))),
            }
        }
        for (at, said) in route.route.iter().enumerate() {
            hashes.extend(hash_of_destination(asking, &said.destination).map(|key| ((pick.route, at), key)));
        }
    }
    Arc::new(Rule { rule: rule.clone(), port, picks, targets, hashes, defaults: Arc::clone(asking.defaults), edge })
}

fn destinations(route: &HttpRoute) -> impl Iterator<Item = &Destination> {
    let mirrors = route.mirror.iter().chain(route.mirrors.iter().map(|m| &m.destination));
    route.route.iter().map(|r| &r.destination).chain(mirrors)
}

/// What an ExternalName stands for, if it has the port that is called (istio `GetDestinationCluster`, which knows of
/// the services of that port only).
fn target(asking: &Asking<'_>, host: &Str, port: u16) -> Option<Host> {
    let definitions = asking.view.definitions(&Host::new(host.clone()));
    let (service, _) = on_port(&definitions, port)?;
    service.target.clone()
}

/// By what calls to a service's port are alike; `None` too where consistent hashing says not by what.
pub(super) fn hash_of_service(asking: &Asking<'_>, host: &Host, port: u16) -> Option<HashKey> {
    let rule = rule_for(asking, host)?;
    let policy = rule.policy.as_ref()?;
    let of_port = policy.port_level_settings.iter().find(|p| is_for(p, port.into()));
    let said = of_port.and_then(|p| hashing(p.load_balancer.as_ref()));
    said.or_else(|| hashing(policy.load_balancer.as_ref()))?.clone()
}

/// By what calls to a destination are alike: the subset's word before the host's, and a port's before the rest (istio
/// `HashForHTTPDestination`).
fn hash_of_destination(asking: &Asking<'_>, destination: &Destination) -> Option<Option<HashKey>> {
    let rule = rule_for(asking, &Host::new(destination.host.clone()))?;
    let of_port = |settings: &[PortPolicy]| {
        let number = destination.port?.number;
        hashing(settings.iter().find(|p| is_for(p, number))?.load_balancer.as_ref()).cloned()
    };
    let subset = rule.subsets.iter().find(|s| s.name == destination.subset).and_then(|s| s.traffic_policy.as_deref());
    let policy = rule.policy.as_deref();
    subset
        .and_then(|p| of_port(&p.port_level_settings))
        .or_else(|| hashing(subset?.load_balancer.as_ref()).cloned())
        .or_else(|| of_port(&policy?.port_level_settings))
        .or_else(|| hashing(policy?.load_balancer.as_ref()).cloned())
}

/// The DestinationRule for a host; hosts that no service has are under none.
fn rule_for(asking: &Asking<'_>, host: &Host) -> Option<Handle<facts::Rule>> {
    let service = asking.view.service(host)?;
    asking.view.rule(&service, asking.labels)
}

fn is_for(policy: &PortPolicy, number: u32) -> bool {
    policy.port.is_some_and(|p| p.number == number)
}

fn hashing(balancer: Option<&LoadBalancer>) -> Option<&Option<HashKey>> {
    match balancer?.policy.as_ref()? {
        Policy::ConsistentHash(hash) => Some(&hash.key),
        Policy::Simple(_) => None,
    }
}
