//! Clusters for calls to services, host by host.

use crate::api::destination_rule::{Subset, TrafficPolicy};
use crate::base::Host;
use crate::generate::cluster::{Accounts, Discovery, Family, OutboundCluster, RuleRef, ServicePort, SubsetRef};
use crate::model::facts::{Handle, PeerMode, Port, Resolution, Rule, Service, Traffic};
use crate::model::{FactKey, Scope, View};
use crate::plan::called;
use crate::plan::endpoint::{Wanted, answering};
use crate::plan::{Output, Planner};

use super::facets::ClusterFacets;
use super::found::{Found, is_passthrough};

/// Plans outbound clusters.
pub struct OutboundClusters;

impl Planner for OutboundClusters {
    type Facets = ClusterFacets;
    type Unit = Host;

    fn scope(facets: &ClusterFacets) -> &Scope {
        &facets.scope
    }

    fn units(view: &View<'_>, facets: &ClusterFacets) -> Vec<Host> {
        if facets.served { view.hosts().cloned().collect() } else { Vec::new() }
    }

    fn unit_of(key: &FactKey) -> Option<Host> {
        called::unit_of(key)
    }

    fn plan(view: &View<'_>, facets: &ClusterFacets, host: &Host, out: &mut Output<'_>) {
        let Some(service) = called::service(view, facets.served, host, out) else { return };
        let rule = view.rule(&service, &facets.caller.labels);
        let planned = Planned { view, facets, service: &service, rule: rule.as_ref(), passing: false };
        service.ports.iter().for_each(|port| planned.port(port, out));
        if facets.passing && !service.external {
            let planned = Planned { passing: true, ..planned };
            service.ports.iter().for_each(|port| planned.port(port, out));
        }
    }
}

/// A host being planned.
struct Planned<'p> {
    view: &'p View<'p>,
    facets: &'p ClusterFacets,
    service: &'p Handle<Service>,
    rule: Option<&'p Handle<Rule>>,
    /// Whether TLS of the mesh is passed on.
    passing: bool,
}

impl Planned<'_> {
    /// A cluster for all endpoints of a port, and one for each subset.
    fn port(&self, port: &Port, out: &mut Output<'_>) {
        let found = Found::of(self.service, port, self.facets.traits.gateway, &self.view.mesh().features);
        if found == Found::Nothing || (found == Found::Forwarded && !self.facets.forwards) {
            return;
        }
        let Some(whole) = self.cluster(port, found, None) else { return };
        out.resource(&whole);
        if found == Found::Forwarded {
            return;
        }
        for subset in self.rule.iter().flat_map(|r| &r.subsets) {
            if let Some(part) = self.cluster(port, found, Some(subset)) {
                out.resource(&part);
            }
        }
    }

    /// `None` where there is nothing to call, or the proxy cannot speak what the rule asks for.
    fn cluster(&self, port: &Port, found: Found, subset: Option<&Subset>) -> Option<OutboundCluster> {
        let service = self.service;
        if !self.passing && !self.facets.proxies && self.traffic(port, subset).proxy_protocol.is_some() {
            return None;
        }
        Some(OutboundCluster {
            service: ServicePort {
                host: service.host.clone(),
                name: service.name.clone(),
                namespace: service.namespace.clone(),
                registry: service.registry,
                external: service.external,
                number: port.number,
                port_name: port.name.clone(),
                protocol: port.protocol,
                distribution: service.distribution(),
                sticky: is_sticky(service),
            },
            discovery: self.discovery(port, found, subset)?,
            rule: self.rule.map(|r| rule_ref(r)),
            subset: subset.map(|s| SubsetRef { name: s.name.clone(), policy: s.traffic_policy.clone() }),
            accounts: if self.passing { nobody() } else { self.accounts(found) },
            passing: self.passing,
            mutual: !self.passing && self.is_mutual(port, subset),
            traits: self.facets.traits.clone(),
            mesh: self.view.mesh().clusters.clone(),
        })
    }

    /// `None` where names are to be resolved and there are none.
    fn discovery(&self, port: &Port, found: Found, subset: Option<&Subset>) -> Option<Discovery> {
        // A subset starts where its rule has ended up.
        let start = if subset.is_some() { found.under(self.rule.map(|r| &**r), subset, port.number) } else { found };
        Some(match start {
            Found::Nothing => return None,
            Found::Sent => Discovery::Sent,
            Found::Original(port) => Discovery::Original { port },
            Found::Forwarded => Discovery::Forwarded { family: self.facets.family },
            Found::Resolved { first_only } => {
                let (rule, traffic) = (self.rule.map(|r| &**r), self.traffic(port, subset));
                let passing = self.passing;
                let wanted = Wanted { service: self.service, port, rule, subset, traffic, resolved: true, passing };
                let answering = answering(self.view, &wanted, &self.facets.caller);
                if answering.is_empty() {
                    return None;
                }
                let family = if self.service.races { Family::Both } else { self.facets.family };
                Discovery::Resolved { first_only, family, answering }
            }
        })
    }

    /// The policy in force, the mesh's defaults included.
    fn traffic<'t>(&'t self, port: &Port, subset: Option<&'t Subset>) -> Traffic<'t> {
        let policy = self.rule.and_then(|r| r.policy.as_deref());
        let own = subset.and_then(|s| s.traffic_policy.as_deref());
        let mesh = self.view.mesh().clusters.policy.as_deref();
        Traffic::of(policy, port.number).or_mesh(mesh).narrowed(own, port.number)
    }

    /// Nobody is expected where the name of each call decides whom it reaches.
    fn accounts(&self, found: Found) -> Accounts {
        if found == Found::Forwarded {
            return nobody();
        }
        let identities = self.view.identities(self.service);
        Accounts { found: identities.map(|i| i.accounts.clone()), stated: self.service.accounts.clone() }
    }

    /// Whether to use mutual TLS where no rule says: inside the mesh, unless the namespace's PeerAuthentication forbids
    /// it; where calls go past the choice of an endpoint, only if all endpoints take it (istio
    /// `pilot/pkg/model/push_context.go`, `BestEffortInferServiceMTLSMode`).
    fn is_mutual(&self, port: &Port, subset: Option<&Subset>) -> bool {
        let service = self.service;
        let of_rule = || self.rule.and_then(|r| r.policy.as_deref());
        let policy: Option<&TrafficPolicy> = match subset {
            Some(subset) => subset.traffic_policy.as_deref(),
            None => of_rule(),
        };
        if service.external || !self.facets.traits.identity || !self.view.mesh().clusters.auto_mtls {
            return false;
        }
        let past = service.resolution == Resolution::Passthrough
            || is_passthrough(policy.and_then(|p| p.load_balancer.as_ref()));
        let all_take = || self.view.identities(service).is_some_and(|i| i.all_take_mtls(port.number));
        (!past || all_take()) && self.view.peer_rules(&service.namespace).of_namespace() != PeerMode::Disable
    }
}

fn nobody() -> Accounts {
    Accounts { found: None, stated: Default::default() }
}

/// A rule as clusters refer to it.
pub(super) fn rule_ref(rule: &Rule) -> RuleRef {
    RuleRef {
        name: rule.name.clone(),
        namespace: rule.namespace.clone(),
        policy: rule.policy.clone(),
        selective: rule.selector.is_some(),
    }
}

/// Whether calls may stick to endpoints that are going away: the service asks for persistent sessions.
fn is_sticky(service: &Service) -> bool {
    let asks = |label: &str| service.labels.get(label).is_some_and(|l| !l.is_empty());
    asks("istio.io/persistent-session") || asks("istio.io/persistent-session-header")
}
