//! Which chain of which listener takes a connection (Envoy `source/common/listener_manager`).

use std::net::IpAddr;

use serde_json::Value;

use super::access::Visit;
use super::text::{list, string};
use super::{Call, Content, Held};

/// What is known of a connection when its chain is chosen.
struct Connection<'c> {
    address: IpAddr,
    port: u16,
    transport: &'static str,
    server_name: &'c str,
    protocols: Vec<&'static str>,
}

impl Held {
    /// The chain of a connection out that was going to an address.
    pub(super) fn chain(&self, address: &str, call: &Call) -> Option<&Value> {
        let listener = self.listener(address, call.port)?;
        let sees = |name: &str| inspects(listener, name, call.port);
        let (tls, http) = (sees("envoy.filters.listener.tls_inspector"), sees("envoy.filters.listener.http_inspector"));
        let connection = Connection {
            address: address.parse().expect("names are resolved"),
            port: call.port,
            transport: if tls && matches!(call.content, Content::Tls(_) | Content::Https(..)) {
                "tls"
            } else {
                "raw_buffer"
            },
            server_name: match &call.content {
                Content::Tls(name) | Content::Https(name, _) if tls => name,
                _ => "",
            },
            protocols: match &call.content {
                Content::Http(_) if http => vec!["http/1.1"],
                Content::Https(..) if tls => vec!["h2", "http/1.1"],
                _ => Vec::new(),
            },
        };
        choose(listener, &connection)
    }

    /// The chain of a connection in. Callers with an identity offer the mesh's protocols.
    pub(super) fn chain_in(&self, visit: &Visit) -> Option<&Value> {
        let listener = self.listeners().find(|l| l["name"] == "virtualInbound")?;
        let protocols = match (&visit.identity, &visit.request) {
            (Some(_), Some(_)) => vec!["istio-http/1.1"],
            (Some(_), None) => vec!["istio-peer-exchange"],
            (None, Some(_)) => vec!["http/1.1"],
            (None, None) => Vec::new(),
        };
        choose(listener, &connection(visit, protocols))
    }

    /// The chain of a connection in clear text from outside.
    pub(super) fn chain_of_gateway(&self, visit: &Visit) -> Option<&Value> {
        let name = format!("0.0.0.0_{}", visit.port);
        choose(self.listeners().find(|l| l["name"] == name.as_str())?, &connection(visit, Vec::new()))
    }

    /// The listener of the very address, else that of the port, else the one that takes all captured connections.
    fn listener(&self, address: &str, port: u16) -> Option<&Value> {
        let wildcard = if address.contains(':') { "::" } else { "0.0.0.0" };
        let captured = || self.listeners().find(|l| l["name"] == "virtualOutbound");
        let at = |wanted: &str| self.listeners().find(|l| addresses(l).any(|(a, p)| a == wanted && p == port));
        at(address).or_else(|| at(wildcard)).or_else(captured)
    }

    fn listeners(&self) -> impl Iterator<Item = &Value> {
        self.0["listeners"].as_object().into_iter().flat_map(|all| all.values())
    }
}

/// What is known of a visit.
fn connection(visit: &Visit, protocols: Vec<&'static str>) -> Connection<'static> {
    Connection {
        address: IpAddr::from([10, 0, 0, 1]),
        port: visit.port,
        transport: if visit.identity.is_some() { "tls" } else { "raw_buffer" },
        server_name: "",
        protocols,
    }
}

/// All addresses of a listener.
fn addresses(listener: &Value) -> impl Iterator<Item = (&str, u16)> {
    let more = list(&listener["additionalAddresses"]).iter().map(|more| &more["address"]);
    std::iter::once(&listener["address"]).chain(more).filter_map(|address| {
        let socket = &address["socketAddress"];
        Some((socket["address"].as_str()?, socket["portValue"].as_u64()?.try_into().ok()?))
    })
}

/// Whether a listener looks at the first bytes of connections to a port with some filter.
fn inspects(listener: &Value, name: &str, port: u16) -> bool {
    let filter = list(&listener["listenerFilters"]).iter().find(|f| f["name"] == name);
    filter.is_some_and(|f| !(f["filterDisabled"].is_object() && holds(&f["filterDisabled"], port)))
}

/// A predicate of listener filters, as far as it speaks of ports.
fn holds(predicate: &Value, port: u16) -> bool {
    if let Some(range) = predicate.get("destinationPortRange") {
        let (from, to) = (range["start"].as_u64().unwrap_or(0), range["end"].as_u64().unwrap_or(0));
        return (from..to).contains(&u64::from(port));
    }
    if let Some(not) = predicate.get("notMatch") {
        return !holds(not, port);
    }
    if let Some(any) = predicate.get("orMatch") {
        return list(&any["rules"]).iter().any(|rule| holds(rule, port));
    }
    if let Some(all) = predicate.get("andMatch") {
        return list(&all["rules"]).iter().all(|rule| holds(rule, port));
    }
    predicate["anyMatch"].as_bool().unwrap_or(false)
}

/// How closely a chain's match names what a connection has; `None` where it names something else.
type Criterion<'c> = dyn Fn(&Value) -> Option<usize> + 'c;

/// One criterion after the other; those chains stay that name what the connection has most closely.
fn choose<'l>(listener: &'l Value, connection: &Connection<'_>) -> Option<&'l Value> {
    let mut left: Vec<&Value> = list(&listener["filterChains"]).iter().collect();
    let steps: [&Criterion<'_>; 5] = [
        &|m| number(&m["destinationPort"], connection.port),
        &|m| range(&m["prefixRanges"], connection.address),
        &|m| name(&m["serverNames"], connection.server_name),
        &|m| one_of(m["transportProtocol"].as_str().into_iter(), &[connection.transport]),
        &|m| one_of(list(&m["applicationProtocols"]).iter().filter_map(Value::as_str), &connection.protocols),
    ];
    for step in steps {
        let ranks: Vec<Option<usize>> = left.iter().map(|chain| step(&chain["filterChainMatch"])).collect();
        let Some(best) = ranks.iter().flatten().max().copied() else { return default(listener) };
        let mut ranks = ranks.into_iter();
        left.retain(|_| ranks.next().flatten() == Some(best));
    }
    assert!(left.len() <= 1, "{} has chains that take the same connections", listener["name"]);
    left.pop()
}

fn default(listener: &Value) -> Option<&Value> {
    listener.get("defaultFilterChain")
}

/// How closely a criterion names something: 0 for not at all, `None` where it names something else.
fn number(wanted: &Value, port: u16) -> Option<usize> {
    match wanted.as_u64() {
        None => Some(0),
        Some(number) => (number == u64::from(port)).then_some(1),
    }
}

fn range(wanted: &Value, address: IpAddr) -> Option<usize> {
    let ranges = list(wanted);
    if ranges.is_empty() {
        return Some(0);
    }
    let covering = ranges.iter().filter_map(|range| {
        let bits = range["prefixLen"].as_u64().unwrap_or(0) as u32;
        let prefix: IpAddr = string(&range["addressPrefix"]).parse().expect("Envoy takes addresses");
        let same = match (prefix, address) {
            (IpAddr::V4(a), IpAddr::V4(b)) => (a.to_bits() ^ b.to_bits()).checked_shr(32 - bits).unwrap_or(0) == 0,
            (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits() ^ b.to_bits()).checked_shr(128 - bits).unwrap_or(0) == 0,
            _ => false,
        };
        same.then_some(1 + bits as usize)
    });
    covering.max()
}

fn name(wanted: &Value, called: &str) -> Option<usize> {
    let names = list(wanted);
    if names.is_empty() {
        return Some(0);
    }
    let covering = names.iter().filter_map(Value::as_str).filter_map(|name| match name.strip_prefix('*') {
        Some(end) => (called.len() > end.len() && called.ends_with(end)).then_some(name.len()),
        None => (name == called).then_some(usize::MAX),
    });
    covering.max()
}

fn one_of<'w>(wanted: impl Iterator<Item = &'w str>, had: &[&str]) -> Option<usize> {
    let wanted: Vec<&str> = wanted.filter(|w| !w.is_empty()).collect();
    if wanted.is_empty() {
        return Some(0);
    }
    wanted.iter().any(|w| had.contains(w)).then_some(1)
}
