//! Whom workloads and gateways let in.

use std::collections::BTreeMap;

use serde_json::json;

use crate::evaluator::access::{Door, Visit};
use crate::evaluator::{Held, Request};
use crate::world::{Mesh, gateway, routes, shop};

/// An AuthorizationPolicy `namespace/name`.
fn policy(name: &str, spec: &str) -> String {
    let (namespace, name) = name.split_once('/').unwrap();
    format!(
        "{{apiVersion: security.istio.io/v1, kind: AuthorizationPolicy, metadata: {{name: {name}, namespace: {namespace}}},
          spec: {{{spec}}}}}"
    )
}

/// What the sidecar of `web` holds under some policies.
fn web(policies: &[String]) -> Held {
    Mesh::shop(policies).held("shop", "10.1.0.1", json!({}))
}

/// `METHOD /path` from somebody `namespace/account`, or from nobody in particular in clear text.
fn call(who: &str, what: &str) -> Visit {
    let (method, path) = what.split_once(' ').unwrap();
    let request = Request {
        method: method.to_owned(),
        path: path.to_owned(),
        headers: BTreeMap::from([("host".to_owned(), "web.shop".to_owned())]),
        secure: false,
    };
    Visit { request: Some(request), port: 80, ..bytes(who, 80) }
}

fn bytes(who: &str, port: u16) -> Visit {
    let identity = who.split_once('/').map(|(namespace, account)| format!("cluster.local/ns/{namespace}/sa/{account}"));
    Visit { identity, from: [10, 1, 0, 9].into(), port, request: None }
}

fn with(mut visit: Visit, name: &str, value: &str) -> Visit {
    visit.request.as_mut().unwrap().headers.insert(name.to_owned(), value.to_owned());
    visit
}

#[test]
fn everybody_is_let_in_where_no_policy_is() {
    let held = web(&[policy("desk/p", ""), policy("shop/p", "selector: {matchLabels: {app: api}}")]);
    assert_eq!(held.visit(&call("", "GET /")), Door::Open);
    assert_eq!(held.visit(&bytes("shop/api", 9000)), Door::Open);
}

#[test]
fn a_policy_without_rules_lets_nobody_in_and_one_with_an_empty_rule_everybody() {
    let closed = web(&[policy("shop/none", "")]);
    assert_eq!(closed.visit(&call("shop/api", "GET /")), Door::Shut);
    assert_eq!(closed.visit(&bytes("shop/api", 9000)), Door::Shut);
    assert_eq!(closed.visit(&bytes("", 4711)), Door::Shut, "a port that no service has");
    let open = web(&[policy("shop/none", ""), policy("shop/all", "rules: [{}]")]);
    assert_eq!(open.visit(&call("", "GET /")), Door::Open);
}

#[test]
fn somebody_is_let_in_by_identity_method_and_path() {
    let rule = "from: [{source: {principals: [cluster.local/ns/shop/sa/api]}}, {source: {namespaces: ['desk-*']}}],
        to: [{operation: {methods: [GET, HEAD], paths: [/v1/*, /ping]}}]";
    let held = web(&[policy("shop/p", &format!("rules: [{{{rule}}}]"))]);
    assert_eq!(held.visit(&call("shop/api", "GET /v1/a")), Door::Open);
    assert_eq!(held.visit(&call("desk-eu/x", "HEAD /ping?x=/v2")), Door::Open);
    for (who, what) in
        [("shop/api", "POST /v1/a"), ("shop/api", "GET /v2"), ("shop/other", "GET /v1/a"), ("desk/x", "GET /ping")]
    {
        assert_eq!(held.visit(&call(who, what)), Door::Shut, "{who} {what}");
    }
    assert_eq!(held.visit(&call("", "GET /ping")), Door::Shut, "clear text proves nothing");
    assert_eq!(held.visit(&bytes("shop/api", 9000)), Door::Shut, "bytes have no path");
}

#[test]
fn a_refusal_goes_before_and_the_meshs_own_is_for_all_namespaces() {
    let held = web(&[
        policy("shop/all", "rules: [{}]"),
        policy(
            "istio-system/no-scans",
            "action: DENY, rules: [{to: [{operation: {paths: ['*.bak'], ports: ['80']}}]}]",
        ),
        policy(
            "shop/no-guests",
            "action: DENY, rules: [{from: [{source: {notNamespaces: [shop]}}], to: [{operation: {ports: ['8080']}}]}]",
        ),
    ]);
    assert_eq!(held.visit(&call("shop/api", "GET /a.bak")), Door::Shut);
    assert_eq!(held.visit(&call("shop/api", "GET /a")), Door::Open);
    let admin = |who| Visit { port: 8080, ..call(who, "GET /a.bak") };
    assert_eq!(held.visit(&admin("shop/api")), Door::Open);
    assert_eq!(held.visit(&admin("desk/x")), Door::Shut);
    assert_eq!(held.visit(&admin("")), Door::Shut, "whoever proves nothing is of no namespace");
}

#[test]
fn ports_of_bytes_are_judged_by_what_can_be_told() {
    let held = web(&[
        policy(
            "shop/in",
            "rules: [{from: [{source: {serviceAccounts: [api, desk/x]}}], to: [{operation: {ports: ['9000']}}]},
            {from: [{source: {namespaces: [other]}}], to: [{operation: {methods: [GET]}}]}]",
        ),
        policy(
            "shop/out",
            "action: DENY, rules: [{from: [{source: {ipBlocks: [10.1.0.64/26]}}], to: [{operation: {methods: [POST]}}]}]",
        ),
    ]);
    assert_eq!(held.visit(&bytes("shop/api", 9000)), Door::Open);
    assert_eq!(held.visit(&bytes("desk/x", 9000)), Door::Open);
    assert_eq!(held.visit(&bytes("shop/x", 9000)), Door::Shut);
    assert_eq!(held.visit(&bytes("other/x", 9000)), Door::Shut, "an ALLOW rule that asks for HTTP matches no bytes");
    let from = |visit: Visit| Visit { from: [10, 1, 0, 70].into(), ..visit };
    assert_eq!(held.visit(&from(bytes("shop/api", 9000))), Door::Shut, "a DENY rule refuses by the rest of it");
    assert_eq!(held.visit(&call("other/x", "GET /")), Door::Open);
    assert_eq!(held.visit(&from(call("other/x", "GET /"))), Door::Open, "and calls by all of it");
}

#[test]
fn conditions_and_templates_are_compared() {
    let held = web(&[policy(
        "shop/p",
        "rules: [{to: [{operation: {paths: ['/wards/{*}/beds/{**}'], hosts: ['WEB.*']}}],
           when: [{key: 'request.headers[x-role]', values: [doctor, nurse-*], notValues: [nurse-student]}]}]",
    )]);
    let of = |role: &str, path: &str| held.visit(&with(call("", &format!("GET {path}")), "x-role", role));
    assert_eq!(of("nurse-1", "/wards/a/beds/b/c"), Door::Open);
    assert_eq!(of("nurse-student", "/wards/a/beds/b"), Door::Shut);
    assert_eq!(of("porter", "/wards/a/beds/b"), Door::Shut);
    assert_eq!(of("doctor", "/wards/a/b/beds/c"), Door::Shut);
    assert_eq!(held.visit(&call("", "GET /wards/a/beds/b")), Door::Shut);
}

#[test]
fn a_policy_on_trial_and_an_audit_refuse_nothing() {
    let tried = policy("shop/tried", "action: DENY, rules: [{}]")
        .replace("namespace: shop}", "namespace: shop, annotations: {istio.io/dry-run: 'true'}}");
    let held = web(&[tried, policy("shop/audit", "action: AUDIT, rules: [{}]")]);
    assert_eq!(held.visit(&call("", "GET /")), Door::Open);
    assert_eq!(held.visit(&bytes("", 9000)), Door::Open);
}

#[test]
fn a_service_is_asked_about_what_matches_and_one_that_is_not_there_refuses_it() {
    let asks = |provider: &str| {
        let spec = format!(
            "action: CUSTOM, provider: {{name: {provider}}}, rules: [{{to: [{{operation: {{paths: [/admin]}}}}]}}]"
        );
        let objects = [shop(), vec![policy("shop/p", &spec)]].concat();
        let settings =
            "extensionProviders: [{name: ask, envoyExtAuthzGrpc: {service: api.shop.svc.cluster.local, port: 80}}]";
        Mesh::new(&objects, settings).held("shop", "10.1.0.1", json!({}))
    };
    let (held, cluster) = (asks("ask"), "outbound|80||api.shop.svc.cluster.local");
    assert_eq!(held.visit(&call("", "GET /admin")), Door::Asks(cluster.to_owned()));
    assert_eq!(held.visit(&call("", "GET /")), Door::Open);
    assert_eq!(held.visit(&bytes("", 9000)), Door::Asks(cluster.to_owned()), "bytes might be for any path");
    let held = asks("nobody");
    assert_eq!(held.visit(&call("", "GET /admin")), Door::Shut);
    assert_eq!(held.visit(&call("", "GET /")), Door::Open);
}

#[test]
fn whoever_is_named_is_meant_under_every_alias_of_the_trust_domain() {
    let rule = "rules: [{from: [{source: {principals: [cluster.local/ns/shop/sa/api]}}]}]";
    let objects = [shop(), vec![policy("shop/p", rule)]].concat();
    let settings = "{trustDomain: new.example, trustDomainAliases: [old.example]}";
    let held = Mesh::new(&objects, settings).held("shop", "10.1.0.1", json!({}));
    let of = |domain: &str| Visit { identity: Some(format!("{domain}/ns/shop/sa/api")), ..call("", "GET /") };
    assert_eq!(held.visit(&of("new.example")), Door::Open);
    assert_eq!(held.visit(&of("old.example")), Door::Open);
    assert_eq!(held.visit(&of("strange.example")), Door::Shut);
}

#[test]
fn a_gateway_judges_clients_and_a_selector_of_the_root_namespace_finds_it() {
    let mut mesh = Mesh::shop(&[
        gateway("shop/door", "{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']}"),
        routes("shop/a", "hosts: [web.shop], gateways: [door], http: [{route: [{destination: {host: web}}]}]"),
        policy(
            "istio-system/office",
            "selector: {matchLabels: {app: door}}, rules: [{from: [{source: {remoteIpBlocks: [192.0.2.0/24],
               notRemoteIpBlocks: [192.0.2.7]}}], to: [{operation: {hosts: [web.shop]}}]}]",
        ),
    ]);
    let held = mesh.door();
    let from = |last: u8| Visit { from: [192, 0, 2, last].into(), ..call("", "GET /") };
    assert_eq!(held.knock(&from(1)), Door::Open);
    assert_eq!(held.knock(&from(7)), Door::Shut);
    assert_eq!(held.knock(&call("", "GET /")), Door::Shut);
    assert_eq!(held.knock(&with(from(1), "host", "other.shop")), Door::Shut);
    assert_eq!(mesh.held("shop", "10.1.0.1", json!({})).visit(&call("", "GET /")), Door::Open, "web is no door");
}
