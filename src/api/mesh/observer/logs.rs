//! Where logs go.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::api::Json;
use crate::base::Str;

/// A log in a file.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FileLog {
    /// The file; `/dev/stdout` if empty.
    pub path: Str,
    /// What a line holds; Istio's text if absent.
    pub log_format: Option<FileLogFormat>,
    /// Whether values that are missing are left out.
    pub omit_empty_values: bool,
}

/// What a line of a log holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FileLogFormat {
    /// Nothing is said; istiod then sends no format at all.
    #[default]
    #[serde(rename = "")]
    Unset,
    /// Text with Envoy's operators.
    Text(Str),
    /// A JSON object whose strings hold them.
    Labels(BTreeMap<Str, Json>),
}

/// Envoy's access log service.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GrpcLog {
    /// `[namespace/]host` of the service.
    pub service: Str,
    /// Its port.
    pub port: u32,
    /// The name of the log.
    pub log_name: Str,
    /// State of filters that is logged.
    pub filter_state_objects_to_log: Vec<Str>,
    /// Headers of calls that are logged.
    pub additional_request_headers_to_log: Vec<Str>,
    /// Headers of answers that are logged.
    pub additional_response_headers_to_log: Vec<Str>,
    /// Trailers of answers that are logged.
    pub additional_response_trailers_to_log: Vec<Str>,
}

/// A log collector of OpenTelemetry.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OtelLog {
    /// `[namespace/]host` of the service.
    pub service: Str,
    /// Its port.
    pub port: u32,
    /// The name of the log.
    pub log_name: Str,
    /// What an entry holds.
    pub log_format: Option<OtelLogFormat>,
}

/// What an entry of OpenTelemetry's log holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OtelLogFormat {
    /// The body, with Envoy's operators; Istio's text if empty.
    pub text: Str,
    /// Attributes.
    pub labels: BTreeMap<Str, Json>,
}
