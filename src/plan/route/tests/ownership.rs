//! Whose routes a host gets.

use serde_json::json;

use super::*;
use crate::plan::tests::world::sidecar;

/// The names of a virtual host's routes.
fn names(world: &World, proxy: &Proxy, port: &str, host: &str) -> Vec<String> {
    let host = hosts(world, proxy, port).remove(host);
    host.map(|h| h.routes.into_iter().map(|r| r.name).collect()).unwrap_or_default()
}

/// A route with a name and a condition, to a host.
fn to(name: &str, condition: &str, host: &str) -> String {
    format!("{{name: {name}, {condition} route: [{{destination: {{host: {host}}}}}]}}")
}

const API: &str = "api.shop.svc.cluster.local:80";

#[test]
fn the_first_rule_by_age_and_name_has_the_host() {
    let world = World::new(&all(&[
        service("shop", "api", "10.96.0.9", &["http:80"]),
        rule("shop", "b", "api", &to("of-b", "", "api"), ""),
        rule("shop", "a", "api.shop.svc.cluster.local", &to("of-a", "", "api"), ""),
    ]));
    assert_eq!(names(&world, &sidecar("desk", json!({})), "80", API), ["of-a"]);
}

#[test]
fn a_rule_without_routes_for_the_port_leaves_the_host_to_the_next() {
    let world = World::new(&all(&[
        service("shop", "api", "10.96.0.9", &["http:80", "http-b:81"]),
        rule("shop", "a", "api", &to("of-a", "match: [{port: 81}],", "api"), ""),
        rule("shop", "b", "api", &to("of-b", "match: [{port: 80, uri: {prefix: /b}}],", "api"), ""),
    ]));
    let proxy = sidecar("desk", json!({}));
    assert_eq!(names(&world, &proxy, "80", API), ["of-b"]);
    assert_eq!(names(&world, &proxy, "81", "api.shop.svc.cluster.local:81"), ["of-a"]);
}

#[test]
fn a_wildcard_is_for_services_that_no_rule_names_and_the_longest_counts() {
    let world = World::new(&all(&[
        entry("shop", "a", "a.x.example, b.x.example, c.example", 80, ""),
        rule("shop", "a-wide", "'*.example'", &to("wide", "", "c.example"), ""),
        rule("shop", "b-long", "'*.x.example'", &to("long", "", "c.example"), ""),
        rule("shop", "c-exact", "a.x.example", &to("exact", "", "c.example"), ""),
    ]));
    let of = |host: &str| names(&world, &sidecar("desk", json!({})), "80", host).remove(0);
    assert_eq!([of("a.x.example:80"), of("b.x.example:80"), of("c.example:80")], ["exact", "long", "wide"]);
}

#[test]
fn a_host_without_a_service_is_routed_on_port_80_and_where_another_host_of_the_rule_is() {
    let world = World::new(&all(&[
        service("shop", "api", "10.96.0.9", &["http:8080", "tcp-x:9090"]),
        service("shop", "other", "10.96.0.8", &["http:7070"]),
        rule("shop", "a", "shop.example, api", &to("a", "", "api"), ""),
        rule("shop", "b", "lonely.example, '*.lonely.example'", &to("b", "", "api"), ""),
    ]));
    let proxy = sidecar("desk", json!({}));
    let on = |port: &str| hosts(&world, &proxy, port).into_keys().collect::<Vec<_>>();
    assert_eq!(
        on("80"),
        ["*.lonely.example:80", "api.shop.svc.cluster.local:80", "lonely.example:80", "shop.example:80"]
    );
    assert_eq!(on("8080"), ["api.shop.svc.cluster.local:8080", "shop.example:8080"]);
    assert_eq!(on("7070"), ["other.shop.svc.cluster.local:7070"]);
}

#[test]
fn a_wildcard_that_covers_a_service_is_no_host_of_its_own() {
    let wild = rule("shop", "a", "'*.example'", &to("a", "", "x.example"), "");
    let mut world = World::new(&wild);
    let proxy = sidecar("desk", json!({}));
    assert!(hosts(&world, &proxy, "80").contains_key("*.example:80"));
    world.apply(&entry("shop", "a", "x.example", 80, ""));
    assert_eq!(hosts(&world, &proxy, "80").into_keys().collect::<Vec<_>>(), ["x.example:80"]);
}

#[test]
fn rules_may_ask_who_is_calling() {
    let http = [
        to("labels", "match: [{sourceLabels: {app: web}, uri: {prefix: /l}}],", "api"),
        to("namespace", "match: [{sourceNamespace: desk, uri: {prefix: /n}}],", "api"),
        to("gateway", "match: [{gateways: [shop/front], uri: {prefix: /g}}],", "api"),
        to("rest", "", "api"),
    ];
    let world = World::new(&all(&[
        service("shop", "api", "10.96.0.9", &["http:80"]),
        rule("shop", "a", "api", &http.join(", "), ""),
    ]));
    let web = json!({"LABELS": {"app": "web", "pod": "web-1"}});
    assert_eq!(names(&world, &sidecar("desk", web.clone()), "80", API), ["labels", "namespace", "rest"]);
    assert_eq!(names(&world, &sidecar("shop", web), "80", API), ["labels", "rest"]);
    assert_eq!(names(&world, &sidecar("shop", json!({})), "80", API), ["rest"]);
}

#[test]
fn labels_that_no_rule_asks_for_make_no_class() {
    let http = to("labels", "match: [{sourceLabels: {app: web}}],", "api");
    let world =
        World::new(&all(&[service("shop", "api", "10.96.0.9", &["http:80"]), rule("shop", "a", "api", &http, "")]));
    let of = |labels: serde_json::Value| facets_of(world.snapshot(), &sidecar("shop", json!({ "LABELS": labels })));
    assert_eq!(of(json!({"app": "api", "pod": "api-1"})), of(json!({"pod": "other"})));
    assert_ne!(of(json!({"app": "web"})), of(json!({})));
}

#[test]
fn what_is_private_to_a_namespace_holds_there_alone() {
    let private = "exportTo: ['.'],";
    let world = World::new(&all(&[
        service("shop", "api", "10.96.0.9", &["http:80"]),
        rule("shop", "a", "api", &to("public", "", "api"), ""),
        rule("desk", "a", "api.shop.svc.cluster.local", &to("of-desk", "", "api.shop.svc.cluster.local"), private),
        entry("desk", "a", "secret.example", 80, private),
    ]));
    let of = |namespace: &str| {
        let proxy = sidecar(namespace, json!({}));
        (names(&world, &proxy, "80", API).remove(0), hosts(&world, &proxy, "80").contains_key("secret.example:80"))
    };
    assert_eq!(of("desk"), ("of-desk".to_owned(), true));
    assert_eq!(of("shop"), ("public".to_owned(), false));
}

#[test]
fn calls_to_unknown_hosts_go_where_the_mesh_lets_them() {
    let mut world = World::new(&service("shop", "api", "10.96.0.9", &["http:80"]));
    let proxy = sidecar("shop", json!({}));
    let rest = |world: &World| routes(world, &proxy)["80"].virtual_hosts.last().unwrap().name.clone();
    assert_eq!(rest(&world), "allow_any");
    world.settings(json!({"outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"}}));
    assert_eq!(rest(&world), "block_all");
}

#[test]
fn gateways_have_no_routes_of_sidecars() {
    let world = World::new(&service("shop", "api", "10.96.0.9", &["http:80"]));
    let mut proxy = sidecar("shop", json!({}));
    proxy.role = crate::proxy::Role::Router;
    assert!(routes(&world, &proxy).is_empty());
}

#[test]
fn callers_are_known_by_the_labels_of_their_pods_and_by_where_they_are() {
    let by_tier = "match: [{uri: {prefix: /t}, sourceLabels: {tier: front}}],";
    let by_cluster = "match: [{uri: {prefix: /c}, sourceLabels: {topology.istio.io/cluster: Kubernetes}}],";
    let pod = "{apiVersion: v1, kind: Pod,
          metadata: {name: client, namespace: desk, labels: {tier: front}},
          spec: {containers: [{name: app}]},
          status: {phase: Running, podIP: 10.1.0.5, podIPs: [{ip: 10.1.0.5}]}}";
    let http = [to("tier", by_tier, "api"), to("cluster", by_cluster, "api"), to("rest", "", "api")].join(", ");
    let world = World::new(&all(&[
        service("shop", "api", "10.96.0.9", &["http:80"]),
        rule("shop", "a", "api", &http, ""),
        pod.to_owned(),
    ]));
    let seen_by = |metadata| names(&world, &sidecar("desk", metadata), "80", API);
    assert_eq!(seen_by(json!({"LABELS": {"tier": "back"}})), ["tier", "cluster", "rest"]);
    let id = "sidecar~10.1.0.6~x.desk~desk.svc.cluster.local";
    let stranger =
        Proxy::new(id, "x", Default::default(), &json!({"LABELS": {"tier": "back"}}), Default::default()).unwrap();
    assert_eq!(names(&world, &stranger, "80", API), ["rest"]);
}
