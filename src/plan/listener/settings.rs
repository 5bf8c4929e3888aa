//! What the mesh's settings and a proxy's own say about all of its listeners.

mod edge;

use std::borrow::Cow;
use std::cell::OnceCell;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use prost::Name;

use crate::api::mesh::{
    ConnectionSettings, ForwardClientCert, MeshConfig, MetadataExchangeMode, Profile, ProxyConfig, ProxyHeaders,
};
use crate::base::{Duration, Features, Labels, Str};
use crate::generate::filter::{
    AccessLog, BytesSettings, CallSettings, ClientCertificate, HttpFilter, ServerHeader, Stats,
};
use crate::generate::listener::{CLEAR_HTTP, CLEAR_HTTP_10};
use crate::generate::route::{CatchAll, Defaults, Unknown};
use crate::model::View;
use crate::plan::cluster::{Resolves, resolves};
use crate::plan::telemetry::{Place, Telemetries};
use crate::proto::stats::PluginConfig;
use crate::proxy::{Proxy, Role};

use super::reads::Reads;

/// Whether calls go out of the workload or come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::plan) enum Direction {
    /// They come in.
    In,
    /// They go out.
    Out,
    /// They come from outside the mesh, or leave it, by a gateway.
    Edge,
}

/// The mesh's settings, and those of a proxy where it states its own.
pub(in crate::plan) struct Settings<'a> {
    mesh: &'a MeshConfig,
    features: &'a Features,
    /// Read when it is needed: listeners for bytes do without.
    own: OnceCell<Cow<'a, ProxyConfig>>,
    proxy: &'a Proxy,
    telemetry: Telemetries<'a>,
    /// Whether the proxy may find unknown hosts itself, where the mesh says so.
    pub(super) resolves: bool,
}

impl<'a> Settings<'a> {
    /// The settings for a proxy beside a workload with these labels.
    pub(in crate::plan) fn new(view: &'a View<'a>, proxy: &'a Proxy, labels: &'a Labels) -> Self {
        let telemetry = Telemetries::of(view, proxy, labels);
        let mesh = view.mesh();
        Self { mesh: &mesh.config, features: &mesh.features, own: OnceCell::new(), proxy, telemetry, resolves: true }
    }

    fn own(&self) -> &ProxyConfig {
        self.own.get_or_init(|| {
            let stated = self.proxy.metadata.json("PROXY_CONFIG").and_then(|json| ProxyConfig::of_node(&json));
            stated.map_or(Cow::Borrowed(&*self.mesh.default_config), Cow::Owned)
        })
    }

    /// How long a connection may be silent, where no rule says.
    pub(in crate::plan) fn idle_timeout(&self) -> Option<Duration> {
        Duration::parse(self.proxy.metadata.text("IDLE_TIMEOUT"))
    }

    /// What chains for bytes share.
    pub(in crate::plan) fn bytes(&self, direction: Direction) -> BytesSettings {
        const EXCHANGE: &str = "envoy.tcp.metadataexchange.config.MetadataExchange";
        BytesSettings {
            // Calls out exchange theirs in the cluster.
            exchange: direction == Direction::In && self.proxy.capabilities.has(EXCHANGE),
            access: Vec::new(),
            stats: self.stats(direction),
            logs: self.logs(direction, Place::Bytes),
            // Calls out of all workloads share their listeners.
            metrics: self.telemetry.standard(direction == Direction::In, direction == Direction::Out),
        }
    }

    /// What chains for calls share.
    pub(in crate::plan) fn calls(&self, direction: Direction) -> CallSettings {
        let headers = self.headers();
        let disabled = |switch: Option<bool>| switch == Some(true);
        let (tracing, sampled_by_id) = self.telemetry.tracing(direction == Direction::In, self.own());
        CallSettings {
            filters: self.filters(direction),
            server: self.server(direction),
            certificate: match direction {
                Direction::In => Some(self.certificate()),
                Direction::Edge => Some(edge::certificate(self.own().gateway_topology.as_ref())),
                Direction::Out => None,
            },
            edge: (direction == Direction::Edge)
                .then(|| self.own().gateway_topology.as_ref().map_or(0, |t| t.num_trusted_proxies)),
            no_request_id: disabled(headers.request_id.and_then(|h| h.disabled)),
            forwarded_port: disabled(headers.x_forwarded_port.and_then(|h| h.enabled)),
            keep_case: disabled(headers.preserve_http1_header_case),
            http10: self.features.http10 || self.proxy.metadata.text("HTTP10") == "1",
            remote_address: self.features.remote_address && direction == Direction::Out,
            internal: self.internal(direction),
            continues: self.features.continue_headers,
            normalization: self.mesh.path_normalization.unwrap_or_default().normalization,
            idle_timeout: self.idle_timeout(),
            limits: self.limits(),
            sampled_by_id,
            tracing,
            logs: self.logs(direction, Place::Calls),
            metrics: self.telemetry.standard(direction == Direction::In, direction == Direction::Out),
        }
    }

    /// The ranges of addresses of the mesh's networks, in order. They matter where the caller's address is that of its
    /// connection: Envoy takes some headers from the mesh's own alone (istio `MeshNetworksToEnvoyInternalAddressConfig`).
    fn internal(&self, direction: Direction) -> Vec<IpNet> {
        let trusts_connection = match direction {
            Direction::Edge => true,
            Direction::Out => self.features.remote_address,
            Direction::In => false,
        };
        if !trusts_connection && !self.features.internal_networks {
            return Vec::new();
        }
        let said = self.mesh.networks.networks.values().flat_map(|network| &network.endpoints);
        let range = |text: &Str| {
            let of_address = || text.parse::<IpAddr>().ok().map(IpNet::from);
            text.parse::<IpNet>().ok().or_else(of_address)
        };
        let mut ranges: Vec<IpNet> = said.filter_map(|endpoints| range(&endpoints.from_cidr)).collect();
        ranges.sort_by_key(|net| (net.addr(), net.prefix_len()));
        ranges
    }

    /// What becomes of calls to hosts that nobody knows, if the proxy is to find them itself.
    pub(in crate::plan) fn unknown_calls(&self) -> Option<CatchAll> {
        self.resolution()?;
        let headers = self.headers();
        let defaults = Defaults {
            attempt_count: headers.attempt_count.is_none_or(|h| h.disabled != Some(true)),
            forwarded_host: headers.x_forwarded_host.is_some_and(|h| h.enabled == Some(true)),
            ..Defaults::default()
        };
        Some(CatchAll { unknown: Unknown::Resolve, defaults: Arc::new(defaults) })
    }

    /// Logs of connections that no chain takes.
    pub(in crate::plan) fn listener_logs(&self, direction: Direction) -> Vec<AccessLog> {
        if self.mesh.disable_envoy_listener_log { Vec::new() } else { self.logs(direction, Place::Listener) }
    }

    fn logs(&self, direction: Direction, place: Place) -> Vec<AccessLog> {
        self.telemetry.logs(direction == Direction::In, place)
    }

    /// The filters that count.
    fn stats(&self, direction: Direction) -> Vec<Stats> {
        match self.proxy.capabilities.has(&PluginConfig::full_name()) {
            true => self.telemetry.stats(direction == Direction::In, direction == Direction::Edge),
            false => Vec::new(),
        }
    }

    fn headers(&self) -> Cow<'_, ProxyHeaders> {
        self.own().proxy_headers.as_deref().map_or_else(Cow::default, Cow::Borrowed)
    }

    /// Whether the PROXY protocol is spoken in front of a gateway.
    pub(in crate::plan) fn proxy_protocol(&self) -> bool {
        self.own().gateway_topology.as_ref().is_some_and(|topology| topology.proxy_protocol.is_some())
    }

    /// How much of a connection is buffered, in bytes.
    pub(in crate::plan) fn buffer_limit(&self) -> Option<u32> {
        u32::try_from(self.limits()?.listener_per_connection_buffer_limit_bytes?).ok()
    }

    /// At the edge of the mesh, the profile says what nobody else says.
    fn limits(&self) -> Option<ConnectionSettings> {
        let said = self.own().connection_settings.as_deref();
        let said = said.or(self.mesh.default_config.connection_settings.as_deref())?;
        let edge = said.profile == Profile::Edge && self.proxy.role == Role::Router;
        Some(if edge { edge::profile(said.clone()) } else { said.clone() })
    }

    /// How the proxy finds unknown hosts, if it is to do so.
    fn resolution(&self) -> Option<Resolves> {
        resolves(self.mesh, self.proxy).filter(|_| self.resolves)
    }

    /// Only what the proxy has. An Envoy that is not Istio's build and has an identity offers the mesh's protocols by
    /// other means.
    fn filters(&self, direction: Direction) -> Vec<HttpFilter> {
        let headers = self.headers();
        let mode = headers.metadata_exchange_headers.unwrap_or_default().mode;
        let quiet = headers.envoy_debug_headers.and_then(|h| h.disabled) == Some(true);
        let mut wanted = match direction {
            Direction::In => vec![HttpFilter::TellCallers],
            Direction::Out | Direction::Edge => {
                let alpn = match (self.proxy.capabilities.is_istio(), self.proxy.capabilities.has_identity()) {
                    (true, _) => Some(HttpFilter::Alpn),
                    (false, true) => Some(HttpFilter::AlpnByState),
                    (false, false) => None,
                };
                let alpn = alpn.filter(|_| self.features.alpn_filter);
                let tell = HttpFilter::TellServers { mesh_only: mode == MetadataExchangeMode::InMesh };
                let resolves = self.resolution().filter(|_| direction == Direction::Out);
                let find = resolves.map(|r| HttpFilter::ResolveUnknown(r.family, r.resolver));
                [tell].into_iter().chain(alpn).chain(find).collect()
            }
        };
        wanted.extend([HttpFilter::GrpcStats, HttpFilter::Fault, HttpFilter::Cors, HttpFilter::Router { quiet }]);
        wanted.extend(self.stats(direction).into_iter().map(HttpFilter::Stats));
        wanted.extend(self.telemetry.standard_filters(direction == Direction::In));
        wanted.retain(|filter| self.has(filter));
        wanted.sort();
        wanted
    }

    /// The protocols of calls in clear text.
    pub(in crate::plan) fn clear_http(&self) -> &'static [&'static str] {
        if self.features.http10 { CLEAR_HTTP_10 } else { CLEAR_HTTP }
    }

    /// The protocols of bytes that the proxy reads along.
    pub(in crate::plan) fn reads(&self) -> Reads {
        Reads::new(self.features, &self.proxy.capabilities)
    }

    fn has(&self, filter: &HttpFilter) -> bool {
        self.proxy.capabilities.has(&filter.extension())
    }

    /// Calls out get Envoy's own name where nothing is said, calls in Istio's.
    fn server(&self, direction: Direction) -> ServerHeader {
        let default = if direction == Direction::Out { "" } else { "istio-envoy" };
        match &self.headers().server {
            Some(header) if header.disabled == Some(true) => ServerHeader::Keep,
            Some(header) if !header.value.is_empty() => ServerHeader::Replace(header.value.clone()),
            _ => ServerHeader::Replace(default.into()),
        }
    }

    fn certificate(&self) -> ClientCertificate {
        let headers = self.headers();
        let details = headers.set_current_client_cert_details.unwrap_or_default();
        ClientCertificate {
            forward: match headers.forwarded_client_cert {
                ForwardClientCert::Undefined => ForwardClientCert::AppendForward,
                said => said,
            },
            tells: true,
            subject: details.subject != Some(false),
            cert: details.cert == Some(true),
            chain: details.chain == Some(true),
            dns: details.dns != Some(false),
            uri: details.uri != Some(false),
        }
    }
}
