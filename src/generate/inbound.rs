//! The listener for calls in: where a sidecar takes what others send to the application beside it.
//!
//! Comes in: [`VirtualInbound`], with all chains of all ports. Goes out: one `envoy.config.listener.v3.Listener`.
//!
//! Invariant: no two chains of one listener have equal matches, because each port has its chains once.
//! Absent: which ports there are, and which callers each of them takes (`plan::inbound`).

mod inspect;
mod route;
mod tls;

pub use route::InboundRoute;
pub use tls::ServerTls;

use envoy_types::pb::envoy::config::core::v3::TrafficDirection;
use envoy_types::pb::envoy::config::listener::v3::{FilterChain, FilterChainMatch, Listener};

use crate::base::{Duration, Namespace, Str};
use crate::generate::filter::{AccessLog, metadata_exchange};
use crate::generate::listener::{self, Bind, Content, Transport};
use crate::generate::proto;
use crate::model::facts::Handle;
use crate::wire::{Recipe, Refusal};

/// The listener of all captured connections in, or one of a Sidecar's own (istio `pilot/pkg/networking/core/listener_inbound.go`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VirtualInbound {
    /// Its name.
    pub name: Str,
    /// Whether connections are redirected to it; if not, it is where they go anyway.
    pub captured: bool,
    /// Where it listens.
    pub bind: Bind,
    /// Whether connections keep the addresses of both ends (TPROXY).
    pub transparent: bool,
    /// Whether connections are shared evenly between Envoy's threads.
    pub exact_balance: bool,
    /// How many connections are taken at a time.
    pub accepts: u32,
    /// How long it waits for the first bytes where it has to detect what is spoken; zero for ever.
    pub detection_timeout: Duration,
    /// The chains.
    pub chains: Vec<InboundChain>,
    /// Logs of connections that no chain takes.
    pub logs: Handle<Vec<AccessLog>>,
}

/// A chain for one port, one protocol, and one sort of callers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct InboundChain {
    /// Its name; chains of one port share it.
    pub name: Str,
    /// The port that was called; `None` for ports that have no chains of their own.
    pub port: Option<u16>,
    /// What carries the bytes.
    pub transport: Transport,
    /// One of these protocols was offered or detected; empty for any.
    pub protocols: &'static [&'static str],
    /// The TLS that ends here; `None` where it goes on to the application, or there is none.
    pub tls: Option<Handle<ServerTls>>,
    /// Whether peers tell each other who they are before the first call.
    pub exchange: bool,
    /// The namespace and the name of the Sidecar that says it is there.
    pub origin: Option<(Namespace, Str)>,
    /// What it does.
    pub content: Content,
}

impl Recipe for VirtualInbound {
    type Message = Listener;

    fn name(&self) -> Str {
        self.name.clone()
    }

    fn build(&self) -> Result<Listener, Refusal> {
        let mut filters: Vec<_> = self.captured.then(listener::original_dst).into_iter().collect();
        filters.extend(self.transparent.then(listener::original_src));
        filters.extend(inspect::inspectors(&self.chains));
        Ok(Listener {
            name: self.name().to_string(),
            traffic_direction: TrafficDirection::Inbound.into(),
            continue_on_listener_filters_timeout: true,
            max_connections_to_accept_per_socket_event: listener::at_a_time(self.accepts),
            connection_balance_config: self.exact_balance.then(listener::exact_balance),
            transparent: self.transparent.then(|| proto::bool_value(true)),
            access_log: self.logs.iter().map(AccessLog::build_unmatched).collect(),
            filter_chains: self.chains.iter().map(InboundChain::build).collect::<Result<_, _>>()?,
            listener_filters: filters,
            listener_filters_timeout: Some(proto::duration(self.detection_timeout)),
            ..self.bind.listener()
        })
    }
}

impl InboundChain {
    fn build(&self) -> Result<FilterChain, Refusal> {
        let matches = FilterChainMatch {
            destination_port: self.port.map(|p| proto::u32_value(p.into())),
            transport_protocol: self.transport.as_str().to_owned(),
            application_protocols: self.protocols.iter().map(|&p| p.to_owned()).collect(),
            ..FilterChainMatch::default()
        };
        let filters = match &self.content {
            Content::Bytes(bytes) => bytes.build(),
            Content::Calls(calls) => {
                let exchange = self.exchange.then(metadata_exchange);
                exchange.into_iter().chain([calls.build()?]).collect()
            }
        };
        Ok(FilterChain {
            name: self.name.to_string(),
            filter_chain_match: Some(matches),
            filters,
            transport_socket: self.tls.as_ref().map(|tls| tls.build()),
            metadata: self.origin.as_ref().map(|(namespace, name)| listener::origin(namespace, "sidecar", name)),
            ..FilterChain::default()
        })
    }
}
