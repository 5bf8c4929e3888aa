//! The mesh config about who sees services: other clusters, other namespaces.

use serde::{Deserialize, Serialize};

use crate::api::enumeration::proto_enum;
use crate::api::selector::LabelSelector;
use crate::base::Str;

/// Settings of services by host.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceSettings {
    /// The settings.
    pub settings: Option<Settings>,
    /// The hosts, with `*` at the beginning for wildcards.
    pub hosts: Vec<Str>,
}

/// Settings of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Settings {
    /// Whether callers use endpoints of their own cluster only.
    pub cluster_local: bool,
}

/// Which services are seen by other clusters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceScope {
    /// The namespaces.
    pub namespace_selector: Option<LabelSelector>,
    /// The services.
    pub services_selector: Option<LabelSelector>,
    /// Whether they are seen.
    pub scope: Scope,
}

proto_enum! {
    /// How far a service is seen.
    pub enum Scope {
        /// In its own cluster.
        Local = 0 "LOCAL",
        /// In all clusters.
        Global = 1 "GLOBAL",
    }
}

/// Who sees ServiceEntries.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceEntryVisibility {
    /// Where no policy matches.
    pub default_visibility: Visibility,
    /// Whether sidecars obey too, and not ambient proxies only.
    pub apply_to_sidecars: bool,
    /// The first that matches wins.
    pub policies: Vec<VisibilityPolicy>,
}

/// Who sees the ServiceEntries of some namespaces.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VisibilityPolicy {
    /// Who sees them.
    pub visibility: Visibility,
    /// All of these must match.
    pub matching_rules: Vec<MatchRule>,
}

/// A condition on a ServiceEntry.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MatchRule {
    /// None.
    #[default]
    #[serde(rename = "")]
    Nothing,
    /// On its namespace.
    NamespaceSelector(LabelSelector),
}

proto_enum! {
    /// Who sees a ServiceEntry.
    pub enum Visibility {
        /// As the object says.
        Unspecified = 0 "VISIBILITY_UNSPECIFIED",
        /// Nobody.
        None = 1 "NONE",
        /// Its namespace.
        Namespace = 2 "NAMESPACE",
        /// Everybody.
        Public = 3 "PUBLIC",
    }
}
