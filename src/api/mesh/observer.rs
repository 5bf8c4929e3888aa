//! Providers of telemetry, with their settings: where logs and traces go, and who counts.

mod logs;

use serde::{Deserialize, Serialize};

use crate::api::decode::{Error, UnknownField, read_strictly};
use crate::api::enumeration::proto_enum;
use crate::base::{Duration, Str};

use super::provider::ExtensionProvider;

pub use logs::{FileLog, FileLogFormat, GrpcLog, OtelLog, OtelLogFormat};

/// A provider of telemetry.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Observer {
    /// A log in a file.
    FileLog(FileLog),
    /// Envoy's access log service, for calls.
    HttpLog(GrpcLog),
    /// Envoy's access log service, for connections.
    TcpLog(GrpcLog),
    /// A log collector of OpenTelemetry.
    OtelLog(OtelLog),
    /// Zipkin.
    Zipkin(ZipkinCollector),
    /// Datadog's agent.
    Datadog(Collector),
    /// SkyWalking's collector.
    Skywalking(Collector),
    /// A trace collector of OpenTelemetry.
    Opentelemetry(Box<Opentelemetry>),
    /// Prometheus, which asks for metrics.
    Prometheus,
}

/// A collector of traces.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Collector {
    /// `[namespace/]host` of the service.
    pub service: Str,
    /// Its port.
    pub port: u32,
    /// How much of the path a span keeps; 0 for Envoy's default.
    pub max_tag_length: u32,
    /// A token; istiod does not send it.
    pub access_token: Str,
}

/// Zipkin.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ZipkinCollector {
    /// `[namespace/]host` of the service.
    pub service: Str,
    /// Its port.
    pub port: u32,
    /// How much of the path a span keeps; 0 for Envoy's default.
    pub max_tag_length: u32,
    /// Whether ids of traces are short.
    #[serde(rename = "enable64bitTraceId")]
    pub enable_64bit_trace_id: bool,
    /// Where spans are posted; `/api/v2/spans` if empty.
    pub path: Str,
    /// The headers that join spans.
    pub trace_context_option: TraceContextOption,
    /// How long a post may take.
    pub timeout: Option<Duration>,
    /// Headers of posts.
    pub headers: Vec<HttpHeader>,
}

proto_enum! {
    /// The headers that join spans.
    pub enum TraceContextOption {
        /// Zipkin's.
        UseB3 = 0 "USE_B3",
        /// Zipkin's and W3C's.
        UseB3WithW3cPropagation = 1 "USE_B3_WITH_W3C_PROPAGATION",
    }
}

/// A header.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HttpHeader {
    /// Its name.
    pub name: Str,
    /// Its value.
    #[serde(rename = "value|envName")]
    pub value: Option<HeaderValue>,
}

/// The value of a header.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum HeaderValue {
    /// Always the same.
    Value(Str),
    /// A variable of the control plane's environment.
    EnvName(Str),
}

impl HttpHeader {
    /// The value that is sent. Variables of the environment are not read: no fact may depend on them.
    pub fn text(&self) -> Str {
        match &self.value {
            Some(HeaderValue::Value(value)) => value.clone(),
            Some(HeaderValue::EnvName(_)) | None => Str::default(),
        }
    }
}

/// A trace collector of OpenTelemetry.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Opentelemetry {
    /// `[namespace/]host` of the service.
    pub service: Str,
    /// Its port.
    pub port: u32,
    /// How much of the path a span keeps; 0 for Envoy's default.
    pub max_tag_length: u32,
    /// Over HTTP.
    pub http: Option<HttpExport>,
    /// Over gRPC, which is the default.
    pub grpc: Option<GrpcExport>,
    /// Where attributes of the proxy come from.
    pub resource_detectors: Option<ResourceDetectors>,
    /// The name of the service in traces.
    pub service_attribute_enrichment: ServiceAttributeEnrichment,
    /// Who decides which calls are traced, in place of a percentage.
    pub dynatrace_sampler: Option<DynatraceSampler>,
}

/// Export over HTTP.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HttpExport {
    /// The path.
    pub path: Str,
    /// How long a post may take.
    pub timeout: Option<Duration>,
    /// Headers of posts.
    pub headers: Vec<HttpHeader>,
}

/// Export over gRPC.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GrpcExport {
    /// How long a call may take.
    pub timeout: Option<Duration>,
    /// Metadata of calls.
    pub initial_metadata: Vec<HttpHeader>,
}

/// Where attributes of the proxy come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourceDetectors {
    /// The environment variable `OTEL_RESOURCE_ATTRIBUTES`.
    pub environment: Option<Detector>,
    /// Dynatrace's files.
    pub dynatrace: Option<Detector>,
}

/// A detector; there is nothing to set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Detector {}

proto_enum! {
    /// The name of the service in traces.
    pub enum ServiceAttributeEnrichment {
        /// The name of the proxy's Node.
        IstioCanonical = 0 "ISTIO_CANONICAL",
        /// As OpenTelemetry derives it from a Pod.
        OtelSemanticConventions = 1 "OTEL_SEMANTIC_CONVENTIONS",
    }
}

/// Dynatrace's sampler.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DynatraceSampler {
    /// The tenant.
    pub tenant: Str,
    /// The cluster.
    pub cluster_id: i32,
    /// How many traces start in a minute.
    pub root_spans_per_minute: u32,
    /// Where it asks; the exporter's own service over HTTP if absent.
    pub http_service: Option<DynatraceApi>,
}

/// Where Dynatrace's sampler asks.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DynatraceApi {
    /// `[namespace/]host` of the service.
    pub service: Str,
    /// Its port.
    pub port: u32,
    /// The path, and more.
    pub http: Option<HttpExport>,
}

impl Observer {
    /// Reads the settings of a provider that sits at `at` of its document. `None` for providers of other things, and
    /// of what istiod has given up.
    pub(in crate::api) fn read(
        provider: &ExtensionProvider,
        at: &str,
    ) -> (Result<Option<Self>, Error>, Vec<UnknownField>) {
        macro_rules! read {
            ($variant:ident) => {{
                let (read, unknown) = read_strictly(&provider.settings, at);
                (read.map(|settings| Some(Self::$variant(settings))), unknown)
            }};
        }
        match provider.r#type.as_str() {
            "envoyFileAccessLog" => read!(FileLog),
            "envoyHttpAls" => read!(HttpLog),
            "envoyTcpAls" => read!(TcpLog),
            "envoyOtelAls" => read!(OtelLog),
            "zipkin" => read!(Zipkin),
            "datadog" => read!(Datadog),
            "skywalking" => read!(Skywalking),
            "opentelemetry" => read!(Opentelemetry),
            "prometheus" => (Ok(Some(Self::Prometheus)), Vec::new()),
            _ => (Ok(None), Vec::new()),
        }
    }

    /// The `[namespace/]host` and the port of the service that it needs.
    pub fn service(&self) -> Option<(&Str, u32)> {
        match self {
            Self::FileLog(_) | Self::Prometheus => None,
            Self::HttpLog(s) | Self::TcpLog(s) => Some((&s.service, s.port)),
            Self::OtelLog(s) => Some((&s.service, s.port)),
            Self::Zipkin(s) => Some((&s.service, s.port)),
            Self::Datadog(s) | Self::Skywalking(s) => Some((&s.service, s.port)),
            Self::Opentelemetry(s) => Some((&s.service, s.port)),
        }
    }

    /// Whether it takes logs.
    pub fn logs(&self) -> bool {
        matches!(self, Self::FileLog(_) | Self::HttpLog(_) | Self::TcpLog(_) | Self::OtelLog(_))
    }

    /// Whether it takes traces.
    pub fn traces(&self) -> bool {
        matches!(self, Self::Zipkin(_) | Self::Datadog(_) | Self::Skywalking(_) | Self::Opentelemetry(_))
    }
}
