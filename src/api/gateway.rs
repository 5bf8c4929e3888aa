//! Istio's `Gateway`: what proxies at the edge of the mesh take in (`istio/api` `gateway.proto`).

use serde::{Deserialize, Serialize};

use super::server_tls::ServerTls;
use crate::base::{Labels, Str};

/// What proxies at the edge of the mesh take in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Gateway {
    /// What is taken in.
    pub servers: Vec<Server>,
    /// The labels of the proxies, in whatever namespace; empty selects every gateway proxy.
    pub selector: Labels,
}

/// A port at which calls to some hosts are taken in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Server {
    /// The port.
    pub port: Option<ServerPort>,
    /// The address to listen at, or `unix://PATH`; all addresses if empty.
    pub bind: Str,
    /// The hosts, each perhaps with the namespace of its VirtualServices: `namespace/host`, where the namespace may be
    /// `*` or `.`.
    pub hosts: Vec<Str>,
    /// TLS; none is clear text.
    pub tls: Option<Box<ServerTls>>,
    /// Ignored by istiod.
    pub default_endpoint: Str,
    /// A name, unique in the Gateway.
    pub name: Str,
}

/// A port of a gateway.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServerPort {
    /// The number, that of the Service in front of the proxy.
    pub number: u32,
    /// What is spoken.
    pub protocol: Str,
    /// A name, unique in the Gateway.
    pub name: Str,
    /// Ignored by istiod.
    pub target_port: u32,
}
