//! Endpoints as facts, and what comes of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::*;
use crate::api::destination_rule::ClientTlsMode;
use crate::api::peer_authentication::{MutualTls, MutualTlsMode, PeerAuthentication};
use crate::base::Locality as Place;
use crate::model::facts::{PeerRules, TlsMode};

pub(super) fn workload(place: &str, labels: &[(&str, &str)]) -> Workload {
    Workload {
        name: "cart".into(),
        namespace: "shop".into(),
        labels: labels.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
        service_account: Str::default(),
        locality: Place::parse(place),
        place: place.into(),
        cluster: "Kubernetes".into(),
        network: Str::default(),
        tls: TlsMode::Istio,
        hostname: Str::default(),
        subdomain: Str::default(),
        node: "node-1".into(),
    }
}

pub(super) fn endpoint(address: &str, workload: Workload) -> Endpoint {
    Endpoint {
        addresses: vec![address.into()],
        port: 8080,
        service_port: 80,
        weight: 0,
        health: Health::Healthy,
        workload: Arc::new(workload),
    }
}

pub(super) fn selection() -> Selection {
    Selection {
        port: 80,
        labels: Labels::new(),
        unhealthy: true,
        draining: false,
        node: None,
        networks: None,
        cluster: None,
        labelled: true,
        mutual_only: false,
        transport: Transport::Detected(PeerRules::default()),
    }
}

fn assignment(list: Vec<Endpoint>, selection: Selection, near: Option<Near>) -> Vec<LocalityLbEndpoints> {
    let endpoints = Some(Handle::new(Endpoints { list }));
    let answering = Answering { endpoints, selection, between: None, near };
    LoadAssignment { cluster: "c".into(), answering }.build().unwrap().endpoints
}

/// Zone, priority, weight and number of members of each group.
fn shape(groups: &[LocalityLbEndpoints]) -> Vec<(String, u32, u32, usize)> {
    let weight = |g: &LocalityLbEndpoints| g.load_balancing_weight.as_ref().unwrap().value;
    let zone = |g: &LocalityLbEndpoints| g.locality.as_ref().unwrap().zone.clone();
    groups.iter().map(|g| (zone(g), g.priority, weight(g), g.lb_endpoints.len())).collect()
}

fn metadata_of(endpoint: Endpoint, selection: Selection) -> HashMap<String, envoy_types::pb::google::protobuf::Struct> {
    let groups = assignment(vec![endpoint], selection, None);
    groups[0].lb_endpoints[0].metadata.clone().unwrap().filter_metadata
}

fn is_mutual(endpoint: Endpoint, selection: Selection) -> bool {
    metadata_of(endpoint, selection).contains_key("envoy.transport_socket_match")
}

#[test]
fn an_assignment_is_there_though_nobody_answers() {
    let answering = Answering { endpoints: None, selection: selection(), between: None, near: None };
    assert!(answering.is_empty());
    let built = LoadAssignment { cluster: "c".into(), answering }.build().unwrap();
    assert_eq!((built.cluster_name.as_str(), built.endpoints.len()), ("c", 0));
}

#[test]
fn endpoints_are_grouped_by_the_text_of_their_locality_and_weights_add_up() {
    let heavy = Endpoint { weight: 5, ..endpoint("10.0.0.3", workload("eu/a", &[])) };
    let list = vec![
        endpoint("10.0.0.1", workload("eu/b", &[])),
        endpoint("10.0.0.2", workload("eu/a", &[])),
        heavy,
        endpoint("10.0.0.4", workload("eu/a/", &[])),
    ];
    let expected = [("a".into(), 0, 6, 2), ("a".into(), 0, 1, 1), ("b".into(), 0, 1, 1)];
    assert_eq!(shape(&assignment(list, selection(), None)), expected);
}

#[test]
fn a_name_is_no_address_but_a_socket_is() {
    let socket = Endpoint { port: 0, ..endpoint("/run/spool.sock", workload("", &[])) };
    let list = vec![endpoint("db.example.com", workload("", &[])), socket];
    let groups = assignment(list, selection(), None);
    assert_eq!(groups[0].lb_endpoints.len(), 1);
}

#[test]
fn a_subset_takes_endpoints_with_its_labels() {
    let labels = Labels::from([("version".into(), "v1".into())]);
    let list = vec![
        endpoint("10.0.0.1", workload("", &[("version", "v1")])),
        endpoint("10.0.0.2", workload("", &[("version", "v2")])),
    ];
    let groups = assignment(list, Selection { labels, ..selection() }, None);
    assert_eq!(groups[0].lb_endpoints.len(), 1);
}

#[test]
fn endpoints_that_are_not_ready_are_sent_as_such_and_those_that_end_are_not() {
    let with = |health, selection| {
        let list = vec![Endpoint { health, ..endpoint("10.0.0.1", workload("", &[])) }];
        assignment(list, selection, None).first().map(|g| g.lb_endpoints[0].health_status())
    };
    assert_eq!(with(Health::Unhealthy, selection()), Some(HealthStatus::Unhealthy));
    assert_eq!(with(Health::Unhealthy, Selection { unhealthy: false, ..selection() }), None);
    assert_eq!(with(Health::Terminating, selection()), None);
    assert_eq!(with(Health::Draining, selection()), None);
    assert_eq!(with(Health::Draining, Selection { draining: true, ..selection() }), Some(HealthStatus::Draining));
    assert_eq!(with(Health::Unknown, selection()), Some(HealthStatus::Unknown));
}

#[test]
fn a_service_of_the_node_has_no_endpoints_elsewhere() {
    let on = |node: &str| {
        let selection = Selection { node: Some(node.into()), ..selection() };
        assignment(vec![endpoint("10.0.0.1", workload("", &[]))], selection, None).len()
    };
    assert_eq!((on("node-1"), on("node-2")), (1, 0));
}

#[test]
fn a_caller_sees_the_networks_it_asked_for_and_endpoints_of_none() {
    let elsewhere = Workload { network: "far".into(), ..workload("", &[]) };
    let list = vec![endpoint("10.0.0.1", workload("", &[])), endpoint("10.0.0.2", elsewhere)];
    let networks = Some(BTreeSet::from(["near".into()]));
    let groups = assignment(list, Selection { networks, ..selection() }, None);
    assert_eq!(groups[0].lb_endpoints.len(), 1);
}

#[test]
fn mutual_tls_follows_the_rule_and_else_what_the_workload_takes() {
    let sidecar = || endpoint("10.0.0.1", workload("", &[]));
    let bare = || endpoint("10.0.0.1", Workload { tls: TlsMode::Disabled, ..workload("", &[]) });
    let said = |mode| Selection { transport: Transport::Said(mode), ..selection() };
    assert!(is_mutual(sidecar(), selection()) && !is_mutual(bare(), selection()));
    assert!(is_mutual(sidecar(), said(ClientTlsMode::IstioMutual)));
    assert!(!is_mutual(sidecar(), said(ClientTlsMode::Disable)));
    assert!(!is_mutual(sidecar(), said(ClientTlsMode::Simple)));
    let disable =
        PeerAuthentication { mtls: Some(MutualTls { mode: MutualTlsMode::Disable }), ..PeerAuthentication::default() };
    let rules = PeerRules { root: None, own: Some(Handle::new(vec![("off".into(), 0, disable)])) };
    assert!(!is_mutual(sidecar(), Selection { transport: Transport::Detected(rules), ..selection() }));
}

#[test]
fn metrics_learn_workload_and_canonical_service() {
    let identity = |labels: &[(&str, &str)]| {
        let fields = metadata_of(endpoint("10.0.0.1", workload("", labels)), selection());
        match fields["istio"].fields["workload"].kind.clone() {
            Some(envoy_types::pb::google::protobuf::value::Kind::StringValue(text)) => text,
            _ => panic!(),
        }
    };
    assert_eq!(identity(&[]), "cart;shop;cart;;Kubernetes");
    let labels = [("app", "old"), ("app.kubernetes.io/name", "basket"), ("version", "v2")];
    assert_eq!(identity(&labels), "cart;shop;basket;v2;Kubernetes");
    assert_eq!(identity(&[("version", "latest")]), "cart;shop;cart;;Kubernetes");
}

fn three_zones() -> Vec<Endpoint> {
    let at = |address, place| endpoint(address, workload(place, &[]));
    vec![at("10.0.0.1", "eu/a"), at("10.0.0.2", "eu/b"), at("10.0.0.3", "us/c")]
}

#[test]
fn shares_are_divided_among_the_localities_they_name_and_others_get_nothing() {
    let shares = Near::Shares(vec![("eu/*".into(), 75)]);
    let expected = [("a".into(), 0, 38, 1), ("b".into(), 0, 38, 1), ("c".into(), 0, 1, 0)];
    assert_eq!(shape(&assignment(three_zones(), selection(), Some(shares))), expected);
}

fn first(compared: Vec<Compared>, regions: Option<Regions>) -> Option<Near> {
    Some(Near::First { compared, regions })
}

fn regions(from: &str, to: Option<&str>, reach: Reach) -> Option<Regions> {
    Some(Regions { from: Place::parse(from), to: to.map(Str::from), reach })
}

#[test]
fn nearer_localities_come_first_without_gaps() {
    let near = first(Vec::new(), regions("eu/a", None, Reach::Locality));
    let expected = [("a".into(), 0, 1, 1), ("b".into(), 1, 1, 1), ("c".into(), 2, 1, 1)];
    assert_eq!(shape(&assignment(three_zones(), selection(), near)), expected);
    let elsewhere = first(Vec::new(), regions("asia/x", None, Reach::Locality));
    let priorities = |groups: &[LocalityLbEndpoints]| groups.iter().map(|g| g.priority).collect::<Vec<_>>();
    assert_eq!(priorities(&assignment(three_zones(), selection(), elsewhere)), [0, 0, 0]);
    let to_us = first(Vec::new(), regions("asia/x", Some("us"), Reach::Locality));
    assert_eq!(priorities(&assignment(three_zones(), selection(), to_us)), [1, 1, 0]);
    let by_region = first(Vec::new(), regions("eu/a", None, Reach::Region));
    assert_eq!(priorities(&assignment(three_zones(), selection(), by_region)), [0, 0, 1]);
}

#[test]
fn groups_are_divided_where_labels_differ_and_the_earlier_label_matters_more() {
    let rack = |value: &str| Compared { label: "rack".into(), value: value.into(), outermost: false };
    let row = |value: &str| Compared { label: "row".into(), value: value.into(), outermost: false };
    let at = |address, rack, row| endpoint(address, workload("eu/a", &[("rack", rack), ("row", row)]));
    let list = || vec![at("10.0.0.1", "r1", "1"), at("10.0.0.2", "r1", "2"), at("10.0.0.3", "r2", "1")];
    let near = first(vec![rack("r1"), row("1")], None);
    let expected = [("a".into(), 0, 1, 1), ("a".into(), 1, 1, 1), ("a".into(), 2, 1, 1)];
    assert_eq!(shape(&assignment(list(), selection(), near)), expected);
}

#[test]
fn another_network_is_worse_than_anything_in_the_same_one() {
    let compared =
        |label: &str, value: &str, outermost| Compared { label: label.into(), value: value.into(), outermost };
    let at = |address, place: &'static str, network, zone| {
        endpoint(address, workload(place, &[("network", network), ("zone", zone)]))
    };
    let list =
        vec![at("10.0.0.1", "x/1", "far", "a"), at("10.0.0.2", "x/2", "near", "b"), at("10.0.0.3", "x/3", "near", "a")];
    let near = first(vec![compared("network", "near", true), compared("zone", "a", false)], None);
    let groups = assignment(list, selection(), near);
    assert_eq!(groups.iter().map(|g| g.priority).collect::<Vec<_>>(), [2, 1, 0]);
}
