//! What an operator can look at: connected proxies, what they hold, what the mesh is made of; in istiod's shapes.
//!
//! Comes in: connected clients ([`Client`]), a snapshot of the facts, the objects behind them. Goes out: plain values
//! that print as the JSON of istiod's debug pages (`pilot/pkg/xds/debug.go`), and resources as proto-JSON. Every page
//! is a pure function of values that were taken at one moment, so that printing a large mesh holds nobody up.
//!
//! Invariant: names, nesting and types of JSON fields are istiod's; only what mizzen alone knows has shapes of its own.
//! Absent: HTTP, who may look, and anything that changes what proxies receive.

mod changes;
mod client;
mod config_dump;
mod connections;
mod endpoints;
mod held;
mod instances;
pub mod json;
mod kinds;
mod objects;
mod pages;
mod policies;
mod registry;
mod scope;
mod status;
mod text;
mod time;

#[cfg(test)]
mod tests;

pub use changes::{BehindProxy, Change, Changes, PATIENCE, changes};
pub use client::{Client, Clients};
pub use config_dump::{DumpOptions, config_dump, of_types, resource, resource_types};
pub use connections::{AdsClients, adsz, connections};
pub use endpoints::{EndpointShards, Shards, endpoint_shards};
pub use held::{held, held_sizes};
pub use instances::{Instance, Instances, TargetPort, instances};
pub use kinds::{Ambient, Collection, Schema, collections, multi_cluster_services, schemas};
pub use objects::{Cluster, clusters, configs, mesh, push_status};
pub use pages::{PAGES, index_page, list};
pub use policies::{
    Authorization, NamespacedName, NetworkGateway, Policies, ProxyTelemetry, PushContext, Telemetry, authorization,
    network_gateways, proxy_telemetry, push_context, telemetry,
};
pub use registry::{Service, registry};
pub use scope::{SidecarScope, sidecar_scope};
pub use status::{SyncStatus, syncz};
pub use text::print;
