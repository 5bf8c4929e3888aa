//! The mesh networks (istio `pkg/config/validation/agent/validation.go`, `validateNetwork`).

use super::at::At;
use crate::api::mesh::{MeshNetworks, Network};
use crate::api::report::Report;

/// Reports everything that is wrong with the mesh networks.
pub(in crate::api) fn mesh_networks(networks: &MeshNetworks, report: &Report) {
    At::new("", report).field("networks").entries(&networks.networks, |_, described, at| network(described, at));
}

fn network(network: &Network, at: &At<'_>) {
    at.field("endpoints").each(&network.endpoints, |endpoints, at| {
        let range = &endpoints.from_cidr;
        let readable = range.is_empty() || range.parse::<ipnet::IpNet>().is_ok();
        at.field("fromCidr").require(readable, format_args!("must be a range such as 10.1.0.0/16, found {range:?}"));
        let one = endpoints.from_cidr.is_empty() != endpoints.from_registry.is_empty();
        at.require(one, "must have one of fromCidr and fromRegistry");
    });
    at.field("gateways").each(&network.gateways, |gateway, at| {
        let one = gateway.registry_service_name.is_empty() != gateway.address.is_empty();
        at.require(one, "must have one of registryServiceName and address");
        if !gateway.registry_service_name.is_empty() {
            at.field("registryServiceName").fqdn(&gateway.registry_service_name);
        }
        if !gateway.address.is_empty() {
            at.field("address").fqdn_or_ip(&gateway.address);
        }
        at.field("port").port(gateway.port);
    });
}
