//! What an operator can look at: connected proxies, what they hold, what the mesh is made of; in istiod's shapes.
//!
//! Comes in: connected clients ([`Client`]), a snapshot of the facts, the objects behind them. Goes out: plain values
//! that print as the JSON of istiod's debug pages (`pilot/pkg/xds/debug.go`), and resources as proto-JSON. Every page
//! is a pure function of values that were taken at one moment, so that printing a large mesh holds nobody up.
//!
//! Invariant: names, nesting and types of JSON fields are istiod's; only what mizzen alone knows has shapes of its own.
//! Absent: HTTP, who may look, and anything that changes what proxies receive.

mod client;
mod config_dump;
mod connections;
mod endpoints;
pub mod json;
mod objects;
mod pages;
mod registry;
mod status;
mod text;
mod time;

#[cfg(test)]
mod tests;

pub use client::{Client, Clients};
pub use config_dump::{DumpOptions, config_dump, of_types, resource, resource_types};
pub use connections::{AdsClients, adsz, connections};
pub use endpoints::{EndpointShards, Shards, endpoint_shards};
pub use objects::{Cluster, clusters, configs, mesh, push_status};
pub use pages::{PAGES, index_page, list};
pub use registry::{Service, registry};
pub use status::{SyncStatus, syncz};
pub use text::print;
