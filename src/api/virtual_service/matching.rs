//! When a rule applies.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::{Labels, Str};

/// A condition on a string.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StringMatch {
    /// Nothing is asked but, for a header, that it be there.
    #[default]
    #[serde(rename = "")]
    Present,
    /// It is this.
    Exact(Str),
    /// It starts with this.
    Prefix(Str),
    /// This regular expression matches all of it.
    Regex(Str),
}

/// Conditions on an HTTP call; all must hold.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HttpMatch {
    /// A name, which is appended to the route's.
    pub name: Str,
    /// The path.
    pub uri: Option<StringMatch>,
    /// `http` or `https`.
    pub scheme: Option<StringMatch>,
    /// `GET`, `POST`, …
    pub method: Option<StringMatch>,
    /// The authority or Host header.
    pub authority: Option<StringMatch>,
    /// Headers by lower-case name.
    pub headers: BTreeMap<Str, StringMatch>,
    /// The port of the host, 0 for any.
    pub port: u32,
    /// Labels of the calling workload.
    pub source_labels: Labels,
    /// The gateways for which this condition is meant; empty for those of the object.
    pub gateways: Vec<Str>,
    /// Parameters of the query.
    pub query_params: BTreeMap<Str, StringMatch>,
    /// Whether upper and lower case are the same in the path.
    pub ignore_uri_case: bool,
    /// Headers that must not be like this.
    pub without_headers: BTreeMap<Str, StringMatch>,
    /// The namespace of the calling workload, empty for any.
    pub source_namespace: Str,
    /// The prefix of statistics of this route.
    pub stat_prefix: Str,
}

/// Conditions on a TCP connection; all must hold.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TcpMatch {
    /// Addresses or CIDR ranges of the destination.
    pub destination_subnets: Vec<Str>,
    /// The port of the host, 0 for any.
    pub port: u32,
    /// Not used by istiod any more.
    pub source_subnet: Str,
    /// Labels of the calling workload.
    pub source_labels: Labels,
    /// The gateways for which this condition is meant; empty for those of the object.
    pub gateways: Vec<Str>,
    /// The namespace of the calling workload, empty for any.
    pub source_namespace: Str,
}

/// Conditions on a TLS connection; all must hold.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TlsMatch {
    /// Names in the ClientHello, each covered by a host of the object.
    pub sni_hosts: Vec<Str>,
    /// Addresses or CIDR ranges of the destination.
    pub destination_subnets: Vec<Str>,
    /// The port of the host, 0 for any.
    pub port: u32,
    /// Labels of the calling workload.
    pub source_labels: Labels,
    /// The gateways for which this condition is meant; empty for those of the object.
    pub gateways: Vec<Str>,
    /// The namespace of the calling workload, empty for any.
    pub source_namespace: Str,
}
