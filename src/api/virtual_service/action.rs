//! What a route does with a call besides sending it somewhere.

use serde::{Deserialize, Serialize};

use super::{Destination, Percent, StringMatch};
use crate::api::bytes::Bytes;
use crate::api::enumeration::proto_enum;
use crate::base::{Duration, Labels, Str};

/// A redirect.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Redirect {
    /// The new path; empty to keep it.
    pub uri: Str,
    /// The new authority; empty to keep it.
    pub authority: Str,
    /// The new port.
    #[serde(rename = "port|derivePort")]
    pub port: Option<RedirectPort>,
    /// The new scheme; empty to keep it.
    pub scheme: Str,
    /// The status, 301 if 0.
    pub redirect_code: u32,
    /// What replaces the matched prefix of the path.
    pub prefix_rewrite: Str,
}

/// The port of a redirect.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RedirectPort {
    /// This one.
    Port(u32),
    /// One that follows from the call.
    DerivePort(RedirectPortSelection),
}

proto_enum! {
    /// How the port of a redirect follows from the call.
    pub enum RedirectPortSelection {
        /// 80 for HTTP and 443 for HTTPS.
        FromProtocolDefault = 0 "FROM_PROTOCOL_DEFAULT",
        /// The port that was called.
        FromRequestPort = 1 "FROM_REQUEST_PORT",
    }
}

/// A fixed answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DirectResponse {
    /// The HTTP status.
    pub status: u32,
    /// The content, empty if absent.
    pub body: Option<Body>,
}

/// The content of a fixed answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Body {
    /// None.
    #[default]
    #[serde(rename = "")]
    Empty,
    /// Text.
    String(Str),
    /// Bytes, in base64.
    Bytes(Bytes),
}

/// A VirtualService that goes on from here.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Delegate {
    /// Its name.
    pub name: Str,
    /// Its namespace; empty for the same.
    pub namespace: Str,
}

/// Changes of path and authority.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Rewrite {
    /// What replaces the path, or its matched prefix.
    pub uri: Str,
    /// The new authority; empty to keep it.
    pub authority: Str,
    /// A substitution in the path.
    pub uri_regex_rewrite: Option<RegexRewrite>,
}

/// A substitution.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RegexRewrite {
    /// A regular expression (RE2).
    pub r#match: Str,
    /// What replaces it, with `\1` for its groups.
    pub rewrite: Str,
}

/// Repeated attempts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Retry {
    /// How many attempts follow the first; 0 for none.
    pub attempts: i32,
    /// How long each may take; the route's timeout if absent.
    pub per_try_timeout: Option<Duration>,
    /// Envoy's conditions and status codes, joined by commas; empty for istiod's default.
    pub retry_on: Str,
    /// Whether further attempts may go to other localities.
    pub retry_remote_localities: Option<bool>,
    /// Whether further attempts avoid the hosts that failed; true if absent.
    pub retry_ignore_previous_hosts: Option<bool>,
    /// The pause before the first further attempt.
    pub backoff: Option<Duration>,
}

/// A service that gets copies of calls.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Mirror {
    /// Which service.
    pub destination: Destination,
    /// How many calls in a hundred; all if absent.
    pub percentage: Option<Percent>,
}

/// Cross-origin rules.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Cors {
    /// Origins, `*` for all; replaced by `allow_origins`.
    pub allow_origin: Vec<Str>,
    /// Origins.
    pub allow_origins: Vec<StringMatch>,
    /// Methods.
    pub allow_methods: Vec<Str>,
    /// Headers that callers may send.
    pub allow_headers: Vec<Str>,
    /// Headers that callers may read.
    pub expose_headers: Vec<Str>,
    /// How long the answer to a preflight may be kept.
    pub max_age: Option<Duration>,
    /// Whether credentials are allowed.
    pub allow_credentials: Option<bool>,
    /// What becomes of preflights from other origins.
    pub unmatched_preflights: UnmatchedPreflights,
}

proto_enum! {
    /// What becomes of preflight calls that match no origin.
    pub enum UnmatchedPreflights {
        /// As `FORWARD`.
        Unspecified = 0 "UNSPECIFIED",
        /// They go to the service.
        Forward = 1 "FORWARD",
        /// They are answered without it.
        Ignore = 2 "IGNORE",
    }
}

/// Changes of headers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Headers {
    /// On the way to the service.
    pub request: Option<HeaderOperations>,
    /// On the way back.
    pub response: Option<HeaderOperations>,
}

/// Changes of the headers of one direction.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HeaderOperations {
    /// Headers to overwrite.
    pub set: Labels,
    /// Headers to append.
    pub add: Labels,
    /// Headers to remove.
    pub remove: Vec<Str>,
}
