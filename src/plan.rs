//! From facts to what each proxy holds: which recipes a class of proxies gets, and again only those that a change
//! touches.
//!
//! Comes in: a `Snapshot` with its `Changes`, proxies that come and go. Goes out: a `Publication` per group of
//! proxies. Planning works in units (a host for clusters and endpoints, a port for listeners and routes); a unit is
//! planned through a `View` that records what it read, and planned again when one of those facts changes.
//!
//! Invariants: planning a class incrementally and planning it from scratch give the same assembly (the oracle in
//! `tests/oracle.rs`); facets hold resolved answers, never a pod's name or address; a resource that cannot be built
//! leaves the one before in force.
//! Absent: what a resource looks like (`generate`), connections, clocks.

mod access;
mod added;
mod called;
mod caller;
mod class;
mod classes;
pub mod cluster;
pub mod endpoint;
pub mod gateway;
pub mod inbound;
pub mod listener;
pub mod name;
mod patches;
mod registry;
pub mod route;
pub mod secret;
pub mod sidecar;
mod targets;
mod telemetry;

#[cfg(test)]
mod tests;

pub use caller::{Caller, place};
pub use class::{Class, Output, Planner};
pub use classes::Planned;
pub use patches::Patches;
pub use registry::{ClassSize, Plan, ProxyId};
pub use targets::targets;
pub use telemetry::telemetries;
