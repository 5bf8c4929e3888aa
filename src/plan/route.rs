//! Routes of sidecars: which virtual hosts a port has, as seen by a class of proxies.
//!
//! Most of it is the same for everybody. What a host gives on each port is planned once for all classes with one
//! [`Base`], from the public scope: under which names it is reached, from its own namespace and from elsewhere, and
//! what happens to its calls (`common`). A class differs in three ways: which namespace is its own, which hosts it
//! sees in a way of its own, and what rules say of its callers. So it takes whole groups of virtual hosts as they are,
//! and plans only those hosts again for which that matters (`class`).
//!
//! Invariants: no name is in two virtual hosts of a configuration, as Envoy would refuse it; who has it is decided as
//! in istiod (`pilot/pkg/networking/core/httproute.go`): VirtualServices by their order before services, and the host
//! of that very name before those that are only called so for short. Virtual hosts stand in an order of their own,
//! which means nothing to Envoy: by the namespaces from which they look different, then by host.
//! Absent: gateways (`plan::gateway`), and what a route looks like (`generate::route`).

mod class;
mod common;
mod contest;
mod everywhere;
mod facets;
mod host;
mod names;
mod overlay;
mod pick;
mod port;
mod rule;
mod scoped;

#[cfg(test)]
mod tests;

pub use class::RouteClass;
pub use common::Shared;
pub use facets::{Base, Caller, Naming, Outbound, RouteFacets, facets};
pub(super) use facets::{caller, extensions, headers};
pub(super) use pick::picks;
pub(super) use rule::{Asking, recipe};
