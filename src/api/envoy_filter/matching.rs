//! Which things a patch is for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::api::enumeration::proto_enum;
use crate::base::Str;

/// Which things of its sort a patch is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ConfigMatch {
    /// Where they are.
    pub context: PatchContext,
    /// Of which proxies.
    pub proxy: Option<ProxyMatch>,
    /// Which of them; all if absent.
    #[serde(rename = "listener|routeConfiguration|cluster|waypoint")]
    pub object: Option<ObjectMatch>,
}

proto_enum! {
    /// Where a thing is.
    pub enum PatchContext {
        /// Anywhere.
        Any = 0 "ANY",
        /// On the way into a sidecar's workload.
        SidecarInbound = 1 "SIDECAR_INBOUND",
        /// On the way out of a sidecar's workload.
        SidecarOutbound = 2 "SIDECAR_OUTBOUND",
        /// In a gateway.
        Gateway = 3 "GATEWAY",
        /// In a waypoint of the ambient mesh.
        Waypoint = 4 "WAYPOINT",
    }
}

/// Proxies by what they say of themselves.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ProxyMatch {
    /// A regular expression for the version of Istio's proxy.
    pub proxy_version: Str,
    /// Entries of the Node's metadata.
    pub metadata: BTreeMap<Str, Str>,
}

/// Which things of a sort.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ObjectMatch {
    /// Listeners, or what is in them.
    Listener(ListenerMatch),
    /// Route configurations, or what is in them.
    RouteConfiguration(RouteConfigurationMatch),
    /// Clusters.
    Cluster(ClusterMatch),
    /// What is in a waypoint; passed over, for there is nothing for waypoints yet.
    Waypoint(BTreeMap<Str, crate::api::Json>),
}

/// Clusters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ClusterMatch {
    /// The port of the service; any if 0.
    pub port_number: u32,
    /// The host of the service.
    pub service: Str,
    /// The subset.
    pub subset: Str,
    /// The name; nothing else counts then.
    pub name: Str,
}

/// Listeners, and chains and filters in them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ListenerMatch {
    /// The port, of captured connections that which is called; any if 0.
    pub port_number: u32,
    /// The name of the port, which istiod does not look at.
    pub port_name: Str,
    /// Chains.
    pub filter_chain: Option<FilterChainMatch>,
    /// The name of a filter of the listener itself.
    pub listener_filter: Str,
    /// The name of the listener.
    pub name: Str,
}

/// Chains of a listener, and filters in them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FilterChainMatch {
    /// The name of the chain.
    pub name: Str,
    /// One of the server names that the chain takes.
    pub sni: Str,
    /// The transport protocol that the chain takes.
    pub transport_protocol: Str,
    /// Protocols, separated by commas, all of which the chain takes.
    pub application_protocols: Str,
    /// Filters in the chain.
    pub filter: Option<FilterMatch>,
    /// The port that the chain takes.
    pub destination_port: u32,
}

/// Filters of a chain.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FilterMatch {
    /// The name.
    pub name: Str,
    /// Filters in an HTTP connection manager.
    pub sub_filter: Option<SubFilterMatch>,
}

/// Filters of an HTTP connection manager.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SubFilterMatch {
    /// The name.
    pub name: Str,
}

/// Route configurations, and hosts and routes in them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RouteConfigurationMatch {
    /// The port; of gateways that of the server. Any if 0.
    pub port_number: u32,
    /// The name of a gateway's port, for servers that end TLS.
    pub port_name: Str,
    /// The gateway, as `namespace/name`, for servers that end TLS.
    pub gateway: Str,
    /// Virtual hosts.
    pub vhost: Option<VirtualHostMatch>,
    /// The name.
    pub name: Str,
}

/// Virtual hosts, and routes in them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VirtualHostMatch {
    /// The name.
    pub name: Str,
    /// One of the domains.
    pub domain_name: Str,
    /// Routes.
    pub route: Option<RouteMatch>,
}

/// Routes of a virtual host.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RouteMatch {
    /// The name.
    pub name: Str,
    /// What the route does.
    pub action: RouteAction,
}

proto_enum! {
    /// What a route does.
    pub enum RouteAction {
        /// Anything.
        Any = 0 "ANY",
        /// It calls a cluster.
        Route = 1 "ROUTE",
        /// It redirects.
        Redirect = 2 "REDIRECT",
        /// It answers.
        DirectResponse = 3 "DIRECT_RESPONSE",
    }
}
