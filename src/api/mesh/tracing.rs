//! Tracing as the proxy's settings have it; Telemetry and extension providers are its successors.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::api::destination_rule::ClientTls;
use crate::api::enumeration::proto_enum;
use crate::base::{Double, Str};

/// Tracing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Tracing {
    /// Where traces go.
    #[serde(rename = "zipkin|lightstep|datadog|stackdriver|openCensusAgent")]
    pub tracer: Option<Tracer>,
    /// Tags by name.
    pub custom_tags: BTreeMap<Str, CustomTag>,
    /// How much of the path is kept, 256 if 0.
    pub max_path_tag_length: u32,
    /// How many calls in a hundred are traced.
    pub sampling: Double,
    /// TLS towards the tracer.
    pub tls_settings: Option<ClientTls>,
    /// Whether Istio's tags are added; yes if absent.
    pub enable_istio_tags: Option<bool>,
}

/// Where traces go.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Tracer {
    /// Zipkin.
    Zipkin(Zipkin),
    /// Lightstep.
    Lightstep(Lightstep),
    /// Datadog.
    Datadog(Datadog),
    /// Stackdriver.
    Stackdriver(Stackdriver),
    /// OpenCensus.
    OpenCensusAgent(OpenCensus),
}

/// Zipkin.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Zipkin {
    /// Host and port.
    pub address: Str,
}

/// Lightstep.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Lightstep {
    /// Host and port.
    pub address: Str,
    /// The token.
    pub access_token: Str,
}

/// Datadog.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Datadog {
    /// Host and port.
    pub address: Str,
}

/// Stackdriver.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Stackdriver {
    /// Whether traces go to the log too.
    pub debug: bool,
    /// Limit of attributes.
    pub max_number_of_attributes: Option<i64>,
    /// Limit of annotations.
    pub max_number_of_annotations: Option<i64>,
    /// Limit of message events.
    pub max_number_of_message_events: Option<i64>,
}

/// OpenCensus.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OpenCensus {
    /// Host and port.
    pub address: Str,
    /// The headers that carry the context.
    pub context: Vec<TraceContext>,
}

proto_enum! {
    /// Headers that carry the context of a trace.
    pub enum TraceContext {
        /// None.
        Unspecified = 0 "UNSPECIFIED",
        /// W3C's.
        W3c = 1 "W3C_TRACE_CONTEXT",
        /// gRPC's.
        GrpcBin = 2 "GRPC_BIN",
        /// Google Cloud's.
        CloudTrace = 3 "CLOUD_TRACE_CONTEXT",
        /// Zipkin's.
        B3 = 4 "B3",
    }
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
}

/// A fixed value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Literal {
    /// The value.
    pub value: Str,
}

/// An environment variable.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Environment {
    /// Its name.
    pub name: Str,
    /// The value where it is missing.
    pub default_value: Str,
}

/// A header.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RequestHeader {
    /// Its name.
    pub name: Str,
    /// The value where it is missing.
    pub default_value: Str,
}
