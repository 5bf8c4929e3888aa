//! Chains for bytes: which connections they take, by VirtualServices or by the service itself (istio
//! `pilot/pkg/networking/core/tls.go`).

use std::collections::BTreeSet;

use crate::api::virtual_service::{TcpRoute, TlsMatch, TlsRoute};
use crate::base::{Labels, Str};
use crate::generate::listener::{Chain, Content, Match, Range};
use crate::model::facts::{Handle, Resolution, VirtualService};

use super::Planning;
use super::destination::Calling;
use super::group::Candidate;

/// What a match asks of the caller and of the port, all of which is known beforehand.
struct Asked<'m> {
    gateways: &'m [Str],
    labels: &'m Labels,
    port: u32,
    namespace: &'m Str,
}

impl Planning<'_, '_> {
    /// The chains for the bytes of a candidate.
    pub(super) fn bytes(&self, candidate: &Candidate) -> Vec<Chain> {
        let host = &candidate.service.host;
        let routes = match candidate.listener {
            Some(listener) => self.view.through(listener).connection_routes(host),
            None => self.view.connection_routes(host),
        };
        if candidate.port.protocol.is_tls() {
            self.tls_chains(candidate, &routes)
        } else {
            self.tcp_chains(candidate, &routes)
        }
    }

    /// By the name in the ClientHello. Conditions that nobody can tell apart when a connection comes are looked at
    /// once.
    fn tls_chains(&self, candidate: &Candidate, routes: &[Handle<VirtualService>]) -> Vec<Chain> {
        let ways = self.ways();
        let mut chains = Vec::new();
        let mut seen = BTreeSet::new();
        // Subnets of a match stay in force for those that follow; istiod has always done so.
        let mut ranges = &candidate.ranges;
        for (origin, rule, condition) in routes.iter().flat_map(tls_matches) {
            if !self.applies(&asked_by_tls(condition), candidate) {
                continue;
            }
            if !condition.destination_subnets.is_empty() {
                ranges = &condition.destination_subnets;
            }
            if seen.insert((&condition.sni_hosts, &condition.destination_subnets)) {
                let matches = Match { server_names: condition.sni_hosts.clone(), ..in_ranges(ranges) };
                chains.extend(ways.routed(&Calling::of(&candidate.port), origin, &rule.route).map(|content| Chain {
                    matches,
                    origin: Some((origin.namespace.clone(), origin.name.clone())),
                    content: Content::Bytes(content),
                }));
            }
        }
        if chains.is_empty() {
            chains.push(self.tls_default(candidate));
        }
        chains
    }

    /// Where many services share an address, the name in the ClientHello tells which is meant.
    fn tls_default(&self, candidate: &Candidate) -> Chain {
        let service = &candidate.service;
        let wildcard = self.caller.wildcards[0];
        let shared = !candidate.ranges.is_empty()
            || candidate.address.is_empty()
            || (candidate.address == wildcard && candidate.bind[0] == wildcard)
            || (service.resolution == Resolution::DynamicDns && service.host.is_wildcard());
        let mut server_names = Vec::new();
        if shared {
            server_names.push(service.host.str().clone());
            let aliases = service.aliases.iter();
            server_names.extend(aliases.flat_map(|(_, alias)| names_of(alias.str(), &self.caller.domain)));
        }
        Chain {
            matches: Match { server_names, ..in_ranges(&candidate.ranges) },
            origin: None,
            content: Content::Bytes(self.direct(candidate)),
        }
    }

    /// The first route without subnets takes everything that is left.
    fn tcp_chains(&self, candidate: &Candidate, routes: &[Handle<VirtualService>]) -> Vec<Chain> {
        let ways = self.ways();
        let mut chains = Vec::new();
        let mut own_ranges_taken = false;
        for (origin, rule) in routes.iter().flat_map(|v| v.tcp.iter().map(move |rule| (v, rule))) {
            if rule.route.is_empty() {
                continue;
            }
            let Some(subnets) = self.subnets(candidate, rule) else {
                chains.extend(ways.routed(&Calling::of(&candidate.port), origin, &rule.route).map(|content| Chain {
                    matches: in_ranges(&candidate.ranges),
                    origin: Some((origin.namespace.clone(), origin.name.clone())),
                    content: Content::Bytes(content),
                }));
                return chains;
            };
            if subnets.is_empty() {
                continue;
            }
            own_ranges_taken |= same(&subnets, &candidate.ranges);
            let chain =
                |content| Chain { matches: in_ranges(&subnets), origin: None, content: Content::Bytes(content) };
            chains.extend(ways.routed(&Calling::of(&candidate.port), origin, &rule.route).map(chain));
        }
        if !own_ranges_taken {
            let content = Content::Bytes(self.direct(candidate));
            chains.push(Chain { matches: in_ranges(&candidate.ranges), origin: None, content });
        }
        chains
    }

    /// The subnets for which a route is meant: none where no match applies, `None` where every destination is.
    fn subnets(&self, candidate: &Candidate, rule: &TcpRoute) -> Option<Vec<Str>> {
        if rule.r#match.is_empty() {
            return None;
        }
        let mut subnets = Vec::new();
        for condition in &rule.r#match {
            let asked = Asked {
                gateways: &condition.gateways,
                labels: &condition.source_labels,
                port: condition.port,
                namespace: &condition.source_namespace,
            };
            if self.applies(&asked, candidate) {
                if condition.destination_subnets.is_empty() {
                    return None;
                }
                subnets.extend(condition.destination_subnets.iter().cloned());
            }
        }
        Some(subnets)
    }

    fn applies(&self, asked: &Asked<'_>, candidate: &Candidate) -> bool {
        (asked.gateways.is_empty() || asked.gateways.iter().any(|g| g == "mesh"))
            && asked.labels.iter().all(|(k, v)| self.caller.labels.get(k) == Some(v))
            && (asked.port == 0 || asked.port == u32::from(candidate.port.number))
            && (asked.namespace.is_empty() || *asked.namespace == *self.caller.namespace)
    }
}

fn tls_matches(v: &Handle<VirtualService>) -> impl Iterator<Item = (&Handle<VirtualService>, &TlsRoute, &TlsMatch)> {
    let rules = v.tls.iter().filter(|rule| !rule.route.is_empty());
    rules.flat_map(move |rule| rule.r#match.iter().map(move |condition| (v, rule, condition)))
}

fn asked_by_tls(condition: &TlsMatch) -> Asked<'_> {
    Asked {
        gateways: &condition.gateways,
        labels: &condition.source_labels,
        port: condition.port,
        namespace: &condition.source_namespace,
    }
}

fn in_ranges(ranges: &[Str]) -> Match {
    let mut ranges: Vec<Range> = ranges.iter().filter_map(|r| Range::parse(r)).collect();
    ranges.sort_unstable();
    Match { ranges, ..Match::default() }
}

/// Whether two lists hold the same ranges in the same spelling.
fn same(a: &[Str], b: &[Str]) -> bool {
    let sorted = |list: &[Str]| {
        let mut list = list.to_vec();
        list.sort();
        list
    };
    sorted(a) == sorted(b)
}

/// The names by which callers of a domain may call a Kubernetes Service (istio `GenerateAltVirtualHosts`).
fn names_of(host: &Str, domain: &str) -> Vec<Str> {
    let mut names = vec![host.clone(), format!("{host}.").into()];
    let Some((own, suffix)) = domain.split_once(".svc.") else { return names };
    let Some(short) = host.strip_suffix(&format!(".svc.{suffix}")) else { return names };
    let Some((name, namespace)) = short.split_once('.') else { return names };
    if namespace == own {
        names.push(name.into());
    }
    names.extend([short.into(), format!("{short}.svc").into()]);
    names
}
