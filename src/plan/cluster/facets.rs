//! What distinguishes clusters.

use crate::api::destination_rule::ConnectionPool;
use crate::api::mesh::{MeshConfig, OutboundMode};
use crate::base::Str;
use crate::generate::cluster::{Family, OwnCertificates, Traits};
use crate::generate::route::Unknown;
use crate::model::facts::{Handle, Target};
use crate::model::{Scope, View};
use crate::plan::caller::Caller;
use crate::plan::gateway::passes_by_name;
use crate::plan::{sidecar, targets};

use super::ingress::{IngressTarget, ingress};
use crate::proxy::{Flag, Proxy, Role};

/// The filter by which Istio's proxies tell each other who they are.
const EXCHANGE: &str = "envoy.tcp.metadataexchange.config.MetadataExchange";
/// The formatter that keeps the case of headers.
const KEEP_CASE: &str = "envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig";
/// The cluster that resolves the name of each call.
const FORWARD: &str = "envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig";
/// The socket that speaks the PROXY protocol.
const PROXY_PROTOCOL: &str = "envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport";

/// What distinguishes outbound clusters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterFacets {
    /// From where the proxies see the mesh.
    pub scope: Scope,
    /// Whether they get anything: sidecars and gateways do.
    pub served: bool,
    /// What they are and can do.
    pub traits: Traits,
    /// Which addresses they ask of DNS.
    pub family: Family,
    /// Whether they can resolve the name of each call.
    pub forwards: bool,
    /// Whether they can speak the PROXY protocol.
    pub proxies: bool,
    /// Whether they pass TLS of the mesh on by the name in the handshake.
    pub passing: bool,
    /// Where they stand.
    pub caller: Caller,
}

/// What holds for a proxy's outbound clusters.
pub fn outbound(view: &View<'_>, proxy: &Proxy) -> ClusterFacets {
    let placed = view.distinctions().resolves;
    ClusterFacets {
        scope: view.scope().clone(),
        served: matches!(proxy.role, Role::Sidecar | Role::Router),
        traits: traits(view, proxy),
        family: family(proxy),
        forwards: proxy.capabilities.has(FORWARD),
        proxies: proxy.capabilities.has(PROXY_PROTOCOL),
        passing: passes_by_name(view, proxy),
        caller: if placed { Caller::placed(view, proxy) } else { Caller::selected(view, proxy) },
    }
}

/// What distinguishes inbound clusters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InboundFacets {
    /// From where the proxies see the rules for their own services.
    pub scope: Scope,
    /// The services that their workloads answer for.
    pub targets: Vec<Target>,
    /// The Sidecar's listeners, which are then there in place of the services'.
    pub ingress: Vec<IngressTarget>,
    /// What the Sidecar says of the limits of connections.
    pub pool: Option<Handle<ConnectionPool>>,
    /// Whether the workloads have IPv4 addresses.
    pub v4: bool,
    /// What they are and can do.
    pub traits: Traits,
}

/// What holds for a proxy's inbound clusters. Without capture, a proxy gets none from services: it would have to listen
/// where the workload does.
pub fn inbound(view: &View<'_>, proxy: &Proxy) -> InboundFacets {
    let captures = proxy.role == Role::Sidecar && proxy.metadata.text("INTERCEPTION_MODE") != "NONE";
    let said = sidecar::sidecar(view, proxy);
    let says_where = said.as_ref().is_some_and(|s| !s.ingress.is_empty());
    said.iter().filter(|s| says_where || s.pool.is_some()).for_each(|s| view.credit_sidecar(s));
    let found = if captures || says_where { targets(view, proxy) } else { Vec::new() };
    InboundFacets {
        scope: view.scope().clone(),
        ingress: said.iter().flat_map(|s| ingress(s, &found, proxy)).collect(),
        pool: said.and_then(|s| s.pool.clone()),
        targets: if says_where { Vec::new() } else { found },
        v4: proxy.families().0,
        traits: traits(view, proxy),
    }
}

/// What distinguishes the clusters that depend on no service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FixedFacets {
    /// From where the proxies see the mesh: it does not matter.
    pub scope: Scope,
    /// What they are; `None` gets nothing.
    pub kind: Option<Kind>,
    /// What they are and can do.
    pub traits: Traits,
}

/// What a proxy is, as far as it needs clusters for calls that match nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A gateway.
    Gateway,
    /// A sidecar.
    Sidecar {
        /// Whether it has an IPv4 address.
        v4: bool,
        /// Whether it has an IPv6 address.
        v6: bool,
        /// How it resolves the names of unknown hosts, where it is to do so.
        resolves: Option<Resolves>,
    },
}

/// How a proxy resolves the names of unknown hosts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Resolves {
    /// Which addresses it asks for.
    pub family: Family,
    /// The agent's resolver, where it captures DNS.
    pub resolver: Option<(Str, u16)>,
}

/// What holds for a proxy's clusters that depend on no service.
pub fn fixed(view: &View<'_>, proxy: &Proxy) -> FixedFacets {
    let (v4, v6) = proxy.families();
    let kind = match proxy.role {
        Role::Router => Some(Kind::Gateway),
        Role::Sidecar => {
            let resolves = resolves(&view.mesh().config, proxy);
            let resolves = resolves.filter(|_| sidecar::unknown(view, proxy) == Unknown::Resolve);
            Some(Kind::Sidecar { v4, v6, resolves })
        }
        Role::Waypoint | Role::Ztunnel => None,
    };
    FixedFacets { scope: Scope::Public, kind, traits: traits(view, proxy) }
}

/// How a proxy resolves the names of unknown hosts, where the mesh's settings are that it does.
pub(in crate::plan) fn resolves(mesh: &MeshConfig, proxy: &Proxy) -> Option<Resolves> {
    let mode = mesh.outbound_traffic_policy.mode;
    (mode == OutboundMode::AllowAnyDynamicDns && proxy.capabilities.has(FORWARD))
        .then(|| Resolves { family: family(proxy), resolver: proxy.captures_dns().then(|| resolver(proxy)) })
}

/// Where the agent answers DNS, `127.0.0.1:15053` unless it says otherwise.
pub(in crate::plan) fn resolver(proxy: &Proxy) -> (Str, u16) {
    let stated = proxy.metadata.text("DNS_PROXY_ADDR").rsplit_once(':');
    let Some((host, port)) = stated else { return ("127.0.0.1".into(), 15053) };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    (if host == "localhost" { "127.0.0.1" } else { host }.into(), port.parse().unwrap_or(15053))
}

/// Which addresses a proxy can call: IPv6 only where it has no others.
pub(in crate::plan) fn family(proxy: &Proxy) -> Family {
    match proxy.families() {
        (true, _) => Family::V4,
        (false, _) => Family::V6,
    }
}

fn traits(view: &View<'_>, proxy: &Proxy) -> Traits {
    let metadata = &proxy.metadata;
    let certificates = || OwnCertificates {
        certificate: metadata.text("TLS_CLIENT_CERT_CHAIN").into(),
        key: metadata.text("TLS_CLIENT_KEY").into(),
        roots: metadata.text("TLS_CLIENT_ROOT_CERT").into(),
    };
    Traits {
        gateway: proxy.role == Role::Router,
        exchange: proxy.capabilities.has(EXCHANGE),
        identity: proxy.capabilities.has_identity(),
        keep_case: keeps_case(view, proxy) && proxy.capabilities.has(KEEP_CASE),
        certificates: (!metadata.text("TLS_CLIENT_CERT_CHAIN").is_empty()).then(certificates),
        external_secrets: metadata.flag("credential") == Flag::On,
        file_secrets: metadata.flag("file-credential") == Flag::On,
    }
}

/// What the proxy's own configuration says; the mesh's default counts only where it states none at all.
fn keeps_case(view: &View<'_>, proxy: &Proxy) -> bool {
    match proxy.metadata.json("PROXY_CONFIG") {
        Some(config) => {
            let said = config.pointer("/proxyHeaders/preserveHttp1HeaderCase");
            said.and_then(|v| v.as_bool()).unwrap_or(false)
        }
        None => {
            let headers = view.mesh().config.default_config.proxy_headers.as_deref();
            headers.and_then(|h| h.preserve_http1_header_case).unwrap_or(false)
        }
    }
}
