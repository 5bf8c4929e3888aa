use std::sync::Arc;

use envoy_types::pb::envoy::config::route::v3 as pb;
use prost::Message;
use serde_json::{Value, json};

use super::{all_of, patched, printed, set};
use crate::debug::json::to_json;
use crate::generate::patch::patched_routes;
use crate::model::facts::{Handle, PatchSet};
use crate::wire::{Cache, Encoded, Fragment, Refusal, Rope};

const ROUTES: &str = "route.v3.RouteConfiguration";

fn route(name: &str) -> Value {
    json!({"name": name, "match": {"prefix": "/"}, "route": {"cluster": name}})
}

fn host(name: &str, routes: &[&str]) -> Value {
    let routes: Vec<Value> = routes.iter().map(|name| route(name)).collect();
    json!({"name": name, "domains": [name], "routes": routes})
}

fn routes(hosts: Value) -> Value {
    json!({"name": "80", "virtualHosts": hosts})
}

/// An entry of a rope, as a planner would encode it.
#[derive(PartialEq, Eq, Hash)]
struct Raw(Vec<u8>);

impl Fragment for Raw {
    type Message = pb::VirtualHost;
    const FIELD: u32 = 2;

    fn build(&self) -> Result<pb::VirtualHost, Refusal> {
        pb::VirtualHost::decode(&self.0[..]).map_err(|e| Refusal(e.to_string()))
    }
}

fn rope(cache: &Cache, value: &Value) -> Arc<Encoded> {
    let bytes = crate::debug::json::from_json("x/envoy.config.route.v3.RouteConfiguration", value.clone()).unwrap();
    let mut head = pb::RouteConfiguration::decode(&bytes[..]).unwrap();
    let hosts = std::mem::take(&mut head.virtual_hosts);
    let parts = hosts.iter().map(|h| cache.part(&Raw(h.encode_to_vec())).unwrap()).collect();
    cache.rope(Rope { name: head.name.as_str().into(), head, parts }).unwrap()
}

/// What patches make of a configuration; that it is the same whether it is in one piece or put together.
fn apply_to(set: &Handle<PatchSet>, value: Value) -> Value {
    let whole = patched(set, ROUTES, value.clone()).unwrap();
    let cache = Cache::default();
    let got = patched_routes(&cache, &rope(&cache, &value), set).unwrap();
    assert_eq!(to_json(&format!("x/envoy.config.{ROUTES}"), &got.message()).unwrap(), whole);
    whole
}

fn apply(list: Value, hosts: Value) -> Value {
    apply_to(&set(false, list), routes(hosts))
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(|v| v["name"].as_str()).collect()
}

fn patch(apply_to: &str, matches: Value, operation: &str, value: Value) -> Value {
    json!({"applyTo": apply_to, "match": {"routeConfiguration": matches},
        "patch": {"operation": operation, "value": value}})
}

#[test]
fn virtual_hosts_are_merged_replaced_removed_and_added() {
    let named = |name: &str| json!({"vhost": {"name": name}});
    let list = json!([
        patch("VIRTUAL_HOST", named("a"), "MERGE", json!({"domains": ["more"], "requireTls": "ALL"})),
        patch("VIRTUAL_HOST", named("b"), "REPLACE", host("b2", &["r"])),
        patch("VIRTUAL_HOST", named("c"), "REMOVE", Value::Null),
        patch("VIRTUAL_HOST", json!({}), "ADD", host("d", &["r"])),
    ]);
    let got = apply(list, json!([host("a", &["r"]), host("b", &["r"]), host("c", &["r"]), host("e", &["r"])]));
    assert_eq!(names(&got["virtualHosts"]), ["a", "b2", "e", "d"]);
    assert_eq!(got["virtualHosts"][0]["domains"], json!(["a", "more"]));
    assert_eq!(got["virtualHosts"][0]["requireTls"], "ALL");
}

#[test]
fn virtual_hosts_are_matched_by_a_domain_too() {
    let list = json!([patch("VIRTUAL_HOST", json!({"vhost": {"domainName": "a"}}), "REMOVE", Value::Null)]);
    assert_eq!(names(&apply(list, json!([host("a", &["r"]), host("b", &["r"])]))["virtualHosts"]), ["b"]);
}

#[test]
fn lists_of_a_virtual_host_may_be_replaced() {
    let list = json!([patch("VIRTUAL_HOST", json!({}), "MERGE_AND_REPLACE_LIST", json!({"domains": ["only"]}))]);
    assert_eq!(apply(list, json!([host("a", &["r"])]))["virtualHosts"][0]["domains"], json!(["only"]));
}

#[test]
fn routes_are_put_where_the_operation_says() {
    let after = |operation: &str, wanted: Option<&str>| {
        let vhost = wanted.map_or_else(|| json!({"name": "a"}), |name| json!({"name": "a", "route": {"name": name}}));
        let list = json!([patch("HTTP_ROUTE", json!({"vhost": vhost}), operation, route("new"))]);
        names(&apply(list, json!([host("a", &["x", "y"])]))["virtualHosts"][0]["routes"]).join(" ")
    };
    assert_eq!(after("ADD", Some("x")), "x y new");
    assert_eq!(after("INSERT_FIRST", None), "new x y");
    assert_eq!(after("INSERT_FIRST", Some("y")), "new x y");
    assert_eq!(after("INSERT_FIRST", Some("absent")), "x y");
    assert_eq!(after("INSERT_BEFORE", Some("y")), "x new y");
    assert_eq!(after("INSERT_AFTER", Some("x")), "x new y");
    assert_eq!(after("INSERT_AFTER", None), "x y new");
    assert_eq!(after("REMOVE", Some("x")), "y");
    assert_eq!(after("REMOVE", None), "");
}

#[test]
fn a_route_is_merged_if_it_does_what_the_patch_says() {
    let merged = |action: &str| {
        let vhost = json!({"vhost": {"route": {"action": action}}});
        let list = json!([patch("HTTP_ROUTE", vhost, "MERGE", json!({"responseHeadersToRemove": ["x"]}))]);
        let got = apply(list, json!([host("a", &["r"])]));
        got["virtualHosts"][0]["routes"][0]["responseHeadersToRemove"] == json!(["x"])
    };
    assert!(merged("ANY") && merged("ROUTE") && !merged("REDIRECT") && !merged("DIRECT_RESPONSE"));
}

#[test]
fn a_configuration_is_merged_if_its_name_and_port_match() {
    let merged = |matches: Value| {
        let list =
            json!([patch("ROUTE_CONFIGURATION", matches, "MERGE", json!({"mostSpecificHeaderMutationsWins": true}))]);
        apply(list, json!([host("a", &["r"])]))["mostSpecificHeaderMutationsWins"] == true
    };
    assert!(merged(json!({"name": "80"})) && merged(json!({"portNumber": 80})));
    assert!(!merged(json!({"name": "81"})) && !merged(json!({"portNumber": 81})));
}

#[test]
fn virtual_hosts_that_are_merged_into_a_configuration_are_patched_like_others() {
    let list = json!([
        patch("ROUTE_CONFIGURATION", json!({}), "MERGE", json!({"virtualHosts": [host("new", &["r"])]})),
        patch("HTTP_ROUTE", json!({"vhost": {"name": "new"}}), "INSERT_FIRST", route("first")),
    ]);
    let got = apply(list, json!([host("a", &["r"])]));
    assert_eq!(names(&got["virtualHosts"]), ["a", "new"]);
    assert_eq!(names(&got["virtualHosts"][1]["routes"]), ["first", "r"]);
}

#[test]
fn a_gateway_is_matched_by_the_ports_of_its_servers_and_by_what_its_name_says() {
    let merged = |name: &str, matches: Value| {
        let list =
            json!([patch("ROUTE_CONFIGURATION", matches, "MERGE", json!({"mostSpecificHeaderMutationsWins": true}))]);
        let there = json!({"name": name, "virtualHosts": [host("a", &["r"])]});
        apply_to(&set(true, list), there)["mostSpecificHeaderMutationsWins"] == true
    };
    assert!(merged("http.8080", json!({"portNumber": 80})) && !merged("http.8080", json!({"portNumber": 8080})));
    assert!(merged("http.9090", json!({"portNumber": 9090})));
    let tls = "https.443.secure.gw.ns";
    assert!(merged(tls, json!({"portNumber": 443, "portName": "secure", "gateway": "ns/gw"})));
    assert!(!merged(tls, json!({"portName": "other"})) && !merged(tls, json!({"gateway": "ns/other"})));
}

#[test]
fn what_no_patch_is_for_stays_as_it_is() {
    let list = json!([patch("VIRTUAL_HOST", json!({"vhost": {"name": "absent"}}), "REMOVE", Value::Null)]);
    let there = routes(json!([host("a", &["r"])]));
    assert_eq!(apply_to(&set(false, list), there.clone()), printed(ROUTES, there));
}

#[test]
fn a_host_that_envoy_would_refuse_keeps_its_former_form() {
    let list = json!([
        patch("VIRTUAL_HOST", json!({"vhost": {"name": "a"}}), "MERGE_AND_REPLACE_LIST", json!({"domains": [""] })),
        patch("VIRTUAL_HOST", json!({}), "MERGE", json!({"requestHeadersToRemove": [""]})),
        patch("VIRTUAL_HOST", json!({}), "MERGE", json!({"requireTls": "ALL"})),
    ]);
    let cache = Cache::default();
    let got = patched_routes(&cache, &rope(&cache, &routes(json!([host("a", &["r"])]))), &set(false, list)).unwrap();
    let why: Vec<&str> = got.left_out().iter().map(|f| f.why.as_str()).collect();
    assert_eq!(why.len(), 1, "{why:?}");
    let whole = to_json(&format!("x/envoy.config.{ROUTES}"), &got.message()).unwrap();
    assert_eq!(whole["virtualHosts"][0]["requireTls"], "ALL");
}

#[test]
fn a_domain_that_is_taken_is_not_added_again() {
    let mut second = host("c", &["r"]);
    second["domains"] = json!(["A"]);
    let list = json!([
        patch("VIRTUAL_HOST", json!({}), "ADD", second),
        patch("VIRTUAL_HOST", json!({}), "ADD", host("b", &["r"])),
    ]);
    let cache = Cache::default();
    let there = routes(json!([host("a", &["r"])]));
    let got = patched_routes(&cache, &rope(&cache, &there), &set(false, list.clone())).unwrap();
    let whole = to_json(&format!("x/envoy.config.{ROUTES}"), &got.message()).unwrap();
    assert_eq!(names(&whole["virtualHosts"]), ["a", "b"]);
    let why: Vec<&str> = got.left_out().iter().map(|f| f.why.as_str()).collect();
    assert_eq!(why, ["another virtual host of 80 has the domain a already"]);
    let (whole, left_out) = all_of(&set(false, list), ROUTES, there);
    assert_eq!((names(&whole.unwrap()["virtualHosts"]), left_out.len()), (vec!["a", "b"], 1));
}

#[test]
fn a_patch_by_which_virtual_hosts_would_share_a_domain_or_a_name_is_left_out() {
    let named = |name: &str| json!({"vhost": {"name": name}});
    let list = json!([
        patch("VIRTUAL_HOST", json!({}), "MERGE", json!({"domains": ["more"]})),
        patch("VIRTUAL_HOST", named("a"), "MERGE", json!({"domains": ["B"]})),
        patch("VIRTUAL_HOST", named("a"), "MERGE", json!({"domains": ["a2"]})),
        patch("VIRTUAL_HOST", named("b"), "REPLACE", host("a", &["r"])),
        patch("ROUTE_CONFIGURATION", json!({}), "MERGE", json!({"virtualHosts": [host("a", &["r"])]})),
    ]);
    let there = routes(json!([host("a", &["r"]), host("b", &["r"])]));
    let (whole, left_out) = all_of(&set(false, list.clone()), ROUTES, there.clone());
    let whole = whole.unwrap();
    assert_eq!(whole["virtualHosts"][0]["domains"], json!(["a", "a2"]));
    assert_eq!(whole["virtualHosts"][1]["domains"], json!(["b"]));
    assert_eq!(left_out.len(), 4, "{left_out:?}");
    assert!(left_out[0].ends_with("virtual host b: has the domain more, which another has already"), "{left_out:?}");
    let cache = Cache::default();
    let got = patched_routes(&cache, &rope(&cache, &there), &set(false, list)).unwrap();
    assert_eq!(to_json(&format!("x/envoy.config.{ROUTES}"), &got.message()).unwrap(), whole);
    assert_eq!(got.left_out().len(), 4);
}
