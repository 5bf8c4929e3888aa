//! Plain values that generation may depend on, each behind a [`Handle`].
//!
//! Comes in: what `index` derived. Goes out: fields of recipes. Facts are narrow: a recipe takes the narrowest that
//! suffices, and that, not a list of exceptions, is what spares rebuilds.
//!
//! Facts may hold values of `api` (a parsed traffic policy is a plain value already); they hold no whole objects.

mod authn;
mod authz;
mod cluster_defaults;
mod cluster_local;
mod credential;
mod distinctions;
mod endpoint;
mod gateway;
mod handle;
mod host_routes;
mod identities;
mod member;
mod mesh;
mod networks;
mod patch;
mod port;
mod preference;
mod rule;
mod servers;
mod service;
mod sidecar;
mod target;
mod telemetry;
pub mod topology;
mod traffic;

pub use authn::{Authn, PeerMode, PeerRules};
pub use authz::{Authenticator, Authenticators, Authz, AuthzPolicy, Reach};
pub use cluster_defaults::ClusterDefaults;
pub use cluster_local::ClusterLocal;
pub use credential::{Credential, Pair, Roots};
pub use distinctions::Distinctions;
pub use endpoint::{ContainerPort, Endpoint, Endpoints, Health, Instance, TlsMode, Workload};
pub use gateway::{
    Conflict, Entry as ServerEntry, Gateway as EdgeGateway, Gateways as EdgeGateways, Merged as MergedServer,
    RouteName, Server, Servers,
};
pub use handle::Handle;
pub use host_routes::HostRoutes;
pub use identities::Identities;
pub use member::{Member, PortMembers};
pub use mesh::Mesh;
pub use networks::{Gateway, Gateways, Networks};
pub use patch::{Filter, Patch, PatchSet};
pub use port::{Port, Protocol, TargetPort};
pub use preference::{Distribution, Preference};
pub use rule::{Rule, VirtualService};
pub use service::{Allocation, ExportTo, Registry, Resolution, Service};
pub use sidecar::{Egress, EgressListener, Hosts, Imports, Ingress, Sidecar};
pub use target::{Beside, Target};
pub use telemetry::{Observers, Telemetry};
pub use traffic::{Traffic, tls_mode};
