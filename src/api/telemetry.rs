//! Istio's `Telemetry`: what is logged, counted and traced (`istio/api` `telemetry.proto`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::enumeration::proto_enum;
use super::envoy_filter::TargetRef;
use super::mesh::{Environment, Literal, RequestHeader};
use super::selector::MatchLabels;
use crate::base::{Double, Duration, Str};

/// What is logged, counted and traced.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Telemetry {
    /// The workloads; all of the namespace if absent, all of the mesh in the root namespace.
    pub selector: Option<MatchLabels>,
    /// The older form of `targetRefs`.
    pub target_ref: Option<TargetRef>,
    /// Gateways of the Gateway API in place of workloads.
    pub target_refs: Vec<TargetRef>,
    /// Traces.
    pub tracing: Vec<Tracing>,
    /// Metrics.
    pub metrics: Vec<Metrics>,
    /// Access logs.
    pub access_logging: Vec<AccessLogging>,
}

impl Telemetry {
    /// The gateways that it is for.
    pub fn targets(&self) -> impl Iterator<Item = &TargetRef> {
        let old = self.target_ref.iter().filter(|_| self.target_refs.is_empty());
        self.target_refs.iter().chain(old)
    }
}

/// A service of the mesh config, by its name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ProviderRef {
    /// The name.
    pub name: Str,
}

/// Of which calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Selector {
    /// The side that tells.
    pub mode: WorkloadMode,
}

proto_enum! {
    /// The side of a call that tells of it.
    pub enum WorkloadMode {
        /// Both.
        ClientAndServer = 0 "CLIENT_AND_SERVER",
        /// The caller's.
        Client = 1 "CLIENT",
        /// That of the workload that is called.
        Server = 2 "SERVER",
    }
}

impl WorkloadMode {
    /// Whether what is said for this mode holds for one side.
    pub fn includes(self, side: Self) -> bool {
        self == Self::ClientAndServer || self == side
    }
}

/// Traces.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Tracing {
    /// Of which calls; all if absent.
    pub r#match: Option<Selector>,
    /// Where they go; only the first counts.
    pub providers: Vec<ProviderRef>,
    /// How many calls in a hundred are traced.
    pub random_sampling_percentage: Option<Double>,
    /// Whether none are sent.
    pub disable_span_reporting: Option<bool>,
    /// Tags by name; they replace those of wider Telemetries as a whole.
    pub custom_tags: Option<BTreeMap<Str, CustomTag>>,
    /// Whether the id of a call tells if it is traced.
    pub use_request_id_for_trace_sampling: Option<bool>,
    /// Whether Istio's own tags are added.
    pub enable_istio_tags: Option<bool>,
    /// Whether the headers that join spans are left as they came.
    pub disable_context_propagation: Option<bool>,
}

/// The value of a tag.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CustomTag {
    /// None.
    #[default]
    #[serde(rename = "")]
    Unset,
    /// Always the same.
    Literal(Literal),
    /// An environment variable of the proxy.
    Environment(Environment),
    /// A header of the call.
    Header(RequestHeader),
    /// Text with Envoy's operators.
    Formatter(Literal),
}

/// Metrics.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Metrics {
    /// Who counts; as wider Telemetries say if empty.
    pub providers: Vec<ProviderRef>,
    /// Changes to metrics, later ones over earlier ones.
    pub overrides: Vec<MetricsOverride>,
    /// How often an open TCP connection is reported.
    pub reporting_interval: Option<Duration>,
}

/// A change to metrics.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MetricsOverride {
    /// Which; all if absent.
    pub r#match: Option<MetricSelector>,
    /// Whether they are not counted.
    pub disabled: Option<bool>,
    /// Changes to their labels, by name.
    pub tag_overrides: BTreeMap<Str, TagOverride>,
}

/// Which metrics.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MetricSelector {
    /// Which; all if absent.
    #[serde(rename = "metric|customMetric")]
    pub metric: Option<MetricName>,
    /// The side that counts.
    pub mode: WorkloadMode,
}

/// The name of a metric.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MetricName {
    /// One of Istio's.
    Metric(IstioMetric),
    /// Another one.
    CustomMetric(Str),
}

proto_enum! {
    /// Istio's standard metrics.
    pub enum IstioMetric {
        /// All of them.
        AllMetrics = 0 "ALL_METRICS",
        /// `istio_requests_total`.
        RequestCount = 1 "REQUEST_COUNT",
        /// `istio_request_duration_milliseconds`.
        RequestDuration = 2 "REQUEST_DURATION",
        /// `istio_request_bytes`.
        RequestSize = 3 "REQUEST_SIZE",
        /// `istio_response_bytes`.
        ResponseSize = 4 "RESPONSE_SIZE",
        /// `istio_tcp_connections_opened_total`.
        TcpOpenedConnections = 5 "TCP_OPENED_CONNECTIONS",
        /// `istio_tcp_connections_closed_total`.
        TcpClosedConnections = 6 "TCP_CLOSED_CONNECTIONS",
        /// `istio_tcp_sent_bytes_total`.
        TcpSentBytes = 7 "TCP_SENT_BYTES",
        /// `istio_tcp_received_bytes_total`.
        TcpReceivedBytes = 8 "TCP_RECEIVED_BYTES",
        /// `istio_request_messages_total`.
        GrpcRequestMessages = 9 "GRPC_REQUEST_MESSAGES",
        /// `istio_response_messages_total`.
        GrpcResponseMessages = 10 "GRPC_RESPONSE_MESSAGES",
    }
}

impl IstioMetric {
    /// All single ones.
    pub const EACH: [Self; 10] = [
        Self::RequestCount,
        Self::RequestDuration,
        Self::RequestSize,
        Self::ResponseSize,
        Self::TcpOpenedConnections,
        Self::TcpClosedConnections,
        Self::TcpSentBytes,
        Self::TcpReceivedBytes,
        Self::GrpcRequestMessages,
        Self::GrpcResponseMessages,
    ];
}

/// A change to a label.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TagOverride {
    /// What is done.
    pub operation: TagOperation,
    /// The CEL expression whose value it gets.
    pub value: Str,
}

proto_enum! {
    /// What is done to a label.
    pub enum TagOperation {
        /// It is added, or replaced.
        Upsert = 0 "UPSERT",
        /// It is left out.
        Remove = 1 "REMOVE",
    }
}

/// Access logs.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AccessLogging {
    /// Of which calls; all if absent.
    pub r#match: Option<Selector>,
    /// Where they go; as wider Telemetries say if empty.
    pub providers: Vec<ProviderRef>,
    /// Whether nothing is logged there.
    pub disabled: Option<bool>,
    /// Which calls are logged; all if absent.
    pub filter: Option<Filter>,
}

/// Which calls are logged.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Filter {
    /// A CEL expression that is true for them.
    pub expression: Str,
}
