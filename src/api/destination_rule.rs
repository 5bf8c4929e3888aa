//! Istio's `DestinationRule`: how a service is called once a route has chosen it (`istio/api` `destination_rule.proto`).

mod balancing;
mod outlier;
mod pool;
mod tls;

use serde::{Deserialize, Serialize};

pub use balancing::{
    ConsistentHash, CookieAttribute, Distribute, Failover, HashAlgorithm, HashKey, HttpCookie, LoadBalancer,
    LocalityBalancing, Maglev, Policy, RingHash, SimpleBalancing, Warmup, ZoneAwareBalancing,
};
pub use outlier::OutlierDetection;
pub use pool::{ConnectionKeepalive, ConnectionPool, H2UpgradePolicy, HttpPool, TcpKeepalive, TcpPool};
pub use tls::{ClientTls, ClientTlsMode};

use super::enumeration::proto_enum;
use super::selector::MatchLabels;
use super::virtual_service::PortSelector;
use crate::base::{Double, Duration, Labels, Str};

/// How one host is called.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DestinationRule {
    /// The host; a short name is completed with the object's namespace.
    pub host: Str,
    /// For all of the host's endpoints.
    pub traffic_policy: Option<Box<TrafficPolicy>>,
    /// Named parts of the endpoints.
    pub subsets: Vec<Subset>,
    /// The namespaces that see the object; empty for the mesh's default.
    pub export_to: Vec<Str>,
    /// The calling workloads for which the rule is meant; all if absent.
    pub workload_selector: Option<MatchLabels>,
}

/// A named part of a host's endpoints.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Subset {
    /// The name that routes use.
    pub name: Str,
    /// The labels of its endpoints.
    pub labels: Labels,
    /// What differs from the policy of the rule.
    pub traffic_policy: Option<Box<TrafficPolicy>>,
}

/// How endpoints are called.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TrafficPolicy {
    /// How the endpoint is chosen.
    pub load_balancer: Option<LoadBalancer>,
    /// Limits of connections and requests.
    pub connection_pool: Option<ConnectionPool>,
    /// When endpoints are taken out for a while.
    pub outlier_detection: Option<OutlierDetection>,
    /// TLS towards the endpoints.
    pub tls: Option<ClientTls>,
    /// Policies of single ports, which replace these.
    pub port_level_settings: Vec<PortPolicy>,
    /// Tunnelling through a proxy.
    pub tunnel: Option<Tunnel>,
    /// The PROXY protocol towards the endpoints.
    pub proxy_protocol: Option<ProxyProtocol>,
    /// How many retries may be under way.
    pub retry_budget: Option<RetryBudget>,
}

/// How one port is called.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PortPolicy {
    /// The port of the service.
    pub port: Option<PortSelector>,
    /// How the endpoint is chosen.
    pub load_balancer: Option<LoadBalancer>,
    /// Limits of connections and requests.
    pub connection_pool: Option<ConnectionPool>,
    /// When endpoints are taken out for a while.
    pub outlier_detection: Option<OutlierDetection>,
    /// TLS towards the endpoints.
    pub tls: Option<ClientTls>,
}

/// A tunnel through a proxy, opened for each connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Tunnel {
    /// `CONNECT` or `POST`; empty is `CONNECT`.
    pub protocol: Str,
    /// Where the tunnel leads.
    pub target_host: Str,
    /// The port there.
    pub target_port: u32,
}

/// The PROXY protocol towards the endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ProxyProtocol {
    /// Its version.
    pub version: ProxyProtocolVersion,
}

proto_enum! {
    /// Version of the PROXY protocol.
    pub enum ProxyProtocolVersion {
        /// Text.
        V1 = 0 "V1",
        /// Binary.
        V2 = 1 "V2",
    }
}

/// How many retries may be under way, in proportion to the requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RetryBudget {
    /// So many in a hundred requests; 20 if absent.
    pub percent: Option<Double>,
    /// So many are always allowed.
    pub min_retry_concurrency: u32,
    /// The time over which requests are counted.
    pub budget_interval: Option<Duration>,
}
