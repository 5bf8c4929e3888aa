//! Which connections in are looked at before a chain is chosen: only those to ports whose chains differ by what is
//! found, because looking breaks protocols in which the server speaks first (istio `populateListenerFilters`).

use std::collections::BTreeMap;

use envoy_types::pb::envoy::config::listener::v3::listener_filter_chain_match_predicate::{MatchSet, Rule};
use envoy_types::pb::envoy::config::listener::v3::{ListenerFilter, ListenerFilterChainMatchPredicate as Predicate};
use envoy_types::pb::envoy::r#type::v3::Int32Range;

use crate::generate::listener::{Transport, http_inspector, tls_inspector};

use super::InboundChain;

/// What is looked for on a port; port 0 stands for all that have no chains of their own.
#[derive(Default)]
struct Wanted {
    tls: bool,
    http: bool,
}

/// The inspectors that these chains need. TLS goes first: what is encrypted is not looked into for HTTP.
pub(super) fn inspectors(chains: &[InboundChain]) -> Vec<ListenerFilter> {
    let mut wanted: BTreeMap<u16, Wanted> = BTreeMap::new();
    for chain in chains {
        let port = wanted.entry(chain.port.unwrap_or(0)).or_default();
        port.tls |= chain.transport == Transport::Tls;
        port.http |= chain.protocols.iter().any(|p| matches!(*p, "http/1.1" | "h2c"));
    }
    let mut filters = Vec::new();
    if wanted.values().any(|w| w.tls) {
        filters.push(tls_inspector(without_tls(&wanted)));
    }
    if wanted.values().any(|w| w.http) {
        filters.push(http_inspector(any_of(ports(&wanted, |_, w| !w.http))));
    }
    filters
}

/// If unknown ports are looked at, the ports that are not; otherwise all but those that are.
fn without_tls(wanted: &BTreeMap<u16, Wanted>) -> Option<Predicate> {
    if wanted.get(&0).is_some_and(|w| w.tls) {
        return any_of(ports(wanted, |port, w| port != 0 && !w.tls));
    }
    let looked_at = any_of(ports(wanted, |port, w| port != 0 && w.tls))?;
    Some(Predicate { rule: Some(Rule::NotMatch(Box::new(looked_at))) })
}

fn ports(wanted: &BTreeMap<u16, Wanted>, test: impl Fn(u16, &Wanted) -> bool) -> Vec<u16> {
    wanted.iter().filter(|(port, w)| test(**port, w)).map(|(port, _)| *port).collect()
}

/// Connections to one of these ports; `None` for no port.
fn any_of(ports: Vec<u16>) -> Option<Predicate> {
    let one = |port: u16| {
        let start = i32::from(port);
        Predicate { rule: Some(Rule::DestinationPortRange(Int32Range { start, end: start + 1 })) }
    };
    match ports[..] {
        [] => None,
        [port] => Some(one(port)),
        _ => {
            let rules = ports.into_iter().map(one).collect();
            Some(Predicate { rule: Some(Rule::OrMatch(MatchSet { rules })) })
        }
    }
}
