//! What gateway proxies hold: a listener for each address and port of their Gateways, and the routes behind it.
//!
//! Comes in: the Gateways that select a proxy, put together by `model::facts::Servers`, and the VirtualServices bound to
//! them. Goes out: recipes of [`GatewayListener`](crate::generate::gateway::GatewayListener) and virtual hosts.
//!
//! Who takes which port and host is known when the class of a proxy is, so it is what distinguishes classes; a unit is
//! one listener, or one configuration of routes. Gateways see the mesh from their own namespace.
//! Absent: clusters and endpoints, which are planned as for sidecars; telemetry.

mod bytes;
mod facets;
mod hosts;
mod listener;
mod routes;

#[cfg(test)]
mod tests;

pub use facets::{ListenerFacets, RouteFacets, listener_facets, route_facets};
pub(super) use facets::{passes_by_name, ports};
pub use listener::GatewayListeners;
pub use routes::GatewayRoutes;
