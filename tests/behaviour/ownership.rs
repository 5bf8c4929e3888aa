//! Which VirtualService has a call.

use serde_json::json;

use crate::evaluator::{Call, Outcome};
use crate::world::{Mesh, entry, outbound, routes, routes_of, service};

fn answers(text: &str) -> String {
    format!("http: [{{directResponse: {{status: 200, body: {{string: {text}}}}}}}]")
}

fn said(text: &str) -> Outcome {
    Outcome::Answered(200, text.to_owned())
}

#[test]
fn without_rules_a_call_goes_to_the_service_by_each_of_its_names() {
    let mut mesh = Mesh::shop(&[]);
    let inside = mesh.sidecar("shop");
    for host in ["web", "web.shop", "web.shop.svc", "web.shop.svc.cluster.local", "10.96.0.1"] {
        assert_eq!(inside.cluster(&Call::get(&format!("http://{host}/"))), outbound(80, "", "web"), "{host}");
    }
    let outside = mesh.sidecar("desk");
    assert_eq!(outside.cluster(&Call::get("http://web.shop/")), outbound(80, "", "web"));
    assert_eq!(outside.cluster(&Call::get("http://web/")), "PassthroughCluster");
}

#[test]
fn of_rules_for_one_host_the_oldest_has_it() {
    let mut mesh = Mesh::shop(&[
        routes_of("shop/a-young", 2, &format!("hosts: [web], {}", answers("young"))),
        routes_of("desk/z-old", 1, &format!("hosts: [web.shop.svc.cluster.local], {}", answers("old"))),
    ]);
    assert_eq!(mesh.sidecar("shop").call(&Call::get("http://web/")), said("old"));
}

#[test]
fn rules_of_one_age_are_taken_by_name() {
    let mut mesh = Mesh::shop(&[
        routes("shop/b", &format!("hosts: [web], {}", answers("b"))),
        routes("shop/a", &format!("hosts: [web.shop.svc.cluster.local], {}", answers("a"))),
    ]);
    assert_eq!(mesh.sidecar("shop").call(&Call::get("http://web/")), said("a"));
}

#[test]
fn a_rule_private_to_the_callers_namespace_goes_before_an_older_one_for_all() {
    let private = format!("hosts: [web.shop.svc.cluster.local], exportTo: ['.'], {}", answers("private"));
    let mut mesh = Mesh::shop(&[
        routes_of("shop/old", 1, &format!("hosts: [web], {}", answers("old"))),
        routes_of("desk/young", 2, &private),
    ]);
    assert_eq!(mesh.sidecar("desk").call(&Call::get("http://web.shop/")), said("private"));
    assert_eq!(mesh.sidecar("shop").call(&Call::get("http://web.shop/")), said("old"));
}

#[test]
fn a_rule_is_seen_only_where_it_is_exported_to() {
    let spec = format!("hosts: [web], exportTo: [desk, '.'], {}", answers("ruled"));
    let mut mesh = Mesh::shop(&[routes("shop/web", &spec)]);
    for (namespace, ruled) in [("shop", true), ("desk", true), ("bank", false)] {
        let outcome = mesh.sidecar(namespace).call(&Call::get("http://web.shop/"));
        assert_eq!(outcome == said("ruled"), ruled, "{namespace}");
    }
}

#[test]
fn a_rule_bound_to_gateways_alone_is_none_of_the_sidecars() {
    let mut mesh = Mesh::shop(&[
        routes("shop/web", &format!("hosts: [web], gateways: [door], {}", answers("gateway"))),
        routes("shop/api", &format!("hosts: [api], gateways: [door, mesh], {}", answers("both"))),
    ]);
    let held = mesh.sidecar("shop");
    assert_eq!(held.cluster(&Call::get("http://web/")), outbound(80, "", "web"));
    assert_eq!(held.call(&Call::get("http://api/")), said("both"));
}

#[test]
fn the_longest_wildcard_has_a_host_that_no_rule_names() {
    let hosts = "hosts: [a.in.example, b.in.example, c.example], location: MESH_EXTERNAL, resolution: NONE,
          ports: [{number: 80, name: http, protocol: HTTP}]";
    let mut mesh = Mesh::shop(&[
        entry("shop/all", hosts),
        routes_of("shop/a-wide", 1, &format!("hosts: ['*.example'], {}", answers("wide"))),
        routes_of("shop/b-long", 2, &format!("hosts: ['*.in.example'], {}", answers("long"))),
        routes_of("shop/c-exact", 3, &format!("hosts: [a.in.example], {}", answers("exact"))),
    ]);
    let held = mesh.sidecar("shop");
    for (host, by) in [("a.in.example", "exact"), ("b.in.example", "long"), ("c.example", "wide")] {
        assert_eq!(held.call(&Call::get(&format!("http://{host}/"))), said(by), "{host}");
    }
}

#[test]
fn a_host_that_no_service_has_is_routed_on_port_80() {
    let http = "http: [{route: [{destination: {host: web, port: {number: 80}}}]}]";
    let mut mesh = Mesh::shop(&[routes("shop/books", &format!("hosts: [books.example], {http}"))]);
    let held = mesh.sidecar("shop");
    assert_eq!(held.cluster(&Call::get("http://books.example/")), outbound(80, "", "web"));
    assert_eq!(held.cluster(&Call::get("http://books.example:8080/")), "PassthroughCluster");
}

#[test]
fn conditions_on_gateways_leave_sidecars_out_unless_they_name_the_mesh() {
    let http = "http: [
          {match: [{gateways: [door]}], directResponse: {status: 501}},
          {match: [{gateways: [mesh, door], uri: {prefix: /mesh}}], directResponse: {status: 502}},
          {directResponse: {status: 503}}]";
    let mut mesh = Mesh::shop(&[routes("shop/web", &format!("hosts: [web], gateways: [door, mesh], {http}"))]);
    let held = mesh.sidecar("shop");
    assert_eq!(held.call(&Call::get("http://web/mesh")), Outcome::Answered(502, String::new()));
    assert_eq!(held.call(&Call::get("http://web/")), Outcome::Answered(503, String::new()));
}

#[test]
fn conditions_on_the_caller_are_decided_beforehand() {
    let http = "http: [
          {match: [{sourceLabels: {tier: front}}], directResponse: {status: 501}},
          {match: [{sourceNamespace: bank}], directResponse: {status: 502}},
          {directResponse: {status: 503}}]";
    let mut mesh = Mesh::shop(&[routes("shop/web", &format!("hosts: [web], {http}"))]);
    let status = |status| Outcome::Answered(status, String::new());
    let call = Call::get("http://web.shop/");
    assert_eq!(mesh.labelled("desk", json!({"tier": "front", "app": "x"})).call(&call), status(501));
    assert_eq!(mesh.labelled("bank", json!({"tier": "back"})).call(&call), status(502));
    assert_eq!(mesh.sidecar("desk").call(&call), status(503));
}

#[test]
fn conditions_on_the_port_are_for_calls_to_that_port() {
    let http = "http: [{match: [{port: 8080}], directResponse: {status: 501}},
                       {match: [{port: 80, uri: {prefix: /a}}], directResponse: {status: 502}}]";
    let mut mesh = Mesh::shop(&[routes("shop/web", &format!("hosts: [web], {http}"))]);
    let held = mesh.sidecar("shop");
    assert_eq!(held.call(&Call::get("http://web:8080/a")), Outcome::Answered(501, String::new()));
    assert_eq!(held.call(&Call::get("http://web/a")), Outcome::Answered(502, String::new()));
    assert_eq!(held.call(&Call::get("http://web/b")), Outcome::NotFound);
}

#[test]
fn a_destination_without_a_port_is_called_on_the_port_that_the_caller_used() {
    let http = "http: [{match: [{uri: {prefix: /admin}}], route: [{destination: {host: web, port: {number: 8080}}}]},
                       {route: [{destination: {host: web}}]}]";
    let mut mesh = Mesh::shop(&[routes("shop/web", &format!("hosts: [web], {http}"))]);
    let held = mesh.sidecar("shop");
    assert_eq!(held.cluster(&Call::get("http://web:8080/")), outbound(8080, "", "web"));
    assert_eq!(held.cluster(&Call::get("http://web/")), outbound(80, "", "web"));
    assert_eq!(held.cluster(&Call::get("http://web/admin")), outbound(8080, "", "web"));
}

#[test]
fn short_names_in_a_rule_are_of_the_rules_namespace() {
    let mut mesh = Mesh::shop(&[
        service("desk", "web", "10.96.0.9", &["http:80"]),
        routes("desk/api", "hosts: [api.shop.svc.cluster.local], http: [{route: [{destination: {host: web}}]}]"),
    ]);
    let cluster = mesh.sidecar("shop").cluster(&Call::get("http://api/"));
    assert_eq!(cluster, "outbound|80||web.desk.svc.cluster.local");
}

#[test]
fn unknown_hosts_pass_or_are_refused_as_the_mesh_says() {
    let refusing = "outboundTrafficPolicy: {mode: REGISTRY_ONLY}";
    let call = |held: &crate::evaluator::Held| {
        [held.call(&Call::get("http://other.example/")), held.call(&Call::bytes("203.0.113.5", 7777))]
    };
    let passed = call(&Mesh::shop(&[]).sidecar("shop"));
    assert!(passed.iter().all(|o| matches!(o, Outcome::Sent(s) if s.to[0].0 == "PassthroughCluster")), "{passed:?}");
    let refused = call(&Mesh::new(&crate::world::shop(), refusing).sidecar("shop"));
    assert_eq!(refused, [Outcome::Answered(502, String::new()), Outcome::Refused]);
}
