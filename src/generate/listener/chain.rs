//! Chains of filters and when they take a connection.

use std::net::IpAddr;

use envoy_types::pb::envoy::config::core::v3::{CidrRange, Metadata};
use envoy_types::pb::envoy::config::listener::v3::{FilterChain, FilterChainMatch};
use envoy_types::pb::google::protobuf;

use crate::base::{Namespace, Str};
use crate::generate::filter::{Bytes, Calls};
use crate::generate::proto;
use crate::wire::Refusal;

/// A chain of filters of a listener for calls out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Chain {
    /// When it takes a connection.
    pub matches: Match,
    /// The VirtualService that it comes from.
    pub origin: Option<(Namespace, Str)>,
    /// What it does.
    pub content: Content,
}

/// What a chain does.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Content {
    /// It passes on bytes.
    Bytes(Bytes),
    /// It reads calls.
    Calls(Calls),
}

/// When a chain takes a connection: all of these conditions hold; an empty one always does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Match {
    /// The name in the ClientHello is one of these; `*` is every name, and none.
    pub server_names: Vec<Str>,
    /// The destination is in one of these ranges.
    pub ranges: Vec<Range>,
    /// One of these protocols was offered or detected.
    pub protocols: &'static [&'static str],
    /// What carries the bytes.
    pub transport: Transport,
}

/// A range of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Range {
    /// An address in it, as it was written.
    pub address: IpAddr,
    /// How many leading bits they have in common.
    pub bits: u8,
}

/// What carries the bytes of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// Anything.
    #[default]
    Any,
    /// Clear text.
    Raw,
    /// TLS.
    Tls,
}

impl Chain {
    /// Whether the name in the ClientHello has to be read.
    pub(in crate::generate) fn needs_server_name(&self) -> bool {
        let resolves = matches!(&self.content, Content::Bytes(bytes) if bytes.resolution.is_some());
        resolves || !self.matches.server_names.is_empty()
    }

    pub(in crate::generate) fn build(&self) -> Result<FilterChain, Refusal> {
        Ok(FilterChain {
            filter_chain_match: (!self.matches.is_all()).then(|| self.matches.build()),
            filters: match &self.content {
                Content::Bytes(bytes) => bytes.build(),
                Content::Calls(calls) => vec![calls.build()?],
            },
            metadata: self.origin.as_ref().map(|(namespace, name)| origin(namespace, "virtual-service", name)),
            // Slow handshakes must not pile up (istio `gatewayTransportSocketConnectTimeout`).
            transport_socket_connect_timeout: Some(protobuf::Duration { seconds: 15, nanos: 0 }),
            ..FilterChain::default()
        })
    }
}

/// The object behind a chain, for `istioctl x describe`.
pub(crate) fn origin(namespace: &Namespace, kind: &str, name: &Str) -> Metadata {
    let config = format!("/apis/networking.istio.io/v1/namespaces/{namespace}/{kind}/{name}");
    let fields = proto::fields_of([("config", proto::string(&config))]);
    Metadata { filter_metadata: [("istio".to_owned(), fields)].into(), ..Metadata::default() }
}

impl Match {
    /// Whether every connection is taken.
    pub fn is_all(&self) -> bool {
        (self.server_names.is_empty() || self.takes_every_name())
            && self.protocols.is_empty()
            && self.transport == Transport::Any
            && self.ranges.is_empty()
    }

    fn takes_every_name(&self) -> bool {
        self.server_names.iter().any(|n| n == "*")
    }

    pub(super) fn build(&self) -> FilterChainMatch {
        let mut names = if self.takes_every_name() { Vec::new() } else { self.server_names.clone() };
        names.sort();
        // A range of everything is no condition.
        let ranges = self.ranges.iter().filter(|r| !r.is_unspecified());
        FilterChainMatch {
            prefix_ranges: ranges.map(Range::build).collect(),
            server_names: names.iter().map(Str::to_string).collect(),
            transport_protocol: self.transport.as_str().to_owned(),
            application_protocols: self.protocols.iter().map(|&p| p.to_owned()).collect(),
            ..FilterChainMatch::default()
        }
    }
}

impl Range {
    /// Reads an address or a range in CIDR form.
    pub fn parse(text: &str) -> Option<Self> {
        let Some((address, bits)) = text.split_once('/') else {
            let address: IpAddr = text.parse().ok()?;
            return Some(Self { address, bits: if address.is_ipv4() { 32 } else { 128 } });
        };
        let address: IpAddr = address.parse().ok()?;
        let bits: u8 = bits.parse().ok()?;
        (bits <= if address.is_ipv4() { 32 } else { 128 }).then_some(Self { address, bits })
    }

    /// Whether it is written with the address `0.0.0.0`, which istiod takes for no condition.
    pub fn is_unspecified(&self) -> bool {
        matches!(self.address, IpAddr::V4(address) if address.is_unspecified())
    }

    fn build(&self) -> CidrRange {
        CidrRange { address_prefix: self.address.to_string(), prefix_len: Some(proto::u32_value(self.bits.into())) }
    }
}

impl Transport {
    /// Envoy's name for it; empty for anything.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Any => "",
            Self::Raw => "raw_buffer",
            Self::Tls => "tls",
        }
    }
}
