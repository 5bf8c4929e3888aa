//! Clusters that depend on no service: where calls go that match nothing.

use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use envoy_types::pb::envoy::config::cluster::v3::cluster::{DiscoveryType, DnsLookupFamily, LbPolicy};
use envoy_types::pb::envoy::config::core::v3::socket_address::PortSpecifier;
use envoy_types::pb::envoy::config::core::v3::{
    BindConfig, ExtraSourceAddress, Http2ProtocolOptions, HttpProtocolOptions as CommonHttpOptions, SocketAddress,
};
use envoy_types::pb::envoy::config::endpoint::v3::lb_endpoint::HostIdentifier;
use envoy_types::pb::envoy::config::endpoint::v3::{Endpoint, LbEndpoint, LocalityLbEndpoints};
use envoy_types::pb::envoy::extensions::clusters::dynamic_forward_proxy::v3::ClusterConfig as ForwardConfig;
use envoy_types::pb::envoy::extensions::clusters::dynamic_forward_proxy::v3::cluster_config::ClusterImplementationSpecifier;
use envoy_types::pb::envoy::extensions::upstreams::http::v3::http_protocol_options::explicit_http_config::ProtocolConfig;
use envoy_types::pb::envoy::extensions::upstreams::http::v3::http_protocol_options::{
    ExplicitHttpConfig, UpstreamProtocolOptions,
};

use crate::api::destination_rule::{ClientTls, ClientTlsMode, ConnectionPool};
use crate::base::{Duration, Str};
use crate::generate::dns::cache_of_unknown;
use crate::generate::endpoint::load_assignment;
use crate::generate::proto::{duration, pipe};
use crate::model::facts::{ClusterDefaults, Handle};
use crate::wire::{Recipe, Refusal};

use super::draft::Draft;
use super::security::{Accounts, Security};
use super::{Traits, pool, protocol, security};

/// Which addresses a name is resolved to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
    /// Both, tried in turn.
    Both,
}

impl Family {
    pub(crate) fn into_envoy(self) -> DnsLookupFamily {
        match self {
            Self::V4 => DnsLookupFamily::V4Only,
            Self::V6 => DnsLookupFamily::V6Only,
            Self::Both => DnsLookupFamily::All,
        }
    }
}

/// `BlackHoleCluster`: without endpoints, so that every call fails.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BlackHole {
    /// How long connecting may take.
    pub connect_timeout: Duration,
}

impl Recipe for BlackHole {
    type Message = Cluster;

    fn name(&self) -> Str {
        "BlackHoleCluster".into()
    }

    fn build(&self) -> Result<Cluster, Refusal> {
        let mut draft = Draft::new("BlackHoleCluster");
        draft.set_type(DiscoveryType::Static);
        draft.cluster.common_lb_config = None;
        draft.cluster.connect_timeout = Some(duration(self.connect_timeout));
        Ok(draft.finish())
    }
}

/// Which calls are handed on as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PassthroughKind {
    /// Calls to unknown hosts: `PassthroughCluster`.
    Outbound,
    /// Calls to ports of the workload that no service has: `InboundPassthroughCluster`. They leave from an address that
    /// the capture of calls knows, lest they come back.
    Inbound {
        /// Whether the proxy has an IPv4 address.
        v4: bool,
        /// Whether the proxy has an IPv6 address.
        v6: bool,
    },
}

/// The cluster that sends calls where the caller was going.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Passthrough {
    /// Which calls.
    pub kind: PassthroughKind,
    /// The proxy.
    pub traits: Traits,
    /// The mesh.
    pub mesh: Handle<ClusterDefaults>,
}

impl Recipe for Passthrough {
    type Message = Cluster;

    fn name(&self) -> Str {
        match self.kind {
            PassthroughKind::Outbound => "PassthroughCluster".into(),
            PassthroughKind::Inbound { .. } => "InboundPassthroughCluster".into(),
        }
    }

    fn build(&self) -> Result<Cluster, Refusal> {
        // Both have the outbound one's name in statistics, as in istiod.
        let mut draft = Draft::new("PassthroughCluster");
        draft.cluster.name = self.name().to_string();
        draft.set_type(DiscoveryType::OriginalDst);
        draft.cluster.common_lb_config = None;
        draft.cluster.lb_policy = LbPolicy::ClusterProvided.into();
        set_open_protocol(&mut draft, &self.traits);
        let limits = self.mesh.policy.as_ref().and_then(|p| p.connection_pool.clone()).unwrap_or_default();
        limit_without_http(&mut draft, &limits, &self.mesh);
        match self.kind {
            PassthroughKind::Outbound if self.traits.exchange => draft.exchange_metadata(),
            PassthroughKind::Outbound => {}
            PassthroughKind::Inbound { v4, v6 } => draft.cluster.upstream_bind_config = Some(bind(v4, v6)),
        }
        Ok(draft.finish())
    }
}

/// The source address of calls to the workload itself, which the capture of calls leaves alone.
pub(super) fn bind(v4: bool, v6: bool) -> BindConfig {
    let source = |address: &str| SocketAddress {
        address: address.to_owned(),
        port_specifier: Some(PortSpecifier::PortValue(0)),
        ..Default::default()
    };
    let extra = || ExtraSourceAddress { address: Some(source("::6")), ..Default::default() };
    BindConfig {
        source_address: Some(source(if v4 { "127.0.0.6" } else { "::6" })),
        extra_source_addresses: if v4 && v6 { vec![extra()] } else { Vec::new() },
        ..Default::default()
    }
}

/// The caller's version of HTTP, and connections without calls for five minutes.
fn set_open_protocol(draft: &mut Draft, traits: &Traits) {
    let http = draft.http();
    let idle_timeout = Some(duration(Duration::from_secs(300)));
    http.common_http_protocol_options = Some(CommonHttpOptions { idle_timeout, ..Default::default() });
    let both = protocol::both(protocol::http1(traits.keep_case));
    http.upstream_protocol_options = Some(UpstreamProtocolOptions::UseDownstreamProtocolConfig(both));
}

/// The mesh's limits but for those of HTTP, which istiod drops here.
fn limit_without_http(draft: &mut Draft, limits: &ConnectionPool, mesh: &ClusterDefaults) {
    let http = draft.http.take();
    pool::set(draft, limits, None, mesh);
    draft.http = http;
}

/// `AllowAnyDynamicDNSCluster`: calls to unknown hosts, resolved by the name in the request
/// (`outboundTrafficPolicy: ALLOW_ANY_DYNAMIC_DNS`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Forwarding {
    /// TLS towards these hosts.
    pub tls: Option<ClientTls>,
    /// Which addresses are asked for.
    pub family: Family,
    /// The agent's resolver, where it captures DNS: host and port.
    pub resolver: Option<(Str, u16)>,
    /// The proxy.
    pub traits: Traits,
    /// The mesh.
    pub mesh: Handle<ClusterDefaults>,
}

impl Recipe for Forwarding {
    type Message = Cluster;

    fn name(&self) -> Str {
        "AllowAnyDynamicDNSCluster".into()
    }

    fn build(&self) -> Result<Cluster, Refusal> {
        let mut draft = Draft::new("AllowAnyDynamicDNSCluster");
        draft.cluster.common_lb_config = None;
        draft.cluster.lb_policy = LbPolicy::ClusterProvided.into();
        let tls = self.tls.as_ref().filter(|tls| tls.mode != ClientTlsMode::Disable);
        let cache = cache_of_unknown(self.family, self.resolver.as_ref());
        draft.forward = Some(ForwardConfig {
            allow_insecure_cluster_options: tls.is_none(),
            cluster_implementation_specifier: Some(ClusterImplementationSpecifier::DnsCacheConfig(cache)),
            ..Default::default()
        });
        limit_without_http(&mut draft, &Default::default(), &self.mesh);
        let accounts = Accounts { found: None, stated: Default::default() };
        let security = Security {
            said: tls,
            mutual: false,
            server_name: String::new(),
            accounts: &accounts,
            external: true,
            stated_for_all: false,
            http1: false,
            selective: false,
            traits: &self.traits,
            mesh: &self.mesh,
        };
        security::set(&mut draft, &security, None)?;
        if draft.http.is_none() {
            set_open_protocol(&mut draft, &self.traits);
        }
        if self.traits.exchange {
            draft.exchange_metadata();
        }
        Ok(draft.finish())
    }
}

/// `sds-external`: the users' own server of secrets beside the proxy.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ExternalSecrets {
    /// How long connecting may take.
    pub connect_timeout: Duration,
}

impl Recipe for ExternalSecrets {
    type Message = Cluster;

    fn name(&self) -> Str {
        "sds-external".into()
    }

    fn build(&self) -> Result<Cluster, Refusal> {
        let mut draft = Draft::new("sds-external");
        draft.set_type(DiscoveryType::Static);
        draft.cluster.common_lb_config = None;
        draft.cluster.connect_timeout = Some(duration(self.connect_timeout));
        let socket = pipe("./var/run/secrets/credential-uds/socket");
        let server = Endpoint { address: Some(socket), ..Default::default() };
        let server = LbEndpoint { host_identifier: Some(HostIdentifier::Endpoint(server)), ..Default::default() };
        let group = LocalityLbEndpoints { lb_endpoints: vec![server], ..Default::default() };
        draft.cluster.load_assignment = Some(load_assignment("sds-external", vec![group]));
        let protocol_config = Some(ProtocolConfig::Http2ProtocolOptions(Http2ProtocolOptions::default()));
        let explicit = ExplicitHttpConfig { protocol_config };
        draft.http().upstream_protocol_options = Some(UpstreamProtocolOptions::ExplicitHttpConfig(explicit));
        Ok(draft.finish())
    }
}
