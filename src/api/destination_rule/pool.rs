//! Limits of connections and requests.

use serde::{Deserialize, Serialize};

use crate::api::enumeration::proto_enum;
use crate::base::Duration;

/// Limits of connections and requests.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ConnectionPool {
    /// For all protocols.
    pub tcp: Option<TcpPool>,
    /// For HTTP.
    pub http: Option<HttpPool>,
}

/// Limits of connections; 0 or absent for no limit of one's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TcpPool {
    /// How many connections.
    pub max_connections: i32,
    /// How long connecting may take.
    pub connect_timeout: Option<Duration>,
    /// Keepalive of the sockets.
    pub tcp_keepalive: Option<TcpKeepalive>,
    /// How long a connection may last.
    pub max_connection_duration: Option<Duration>,
    /// How long a connection may be silent.
    pub idle_timeout: Option<Duration>,
}

/// Keepalive of sockets; 0 or absent for the system's setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TcpKeepalive {
    /// After how many probes without answer the connection is dead.
    pub probes: u32,
    /// How long the connection is silent before the first probe.
    pub time: Option<Duration>,
    /// The time between probes.
    pub interval: Option<Duration>,
}

/// Limits of requests; 0 or absent for no limit of one's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HttpPool {
    /// How many requests may wait for a connection.
    pub http1_max_pending_requests: i32,
    /// How many requests may be under way.
    pub http2_max_requests: i32,
    /// After how many requests a connection is closed.
    pub max_requests_per_connection: i32,
    /// How many retries may be under way.
    pub max_retries: i32,
    /// How long a connection may be without requests.
    pub idle_timeout: Option<Duration>,
    /// Whether HTTP/1.1 becomes HTTP/2.
    pub h2_upgrade_policy: H2UpgradePolicy,
    /// Whether the callers' protocol is kept.
    pub use_client_protocol: bool,
    /// How many streams a connection of HTTP/2 may have.
    pub max_concurrent_streams: i32,
    /// Pings on connections of HTTP/2.
    #[serde(rename = "http2KeepAlive")]
    pub http2_keep_alive: Option<ConnectionKeepalive>,
}

/// Pings on connections of HTTP/2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ConnectionKeepalive {
    /// The time between pings.
    pub interval: Option<Duration>,
    /// How long the answer may take.
    pub timeout: Option<Duration>,
}

proto_enum! {
    /// Whether HTTP/1.1 becomes HTTP/2.
    pub enum H2UpgradePolicy {
        /// As the mesh says.
        Default = 0 "DEFAULT",
        /// No.
        DoNotUpgrade = 1 "DO_NOT_UPGRADE",
        /// Yes.
        Upgrade = 2 "UPGRADE",
    }
}
