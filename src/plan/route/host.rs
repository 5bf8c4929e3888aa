//! What one host gives on each port.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::base::{Host, Namespace, Str};
use crate::generate::route::{self, Defaults, Routes};
use crate::model::View;
use crate::model::facts::{ExportTo, Handle, Port, Resolution, Service, VirtualService};

use super::facets::{Base, Caller};
use super::names::Names;
use super::pick::{asks, picks};
use super::rule::{self, Asking};

/// Who asks.
pub(super) struct Seat<'a> {
    pub(super) view: &'a View<'a>,
    pub(super) base: &'a Base,
    pub(super) caller: &'a Caller,
    pub(super) defaults: &'a Arc<Defaults>,
    /// Whether applications may use the proxies as HTTP proxies.
    pub(super) proxied: bool,
}

impl Seat<'_> {
    fn asking(&self) -> Asking<'_> {
        Asking { view: self.view, labels: &self.caller.labels, defaults: self.defaults }
    }
}

/// What one host gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct HostPlan {
    /// Its virtual host on each port where it has one.
    pub(super) ports: BTreeMap<u16, Candidate>,
    /// Its virtual hosts for those listeners of a Sidecar that reach every port, by listener; where applications may use
    /// the proxy as an HTTP proxy, for the one without a port too.
    pub(super) everywhere: BTreeMap<usize, BTreeMap<u16, Candidate>>,
    /// Whether that depends on who is calling.
    pub(super) by_caller: bool,
}

/// A virtual host that claims its names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) rank: Rank,
    pub(super) names: Arc<Names>,
    pub(super) routes: Routes,
    /// Whether a service has the host. Its full name is then nobody else's short name.
    pub(super) known: bool,
    /// Whether the protocol is detected, so that listeners of the service's own ask for these routes alone.
    pub(super) detected: bool,
}

/// Who claims a name first: VirtualServices in their order, and of each the hosts that no service has; then services.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Rule(Age, Place),
    Service,
}

/// The order of VirtualServices: those for the own namespace alone, those exported by name, the rest; each by age.
type Age = (u8, i64, Str, Namespace);

/// The order of one VirtualService's hosts: those without a service first, wildcards last, else as written.
type Place = (bool, bool, usize);

/// Plans a host. Each port is that of one of the Sidecar's listeners, if there is a Sidecar, and has the hosts and routes
/// of that one alone.
pub(super) fn plan(seat: &Seat<'_>, host: &Host) -> HostPlan {
    let Some(egress) = seat.view.egress() else { return plan_seen(seat, host) };
    let mut out = HostPlan::default();
    for (index, listener) in egress.listeners.iter().enumerate() {
        let view = seat.view.through(index);
        let mut plan = plan_seen(&Seat { view: &view, ..*seat }, host);
        let everything = listener.reaches_every_port();
        if everything || (seat.proxied && listener.port.is_none()) {
            let known = plan.ports.iter().filter(|(_, candidate)| candidate.known);
            out.everywhere.insert(index, known.map(|(number, c)| (*number, c.clone())).collect());
        }
        if everything {
            continue;
        }
        plan.ports.retain(|number, _| egress.listener_of(*number) == Some(index));
        if let Some(port) = &listener.port {
            // It is for the listener to say what is spoken.
            plan.ports.values_mut().for_each(|candidate| candidate.detected = port.protocol.is_detected());
        }
        out.by_caller |= plan.by_caller;
        out.ports.extend(plan.ports);
    }
    out
}

/// Plans a host: as a service, and as a host that only VirtualServices speak of.
fn plan_seen(seat: &Seat<'_>, host: &Host) -> HostPlan {
    let definitions = seat.view.definitions(host);
    let rules = seat.view.virtual_services(host);
    let mut out = HostPlan { by_caller: rules.iter().any(|r| asks(r)), ..HostPlan::default() };
    let numbers: BTreeSet<u16> = definitions.iter().flat_map(|d| &d.ports).map(|p| p.number).collect();
    let mut names: Option<(Handle<Service>, Arc<Names>)> = None;
    for number in &numbers {
        let Some((service, port)) = on_port(&definitions, *number) else { continue };
        if !is_routed(port) {
            continue;
        }
        let known = match &names {
            Some((same, names)) if same == service => Arc::clone(names),
            _ => Arc::new(Names::of_service(service, seat.base)),
        };
        names = Some((service.clone(), Arc::clone(&known)));
        out.ports.extend(service_on(seat, &rules, service, port, known).map(|c| (*number, c)));
    }
    for rule in rules.iter().filter(|r| r.hosts.contains(host)) {
        for port in unclaimed_ports(seat, rule, host, &numbers) {
            let picks = picks(rule, port, seat.caller, "mesh");
            if out.ports.contains_key(&port) || picks.is_empty() {
                continue;
            }
            let candidate = Candidate {
                rank: Rank::Rule(age(seat.view, rule), place(rule, host, false)),
                names: Arc::new(Names::of_host(host)),
                routes: Routes::Rule(rule::recipe(&seat.asking(), rule, port, picks, None)),
                known: false,
                detected: false,
            };
            out.ports.insert(port, candidate);
        }
    }
    out
}

/// The virtual host of a service: under the first VirtualService that is for it and has routes for the port; else it gets
/// calls as they are. An ExternalName without routes has none, its names being those of what it stands for.
fn service_on(
    seat: &Seat<'_>,
    rules: &[Handle<VirtualService>],
    service: &Handle<Service>,
    port: &Port,
    names: Arc<Names>,
) -> Option<Candidate> {
    let best = most_specific(rules, &service.host);
    let claims = |rule: &&Handle<VirtualService>| {
        rule.hosts.contains(&service.host) && !service.host.is_wildcard() || Some(*rule) == best
    };
    let claimed = rules.iter().filter(claims).find_map(|rule| {
        let picks = picks(rule, port.number, seat.caller, "mesh");
        (!picks.is_empty()).then_some((rule, picks))
    });
    let (rank, routes) = match claimed {
        Some((rule, picks)) => {
            let rank = Rank::Rule(age(seat.view, rule), place(rule, &service.host, true));
            (rank, Routes::Rule(rule::recipe(&seat.asking(), rule, port.number, picks, None)))
        }
        None if service.resolution == Resolution::Alias => return None,
        None => {
            let plain = route::Service {
                host: service.host.clone(),
                port: port.number,
                hash: rule::hash_of_service(&seat.asking(), &service.host, port.number),
                defaults: Arc::clone(seat.defaults),
            };
            (Rank::Service, Routes::Service(Arc::new(plain)))
        }
    };
    Some(Candidate { rank, names, routes, known: true, detected: port.protocol.is_detected() })
}

/// The ports on which a host without a service has a virtual host: 80, and those on which some other host of the
/// VirtualService has a service, so that it is known on which ports the VirtualService is at home (istio
/// `buildSidecarVirtualHostsForVirtualService`). A wildcard has none where it covers any service.
fn unclaimed_ports(seat: &Seat<'_>, rule: &VirtualService, host: &Host, own: &BTreeSet<u16>) -> BTreeSet<u16> {
    let mut ports = BTreeSet::from([80]);
    for other in rule.hosts.iter().filter(|h| *h != host) {
        if other.is_wildcard() {
            let under = seat.view.hosts_under(other);
            under.filter(|h| is_best(seat.view, rule, h)).for_each(|h| ports.extend(routed_ports(seat.view, h)));
        } else {
            ports.extend(routed_ports(seat.view, other));
        }
    }
    let covers_service = |port: u16| {
        let hosts = seat.view.hosts_on_port(port).into_iter().flat_map(|hosts| hosts.iter());
        hosts.filter(|h| host.matches(h)).any(|h| seat.view.definitions(h).iter().any(|d| d.port(port).is_some()))
    };
    ports.retain(|port| !(own.contains(port) || (host.is_wildcard() && covers_service(*port))));
    ports
}

fn is_best(view: &View<'_>, rule: &VirtualService, host: &Host) -> bool {
    most_specific(&view.virtual_services(host), host).is_some_and(|best| **best == *rule)
}

fn routed_ports(view: &View<'_>, host: &Host) -> BTreeSet<u16> {
    let definitions = view.definitions(host);
    let numbers: BTreeSet<u16> = definitions.iter().flat_map(|d| &d.ports).map(|p| p.number).collect();
    numbers.into_iter().filter(|n| on_port(&definitions, *n).is_some_and(|(_, port)| is_routed(port))).collect()
}

/// The VirtualService that a wildcard of its hosts may give to a service: that with the very host, else that with the
/// longest wildcard, the first where several have it (istio `pilot/pkg/model/config.go`, `MostSpecificHostMatch`).
fn most_specific<'r>(rules: &'r [Handle<VirtualService>], host: &Host) -> Option<&'r Handle<VirtualService>> {
    if !host.is_wildcard()
        && let Some(exact) = rules.iter().find(|r| r.hosts.contains(host))
    {
        return Some(exact);
    }
    let wildcards = rules.iter().flat_map(|rule| rule.hosts.iter().map(move |w| (w, rule)));
    let covering = wildcards.filter(|(w, _)| w.is_wildcard() && w.covers(host));
    // Of equals `min_by_key` takes the first.
    covering.min_by_key(|(w, _)| (std::cmp::Reverse(w.len()), w.as_str())).map(|(_, rule)| rule)
}

/// The definition that stands for a port: the last one that has it.
pub(super) fn on_port(definitions: &[Handle<Service>], number: u16) -> Option<(&Handle<Service>, &Port)> {
    definitions.iter().rev().find_map(|d| Some((d, d.port(number)?)))
}

fn is_routed(port: &Port) -> bool {
    port.protocol.is_http() || port.protocol.is_detected()
}

fn age(view: &View<'_>, rule: &VirtualService) -> Age {
    let rank = match rule.export_to {
        ExportTo::Only(_) if view.is_own(&rule.namespace) => 0,
        ExportTo::Only(_) => 1,
        ExportTo::All => 2,
    };
    (rank, rule.created, rule.name.clone(), rule.namespace.clone())
}

fn place(rule: &VirtualService, host: &Host, service: bool) -> Place {
    match rule.hosts.iter().position(|h| h == host) {
        Some(at) => (service, host.is_wildcard(), at),
        None => (service, true, rule.hosts.len()),
    }
}
