//! What the mesh's settings and a proxy's own say about all of its listeners.

mod edge;

use std::borrow::Cow;
use std::cell::OnceCell;
use std::sync::Arc;

use prost::Name;

use envoy_types::pb::envoy::extensions::access_loggers::file::v3::FileAccessLog;
use envoy_types::pb::envoy::extensions::filters::network::mongo_proxy::v3::MongoProxy;

use crate::api::mesh::{
    ConnectionSettings, CustomTag, ForwardClientCert, MeshConfig, MetadataExchangeMode, Profile, ProxyConfig,
    ProxyHeaders,
};
use crate::base::{Double, Duration, Labels, Str};
use crate::generate::filter::{
    AccessLog, BytesSettings, CallSettings, ClientCertificate, HttpFilter, ServerHeader, Tag, TagValue, Tracing,
};
use crate::generate::route::{CatchAll, Defaults, Unknown};
use crate::plan::cluster::{Resolves, resolves};
use crate::proxy::{Proxy, Role};

use super::log;

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
    /// Read when it is needed: listeners for bytes do without.
    own: OnceCell<Cow<'a, ProxyConfig>>,
    proxy: &'a Proxy,
    labels: &'a Labels,
    /// Whether the proxy may find unknown hosts itself, where the mesh says so.
    pub(super) resolves: bool,
}

impl<'a> Settings<'a> {
    /// The settings for a proxy beside a workload with these labels.
    pub(in crate::plan) fn new(mesh: &'a MeshConfig, proxy: &'a Proxy, labels: &'a Labels) -> Self {
        Self { mesh, own: OnceCell::new(), proxy, labels, resolves: true }
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
        let inbound = direction != Direction::Out;
        let stats = HttpFilter::Stats { inbound };
        let metrics = if self.has(&stats) { self.metrics() } else { 0 };
        BytesSettings {
            // Calls out exchange theirs in the cluster.
            exchange: direction == Direction::In && self.proxy.capabilities.has(EXCHANGE),
            access: Vec::new(),
            stats: vec![inbound; metrics],
            logs: self.logs(),
        }
    }

    /// What chains for calls share.
    pub(in crate::plan) fn calls(&self, direction: Direction) -> CallSettings {
        let headers = self.headers();
        let disabled = |switch: Option<bool>| switch == Some(true);
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
            http10: self.proxy.metadata.text("HTTP10") == "1",
            normalization: self.mesh.path_normalization.unwrap_or_default().normalization,
            idle_timeout: self.idle_timeout(),
            limits: self.limits(),
            tracing: self.mesh.enable_tracing.then(|| self.tracing()),
            logs: self.logs(),
        }
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
    pub(in crate::plan) fn listener_logs(&self) -> Vec<AccessLog> {
        if self.mesh.disable_envoy_listener_log { Vec::new() } else { self.logs() }
    }

    fn logs(&self) -> Vec<AccessLog> {
        match self.proxy.capabilities.has(&FileAccessLog::full_name()) {
            true => log::logs(self.mesh, &self.proxy.capabilities),
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
        let inbound = direction != Direction::Out;
        let mut wanted = match direction {
            Direction::In => vec![HttpFilter::TellCallers],
            Direction::Out | Direction::Edge => {
                let alpn = match (self.proxy.capabilities.is_istio(), self.proxy.capabilities.has_identity()) {
                    (true, _) => Some(HttpFilter::Alpn),
                    (false, true) => Some(HttpFilter::AlpnByState),
                    (false, false) => None,
                };
                let tell = HttpFilter::TellServers { mesh_only: mode == MetadataExchangeMode::InMesh };
                let resolves = self.resolution().filter(|_| direction == Direction::Out);
                let find = resolves.map(|r| HttpFilter::ResolveUnknown(r.family, r.resolver));
                [tell].into_iter().chain(alpn).chain(find).collect()
            }
        };
        wanted.extend([HttpFilter::GrpcStats, HttpFilter::Fault, HttpFilter::Cors, HttpFilter::Router { quiet }]);
        wanted.extend(std::iter::repeat_n(HttpFilter::Stats { inbound }, self.metrics()));
        wanted.retain(|filter| self.has(filter));
        wanted.sort();
        wanted
    }

    /// Whether MongoDB's messages can be counted.
    pub(in crate::plan) fn has_mongo(&self) -> bool {
        self.proxy.capabilities.has(&MongoProxy::full_name())
    }

    fn has(&self, filter: &HttpFilter) -> bool {
        self.proxy.capabilities.has(&filter.extension())
    }

    /// How many filters of Istio's metrics there are: one for each provider that is one (istio
    /// `pilot/pkg/model/telemetry.go`, `telemetryFilters`).
    fn metrics(&self) -> usize {
        let mut names: Vec<_> = self.mesh.default_providers.metrics.iter().collect();
        names.sort();
        names.dedup();
        let prometheus = |name: &&&Str| log::provider(self.mesh, name).is_some_and(|p| p.r#type == "prometheus");
        names.iter().filter(prometheus).count()
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

    /// Istio `pilot/pkg/networking/core/tracing.go`, `configureTracingFromTelemetry`.
    fn tracing(&self) -> Tracing {
        let said = self.own().tracing.clone().unwrap_or_default();
        let sampling = match said.sampling.get() {
            0.0 => 1.0,
            percent if percent > 100.0 => 1.0,
            percent => percent,
        };
        let mut tags: Vec<Tag> = said.custom_tags.iter().filter_map(|(name, tag)| custom_tag(name, tag)).collect();
        if said.enable_istio_tags != Some(false) {
            tags.extend(self.service_tags());
            tags.extend(POLICY_TAGS.map(|(name, key)| Tag { name: name.into(), value: TagValue::Policy(key) }));
        }
        tags.sort_by(|a, b| a.name.cmp(&b.name));
        Tracing { sampling: Double::new(sampling), tags, max_path_length: said.max_path_tag_length }
    }

    /// Which workload the proxy is beside.
    fn service_tags(&self) -> [Tag; 5] {
        let or = |value: &str, default: &str| Str::from(if value.is_empty() { default } else { value });
        let label = |name: &str| self.labels.get(name).map(Str::as_str).unwrap_or_default();
        let metadata = |key: &str| self.proxy.metadata.text(key);
        [
            ("istio.canonical_revision", or(label("service.istio.io/canonical-revision"), "latest")),
            ("istio.canonical_service", or(label("service.istio.io/canonical-name"), "unknown")),
            ("istio.mesh_id", or(metadata("MESH_ID"), "unknown")),
            ("istio.namespace", or(metadata("NAMESPACE"), "default")),
            ("istio.cluster_id", or(metadata("CLUSTER_ID"), "unknown")),
        ]
        .map(|(name, value)| Tag { name: name.into(), value: TagValue::Literal(value) })
    }
}

/// What authorization policies on trial would have decided.
const POLICY_TAGS: [(&str, &str); 4] = [
    ("istio.authorization.dry_run.allow_policy.name", "istio_dry_run_allow_shadow_effective_policy_id"),
    ("istio.authorization.dry_run.allow_policy.result", "istio_dry_run_allow_shadow_engine_result"),
    ("istio.authorization.dry_run.deny_policy.name", "istio_dry_run_deny_shadow_effective_policy_id"),
    ("istio.authorization.dry_run.deny_policy.result", "istio_dry_run_deny_shadow_engine_result"),
];

fn custom_tag(name: &Str, tag: &CustomTag) -> Option<Tag> {
    let value = match tag {
        CustomTag::Unset => return None,
        CustomTag::Literal(literal) => TagValue::Literal(literal.value.clone()),
        CustomTag::Environment(e) => TagValue::Environment(e.name.clone(), e.default_value.clone()),
        CustomTag::Header(h) => TagValue::Header(h.name.clone(), h.default_value.clone()),
    };
    Some(Tag { name: name.clone(), value })
}
