//! Faults that a route injects.

use serde::{Deserialize, Serialize};

use super::Percent;
use crate::base::{Duration, Str};

/// Delays and failures.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Fault {
    /// Delays before calls are forwarded.
    pub delay: Option<Delay>,
    /// Calls that fail.
    pub abort: Option<Abort>,
}

/// A delay.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Delay {
    /// How many calls in a hundred; replaced by `percentage`.
    pub percent: i32,
    /// How long.
    #[serde(rename = "fixedDelay|exponentialDelay")]
    pub time: Option<DelayTime>,
    /// How many calls in a hundred; all if absent.
    pub percentage: Option<Percent>,
}

/// How long a delay is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DelayTime {
    /// Always the same.
    FixedDelay(Duration),
    /// Never implemented by istiod.
    ExponentialDelay(Duration),
}

/// A failure.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Abort {
    /// How the call fails.
    #[serde(rename = "httpStatus|grpcStatus|http2Error")]
    pub error: Option<AbortError>,
    /// How many calls in a hundred; all if absent.
    pub percentage: Option<Percent>,
}

/// How a call fails.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AbortError {
    /// With this HTTP status.
    HttpStatus(i32),
    /// With this gRPC status, by name: `UNAVAILABLE`.
    GrpcStatus(Str),
    /// Never implemented by istiod.
    Http2Error(Str),
}

/// The number of a gRPC status, by its name.
pub fn grpc_status(name: &str) -> Option<u32> {
    const NAMES: [&str; 17] = [
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    ];
    (0..).zip(NAMES).find(|(_, known)| *known == name).map(|(number, _)| number)
}
