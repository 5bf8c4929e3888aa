//! Istio's mesh networks: which endpoints are on which network, and by which gateways a network is entered (`istio/api`
//! `mesh/v1alpha1/network.proto`). They stand in a file of their own, beside the mesh config.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::decode::read_strictly;
use crate::api::report::Report;
use crate::api::validate;
use crate::base::{Finding, ObjectRef, Str};

/// All networks that are described; there may be others, which labels name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MeshNetworks {
    /// The networks by name.
    pub networks: BTreeMap<Str, Network>,
}

/// One network.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Network {
    /// Which endpoints are on it, as far as labels do not say.
    pub endpoints: Vec<NetworkEndpoints>,
    /// How it is entered from outside.
    pub gateways: Vec<NetworkGateway>,
}

/// Endpoints by one of two criteria.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NetworkEndpoints {
    /// A range of addresses, `10.1.0.0/16`.
    pub from_cidr: Str,
    /// A cluster, `Kubernetes`.
    pub from_registry: Str,
}

/// A gateway: the Service of a name in the network's own cluster, or an address.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NetworkGateway {
    /// The host of a Service, `gate.istio-system.svc.cluster.local`.
    pub registry_service_name: Str,
    /// An IP or a DNS name.
    pub address: Str,
    /// The port; of a Service, the Service's.
    pub port: u32,
    /// Where the gateway is; istiod does not look at it.
    pub locality: Str,
}

impl MeshNetworks {
    /// Reads what users wrote. If a finding is an error there are no networks, and the caller should stay with what it
    /// has.
    pub fn parse(value: Value) -> (Self, Vec<Finding>) {
        let report = Report::new(ObjectRef { kind: "MeshNetworks".into(), ..ObjectRef::default() });
        let (networks, unknown) = read_strictly::<Self>(&value, "");
        for field in unknown {
            report.unknown_field(field.path, field.nearest);
        }
        let networks = networks.unwrap_or_else(|error| {
            report.invalid(error.path.unwrap_or_default(), error.text);
            Self::default()
        });
        validate::mesh_networks(&networks, &report);
        let networks = if report.is_fatal() { Self::default() } else { networks };
        (networks, report.into_findings())
    }
}
