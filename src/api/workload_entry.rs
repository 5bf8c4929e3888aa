//! Istio's `WorkloadEntry`: a workload outside Kubernetes, such as a virtual machine (`istio/api` `workload_entry.proto`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::{Labels, Str};

/// A workload outside Kubernetes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct WorkloadEntry {
    /// What it is.
    pub workload: Workload,
    /// The status of its condition `Healthy`; none where nobody reports its health.
    pub healthy: Option<bool>,
}

/// An endpoint, on its own as WorkloadEntry or among those of a ServiceEntry.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Workload {
    /// An IP address, a DNS name, or `unix://` and a path.
    pub address: Str,
    /// Where it listens, by the name of the service's port; the service's target port where there is none.
    pub ports: BTreeMap<Str, u32>,
    /// Labels.
    pub labels: Labels,
    /// The network; endpoints of other networks are reached through its gateway.
    pub network: Str,
    /// `region/zone/subzone`.
    pub locality: Str,
    /// The share of the calls; 0 counts as 1.
    pub weight: u32,
    /// The service account whose identity it has.
    pub service_account: Str,
}

/// `status` as Kubernetes keeps it.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Status {
    conditions: Vec<Condition>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Condition {
    r#type: Str,
    status: Str,
}

impl Status {
    /// What the condition `Healthy` says.
    pub(super) fn healthy(&self) -> Option<bool> {
        self.conditions.iter().find(|c| c.r#type == "Healthy").map(|c| c.status == "True")
    }
}
