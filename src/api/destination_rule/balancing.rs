//! How an endpoint is chosen.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::api::encode::as_string;
use crate::api::enumeration::proto_enum;
use crate::base::{Double, Duration, Str};

/// How an endpoint is chosen.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LoadBalancer {
    /// The policy; the default one if absent.
    #[serde(rename = "simple|consistentHash")]
    pub policy: Option<Policy>,
    /// Preference by locality; the mesh's if absent.
    pub locality_lb_setting: Option<LocalityBalancing>,
    /// Preference by zone, made by Envoy itself.
    pub zone_aware_lb_setting: Option<ZoneAwareBalancing>,
    /// How long a new endpoint gets fewer calls; replaced by `warmup`.
    pub warmup_duration_secs: Option<Duration>,
    /// How a new endpoint is brought to its share.
    pub warmup: Option<Warmup>,
}

/// A policy of load balancing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Policy {
    /// One without settings.
    Simple(SimpleBalancing),
    /// The same endpoint for calls that are alike.
    ConsistentHash(Box<ConsistentHash>),
}

proto_enum! {
    /// A policy of load balancing without settings.
    pub enum SimpleBalancing {
        /// Istio's default, the least loaded endpoint.
        Unspecified = 0 "UNSPECIFIED",
        /// The old name of `LEAST_REQUEST`.
        LeastConn = 1 "LEAST_CONN",
        /// Any.
        Random = 2 "RANDOM",
        /// Where the caller had sent it.
        Passthrough = 3 "PASSTHROUGH",
        /// One after the other.
        RoundRobin = 4 "ROUND_ROBIN",
        /// The one with fewer calls of two at random.
        LeastRequest = 5 "LEAST_REQUEST",
    }
}

/// The same endpoint for calls that are alike.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ConsistentHash {
    /// What makes calls alike.
    #[serde(rename = "httpHeaderName|httpCookie|useSourceIp|httpQueryParameterName")]
    pub key: Option<HashKey>,
    /// The algorithm; a ring if absent.
    #[serde(rename = "ringHash|maglev")]
    pub algorithm: Option<HashAlgorithm>,
    /// The smallest size of the ring; replaced by `ringHash`.
    #[serde(serialize_with = "as_string")]
    pub minimum_ring_size: u64,
}

/// What makes calls alike.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum HashKey {
    /// The value of a header.
    HttpHeaderName(Str),
    /// A cookie.
    HttpCookie(HttpCookie),
    /// The caller's address.
    UseSourceIp(bool),
    /// The value of a parameter of the query.
    HttpQueryParameterName(Str),
}

/// A cookie by which calls are alike; Envoy makes one where it is missing and `ttl` is set.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HttpCookie {
    /// Its name.
    pub name: Str,
    /// Its path.
    pub path: Str,
    /// How long it lives; a session cookie if zero.
    pub ttl: Option<Duration>,
    /// Further attributes.
    pub attributes: Vec<CookieAttribute>,
}

/// An attribute of a cookie.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CookieAttribute {
    /// Its name.
    pub name: Str,
    /// Its value, may be empty.
    pub value: Str,
}

/// The algorithm behind consistent hashing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum HashAlgorithm {
    /// A ring.
    RingHash(RingHash),
    /// Maglev.
    Maglev(Maglev),
}

/// A ring of hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RingHash {
    /// The smallest size of the ring; 1024 if 0.
    #[serde(serialize_with = "as_string")]
    pub minimum_ring_size: u64,
}

/// A Maglev table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Maglev {
    /// The size of the table, a prime; 65537 if 0.
    #[serde(serialize_with = "as_string")]
    pub table_size: u64,
}

/// Preference by locality.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LocalityBalancing {
    /// Fixed shares.
    pub distribute: Vec<Distribute>,
    /// Where to when a region fails.
    pub failover: Vec<Failover>,
    /// Labels by which near endpoints are preferred, the most important first.
    pub failover_priority: Vec<Str>,
    /// Whether the preference is in force; the mesh's setting if absent.
    pub enabled: Option<bool>,
}

/// Shares of the calls from one locality.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Distribute {
    /// The callers' locality, `region/zone/subzone` with `*` at the end.
    pub from: Str,
    /// Percentage by locality of the endpoints; 100 together.
    pub to: BTreeMap<Str, u32>,
}

/// Where calls from a region go when it fails.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Failover {
    /// The region that fails.
    pub from: Str,
    /// The region to go to.
    pub to: Str,
}

/// Preference by zone, made by Envoy itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ZoneAwareBalancing {
    /// Whether it is in force.
    pub enabled: Option<bool>,
    /// Where to when a region fails.
    pub failover: Vec<Failover>,
    /// Labels by which near endpoints are preferred.
    pub failover_priority: Vec<Str>,
    /// Below so many endpoints the zone does not matter.
    pub min_cluster_size: Option<u64>,
}

/// How a new endpoint is brought to its share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Warmup {
    /// How long it takes.
    pub duration: Option<Duration>,
    /// The share at the beginning, in percent of the full one; 10 if absent.
    pub minimum_percent: Option<Double>,
    /// The form of the rise, 1 for a straight line.
    pub aggression: Option<Double>,
}
