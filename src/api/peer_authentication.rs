//! Istio's `PeerAuthentication`: which callers a workload takes (`istio/api` `peer_authentication.proto`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::enumeration::proto_enum;
use super::selector::MatchLabels;

/// Which callers workloads take.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PeerAuthentication {
    /// The workloads; all of the namespace if absent, all of the mesh in the root namespace.
    pub selector: Option<MatchLabels>,
    /// For all ports.
    pub mtls: Option<MutualTls>,
    /// For single ports of the workload.
    pub port_level_mtls: BTreeMap<u32, MutualTls>,
}

/// Whether callers need certificates of the mesh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MutualTls {
    /// Whether they do.
    pub mode: MutualTlsMode,
}

proto_enum! {
    /// Whether callers need certificates of the mesh.
    pub enum MutualTlsMode {
        /// As the wider policy says; `PERMISSIVE` where there is none.
        Unset = 0 "UNSET",
        /// Clear text only.
        Disable = 1 "DISABLE",
        /// Both.
        Permissive = 2 "PERMISSIVE",
        /// They do.
        Strict = 3 "STRICT",
    }
}
