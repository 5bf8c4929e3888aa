//! Which endpoints a caller prefers by where it is.

use serde_json::json;

use crate::evaluator::Held;
use crate::world::{Mesh, outbound, rule, shop};

/// Priorities, and the last byte of each address, for a caller in zone a of eu.
fn preferred(mesh: &mut Mesh) -> Vec<(u64, String)> {
    let held = in_eu(mesh);
    let last = |address: &str| address.rsplit('.').next().unwrap().to_owned();
    held.endpoints(&outbound(80, "", "web")).iter().map(|e| (e.priority, last(&e.address))).collect()
}

fn in_eu(mesh: &mut Mesh) -> Held {
    let labels = json!({"topology.kubernetes.io/region": "eu", "topology.kubernetes.io/zone": "a", "version": "v3"});
    mesh.labelled("shop", labels)
}

fn web(policy: &str) -> Mesh {
    Mesh::shop(&[rule("shop/web", &format!("host: web, trafficPolicy: {{{policy}}}"))])
}

fn order(expected: &[(u64, &str)]) -> Vec<(u64, String)> {
    expected.iter().map(|(priority, last)| (*priority, (*last).to_owned())).collect()
}

const DETECTION: &str = "outlierDetection: {consecutive5xxErrors: 1}";

#[test]
fn the_nearest_come_first_where_failures_are_noticed() {
    assert_eq!(preferred(&mut web(DETECTION)), order(&[(0, "1"), (1, "2"), (2, "3")]));
    assert_eq!(preferred(&mut web("loadBalancer: {simple: RANDOM}")), order(&[(0, "1"), (0, "2"), (0, "3")]));
}

#[test]
fn a_rule_may_switch_the_preference_off_and_on_for_itself() {
    let off = format!("{DETECTION}, loadBalancer: {{localityLbSetting: {{enabled: false}}}}");
    assert_eq!(preferred(&mut web(&off)), order(&[(0, "1"), (0, "2"), (0, "3")]));
    let rules = [rule(
        "shop/web",
        &format!("host: web, trafficPolicy: {{{DETECTION}, loadBalancer: {{localityLbSetting: {{enabled: true}}}}}}"),
    )];
    let mut mesh = Mesh::new(&[&crate::world::shop()[..], &rules].concat(), "localityLbSetting: {enabled: false}");
    assert_eq!(preferred(&mut mesh), order(&[(0, "1"), (1, "2"), (2, "3")]));
}

#[test]
fn a_region_fails_over_to_the_one_that_a_rule_names() {
    let failover =
        |to: &str| format!("{DETECTION}, loadBalancer: {{localityLbSetting: {{failover: [{{from: us, to: {to}}}]}}}}");
    let from_us = |mesh: &mut Mesh| {
        let held =
            mesh.labelled("shop", json!({"topology.kubernetes.io/region": "us", "topology.kubernetes.io/zone": "c"}));
        held.endpoints(&outbound(80, "", "web")).iter().map(|e| e.priority).collect::<Vec<_>>()
    };
    assert_eq!(from_us(&mut web(&failover("eu"))), [0, 1, 1]);
    assert_eq!(from_us(&mut web(&failover("asia"))), [0, 1, 1]);
    let held = in_eu(&mut web(&failover("eu")));
    assert!(held.settings(&outbound(80, "", "web"))["commonLbConfig"].get("localityWeightedLbConfig").is_some());
}

#[test]
fn labels_that_caller_and_endpoint_share_may_decide() {
    let by = "loadBalancer: {localityLbSetting: {failoverPriority: [topology.kubernetes.io/region, version]}}";
    let mut mesh = web(&format!("{DETECTION}, {by}"));
    assert_eq!(preferred(&mut mesh), order(&[(0, "1"), (0, "2"), (1, "3")]), "none of the region is of v3");
    let by = "loadBalancer: {localityLbSetting: {failoverPriority: [version=v2]}}";
    let mut mesh = web(&format!("{DETECTION}, {by}"));
    assert_eq!(preferred(&mut mesh), order(&[(0, "2"), (1, "1"), (1, "3")]));
}

#[test]
fn calls_are_distributed_over_places_as_a_rule_says_and_places_it_leaves_out_get_nothing() {
    let shares = "loadBalancer: {localityLbSetting: {distribute: [
          {from: 'us/*', to: {'us/*': 100}}, {from: eu/a/*, to: {eu/a/*: 70, eu/b: 30}}]}}";
    let held = in_eu(&mut web(shares));
    let endpoints = held.endpoints(&outbound(80, "", "web"));
    let weights: Vec<(&str, u64)> = endpoints.iter().map(|e| (&*e.address, e.weight)).collect();
    assert_eq!(weights, [("10.1.0.1", 70), ("10.1.0.2", 30)]);
    assert!(endpoints.iter().all(|e| e.priority == 0));
}

#[test]
fn a_subset_has_preferences_of_its_own() {
    let spec = format!(
        "host: web, trafficPolicy: {{{DETECTION}}}, subsets: [
          {{name: all, trafficPolicy: {{loadBalancer: {{localityLbSetting: {{enabled: false}}}}}}}}]"
    );
    let held = in_eu(&mut Mesh::shop(&[rule("shop/web", &spec)]));
    let priorities =
        |subset: &str| held.endpoints(&outbound(80, subset, "web")).iter().map(|e| e.priority).collect::<Vec<_>>();
    assert_eq!((priorities(""), priorities("all")), (vec![0, 1, 2], vec![0, 0, 0]));
}

#[test]
fn callers_of_another_cluster_do_not_reach_what_is_for_its_own() {
    let endpoints = |cluster: &str, settings: &str| {
        let mut mesh = Mesh::new(&shop(), settings);
        let held = mesh.held("shop", "10.9.0.9", json!({ "CLUSTER_ID": cluster }));
        held.0["endpoints"][outbound(80, "", "api")]["endpoints"].as_array().map_or(0, Vec::len)
    };
    let local = "serviceSettings: [{settings: {clusterLocal: true}, hosts: ['*.shop.svc.cluster.local']}]";
    assert_eq!((endpoints("Kubernetes", "{}"), endpoints("elsewhere", "{}")), (1, 1));
    assert_eq!((endpoints("Kubernetes", local), endpoints("elsewhere", local)), (1, 0));
}
