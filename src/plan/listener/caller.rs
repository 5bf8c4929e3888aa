//! What distinguishes classes of callers: resolved answers about a proxy, the same for all pods of most workloads.

use std::collections::BTreeSet;

use envoy_types::pb::envoy::extensions::filters::listener::http_inspector::v3::HttpInspector;
use envoy_types::pb::envoy::extensions::filters::listener::original_dst::v3::OriginalDst;
use envoy_types::pb::envoy::extensions::filters::listener::tls_inspector::v3::TlsInspector;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
use envoy_types::pb::envoy::extensions::filters::network::sni_dynamic_forward_proxy::v3::FilterConfig as SniFilter;
use envoy_types::pb::envoy::extensions::filters::network::tcp_proxy::v3::TcpProxy;
use envoy_types::pb::envoy::extensions::request_id::uuid::v3::UuidRequestIdConfig;
use prost::Name;

use crate::base::{Duration, Labels, Namespace, Str};
use crate::generate::cluster::Family;
use crate::generate::filter::{AccessLog, BytesSettings, HttpFilter};
use crate::generate::route::CatchAll;
use crate::model::View;
use crate::model::facts::Handle;
use crate::plan::cluster::family;
use crate::plan::name::Reach;
use crate::plan::sidecar;
use crate::proxy::{Capabilities, Flag, Proxy};

use super::reads::Reads;
use super::settings::{Direction, Settings};

/// How connections of the application come to the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::plan) enum Interception {
    /// They are redirected.
    Redirect,
    /// They are redirected with both addresses as they were.
    Tproxy,
    /// The application calls the proxy.
    None,
}

impl Interception {
    /// What a proxy says of it.
    pub(in crate::plan) fn of(proxy: &Proxy) -> Self {
        match proxy.metadata.text("INTERCEPTION_MODE") {
            "TPROXY" => Self::Tproxy,
            "NONE" => Self::None,
            _ => Self::Redirect,
        }
    }
}

/// What listeners for calls out depend on, but for HTTP.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Caller {
    /// The wildcard addresses of the families it speaks, IPv4 first.
    pub(super) wildcards: &'static [&'static str],
    /// The addresses of its own machine likewise.
    pub(super) localhosts: &'static [&'static str],
    pub(super) interception: Interception,
    /// By which addresses it reaches services.
    pub(super) reach: Reach,
    /// Ports at which it listens for other purposes.
    pub(super) reserved: BTreeSet<u16>,
    /// Whether it may not listen on ports below 1024.
    pub(super) unprivileged: bool,
    pub(super) exact_balance: bool,
    /// How many connections are taken at a time.
    pub(super) accepts: u32,
    /// The namespace, if some route tells callers apart by it.
    pub(super) namespace: Namespace,
    /// Those labels by which some route of connections or rule tells callers apart.
    pub(super) labels: Labels,
    /// Its own DNS domain, if some service has aliases whose short names depend on it.
    pub(super) domain: Str,
    /// How long a connection may be silent where no rule says.
    pub(super) idle_timeout: Option<Duration>,
    /// How long a listener waits for the first bytes.
    pub(super) detection_timeout: Duration,
    /// The port to which connections out are redirected.
    pub(super) capture_port: u16,
    /// The port at which the application may reach an HTTP proxy.
    pub(super) http_proxy_port: Option<u16>,
    /// The cluster of connections to unknown destinations.
    pub(super) unknown: Str,
    /// What becomes of calls to hosts that nobody knows, if they are told from other connections.
    pub(super) unknown_calls: Option<CatchAll>,
    /// A pattern for the names of clusters in statistics; empty for their own.
    pub(super) stat_name: Str,
    /// The families of addresses it asks DNS for.
    pub(super) lookup: Family,
    pub(super) reads: Reads,
    /// The protocols of calls in clear text.
    pub(super) clear_http: &'static [&'static str],
    pub(super) resolves_sni: bool,
    pub(super) resolves_hosts: bool,
    pub(super) has_grpc_web: bool,
    /// What chains for bytes share.
    pub(super) bytes: Handle<BytesSettings>,
    /// Logs of connections that no chain takes.
    pub(super) logs: Handle<Vec<AccessLog>>,
}

impl Caller {
    /// `None` for a proxy that can have no listeners at all: capture is switched off for the mesh, or it lacks what
    /// every listener is made of.
    pub(super) fn of(view: &View<'_>, proxy: &Proxy, settings: &Settings<'_>, labels: &Labels) -> Option<Self> {
        let mesh = &view.mesh().config;
        let capture_port = u16::try_from(mesh.proxy_listen_port).ok().filter(|port| *port > 0)?;
        if !has_basics(&proxy.capabilities) {
            return None;
        }
        let known = |extension: String| proxy.capabilities.has(&extension);
        let lookup = family(proxy);
        let (wildcards, localhosts) = addresses(proxy);
        let distinctions = view.distinctions();
        let told_apart = distinctions.connection_namespaces.contains(&proxy.namespace);
        Some(Self {
            wildcards,
            localhosts,
            interception: Interception::of(proxy),
            reach: Reach::of(view, proxy),
            reserved: reserved(view, proxy),
            unprivileged: proxy.metadata.flag("UNPRIVILEGED_POD") == Flag::On,
            accepts: view.mesh().features.accepts,
            exact_balance: proxy.metadata.flag("OUTBOUND_LISTENER_EXACT_BALANCE") == Flag::On,
            namespace: if told_apart { proxy.namespace.clone() } else { Namespace::default() },
            labels: relevant(view, proxy, labels),
            domain: if distinctions.aliased { proxy.domain.clone() } else { Str::default() },
            idle_timeout: settings.idle_timeout(),
            detection_timeout: mesh.protocol_detection_timeout,
            capture_port,
            http_proxy_port: http_proxy_port(view, proxy),
            unknown: sidecar::unknown(view, proxy).cluster(),
            unknown_calls: settings.unknown_calls(),
            stat_name: mesh.outbound_cluster_stat_name.clone(),
            lookup,
            reads: settings.reads(),
            clear_http: settings.clear_http(),
            resolves_sni: known(SniFilter::full_name()),
            resolves_hosts: known(HttpFilter::Resolve("*".into(), lookup).extension()),
            has_grpc_web: known(HttpFilter::GrpcWeb.extension()),
            bytes: Handle::new(settings.bytes(Direction::Out)),
            logs: Handle::new(settings.listener_logs(Direction::Out)),
        })
    }
}

/// Whether a proxy has what every listener is made of.
pub(in crate::plan) fn has_basics(capabilities: &Capabilities) -> bool {
    let basics = [
        HttpConnectionManager::full_name(),
        HttpFilter::Router { quiet: false }.extension(),
        UuidRequestIdConfig::full_name(),
        TcpProxy::full_name(),
        HttpInspector::full_name(),
        TlsInspector::full_name(),
        OriginalDst::full_name(),
    ];
    basics.iter().all(|extension| capabilities.has(extension))
}

/// The wildcard addresses of the families that a proxy speaks, and the addresses of its own machine.
pub(in crate::plan) fn addresses(proxy: &Proxy) -> (&'static [&'static str], &'static [&'static str]) {
    match proxy.families() {
        (true, false) => (&["0.0.0.0"], &["127.0.0.1"]),
        (true, true) => (&["0.0.0.0", "::"], &["127.0.0.1", "::1"]),
        (false, _) => (&["::"], &["::1"]),
    }
}

/// Ports at which a proxy says that it or its agent listens.
pub(in crate::plan) fn stated_ports(proxy: &Proxy) -> impl Iterator<Item = u16> {
    const KEYS: [&str; 4] =
        ["ENVOY_STATUS_PORT", "ENVOY_PROMETHEUS_PORT", "ENVOY_SECURE_METRICS_PORT", "ENVOY_SECURE_MERGED_METRICS_PORT"];
    KEYS.iter().filter_map(|key| proxy.metadata.number(key)).filter_map(|n| u16::try_from(n).ok())
}

/// Ports at which a proxy or its agent listens for other purposes (istio `conflictWithReservedListener`).
pub(in crate::plan) fn reserved(view: &View<'_>, proxy: &Proxy) -> BTreeSet<u16> {
    let mesh = &view.mesh().config;
    let captured = [mesh.proxy_listen_port, mesh.proxy_inbound_listen_port];
    stated_ports(proxy)
        .chain(captured.into_iter().filter_map(|n| u16::try_from(n).ok()))
        .filter(|port| *port > 0)
        .collect()
}

/// The port at which applications may use the proxy as an HTTP proxy (istio `buildHTTPProxy`).
pub(in crate::plan) fn http_proxy_port(view: &View<'_>, proxy: &Proxy) -> Option<u16> {
    let stated: Option<i32> = proxy.metadata.text("HTTP_PROXY_PORT").parse().ok();
    let port = stated.unwrap_or(view.mesh().config.proxy_http_port);
    u16::try_from(port).ok().filter(|port| *port > 0)
}

/// Those labels by which some route of connections, or some rule of its namespace, tells callers apart.
fn relevant(view: &View<'_>, proxy: &Proxy, labels: &Labels) -> Labels {
    let distinctions = view.distinctions();
    let selectors = distinctions.selectors.get(&proxy.namespace);
    let counts = |key: &Str, value: &Str| {
        distinctions.connection_labels.contains(&(key.clone(), value.clone()))
            || selectors.is_some_and(|keys| keys.contains(key))
    };
    labels.iter().filter(|(k, v)| counts(k, v)).map(|(k, v)| (k.clone(), v.clone())).collect()
}
