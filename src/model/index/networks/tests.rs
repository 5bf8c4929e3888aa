use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::api::mesh::{MeshConfig, MeshNetworks};
use crate::model::index::Index;
use crate::model::index::tests::{index, pod, put, service, slice};

fn gate(labels: Value, ports: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "gate", "namespace": "edge", "labels": labels},
        "spec": {"type": "LoadBalancer", "clusterIP": "10.96.0.9", "externalIPs": ["192.0.2.8"], "ports": ports},
        "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}, {"hostname": "gate.example.com"}]}}})
}

fn networks(value: Value) -> MeshConfig {
    let (networks, findings) = MeshNetworks::parse(value);
    assert!(findings.is_empty(), "{findings:?}");
    MeshConfig { networks, ..MeshConfig::default() }
}

fn system(labels: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "istio-system", "labels": labels}})
}

/// Gateways as `network cluster address port`.
fn gateways(index: &Index) -> Vec<String> {
    let all = index.snapshot().networks.all.all().iter();
    all.map(|g| format!("{} {} {} {}", g.network, g.cluster, g.address, g.port)).collect()
}

/// The network of the one endpoint.
fn network(index: &Index) -> String {
    let (_, endpoints) = index.snapshot().endpoints().next().unwrap();
    endpoints.list[0].workload.network.to_string()
}

#[test]
fn a_labelled_service_is_a_gateway_at_each_address_outside() {
    let mut index = index();
    put(&mut index, &[gate(json!({"topology.istio.io/network": "far"}), json!([{"name": "tls", "port": 15443}]))]);
    assert_eq!(
        gateways(&index),
        ["far Kubernetes 192.0.2.7 15443", "far Kubernetes 192.0.2.8 15443", "far Kubernetes gate.example.com 15443"]
    );
    assert_eq!(index.snapshot().networks.at_addresses.all().len(), 2, "nobody looks up names here");
    put(&mut index, &[gate(json!({}), json!([{"name": "tls", "port": 15443}]))]);
    assert!(gateways(&index).is_empty());
}

#[test]
fn a_label_names_another_port_and_a_port_nobody_listens_on_is_none() {
    let labels = |port: &str| json!({"topology.istio.io/network": "far", "networking.istio.io/gatewayPort": port});
    let ports = json!([{"name": "tls", "port": 443}]);
    let mut index = index();
    put(&mut index, &[gate(labels("443"), ports.clone())]);
    assert_eq!(gateways(&index)[0], "far Kubernetes 192.0.2.7 443");
    put(&mut index, &[gate(labels("15443"), ports)]);
    assert!(gateways(&index).is_empty());
}

#[test]
fn the_mesh_networks_name_gateways_by_address_and_by_service() {
    let mesh = networks(json!({"networks": {
        "near": {"endpoints": [{"fromRegistry": "Kubernetes"}],
            "gateways": [{"registryServiceName": "gate.edge.svc.cluster.local", "port": 443}]},
        "far": {"endpoints": [{"fromRegistry": "another"}],
            "gateways": [{"address": "192.0.2.1", "port": 443},
                {"registryServiceName": "gate.edge.svc.cluster.local", "port": 444}]}}}));
    let mut index = index();
    put(&mut index, &[gate(json!({}), json!([{"name": "tls", "port": 443}]))]);
    index.apply(&BTreeMap::new(), Some(mesh));
    assert_eq!(
        gateways(&index),
        [
            "far  192.0.2.1 443",
            "near Kubernetes 192.0.2.7 443",
            "near Kubernetes 192.0.2.8 443",
            "near Kubernetes gate.example.com 443"
        ]
    );
}

#[test]
fn an_endpoint_is_on_the_network_of_its_label_then_of_the_system_namespace_then_of_its_range() {
    let mut index = index();
    put(&mut index, &[service("a", "shop", "10.96.0.1"), slice("a-0", "10.0.0.1"), pod("a-0", "10.0.0.1")]);
    assert_eq!(network(&index), "");
    let ranges = json!({"networks": {"ranged": {"endpoints": [{"fromCidr": "10.0.0.0/24"}]}}});
    index.apply(&BTreeMap::new(), Some(networks(ranges)));
    assert_eq!(network(&index), "ranged");
    put(&mut index, &[system(json!({"topology.istio.io/network": "whole"}))]);
    assert_eq!(network(&index), "whole");
    let mut labelled = pod("a-0", "10.0.0.1");
    labelled["metadata"]["labels"]["topology.istio.io/network"] = "own".into();
    put(&mut index, &[labelled]);
    assert_eq!(network(&index), "own");
}

#[test]
fn wrong_networks_are_found_and_none_of_them_holds() {
    let (networks, findings) = MeshNetworks::parse(json!({"networks": {"a": {
        "endpoints": [{"fromCidr": "10.0.0.0/99"}], "gateways": [{"address": "192.0.2.1"}]}}}));
    assert_eq!(networks, MeshNetworks::default());
    let fields: Vec<&str> = findings.iter().map(|f| f.field.as_str()).collect();
    assert_eq!(fields, ["networks[a].endpoints[0].fromCidr", "networks[a].gateways[0].port"]);
}
