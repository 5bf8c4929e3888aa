//! Istio's `VirtualService`: how calls to a host are routed (`istio/api` `virtual_service.proto`).

mod action;
mod fault;
mod matching;

use serde::{Deserialize, Serialize};

pub use action::{
    Body, Cors, Delegate, DirectResponse, HeaderOperations, Headers, Mirror, Redirect, RedirectPort,
    RedirectPortSelection, RegexRewrite, Retry, Rewrite, UnmatchedPreflights,
};
pub use fault::{Abort, AbortError, Delay, DelayTime, Fault, grpc_status};
pub use matching::{HttpMatch, StringMatch, TcpMatch, TlsMatch};

use crate::base::{Double, Duration, Str};

/// Routes for some hosts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VirtualService {
    /// The hosts; short names are completed with the object's namespace.
    pub hosts: Vec<Str>,
    /// The gateways that use the routes; empty for the sidecars (`mesh`).
    pub gateways: Vec<Str>,
    /// Routes of HTTP, the first that matches wins.
    pub http: Vec<HttpRoute>,
    /// Routes of TLS that is passed through, by SNI.
    pub tls: Vec<TlsRoute>,
    /// Routes of anything else.
    pub tcp: Vec<TcpRoute>,
    /// The namespaces that see the object; empty for the mesh's default.
    pub export_to: Vec<Str>,
}

/// One rule for HTTP.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HttpRoute {
    /// A name for logs and metrics.
    pub name: Str,
    /// When it applies: any of these; always if empty.
    pub r#match: Vec<HttpMatch>,
    /// Where to.
    pub route: Vec<HttpDestination>,
    /// Answer with a redirect instead.
    pub redirect: Option<Redirect>,
    /// Answer with fixed content instead.
    pub direct_response: Option<DirectResponse>,
    /// Another VirtualService that goes on from here.
    pub delegate: Option<Delegate>,
    /// Changes of path and authority.
    pub rewrite: Option<Rewrite>,
    /// How long the whole call may take; unlimited if absent.
    pub timeout: Option<Duration>,
    /// Repeated attempts; absent for the mesh's default.
    pub retries: Option<Retry>,
    /// Faults to inject.
    pub fault: Option<Box<Fault>>,
    /// A service that gets a copy of each call.
    pub mirror: Option<Destination>,
    /// Services that get copies of the calls.
    pub mirrors: Vec<Mirror>,
    /// How many calls in a hundred are copied to `mirror`; replaced by `mirror_percentage`.
    pub mirror_percent: Option<u32>,
    /// How many calls in a hundred are copied to `mirror`.
    pub mirror_percentage: Option<Percent>,
    /// Cross-origin rules.
    pub cors_policy: Option<Box<Cors>>,
    /// Changes of headers.
    pub headers: Option<Box<Headers>>,
}

/// A destination of HTTP calls.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HttpDestination {
    /// Where to.
    pub destination: Destination,
    /// The share of the calls, in proportion to the sum of all; a single destination gets all.
    pub weight: i32,
    /// Changes of headers for this destination only.
    pub headers: Option<Box<Headers>>,
}

/// A host, and optionally which of its subsets and ports.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Destination {
    /// A host of the service registry; short names are completed with the object's namespace.
    pub host: Str,
    /// A subset that the host's DestinationRule declares; empty for all endpoints.
    pub subset: Str,
    /// The port; may be absent where the host has only one.
    pub port: Option<PortSelector>,
}

/// A port by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PortSelector {
    /// The number.
    pub number: u32,
}

/// A percentage, 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Percent {
    /// The percentage.
    pub value: Double,
}

/// One rule for TLS that is passed through.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TlsRoute {
    /// When it applies: any of these.
    pub r#match: Vec<TlsMatch>,
    /// Where to.
    pub route: Vec<WeightedDestination>,
}

/// One rule for TCP.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TcpRoute {
    /// When it applies: any of these; always if empty.
    pub r#match: Vec<TcpMatch>,
    /// Where to.
    pub route: Vec<WeightedDestination>,
}

/// A destination of connections.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WeightedDestination {
    /// Where to.
    pub destination: Destination,
    /// The share of the connections, in proportion to the sum of all; a single destination gets all.
    pub weight: i32,
}
