//! Listeners of gateways: where a proxy at the edge of the mesh takes calls in.
//!
//! Comes in: [`GatewayListener`], one address and port with its chains. Goes out:
//! `envoy.config.listener.v3.Listener`, as istiod's `pilot/pkg/networking/core/{gateway,listener}.go` makes it.
//!
//! Invariant: the match of each chain is different from that of every other of the same listener.
//! Absent: which servers share a port (`model::facts::Servers`), virtual hosts (`generate::route`), the Secrets
//! themselves.

mod tls;

pub use tls::{ServerFiles, ServerTls};

use envoy_types::pb::envoy::config::core::v3::TrafficDirection;
use envoy_types::pb::envoy::config::listener::v3::listener_filter::ConfigType;
use envoy_types::pb::envoy::config::listener::v3::{FilterChain, Listener, ListenerFilter};
use envoy_types::pb::envoy::extensions::filters::listener::proxy_protocol::v3::ProxyProtocol;

use crate::base::Str;
use crate::generate::filter::AccessLog;
use crate::generate::listener::{Bind, Chain, at_a_time, exact_balance, tls_inspector};
use crate::generate::proto;
use crate::model::facts::Handle;
use crate::wire::{Recipe, Refusal, any};

/// The listener of one address and port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GatewayListener {
    /// Where it listens; a single address may be `unix://PATH`.
    pub bind: Bind,
    /// Whether connections are shared evenly between Envoy's threads.
    pub exact_balance: bool,
    /// How many connections are taken at a time.
    pub accepts: u32,
    /// Whether connections begin with the PROXY protocol.
    pub proxy_protocol: bool,
    /// How much of a connection is buffered, in bytes; Envoy's default if absent.
    pub buffer_limit: Option<u32>,
    /// The chains, not empty.
    pub chains: Vec<GatewayChain>,
    /// Logs of connections that no chain takes.
    pub logs: Handle<Vec<AccessLog>>,
}

/// A chain of a gateway.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GatewayChain {
    /// When it takes a connection, and what it does.
    pub chain: Chain,
    /// The TLS that ends here; `None` where it is passed on, or there is none.
    pub tls: Option<Handle<ServerTls>>,
}

impl Recipe for GatewayListener {
    type Message = Listener;

    fn name(&self) -> Str {
        self.bind.name()
    }

    fn build(&self) -> Result<Listener, Refusal> {
        let inspects = self.chains.iter().any(|c| c.tls.is_some() || c.chain.needs_server_name());
        let filters = [self.proxy_protocol.then(proxy_protocol), inspects.then(|| tls_inspector(None))];
        let mut listener = Listener {
            name: self.name().to_string(),
            traffic_direction: TrafficDirection::Outbound.into(),
            listener_filters: filters.into_iter().flatten().collect(),
            filter_chains: self.chains.iter().map(GatewayChain::build).collect::<Result<_, _>>()?,
            max_connections_to_accept_per_socket_event: at_a_time(self.accepts),
            connection_balance_config: self.exact_balance.then(exact_balance),
            per_connection_buffer_limit_bytes: self.buffer_limit.map(proto::u32_value),
            access_log: self.logs.iter().map(AccessLog::build_unmatched).collect(),
            ..self.bind.listener()
        };
        if let Some(path) = self.bind.addresses[0].strip_prefix("unix://") {
            listener.address = Some(proto::pipe(path));
        }
        Ok(listener)
    }
}

impl GatewayChain {
    fn build(&self) -> Result<FilterChain, Refusal> {
        let transport_socket = self.tls.as_ref().map(|tls| tls.build()).transpose()?;
        Ok(FilterChain { transport_socket, ..self.chain.build()? })
    }
}

fn proxy_protocol() -> ListenerFilter {
    ListenerFilter {
        name: "envoy.filters.listener.proxy_protocol".to_owned(),
        config_type: Some(ConfigType::TypedConfig(any(&ProxyProtocol::default()))),
        ..ListenerFilter::default()
    }
}
