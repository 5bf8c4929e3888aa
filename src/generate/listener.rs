//! Listeners for calls out: where a sidecar takes the calls of the application beside it.
//!
//! Comes in: [`Outbound`], one address and port with its chains, and [`VirtualOutbound`], which takes everything
//! that is captured and hands it to the listener of its destination. Goes out: `envoy.config.listener.v3.Listener`.
//!
//! Invariant: the match of each chain is different from that of every other of the same listener; Envoy refuses
//! listeners in which two are equal.
//! Absent: which services share a listener, and who wins (`plan::listener`); calls in (`generate::inbound`).

mod chain;
mod dns;
mod part;

pub(crate) use chain::origin;
pub use chain::{Chain, Content, Match, Range, Transport};
pub use dns::NameServer;
pub(crate) use part::{at_a_time, exact_balance, http_inspector, original_dst, original_src, tls_inspector};

use envoy_types::pb::envoy::config::core::v3::TrafficDirection;
use envoy_types::pb::envoy::config::listener::v3::{FilterChain, FilterChainMatch, Listener};
use envoy_types::pb::google::protobuf;

use crate::base::{Duration, Str};
use crate::generate::filter::{AccessLog, Bytes, Calls};
use crate::generate::proto;
use crate::model::facts::Handle;
use crate::wire::{Recipe, Refusal};

/// What HTTP in clear text is detected as.
pub const CLEAR_HTTP: &[&str] = &["http/1.1", "h2c"];

/// The same where HTTP/1.0 is HTTP too.
pub const CLEAR_HTTP_10: &[&str] = &["http/1.0", "http/1.1", "h2c"];

/// Where a listener listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Bind {
    /// The addresses, of which the first one names the listener; or a Unix socket as `unix://PATH`, with port 0.
    pub addresses: Vec<Str>,
    /// The port.
    pub port: u16,
    /// Whether it is a socket of its own, and not only the destination of captured connections.
    pub real: bool,
}

/// The listener of one destination (istio `pilot/pkg/networking/core/listener.go`, `buildListenerFromEntry`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Outbound {
    /// Where it listens.
    pub bind: Bind,
    /// Whether connections are shared evenly between Envoy's threads.
    pub exact_balance: bool,
    /// How many connections are taken at a time.
    pub accepts: u32,
    /// How long it waits for the first bytes where it has to detect what is spoken; zero for ever.
    pub detection_timeout: Duration,
    /// The chains. One that takes every connection is the one of last resort.
    pub chains: Vec<Chain>,
    /// What happens to connections that no chain takes, where there is no chain of last resort.
    pub fallback: Option<Bytes>,
}

impl Recipe for Outbound {
    type Message = Listener;

    fn name(&self) -> Str {
        self.bind.name()
    }

    fn build(&self) -> Result<Listener, Refusal> {
        let tls = self.chains.iter().any(Chain::needs_server_name);
        let http = self.chains.iter().any(|c| !c.matches.protocols.is_empty());
        let timeout = if http { self.detection_timeout } else { Duration::ZERO };
        let filters = [tls.then(|| tls_inspector(None)), http.then(|| http_inspector(None))];
        let (filter_chains, default_filter_chain) = self.filter_chains()?;
        Ok(Listener {
            name: self.name().to_string(),
            filter_chains,
            default_filter_chain,
            listener_filters: filters.into_iter().flatten().collect(),
            listener_filters_timeout: Some(proto::duration(timeout)),
            continue_on_listener_filters_timeout: true,
            traffic_direction: TrafficDirection::Outbound.into(),
            bind_to_port: (!self.bind.real).then(|| proto::bool_value(false)),
            max_connections_to_accept_per_socket_event: part::at_a_time(self.accepts).filter(|_| self.bind.real),
            connection_balance_config: self.exact_balance.then(part::exact_balance),
            ..self.bind.listener()
        })
    }
}

impl Outbound {
    /// The chains with a match, and the one of last resort. If there is only that one, it needs no match.
    fn filter_chains(&self) -> Result<(Vec<FilterChain>, Option<FilterChain>), Refusal> {
        let (last, others): (Vec<_>, Vec<_>) = self.chains.iter().partition(|c| c.matches.is_all());
        let others = others.into_iter().map(Chain::build).collect::<Result<Vec<_>, _>>()?;
        let last = last.last().map(|c| c.build()).transpose()?;
        Ok(match (others.is_empty(), last) {
            (true, last) => (last.into_iter().collect(), None),
            (false, Some(last)) => (others, Some(last)),
            (false, None) => (others, self.fallback.as_ref().map(fallback)),
        })
    }
}

fn fallback(bytes: &Bytes) -> FilterChain {
    FilterChain {
        name: "PassthroughFilterChain".to_owned(),
        filter_chain_match: Some(FilterChainMatch::default()),
        filters: bytes.build(),
        ..FilterChain::default()
    }
}

/// The listener of all captured connections. It hands each to the listener of its destination; what has none goes on
/// as the mesh's policy says (istio `listener_builder.go`, `buildVirtualOutboundListener`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VirtualOutbound {
    /// The wildcard addresses, of which the first one counts unless dual stack is switched on.
    pub address: Str,
    /// The port to which connections are redirected.
    pub port: u16,
    /// How many connections are taken at a time.
    pub accepts: u32,
    /// Whether they keep the address of their destination (TPROXY).
    pub transparent: bool,
    /// What happens to connections to that very port, which would go round in circles.
    pub loops: Bytes,
    /// What happens to connections without a listener.
    pub unknown: Bytes,
    /// What happens to calls in clear text without a listener, if they are told from other connections.
    pub calls: Option<Calls>,
    /// The protocols of calls in clear text.
    pub clear_http: &'static [&'static str],
    /// Logs of connections that no chain takes.
    pub logs: Handle<Vec<AccessLog>>,
}

impl Recipe for VirtualOutbound {
    type Message = Listener;

    fn name(&self) -> Str {
        "virtualOutbound".into()
    }

    fn build(&self) -> Result<Listener, Refusal> {
        let chain = |name: &str, matches: Option<FilterChainMatch>, filters| FilterChain {
            name: name.to_owned(),
            filter_chain_match: matches,
            filters,
            ..FilterChain::default()
        };
        let loops = FilterChainMatch {
            destination_port: Some(proto::u32_value(self.port.into())),
            ..FilterChainMatch::default()
        };
        let mut filter_chains = vec![chain("virtualOutbound-blackhole", Some(loops), self.loops.build())];
        if let Some(calls) = &self.calls {
            let matches = Match { protocols: self.clear_http, ..Match::default() };
            filter_chains.push(chain("virtualOutbound-catchall-tcp-http", Some(matches.build()), vec![calls.build()?]));
        }
        filter_chains.push(chain("virtualOutbound-catchall-tcp", None, self.unknown.build()));
        Ok(Listener {
            name: self.name().to_string(),
            address: Some(proto::socket_address(&self.address, self.port)),
            transparent: self.transparent.then(|| proto::bool_value(true)),
            use_original_dst: Some(proto::bool_value(true)),
            filter_chains,
            listener_filters: self.calls.is_some().then(|| http_inspector(None)).into_iter().collect(),
            traffic_direction: TrafficDirection::Outbound.into(),
            max_connections_to_accept_per_socket_event: part::at_a_time(self.accepts),
            access_log: self.logs.iter().map(AccessLog::build_unmatched).collect(),
            ..Listener::default()
        })
    }
}

impl Bind {
    /// `ADDRESS_PORT`, of the first address.
    pub fn name(&self) -> Str {
        format!("{}_{}", self.addresses[0], self.port).into()
    }

    /// A listener with these addresses and nothing else.
    pub(crate) fn listener(&self) -> Listener {
        Listener {
            address: Some(match self.addresses[0].strip_prefix("unix://") {
                Some(path) => proto::pipe(path),
                None => proto::socket_address(&self.addresses[0], self.port),
            }),
            additional_addresses: self.addresses[1..].iter().map(|a| part::additional(a, self.port)).collect(),
            ..Listener::default()
        }
    }
}

/// Zero time, where absence would mean Envoy's default.
pub(crate) fn no_time() -> protobuf::Duration {
    protobuf::Duration::default()
}
