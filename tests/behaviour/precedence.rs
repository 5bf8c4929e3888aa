//! Which DestinationRule is in force, and what of it for a subset and a port.

use serde_json::json;

use crate::evaluator::Held;
use crate::world::{Mesh, outbound, rule, rule_of};

fn limit(n: u32) -> String {
    format!("trafficPolicy: {{connectionPool: {{tcp: {{maxConnections: {n}}}}}}}")
}

/// The limit of connections of a cluster; `None` where there is none of somebody's own.
fn limit_of(held: &Held, cluster: &str) -> Option<u64> {
    held.settings(cluster)["circuitBreakers"]["thresholds"][0]["maxConnections"].as_u64().filter(|n| *n < 1 << 31)
}

fn web() -> String {
    outbound(80, "", "web")
}

#[test]
fn the_callers_namespace_goes_before_the_services_and_that_before_the_root() {
    let host = "host: web.shop.svc.cluster.local";
    let mut mesh = Mesh::shop(&[
        rule("desk/web", &format!("{host}, {}", limit(1))),
        rule("shop/web", &format!("host: web, {}", limit(2))),
        rule("istio-system/web", &format!("host: '*.cluster.local', {}", limit(3))),
    ]);
    assert_eq!(limit_of(&mesh.sidecar("desk"), &web()), Some(1));
    assert_eq!(limit_of(&mesh.sidecar("shop"), &web()), Some(2));
    assert_eq!(limit_of(&mesh.sidecar("bank"), &web()), Some(2));
    assert_eq!(limit_of(&mesh.sidecar("bank"), &outbound(80, "", "api")), Some(3));
    assert_eq!(limit_of(&mesh.sidecar("istio-system"), &web()), Some(2), "its rules are for all, not for itself");
}

#[test]
fn a_rule_for_the_very_host_goes_before_one_for_a_longer_and_that_before_a_shorter_wildcard() {
    let mut mesh = Mesh::shop(&[
        rule("shop/exact", &format!("host: web, {}", limit(1))),
        rule("shop/long", &format!("host: '*.shop.svc.cluster.local', {}", limit(2))),
        rule("shop/short", &format!("host: '*.local', {}", limit(3))),
    ]);
    let held = mesh.sidecar("shop");
    assert_eq!(limit_of(&held, &web()), Some(1));
    assert_eq!(limit_of(&held, &outbound(80, "", "api")), Some(2));
}

#[test]
fn a_rule_is_seen_only_where_it_is_exported_to() {
    let mut mesh = Mesh::shop(&[rule("shop/web", &format!("host: web, exportTo: ['.', bank], {}", limit(1)))]);
    for (namespace, expected) in [("shop", Some(1)), ("bank", Some(1)), ("desk", None)] {
        assert_eq!(limit_of(&mesh.sidecar(namespace), &web()), expected, "{namespace}");
    }
}

#[test]
fn rules_for_one_host_join_their_subsets_and_the_oldest_policy_stands() {
    let subset = |name: &str, version: &str| format!("subsets: [{{name: {name}, labels: {{version: {version}}}}}]");
    let mut mesh = Mesh::shop(&[
        rule_of("shop/b-first", 1, &format!("host: web, {}", subset("one", "v1"))),
        rule_of(
            "shop/a-second",
            2,
            &format!("host: web.shop.svc.cluster.local, {}, {}", limit(2), subset("two", "v2")),
        ),
        rule_of("shop/c-third", 3, &format!("host: web, {}, {}", limit(3), subset("one", "v3"))),
    ]);
    let held = mesh.sidecar("shop");
    assert_eq!(limit_of(&held, &web()), Some(2));
    assert_eq!(held.addresses(&outbound(80, "one", "web")), ["10.1.0.1"], "the first subset of a name stands");
    assert_eq!(held.addresses(&outbound(80, "two", "web")), ["10.1.0.2"]);
    assert_eq!(limit_of(&held, &outbound(80, "one", "web")), Some(2));
}

#[test]
fn a_rule_for_selected_workloads_is_for_these_and_for_their_namespace_alone() {
    let selector = "workloadSelector: {matchLabels: {tier: front}}";
    let mut mesh = Mesh::shop(&[
        rule("shop/selected", &format!("host: web, {selector}, {}", limit(1))),
        rule("shop/others", &format!("host: web, {}", limit(2))),
    ]);
    let front = json!({"tier": "front", "app": "x"});
    assert_eq!(limit_of(&mesh.labelled("shop", front.clone()), &web()), Some(1));
    assert_eq!(limit_of(&mesh.sidecar("shop"), &web()), Some(2));
    assert_eq!(limit_of(&mesh.labelled("desk", front), &web()), Some(2));
}

#[test]
fn settings_of_a_port_replace_those_of_the_rule_as_a_whole() {
    let policy =
        "trafficPolicy: {connectionPool: {tcp: {maxConnections: 1}}, outlierDetection: {consecutive5xxErrors: 3},
          portLevelSettings: [{port: {number: 8080}, connectionPool: {http: {http2MaxRequests: 5}}}]}";
    let held = Mesh::shop(&[rule("shop/web", &format!("host: web, {policy}"))]).sidecar("shop");
    let admin = outbound(8080, "", "web");
    assert_eq!((limit_of(&held, &web()), limit_of(&held, &admin)), (Some(1), None));
    assert_eq!(held.settings(&admin)["circuitBreakers"]["thresholds"][0]["maxRequests"], 5);
    assert!(held.settings(&web()).get("outlierDetection").is_some());
    assert!(held.settings(&admin).get("outlierDetection").is_none());
}

#[test]
fn a_subset_replaces_blocks_of_its_rule_and_inherits_the_others() {
    let policy = "trafficPolicy: {connectionPool: {tcp: {maxConnections: 1}, http: {http2MaxRequests: 9}}, outlierDetection: {consecutive5xxErrors: 3}}";
    let subset = "subsets: [{name: one, labels: {version: v1}, trafficPolicy: {connectionPool: {http: {http1MaxPendingRequests: 4}}}}]";
    let held = Mesh::shop(&[rule("shop/web", &format!("host: web, {policy}, {subset}"))]).sidecar("shop");
    let part = outbound(80, "one", "web");
    let thresholds = &held.settings(&part)["circuitBreakers"]["thresholds"][0];
    assert_eq!((limit_of(&held, &part), &thresholds["maxPendingRequests"]), (None, &json!(4)));
    assert!(thresholds["maxRequests"].as_u64().unwrap() > 9, "of a block nothing is inherited");
    assert_eq!(held.settings(&part)["outlierDetection"]["consecutive5xx"], 3);
}

#[test]
fn settings_of_a_subsets_port_go_before_everything_else() {
    let policy = "trafficPolicy: {outlierDetection: {consecutive5xxErrors: 3}, portLevelSettings: [{port: {number: 80}, connectionPool: {tcp: {maxConnections: 2}}}]}";
    let subset =
        "subsets: [{name: one, labels: {version: v1}, trafficPolicy: {connectionPool: {tcp: {maxConnections: 3}},
          portLevelSettings: [{port: {number: 8080}, connectionPool: {tcp: {maxConnections: 4}}}]}}]";
    let held = Mesh::shop(&[rule("shop/web", &format!("host: web, {policy}, {subset}"))]).sidecar("shop");
    assert_eq!(limit_of(&held, &web()), Some(2));
    assert_eq!(limit_of(&held, &outbound(80, "one", "web")), Some(3));
    assert_eq!(limit_of(&held, &outbound(8080, "one", "web")), Some(4));
    assert!(held.settings(&outbound(8080, "one", "web")).get("outlierDetection").is_none());
}

#[test]
fn the_meshs_default_policy_fills_the_blocks_that_a_rule_leaves_out() {
    let settings = "defaultTrafficPolicy: {connectionPool: {tcp: {maxConnections: 7}}, outlierDetection: {consecutive5xxErrors: 6}}";
    let rules = [rule("shop/web", &format!("host: web, {}", limit(1)))];
    let mut mesh = Mesh::new(&[&crate::world::shop()[..], &rules].concat(), settings);
    let held = mesh.sidecar("shop");
    assert_eq!((limit_of(&held, &web()), limit_of(&held, &outbound(80, "", "api"))), (Some(1), Some(7)));
    for service in ["web", "api"] {
        assert_eq!(held.settings(&outbound(80, "", service))["outlierDetection"]["consecutive5xx"], 6, "{service}");
    }
}

#[test]
fn limits_hold_on_both_sides_of_a_call() {
    let mut mesh = Mesh::shop(&[rule("shop/web", &format!("host: web, {}", limit(3)))]);
    let server = mesh.held("shop", "10.1.0.1", json!({"LABELS": {"app": "web"}}));
    assert_eq!(limit_of(&server, "inbound|80||"), Some(3));
}
