//! Which clusters proxies get.
//!
//! Outbound ones have a unit per host: the service that callers reach by it, its ports, the subsets of the rule in
//! force. Inbound ones have a unit per port of the workload. A few depend on neither.
//!
//! Invariants: names of the three sorts are disjoint; a cluster is planned for each port of a visible service, datagrams
//! excepted, whether or not it has endpoints, unless the proxy would have to resolve names and there are none.
//! Absent: Sidecar resources, HBONE, clusters between networks.

mod facets;
mod fixed;
mod found;
mod inbound;
mod ingress;
mod outbound;

#[cfg(test)]
mod tests;

pub use facets::{ClusterFacets, FixedFacets, InboundFacets, Resolves, fixed, inbound, outbound};
pub(super) use facets::{family, resolver, resolves};
pub use fixed::FixedClusters;
pub(super) use found::Found;
pub use inbound::InboundClusters;
pub use ingress::IngressTarget;
pub(super) use ingress::nameless;
pub use outbound::OutboundClusters;
