//! The corner cases of istio's `pilot/pkg/xds/endpoints/ep_filters_test.go`, on networks of our own.

use std::sync::Arc;

use envoy_types::pb::envoy::config::core::v3::address::Address;
use envoy_types::pb::envoy::config::endpoint::v3::lb_endpoint::HostIdentifier;

use super::super::tests::{endpoint, selection, workload};
use super::*;
use crate::generate::endpoint::{Answering, LoadAssignment};
use crate::model::facts::{Endpoints, TlsMode, Workload};
use crate::wire::Recipe;

fn on(network: &str, address: &str) -> Endpoint {
    let at = Workload { network: network.into(), ..workload("r/z", &[]) };
    endpoint(address, at)
}

fn gateway(network: &str, address: &str) -> Gateway {
    Gateway { address: address.into(), port: 15443, network: network.into(), cluster: "Kubernetes".into() }
}

/// What a caller on a network gets: `address:port weight` each, and the weight of the locality.
fn seen(network: &str, families: (bool, bool), gateways: &[Gateway], list: Vec<Endpoint>) -> (Vec<String>, u32) {
    let between =
        Between { gateways: Handle::new(Gateways::new(gateways.to_vec())), network: network.into(), families };
    let endpoints = Some(Handle::new(Endpoints { list }));
    let answering = Answering { endpoints, selection: selection(), between: Some(between), near: None };
    let built = LoadAssignment { cluster: "c".into(), answering }.build().unwrap();
    let [group] = &built.endpoints[..] else { panic!("one locality: {built:?}") };
    let line = |e: &envoy_types::pb::envoy::config::endpoint::v3::LbEndpoint| {
        let Some(HostIdentifier::Endpoint(target)) = &e.host_identifier else { panic!("an address") };
        let Some(Address::SocketAddress(at)) = target.address.clone().unwrap().address else { panic!("a socket") };
        let weight = e.load_balancing_weight.unwrap().value;
        format!("{} {weight}", at.address)
    };
    let weight = group.load_balancing_weight.map(|w| w.value).unwrap_or_default();
    (group.lb_endpoints.iter().map(line).collect(), weight)
}

const V4: (bool, bool) = (true, false);

#[test]
fn gateways_share_the_weight_of_all_endpoints_behind_them() {
    let gateways = [gateway("far", "192.0.2.1"), gateway("far", "192.0.2.2")];
    let list = vec![on("near", "10.0.0.1"), on("far", "10.0.0.2"), on("far", "10.0.0.3"), on("far", "10.0.0.4")];
    let (found, weight) = seen("near", V4, &gateways, list);
    assert_eq!(found, ["10.0.0.1 2", "192.0.2.1 3", "192.0.2.2 3"]);
    assert_eq!(weight, 8);
}

#[test]
fn a_network_without_gateways_and_an_endpoint_of_none_are_called_directly() {
    let gateways = [gateway("far", "192.0.2.1")];
    let (found, _) = seen("near", V4, &gateways, vec![on("other", "10.0.0.1"), on("", "10.0.0.2")]);
    assert_eq!(found, ["10.0.0.1 1", "10.0.0.2 1"]);
}

#[test]
fn a_caller_that_does_not_say_where_it_is_goes_through_gateways() {
    let (found, _) = seen("", V4, &[gateway("far", "192.0.2.1")], vec![on("far", "10.0.0.1")]);
    assert_eq!(found, ["192.0.2.1 1"]);
}

#[test]
fn what_takes_no_mutual_tls_cannot_be_reached_and_its_locality_has_no_weight() {
    let mut plain = on("far", "10.0.0.1");
    plain.workload = Arc::new(Workload { tls: TlsMode::Disabled, ..(*plain.workload).clone() });
    assert_eq!(seen("near", V4, &[gateway("far", "192.0.2.1")], vec![plain]), (Vec::new(), 0));
}

#[test]
fn gateways_of_a_family_that_the_caller_does_not_speak_are_left_out() {
    let gateways = [gateway("far", "192.0.2.1"), gateway("far", "2001:db8::1")];
    let list = || vec![on("far", "10.0.0.1")];
    assert_eq!(seen("near", V4, &gateways, list()).0, ["192.0.2.1 2"]);
    assert_eq!(seen("near", (false, true), &gateways, list()).0, ["2001:db8::1 2"]);
    assert_eq!(seen("near", (true, true), &gateways, list()).0, ["192.0.2.1 1", "2001:db8::1 1"]);
    assert!(seen("near", V4, &gateways[1..], list()).0.is_empty(), "not by the address of the pod either");
}

#[test]
fn an_endpoint_without_an_address_is_reached_through_a_gateway_or_not_at_all() {
    let gateways = [gateway("far", "192.0.2.1")];
    assert_eq!(seen("near", V4, &gateways, vec![on("far", "")]).0, ["192.0.2.1 1"]);
    assert!(seen("far", V4, &gateways, vec![on("far", "")]).0.is_empty());
}
