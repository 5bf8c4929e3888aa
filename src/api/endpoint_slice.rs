//! Kubernetes' `EndpointSlice`: the addresses behind a service.

use serde::{Deserialize, Serialize};

use super::service::Transport;
use crate::base::Str;

/// Some of the endpoints of a service (label `kubernetes.io/service-name`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EndpointSlice {
    /// `IPv4`, `IPv6` or `FQDN`.
    pub address_type: Str,
    /// The endpoints.
    pub endpoints: Vec<Endpoint>,
    /// The ports that every one of them has.
    pub ports: Vec<Port>,
}

/// One endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Endpoint {
    /// Its addresses; they all lead to the same place.
    pub addresses: Vec<Str>,
    /// Whether it can serve.
    pub conditions: Conditions,
    /// Its own name below the service's, as Pods of a StatefulSet have one.
    pub hostname: Str,
    /// The node it runs on.
    pub node_name: Str,
    /// The zone it runs in.
    pub zone: Str,
    /// What it is, usually a Pod.
    pub target_ref: Option<TargetRef>,
}

/// Whether an endpoint can serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Conditions {
    /// Whether callers should be sent there; true where nothing is said.
    pub ready: bool,
    /// Whether it answers, be it terminating or not; as `ready` where nothing is said.
    pub serving: Option<bool>,
    /// Whether it is going away.
    pub terminating: Option<bool>,
}

impl Default for Conditions {
    fn default() -> Self {
        Self { ready: true, serving: None, terminating: None }
    }
}

/// The object that an endpoint stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TargetRef {
    /// Usually `Pod`.
    pub kind: Str,
    /// Its namespace.
    pub namespace: Str,
    /// Its name.
    pub name: Str,
}

/// A port of all endpoints of a slice.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Port {
    /// The name of the service's port.
    pub name: Str,
    /// The number; none stands for every port.
    pub port: Option<u32>,
    /// The transport.
    pub protocol: Transport,
    /// What is spoken; empty where the name tells.
    pub app_protocol: Str,
}
