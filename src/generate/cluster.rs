//! Clusters: what a proxy can call, and how.
//!
//! Comes in: a service's port (and subset) with the rule in force, or a port of the workload itself. Goes out: a
//! `Cluster`. The recipe takes layers of settings as users wrote them; which of them holds is decided while building,
//! so that planning a cluster that is there already costs a hash.
//!
//! One file per part of a cluster: `pool` (limits), `protocol` (HTTP), `outlier`, `balancing`, `security` (TLS),
//! `metadata`; `draft` is a cluster in the making.
//!
//! Absent: HBONE, and EnvoyFilter (`patch`).

mod balancing;
mod draft;
mod fixed;
mod inbound;
mod metadata;
mod outbound;
mod outlier;
mod pool;
mod protocol;
mod security;
mod stat_name;

#[cfg(test)]
mod tests;

pub use fixed::{BlackHole, ExternalSecrets, Family, Forwarding, Passthrough, PassthroughKind};
pub use inbound::{Application, InboundCluster};
pub use outbound::{Discovery, OutboundCluster, RuleRef, ServicePort, SubsetRef};
pub use security::{Accounts, OwnCertificates};

use crate::base::Str;

/// What a proxy is and can do, as far as clusters depend on it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Traits {
    /// Whether it is a gateway, which detects no protocols.
    pub gateway: bool,
    /// Whether it exchanges metadata with its peers, which takes Istio's own filter.
    pub exchange: bool,
    /// Whether a server of the mesh's secrets is beside it.
    pub identity: bool,
    /// Whether the case of HTTP/1 headers is kept.
    pub keep_case: bool,
    /// Certificates in files that its metadata names, used in place of the mesh's.
    pub certificates: Option<OwnCertificates>,
    /// Whether users' own server of secrets is beside it.
    pub external_secrets: bool,
    /// Whether a second server, for secrets in files, is beside it.
    pub file_secrets: bool,
}

/// The name of an outbound cluster: `outbound|80|v1|reviews.shop.svc.cluster.local`.
pub fn outbound_name(port: u16, subset: &str, host: &str) -> Str {
    format!("outbound|{port}|{subset}|{host}").into()
}

/// The name of the cluster that hands inbound calls of a port of the workload on: `inbound|8080||`.
pub fn inbound_name(port: u16) -> Str {
    format!("inbound|{port}||").into()
}

/// The name that callers send in the handshake, by which a gateway between networks knows where a call goes.
pub fn server_name(port: u16, subset: &str, host: &str) -> String {
    format!("outbound_.{port}_.{subset}_.{host}")
}
