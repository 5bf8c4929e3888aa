//! Limits of a proxy's connections.

use serde::{Deserialize, Serialize};

use crate::api::enumeration::proto_enum;
use crate::base::Duration;

/// Limits of a proxy's connections; absent for the profile's.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ConnectionSettings {
    /// What the proxy is.
    pub profile: Profile,
    /// Buffer of a connection in, in bytes.
    pub listener_per_connection_buffer_limit_bytes: Option<i32>,
    /// Buffer of a connection out, in bytes.
    pub cluster_per_connection_buffer_limit_bytes: Option<i32>,
    /// How long a connection may be without requests.
    pub http_idle_timeout: Option<Duration>,
    /// How long a connection may last.
    pub http_max_connection_duration: Option<Duration>,
    /// How long a connection is drained.
    pub http_drain_timeout: Option<Duration>,
    /// How long a request may take to come in.
    pub http_request_timeout: Option<Duration>,
    /// How long its headers may take.
    pub http_request_headers_timeout: Option<Duration>,
    /// How long a stream may be silent.
    pub http_stream_idle_timeout: Option<Duration>,
    /// How long a stream may last.
    pub http_max_stream_duration: Option<Duration>,
    /// How many streams a connection may have.
    pub http_max_concurrent_streams: Option<i32>,
    /// Window of a stream of HTTP/2, in bytes.
    #[serde(rename = "http2InitialStreamWindowSize")]
    pub http2_initial_stream_window_size: Option<i32>,
    /// Window of a connection of HTTP/2, in bytes.
    #[serde(rename = "http2InitialConnectionWindowSize")]
    pub http2_initial_connection_window_size: Option<i32>,
    /// What becomes of headers with `_` in their names.
    pub http_headers_with_underscores_action: HeadersWithUnderscores,
    /// Whether several slashes become one.
    pub http_merge_slashes: Option<bool>,
    /// What becomes of paths with `%2F`.
    pub http_path_with_escaped_slashes_action: PathWithEscapedSlashes,
    /// How many connections a listener takes.
    pub listener_connection_limit: Option<i32>,
    /// How many connections the proxy takes.
    pub global_downstream_connection_limit: Option<i32>,
}

proto_enum! {
    /// What a proxy is.
    pub enum Profile {
        /// Beside an application.
        Sidecar = 0 "SIDECAR",
        /// At the edge of the mesh.
        Edge = 1 "EDGE",
    }
}

proto_enum! {
    /// What becomes of headers with `_` in their names.
    pub enum HeadersWithUnderscores {
        /// As `ALLOW`.
        Unspecified = 0 "HEADERS_WITH_UNDERSCORES_UNSPECIFIED",
        /// They pass.
        Allow = 1 "HEADERS_WITH_UNDERSCORES_ALLOW",
        /// The request is refused.
        RejectRequest = 2 "HEADERS_WITH_UNDERSCORES_REJECT_REQUEST",
        /// They are removed.
        DropHeader = 3 "HEADERS_WITH_UNDERSCORES_DROP_HEADER",
    }
}

proto_enum! {
    /// What becomes of paths with `%2F`.
    pub enum PathWithEscapedSlashes {
        /// As `KEEP_UNCHANGED`.
        Unspecified = 0 "PATH_WITH_ESCAPED_SLASHES_UNSPECIFIED",
        /// They pass.
        KeepUnchanged = 1 "KEEP_UNCHANGED",
        /// The request is refused.
        RejectRequest = 2 "REJECT_REQUEST",
        /// The caller is redirected to the path with `/`.
        UnescapeAndRedirect = 3 "UNESCAPE_AND_REDIRECT",
        /// The request goes on with `/`.
        UnescapeAndForward = 4 "UNESCAPE_AND_FORWARD",
    }
}
