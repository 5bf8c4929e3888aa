//! Istio's mesh config: the settings of the whole mesh (`istio/api` `mesh/v1alpha1`).

mod authorizer;
mod connection;
mod headers;
mod networks;
mod observer;
mod provider;
mod proxy;
mod settings;
mod tracing;
mod visibility;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use authorizer::{Authorizer, RequestBody};
pub use connection::{ConnectionSettings, HeadersWithUnderscores, PathWithEscapedSlashes, Profile};
pub use headers::{
    AttemptCount, ClientCertDetails, EnvoyDebugHeaders, ForwardClientCert, MetadataExchangeHeaders,
    MetadataExchangeMode, ProxyHeaders, RequestId, ServerHeader, XForwarded,
};
pub use networks::{MeshNetworks, Network, NetworkEndpoints, NetworkGateway};
pub use observer::{
    Collector, DynatraceApi, DynatraceSampler, FileLog, FileLogFormat, GrpcExport, GrpcLog, HttpExport, HttpHeader,
    Observer, Opentelemetry, OtelLog, OtelLogFormat, ResourceDetectors, ServiceAttributeEnrichment, TraceContextOption,
    ZipkinCollector,
};
pub use provider::ExtensionProvider;
pub use proxy::{
    AuthenticationPolicy, ClusterName, CryptoMb, InterceptionMode, PrivateKeyProvider, ProxyConfig, ProxyImage,
    RemoteService, Sds, StatsMatcher, Topology, TracingServiceName,
};
pub use settings::{
    AccessLogEncoding, Ca, Certificate, CertificateData, CertificateSource, ConfigSource, DefaultProviders,
    DefaultTrafficPolicy, H2UpgradePolicy, InboundMode, InboundTrafficPolicy, IngressControllerMode, NormalizationType,
    OutboundMode, OutboundTrafficPolicy, PathNormalization, Resource, TlsConfig, TlsProtocol,
};
pub use tracing::{
    CustomTag, Datadog, Environment, Lightstep, Literal, OpenCensus, RequestHeader, Stackdriver, TraceContext, Tracer,
    Tracing, Zipkin,
};
pub use visibility::{
    MatchRule, Scope, ServiceEntryVisibility, ServiceScope, ServiceSettings, Settings, Visibility, VisibilityPolicy,
};

use super::decode::read_strictly;
use super::destination_rule::{LocalityBalancing, TcpKeepalive, ZoneAwareBalancing};
use super::report::Report;
use super::selector::LabelSelector;
use super::virtual_service::Retry;
use super::{encode, validate};
use crate::base::{Duration, Finding, ObjectRef, Str};

/// The settings of the mesh. [`Default`] is what istiod takes where nothing is said (`pkg/config/mesh/mesh.go`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MeshConfig {
    /// The port of sidecars for captured calls out.
    pub proxy_listen_port: i32,
    /// The port of sidecars for captured calls in.
    pub proxy_inbound_listen_port: i32,
    /// The port of sidecars for HTTP proxying, 0 for none.
    pub proxy_http_port: i32,
    /// How long connecting to an endpoint may take.
    pub connect_timeout: Duration,
    /// How long an HBONE connection may be without streams.
    pub hbone_idle_timeout: Option<Duration>,
    /// How long a proxy waits for the first bytes of a connection to detect its protocol; 0 for ever.
    pub protocol_detection_timeout: Duration,
    /// Keepalive of the sockets to endpoints.
    pub tcp_keepalive: Option<TcpKeepalive>,
    /// The class of Ingresses that are taken.
    pub ingress_class: Str,
    /// The service of the ingress gateway.
    pub ingress_service: Str,
    /// Which Ingresses are taken.
    pub ingress_controller_mode: IngressControllerMode,
    /// The label `istio` of the ingress gateway's Pods.
    pub ingress_selector: Str,
    /// Whether proxies trace.
    pub enable_tracing: bool,
    /// The file for access logs, empty for none.
    pub access_log_file: Str,
    /// The format of access logs, empty for Istio's.
    pub access_log_format: Str,
    /// Text or JSON.
    pub access_log_encoding: AccessLogEncoding,
    /// Whether access logs go to Envoy's access log service.
    pub enable_envoy_access_log_service: bool,
    /// Whether listeners keep no log of connections that no filter chain takes.
    pub disable_envoy_listener_log: bool,
    /// The settings of each proxy.
    pub default_config: Box<ProxyConfig>,
    /// What becomes of calls to unknown hosts.
    pub outbound_traffic_policy: OutboundTrafficPolicy,
    /// Where calls to unknown ports go.
    pub inbound_traffic_policy: InboundTrafficPolicy,
    /// Other sources of configuration.
    pub config_sources: Vec<ConfigSource>,
    /// Whether callers use the mesh's certificates wherever the server has them; true if absent.
    #[serde(rename = "enableAutoMtls")]
    pub enable_auto_mtls: Option<bool>,
    /// The trust domain of the mesh's identities.
    pub trust_domain: Str,
    /// Other trust domains that count as the same; sorted, each once.
    pub trust_domain_aliases: Vec<Str>,
    /// Further roots.
    pub ca_certificates: Vec<CertificateData>,
    /// The namespaces that see a service that does not say so.
    pub default_service_export_to: Vec<Str>,
    /// The namespaces that see a VirtualService that does not say so.
    pub default_virtual_service_export_to: Vec<Str>,
    /// The namespaces that see a DestinationRule that does not say so.
    pub default_destination_rule_export_to: Vec<Str>,
    /// The namespace whose objects are for the whole mesh.
    pub root_namespace: Str,
    /// Preference by locality.
    pub locality_lb_setting: Option<LocalityBalancing>,
    /// Preference by zone, made by Envoy itself.
    pub zone_aware_lb_setting: Option<ZoneAwareBalancing>,
    /// How long Envoy keeps failed answers of DNS.
    pub dns_refresh_rate: Duration,
    /// Whether HTTP/1.1 becomes HTTP/2.
    pub h2_upgrade_policy: H2UpgradePolicy,
    /// A pattern for the names of inbound clusters in statistics.
    pub inbound_cluster_stat_name: Str,
    /// A pattern for the names of outbound clusters in statistics.
    pub outbound_cluster_stat_name: Str,
    /// Not used any more.
    pub certificates: Vec<Certificate>,
    /// Settings of services by host.
    pub service_settings: Vec<ServiceSettings>,
    /// Which services are seen by other clusters (ambient).
    pub service_scope_configs: Vec<ServiceScope>,
    /// Whether the agent serves the application's metrics beside Envoy's; true if absent.
    pub enable_prometheus_merge: Option<bool>,
    /// Whether servers' certificates are checked against the system's roots where nothing is said.
    pub verify_certificate_at_client: Option<bool>,
    /// The authority that signs for workloads in istiod's place.
    pub ca: Option<Ca>,
    /// Services that extensions use, by name; Istio's own are among them.
    pub extension_providers: Vec<ExtensionProvider>,
    /// The providers in use where no Telemetry says otherwise.
    pub default_providers: DefaultProviders,
    /// The namespaces that belong to the mesh: any of these; all if empty.
    pub discovery_selectors: Vec<LabelSelector>,
    /// How paths are normalized before authorization.
    pub path_normalization: Option<PathNormalization>,
    /// Repeated attempts where a route does not say.
    pub default_http_retry_policy: Option<Retry>,
    /// Repeated attempts towards the application itself; only attempts, conditions and pause matter.
    pub default_inbound_http_retry_policy: Option<Retry>,
    /// TLS inside the mesh.
    #[serde(rename = "meshMTLS")]
    pub mesh_mtls: Option<TlsConfig>,
    /// TLS outside the mesh.
    pub tls_defaults: Option<TlsConfig>,
    /// How hosts are called where no DestinationRule says.
    pub default_traffic_policy: Option<Box<DefaultTrafficPolicy>>,
    /// Who sees ServiceEntries.
    pub service_entry_visibility: Option<ServiceEntryVisibility>,
    /// The networks, which come in a file of their own.
    #[serde(skip)]
    pub networks: MeshNetworks,
}

impl Default for MeshConfig {
    fn default() -> Self {
        let everywhere = || vec![Str::from("*")];
        Self {
            proxy_listen_port: 15001,
            proxy_inbound_listen_port: 15006,
            proxy_http_port: 0,
            connect_timeout: Duration::from_secs(10),
            hbone_idle_timeout: None,
            protocol_detection_timeout: Duration::ZERO,
            tcp_keepalive: None,
            ingress_class: "istio".into(),
            ingress_service: "istio-ingressgateway".into(),
            ingress_controller_mode: IngressControllerMode::Strict,
            ingress_selector: Str::default(),
            enable_tracing: true,
            access_log_file: Str::default(),
            access_log_format: Str::default(),
            access_log_encoding: AccessLogEncoding::Text,
            enable_envoy_access_log_service: false,
            disable_envoy_listener_log: false,
            default_config: Box::default(),
            outbound_traffic_policy: OutboundTrafficPolicy { mode: OutboundMode::AllowAny, tls: None },
            inbound_traffic_policy: InboundTrafficPolicy { mode: InboundMode::Passthrough },
            config_sources: Vec::new(),
            enable_auto_mtls: Some(true),
            trust_domain: "cluster.local".into(),
            trust_domain_aliases: Vec::new(),
            ca_certificates: Vec::new(),
            default_service_export_to: everywhere(),
            default_virtual_service_export_to: everywhere(),
            default_destination_rule_export_to: everywhere(),
            root_namespace: "istio-system".into(),
            locality_lb_setting: Some(LocalityBalancing { enabled: Some(true), ..LocalityBalancing::default() }),
            zone_aware_lb_setting: None,
            dns_refresh_rate: Duration::from_secs(60),
            h2_upgrade_policy: H2UpgradePolicy::DoNotUpgrade,
            inbound_cluster_stat_name: Str::default(),
            outbound_cluster_stat_name: Str::default(),
            certificates: Vec::new(),
            service_settings: Vec::new(),
            service_scope_configs: Vec::new(),
            enable_prometheus_merge: Some(true),
            verify_certificate_at_client: None,
            ca: None,
            extension_providers: ExtensionProvider::built_in(),
            default_providers: DefaultProviders::default(),
            discovery_selectors: Vec::new(),
            path_normalization: None,
            default_http_retry_policy: None,
            default_inbound_http_retry_policy: None,
            mesh_mtls: None,
            tls_defaults: None,
            default_traffic_policy: None,
            service_entry_visibility: None,
            networks: MeshNetworks::default(),
        }
    }
}

impl MeshConfig {
    /// Reads what users wrote over istiod's defaults: a field replaces its default as a whole, save that the fields
    /// of `defaultConfig` and the providers of `extensionProviders` do so one by one (`ApplyMeshConfig`).
    ///
    /// If a finding is an error, the config is the default one, and the caller should stay with what it has.
    pub fn parse(value: Value) -> (MeshConfig, Vec<Finding>) {
        let report = Report::new(ObjectRef { kind: "MeshConfig".into(), ..ObjectRef::default() });
        let (mesh, unknown) = read_strictly::<Self>(&value, "");
        for field in unknown {
            report.unknown_field(field.path, field.nearest);
        }
        let mesh = match mesh {
            Ok(mesh) => mesh.completed(),
            Err(error) => {
                report.invalid(error.path.unwrap_or_default(), error.text);
                Self::default()
            }
        };
        mesh.read_observers(&report);
        validate::mesh(&mesh, &report);
        let mesh = if report.is_fatal() { Self::default() } else { mesh };
        (mesh, report.into_findings())
    }

    /// Adds the built-in providers that were not replaced, and puts the aliases in order.
    fn completed(mut self) -> Self {
        self.extension_providers = ExtensionProvider::merge(ExtensionProvider::built_in(), self.extension_providers);
        self.trust_domain_aliases.sort();
        self.trust_domain_aliases.dedup();
        self
    }

    /// Says what is wrong in the settings of providers. A provider without a service can be there as long as nobody
    /// uses it, as in istiod.
    fn read_observers(&self, report: &Report) {
        for provider in &self.extension_providers {
            let at = format!("extensionProviders[{}].{}", provider.name, provider.r#type);
            let (read, unknown) = Observer::read(provider, &at);
            unknown.into_iter().for_each(|field| report.unknown_field(field.path, field.nearest));
            match read {
                Ok(observer) => observer.iter().for_each(|o| validate::observer(o, &at, report)),
                Err(error) => report.invalid(error.path.unwrap_or(at), error.text),
            }
        }
    }

    /// The config as JSON, without what has no value.
    pub fn to_json(&self) -> Value {
        encode::to_value(self)
    }
}
