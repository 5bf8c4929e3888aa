//! Istio's `ServiceEntry`: services that Kubernetes does not know (`istio/api` `service_entry.proto`).

use serde::{Deserialize, Serialize};

use super::enumeration::proto_enum;
use super::selector::WorkloadSelector;
use super::workload_entry::Workload;
use crate::base::Str;

/// Services that Kubernetes does not know.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceEntry {
    /// Their names, each one a service.
    pub hosts: Vec<Str>,
    /// Their addresses, or CIDR ranges.
    pub addresses: Vec<Str>,
    /// Their ports.
    pub ports: Vec<ServicePort>,
    /// Whether they belong to the mesh.
    pub location: Location,
    /// How their endpoints are found.
    pub resolution: Resolution,
    /// Their endpoints; empty for the host itself, or for those selected.
    pub endpoints: Vec<Workload>,
    /// Pods and WorkloadEntries that are the endpoints.
    pub workload_selector: Option<WorkloadSelector>,
    /// The namespaces that see the object; empty for the mesh's default.
    pub export_to: Vec<Str>,
    /// The names of which the servers' certificates must have one.
    pub subject_alt_names: Vec<Str>,
    /// `status.addresses`: the addresses that were given to hosts without one.
    #[serde(skip)]
    pub allocated: Vec<Allocated>,
}

/// An address that was given to a host.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Allocated {
    /// The address.
    pub value: Str,
    /// The host, one of the object's.
    pub host: Str,
}

/// A port of a service.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServicePort {
    /// The number that callers use.
    pub number: u32,
    /// What is spoken: `HTTP`, `GRPC`, `TLS`, `TCP`, `MONGO`, …
    pub protocol: Str,
    /// Its name.
    pub name: Str,
    /// Where the endpoints listen; 0 for `number`.
    pub target_port: u32,
}

proto_enum! {
    /// Whether a service belongs to the mesh.
    pub enum Location {
        /// No; it has no sidecar and no identity of the mesh.
        MeshExternal = 0 "MESH_EXTERNAL",
        /// Yes.
        MeshInternal = 1 "MESH_INTERNAL",
    }
}

proto_enum! {
    /// How the endpoints of a service are found.
    pub enum Resolution {
        /// Calls go where the caller sent them.
        None = 0 "NONE",
        /// They are written down by address.
        Static = 1 "STATIC",
        /// By DNS; all answers are used.
        Dns = 2 "DNS",
        /// By DNS; the first answer is used.
        DnsRoundRobin = 3 "DNS_ROUND_ROBIN",
        /// By DNS when a call comes, for wildcard hosts.
        DynamicDns = 4 "DYNAMIC_DNS",
    }
}

/// `status` as Kubernetes keeps it.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Status {
    pub(super) addresses: Vec<Allocated>,
}
