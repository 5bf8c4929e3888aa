//! Kubernetes' `Node`: a machine; its labels, which say where it stands, are in the metadata.

use serde::{Deserialize, Serialize};

use crate::base::Str;

/// A machine of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Node {
    /// Its addresses.
    pub addresses: Vec<Address>,
}

/// An address of a machine.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Address {
    /// `InternalIP`, `ExternalIP`, `Hostname`, …
    pub r#type: Str,
    /// The address.
    pub address: Str,
}
