//! Istio's `EnvoyFilter`: patches to what Envoy is sent (`istio/api` `envoy_filter.proto`).

mod matching;
mod value;

use serde::{Deserialize, Serialize};

use super::Json;
use super::bytes::Bytes;
use super::enumeration::proto_enum;
use super::selector::WorkloadSelector;
use crate::base::Str;

pub(super) use value::read_values;

pub use matching::{
    ClusterMatch, ConfigMatch, FilterChainMatch, FilterMatch, ListenerMatch, ObjectMatch, PatchContext, ProxyMatch,
    RouteAction, RouteConfigurationMatch, RouteMatch, SubFilterMatch, VirtualHostMatch,
};

/// Patches to what Envoy is sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EnvoyFilter {
    /// The workloads; all of the namespace if absent, all of the mesh in the root namespace.
    pub workload_selector: Option<WorkloadSelector>,
    /// Gateways of the Gateway API in place of workloads: the filter concerns no sidecar and no classic gateway.
    pub target_refs: Vec<TargetRef>,
    /// The patches, in the order in which they are applied.
    pub config_patches: Vec<ConfigPatch>,
    /// Filters of a lower number go first.
    pub priority: i32,
}

/// An object of the Gateway API.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TargetRef {
    /// Its group.
    pub group: Str,
    /// Its kind.
    pub kind: Str,
    /// Its name.
    pub name: Str,
    /// Its namespace.
    pub namespace: Str,
}

/// One patch.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ConfigPatch {
    /// What sort of thing is patched.
    pub apply_to: ApplyTo,
    /// Which of them; all if absent.
    pub r#match: Option<ConfigMatch>,
    /// What is done to them.
    pub patch: Option<Patch>,
}

/// What is done to a thing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Patch {
    /// What is done.
    pub operation: Operation,
    /// The message of Envoy's that is added or merged, in JSON.
    pub value: Option<Json>,
    /// Where among filters of its sort a filter is put; istiod has no use for it any more.
    pub filter_class: FilterClass,
    /// The encoded message, if the value is one and the patch can be applied.
    #[serde(skip)]
    pub message: Option<Bytes>,
    /// The types by which extensions are configured in the message.
    #[serde(skip)]
    pub extensions: Vec<Str>,
    /// Whether the patch can be applied, as far as that can be known without a proxy.
    #[serde(skip)]
    pub usable: bool,
}

proto_enum! {
    /// What sort of thing a patch is for.
    pub enum ApplyTo {
        /// Nothing, which is an error.
        Invalid = 0 "INVALID",
        /// Listeners.
        Listener = 1 "LISTENER",
        /// The chains of listeners.
        FilterChain = 2 "FILTER_CHAIN",
        /// The filters of chains.
        NetworkFilter = 3 "NETWORK_FILTER",
        /// The filters of HTTP connection managers.
        HttpFilter = 4 "HTTP_FILTER",
        /// Route configurations.
        RouteConfiguration = 5 "ROUTE_CONFIGURATION",
        /// Virtual hosts of route configurations.
        VirtualHost = 6 "VIRTUAL_HOST",
        /// Routes of virtual hosts.
        HttpRoute = 7 "HTTP_ROUTE",
        /// Clusters.
        Cluster = 8 "CLUSTER",
        /// Configurations of extensions, asked for by name.
        ExtensionConfig = 9 "EXTENSION_CONFIG",
        /// What Envoy is started with; the agent's business.
        Bootstrap = 10 "BOOTSTRAP",
        /// Filters of listeners.
        ListenerFilter = 11 "LISTENER_FILTER",
    }
}

impl ApplyTo {
    /// The message that a value of such a patch is.
    pub fn message(self) -> Option<&'static str> {
        Some(match self {
            Self::Invalid => return None,
            Self::Listener => "envoy.config.listener.v3.Listener",
            Self::FilterChain => "envoy.config.listener.v3.FilterChain",
            Self::NetworkFilter => "envoy.config.listener.v3.Filter",
            Self::HttpFilter => "envoy.extensions.filters.network.http_connection_manager.v3.HttpFilter",
            Self::RouteConfiguration => "envoy.config.route.v3.RouteConfiguration",
            Self::VirtualHost => "envoy.config.route.v3.VirtualHost",
            Self::HttpRoute => "envoy.config.route.v3.Route",
            Self::Cluster => "envoy.config.cluster.v3.Cluster",
            Self::ExtensionConfig => "envoy.config.core.v3.TypedExtensionConfig",
            Self::Bootstrap => "envoy.config.bootstrap.v3.Bootstrap",
            Self::ListenerFilter => "envoy.config.listener.v3.ListenerFilter",
        })
    }
}

proto_enum! {
    /// What is done to a thing.
    pub enum Operation {
        /// Nothing, which is an error.
        Invalid = 0 "INVALID",
        /// The value is merged into it; lists get longer.
        Merge = 1 "MERGE",
        /// The value is added at the end.
        Add = 2 "ADD",
        /// It is taken out.
        Remove = 3 "REMOVE",
        /// The value is put before it.
        InsertBefore = 4 "INSERT_BEFORE",
        /// The value is put after it.
        InsertAfter = 5 "INSERT_AFTER",
        /// The value is put at the beginning.
        InsertFirst = 6 "INSERT_FIRST",
        /// The value takes its place.
        Replace = 7 "REPLACE",
        /// The value is merged into it; its lists take the place of those that are there.
        MergeAndReplaceList = 8 "MERGE_AND_REPLACE_LIST",
    }
}

impl Operation {
    /// Whether the value is merged.
    pub fn is_merge(self) -> bool {
        matches!(self, Self::Merge | Self::MergeAndReplaceList)
    }
}

proto_enum! {
    /// Where among filters of its sort a filter is put.
    pub enum FilterClass {
        /// Where the operation says.
        Unspecified = 0 "UNSPECIFIED",
        /// After the filters that authenticate.
        Authn = 1 "AUTHN",
        /// After those that authorize.
        Authz = 2 "AUTHZ",
        /// Before those that count.
        Stats = 3 "STATS",
    }
}
