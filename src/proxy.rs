//! Who asks: what a proxy says of itself in its xDS Node, and what it can do.
//!
//! Comes in: a Node's id, metadata, locality and extensions. Goes out: a [`Proxy`], plain values from which `plan`
//! resolves what is in force for it.
//!
//! Invariant: nothing here depends on the mesh; two proxies that say the same are equal.
//! Absent: connections and certificates.

mod capabilities;
mod metadata;

#[cfg(test)]
mod tests;

pub use capabilities::Capabilities;
pub use metadata::{Flag, Metadata};

use crate::base::{Extensions, Host, Labels, Locality, Namespace, Str};

/// What kind of proxy it is, the first part of its node id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Beside a workload.
    Sidecar,
    /// A gateway.
    Router,
    /// A waypoint of the ambient mesh; admitted, and given nothing yet.
    Waypoint,
    /// The node proxy of the ambient mesh; admitted, and given nothing yet.
    Ztunnel,
}

/// Why a Node cannot be a proxy of the mesh.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The id has not the four parts that tell address, name and namespace.
    #[error("node id {0:?} must have four parts, type~ip~name.namespace~domain")]
    Id(String),
    /// The type is none that istiod knows.
    #[error("node id {0:?} starts with an unknown proxy type")]
    Role(String),
}

/// A proxy, as it describes itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Proxy {
    /// The whole node id.
    pub id: Str,
    /// What it is.
    pub role: Role,
    /// The pod's name with its namespace, `client.shop`.
    pub name: Str,
    /// The namespace whose configuration holds for it.
    pub namespace: Namespace,
    /// Its own DNS domain, `shop.svc.cluster.local`.
    pub domain: Str,
    /// Its addresses, the first one that of the node id unless `INSTANCE_IPS` says otherwise.
    pub addresses: Vec<Str>,
    /// The Node's cluster, its name in traces.
    pub service_cluster: Str,
    /// Where it says it runs.
    pub locality: Locality,
    /// The labels it states.
    pub labels: Labels,
    /// Everything else it states.
    pub metadata: Metadata,
    /// What it can do.
    pub capabilities: Capabilities,
    /// Whether nobody else hears what it is sent, so that it may be sent private keys. It does not say that itself:
    /// whoever knows its connection does.
    pub confidential: bool,
}

impl Proxy {
    /// Reads a Node.
    pub fn new(
        id: &str,
        cluster: &str,
        locality: Locality,
        metadata: &serde_json::Value,
        extensions: Extensions,
    ) -> Result<Self, Error> {
        let parts: Vec<&str> = id.split('~').collect();
        let [role, ip, name, domain] = parts[..] else { return Err(Error::Id(id.to_owned())) };
        let role = match role {
            "sidecar" => Role::Sidecar,
            "router" => Role::Router,
            "waypoint" => Role::Waypoint,
            "ztunnel" => Role::Ztunnel,
            other => return Err(Error::Role(other.to_owned())),
        };
        let metadata = Metadata::new(metadata);
        let stated: Vec<Str> = metadata.list("INSTANCE_IPS");
        let addresses = match (stated.is_empty(), ip.is_empty()) {
            (false, _) => stated,
            (true, false) => vec![ip.into()],
            (true, true) => Vec::new(),
        };
        let namespace = match metadata.text("NAMESPACE") {
            "" => name.rsplit_once('.').map_or("", |(_, ns)| ns),
            stated => stated,
        };
        Ok(Self {
            id: id.into(),
            role,
            name: name.into(),
            namespace: namespace.into(),
            domain: domain.into(),
            addresses,
            service_cluster: cluster.into(),
            locality,
            labels: metadata.map("LABELS"),
            capabilities: Capabilities::new(extensions, metadata.has("PROXY_CONFIG")),
            metadata,
            confidential: false,
        })
    }

    /// The domain under which hosts of its cluster are named, `cluster.local`.
    pub fn cluster_domain(&self) -> &str {
        self.domain.split_once(".svc.").map_or("cluster.local", |(_, domain)| domain)
    }

    /// A host named from where the proxy is: a name without dots is a service of its namespace.
    pub fn resolve(&self, name: &str) -> Host {
        if name.contains('.') { Host::from(name) } else { Host::new(format!("{name}.{}", self.domain)) }
    }

    /// Whether it speaks IPv4, and IPv6. A proxy without addresses is taken for IPv4.
    pub fn families(&self) -> (bool, bool) {
        let v6 = self.addresses.iter().any(|a| a.contains(':'));
        (!v6 || self.addresses.iter().any(|a| !a.contains(':')), v6)
    }

    /// The cluster it is in.
    pub fn cluster(&self) -> &str {
        self.metadata.text("CLUSTER_ID")
    }

    /// The network it is in.
    pub fn network(&self) -> &str {
        self.metadata.text("NETWORK")
    }

    /// The version of Istio whose behaviour it expects, as (major, minor); the newest where it says nothing.
    pub fn version(&self) -> (u16, u16) {
        let mut parts = self.metadata.text("ISTIO_VERSION").split(['.', '-']).map(str::parse);
        match (parts.next(), parts.next()) {
            (Some(Ok(major)), Some(Ok(minor))) => (major, minor),
            _ => (u16::MAX, 0),
        }
    }

    /// Whether it answers DNS itself and so knows addresses that mizzen gave.
    pub fn captures_dns(&self) -> bool {
        self.metadata.flag("DNS_CAPTURE") == Flag::On
    }
}
