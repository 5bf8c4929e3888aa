//! The settings of a proxy (`mesh/v1alpha1/proxy.proto`).

use serde::{Deserialize, Serialize};

use super::connection::ConnectionSettings;
use super::headers::{ForwardClientCert, ProxyHeaders};
use super::tracing::Tracing;
use crate::api::Json;
use crate::api::decode::read;
use crate::api::destination_rule::{ClientTls, TcpKeepalive};
use crate::api::enumeration::proto_enum;
use crate::base::{Duration, Labels, Str};

/// The settings of a proxy. [`Default`] is istiod's.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ProxyConfig {
    /// Where the agent writes Envoy's bootstrap.
    pub config_path: Str,
    /// Envoy's program.
    pub binary_path: Str,
    /// The name of the proxy's workload in traces.
    #[serde(rename = "serviceCluster|tracingServiceName")]
    pub cluster_name: Option<ClusterName>,
    /// How long Envoy drains connections of a changed listener.
    pub drain_duration: Option<Duration>,
    /// Where the control plane is: host and port.
    pub discovery_address: Str,
    /// Not used any more.
    pub discovery_refresh_delay: Option<Duration>,
    /// Replaced by `tracing.zipkin.address`.
    pub zipkin_address: Str,
    /// Where statsd listens.
    pub statsd_udp_address: Str,
    /// Replaced by `envoyMetricsService`.
    pub envoy_metrics_service_address: Str,
    /// The port of Envoy's admin interface.
    pub proxy_admin_port: i32,
    /// Not used any more.
    pub availability_zone: Str,
    /// How the agent authenticates the control plane.
    pub control_plane_auth_policy: AuthenticationPolicy,
    /// A bootstrap that replaces the generated one.
    pub custom_config_file: Str,
    /// How long the names of statistics may be.
    pub stat_name_length: i32,
    /// Envoy's worker threads; 0 for one per core, the CPU limit if absent.
    pub concurrency: Option<i32>,
    /// The template of the bootstrap.
    pub proxy_bootstrap_template_path: Str,
    /// How calls in are captured.
    pub interception_mode: InterceptionMode,
    /// Tracing.
    pub tracing: Option<Tracing>,
    /// Not used any more.
    pub sds: Option<Sds>,
    /// Envoy's access log service.
    pub envoy_access_log_service: Option<RemoteService>,
    /// Envoy's metrics service.
    pub envoy_metrics_service: Option<RemoteService>,
    /// Environment variables of the agent; those with `ISTIO_META_` become metadata of the node.
    pub proxy_metadata: Labels,
    /// Runtime values of Envoy.
    pub runtime_values: Labels,
    /// The port of the agent.
    pub status_port: i32,
    /// Tags of statistics beside Istio's.
    pub extra_stat_tags: Vec<Str>,
    /// What is in front of a gateway.
    pub gateway_topology: Option<Topology>,
    /// How long the agent waits for connections to end when it is told to stop.
    pub termination_drain_duration: Option<Duration>,
    /// The mesh's id.
    pub mesh_id: Str,
    /// The readiness probe of virtual machines (a Kubernetes probe).
    pub readiness_probe: Option<Json>,
    /// Statistics beside the default ones.
    pub proxy_stats_matcher: Option<StatsMatcher>,
    /// Whether the application's containers wait for the proxy.
    pub hold_application_until_proxy_starts: Option<bool>,
    /// Further roots, in PEM.
    pub ca_certificates_pem: Vec<Str>,
    /// The image of the proxy.
    pub image: Option<ProxyImage>,
    /// Hardware for TLS.
    pub private_key_provider: Option<PrivateKeyProvider>,
    /// Headers that the proxy adds.
    pub proxy_headers: Option<Box<ProxyHeaders>>,
    /// How often access logs are flushed.
    pub file_flush_interval: Option<Duration>,
    /// From how many KiB access logs are flushed, 64 if 0.
    #[serde(rename = "fileFlushMinSizeKb")]
    pub file_flush_min_size_kb: u32,
    /// Whether metrics may be sent compressed.
    pub stats_compression: Option<bool>,
    /// Limits of connections.
    pub connection_settings: Option<Box<ConnectionSettings>>,
}

impl ProxyConfig {
    /// Reads the settings that a proxy states in its node, `None` where they are none. They are complete: what is
    /// missing is not taken from the mesh's settings.
    pub fn of_node(value: &serde_json::Value) -> Option<Self> {
        read(value, "PROXY_CONFIG").ok()
    }
}

impl Default for ProxyConfig {
    fn default() -> Self {
        Self {
            config_path: "./etc/istio/proxy".into(),
            binary_path: "/usr/local/bin/envoy".into(),
            cluster_name: Some(ClusterName::ServiceCluster("istio-proxy".into())),
            drain_duration: Some(Duration::from_secs(45)),
            discovery_address: "istiod.istio-system.svc:15012".into(),
            discovery_refresh_delay: None,
            zipkin_address: Str::default(),
            statsd_udp_address: Str::default(),
            envoy_metrics_service_address: Str::default(),
            proxy_admin_port: 15000,
            availability_zone: Str::default(),
            control_plane_auth_policy: AuthenticationPolicy::MutualTls,
            custom_config_file: Str::default(),
            stat_name_length: 189,
            concurrency: None,
            proxy_bootstrap_template_path: Str::default(),
            interception_mode: InterceptionMode::Redirect,
            tracing: None,
            sds: None,
            envoy_access_log_service: None,
            envoy_metrics_service: None,
            proxy_metadata: Labels::new(),
            runtime_values: Labels::new(),
            status_port: 15020,
            extra_stat_tags: Vec::new(),
            gateway_topology: None,
            termination_drain_duration: Some(Duration::from_secs(5)),
            mesh_id: Str::default(),
            readiness_probe: None,
            proxy_stats_matcher: None,
            hold_application_until_proxy_starts: None,
            ca_certificates_pem: Vec::new(),
            image: None,
            private_key_provider: None,
            proxy_headers: None,
            file_flush_interval: None,
            file_flush_min_size_kb: 0,
            stats_compression: None,
            connection_settings: None,
        }
    }
}

/// The name of a workload in traces.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ClusterName {
    /// This one.
    ServiceCluster(Str),
    /// One that follows from the workload.
    TracingServiceName(TracingServiceName),
}

proto_enum! {
    /// How the name of a workload in traces is made.
    pub enum TracingServiceName {
        /// Label `app` and namespace.
        AppLabelAndNamespace = 0 "APP_LABEL_AND_NAMESPACE",
        /// The canonical name.
        CanonicalNameOnly = 1 "CANONICAL_NAME_ONLY",
        /// The canonical name and namespace.
        CanonicalNameAndNamespace = 2 "CANONICAL_NAME_AND_NAMESPACE",
    }
}

proto_enum! {
    /// How the agent authenticates the control plane.
    pub enum AuthenticationPolicy {
        /// Not at all.
        None = 0 "NONE",
        /// By TLS.
        MutualTls = 1 "MUTUAL_TLS",
        /// As the mesh says.
        Inherit = 1000 "INHERIT",
    }
}

proto_enum! {
    /// How calls in are captured.
    pub enum InterceptionMode {
        /// By redirection; the source address is lost.
        Redirect = 0 "REDIRECT",
        /// Transparently.
        Tproxy = 1 "TPROXY",
        /// Not at all.
        None = 2 "NONE",
    }
}

/// The agent's own SDS; not used any more.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Sds {
    /// Whether it is on.
    pub enabled: bool,
    /// The token's file.
    pub k8s_sa_jwt_path: Str,
}

/// A service that Envoy reports to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RemoteService {
    /// Host and port.
    pub address: Str,
    /// TLS towards it.
    pub tls_settings: Option<ClientTls>,
    /// Keepalive of the sockets.
    pub tcp_keepalive: Option<TcpKeepalive>,
}

/// What is in front of a gateway.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Topology {
    /// How many trusted proxies.
    pub num_trusted_proxies: u32,
    /// What becomes of the header `x-forwarded-client-cert`.
    pub forward_client_cert_details: ForwardClientCert,
    /// Present if the PROXY protocol is spoken.
    pub proxy_protocol: Option<Json>,
}

/// Statistics by name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StatsMatcher {
    /// By their beginning.
    pub inclusion_prefixes: Vec<Str>,
    /// By their end.
    pub inclusion_suffixes: Vec<Str>,
    /// By regular expression.
    pub inclusion_regexps: Vec<Str>,
}

/// The image of the proxy.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ProxyImage {
    /// `default`, `debug` or `distroless`.
    pub image_type: Str,
}

/// Hardware for TLS.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PrivateKeyProvider {
    /// None.
    #[default]
    #[serde(rename = "")]
    Software,
    /// Intel's instructions.
    Cryptomb(CryptoMb),
    /// Intel's QAT.
    Qat(CryptoMb),
}

/// Settings of hardware for TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CryptoMb {
    /// How long operations are gathered.
    pub poll_delay: Option<Duration>,
    /// Whether software takes over where the hardware is missing.
    pub fallback: Option<bool>,
}
