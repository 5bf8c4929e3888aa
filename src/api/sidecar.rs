//! Istio's `Sidecar`: what a sidecar takes in and may reach (`istio/api` `sidecar.proto`).

use serde::{Deserialize, Serialize};

use super::destination_rule::ConnectionPool;
use super::enumeration::proto_enum;
use super::selector::WorkloadSelector;
use super::server_tls::ServerTls;
use super::virtual_service::Destination;
use crate::base::Str;

/// What sidecars take in and may reach.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Sidecar {
    /// The workloads; all of the namespace if absent, all of the mesh in the root namespace.
    pub workload_selector: Option<WorkloadSelector>,
    /// What is taken in; as the services say if empty.
    pub ingress: Vec<IngressListener>,
    /// What may be reached; everything if empty.
    pub egress: Vec<EgressListener>,
    /// Limits of the connections taken in.
    pub inbound_connection_pool: Option<Box<ConnectionPool>>,
    /// What becomes of calls to unknown hosts; as the mesh says if absent.
    pub outbound_traffic_policy: Option<OutboundTrafficPolicy>,
}

/// A port at which calls are taken in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IngressListener {
    /// The port.
    pub port: Option<SidecarPort>,
    /// The address to listen at; the workload's if empty.
    pub bind: Str,
    /// How calls come to the listener.
    pub capture_mode: CaptureMode,
    /// Where the application listens: `127.0.0.1:PORT`, `[::1]:PORT`, `0.0.0.0:PORT`, `[::]:PORT` or `unix://PATH`.
    pub default_endpoint: Str,
    /// TLS in place of the mesh's.
    pub tls: Option<Box<ServerTls>>,
    /// Limits of the connections taken in.
    pub connection_pool: Option<Box<ConnectionPool>>,
}

/// Hosts that may be reached.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EgressListener {
    /// The port; all ports of the hosts if absent.
    pub port: Option<SidecarPort>,
    /// The address to listen at; the services' if empty.
    pub bind: Str,
    /// How calls come to the listener.
    pub capture_mode: CaptureMode,
    /// Hosts as `namespace/host`, either part may be `*`, the namespace also `.` or `~`.
    pub hosts: Vec<Str>,
}

/// A port of a sidecar.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SidecarPort {
    /// The number.
    pub number: u32,
    /// What is spoken.
    pub protocol: Str,
    /// Its name.
    pub name: Str,
    /// Ignored by istiod.
    pub target_port: u32,
}

/// What becomes of calls to unknown hosts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OutboundTrafficPolicy {
    /// Whether they may go out.
    pub mode: OutboundMode,
    /// A service to which they all go.
    pub egress_proxy: Option<Destination>,
}

proto_enum! {
    /// Whether calls to unknown hosts may go out.
    pub enum OutboundMode {
        /// No.
        RegistryOnly = 0 "REGISTRY_ONLY",
        /// Yes.
        AllowAny = 1 "ALLOW_ANY",
    }
}

proto_enum! {
    /// How calls come to a listener.
    pub enum CaptureMode {
        /// As the workload's capture is set up.
        Default = 0 "DEFAULT",
        /// By redirection.
        Iptables = 1 "IPTABLES",
        /// The application calls the listener itself.
        None = 2 "NONE",
    }
}
