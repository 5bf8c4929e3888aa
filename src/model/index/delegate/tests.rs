//! Short names, and delegates under their roots.

use serde_json::json;

use super::*;

fn routes(json: serde_json::Value) -> Vec<HttpRoute> {
    serde_json::from_value(json).unwrap()
}

/// The routes of `root`, whose one delegate has the routes of `leaf`; and how many were dropped.
fn merged(root: serde_json::Value, leaf: serde_json::Value) -> (serde_json::Value, usize) {
    let (out, dropped) = merge(routes(root), |_| Ok(routes(leaf.clone())));
    let all: Vec<serde_json::Value> = out.iter().map(|r| stripped(serde_json::to_value(r).unwrap())).collect();
    (all.into(), dropped.len())
}

/// Without what is not set, so that tests say only what matters.
fn stripped(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Object(map) => {
            let map = map.into_iter().map(|(k, v)| (k, stripped(v)));
            Value::Object(
                map.filter(|(_, v)| {
                    *v != json!(null)
                        && *v != json!("")
                        && *v != json!([])
                        && *v != json!({})
                        && *v != json!(0)
                        && *v != json!(false)
                })
                .collect(),
            )
        }
        Value::Array(list) => list.into_iter().map(stripped).collect(),
        other => other,
    }
}

#[test]
fn names_without_dots_are_services_of_the_namespace() {
    let shop = Namespace::from("shop");
    let full = |host: &str| resolve(host, &shop, "cluster.local").to_string();
    assert_eq!(full("reviews"), "reviews.shop.svc.cluster.local");
    assert_eq!(full("reviews.shop"), "reviews.shop");
    assert_eq!(full("*"), "*");
    assert_eq!(full("*.example.com"), "*.example.com");
    assert_eq!(full("fd00::1"), "fd00::1");
    assert_eq!(full(""), "");
}

#[test]
fn gateways_are_named_with_their_namespace() {
    let shop = Namespace::from("shop");
    let full = |name: &str| gateway(&name.into(), &shop).to_string();
    assert_eq!(full("mesh"), "mesh");
    assert_eq!(full("front"), "shop/front");
    assert_eq!(full("./front"), "shop/front");
    assert_eq!(full("edge/front"), "edge/front");
    assert_eq!(full("front.edge.svc.cluster.local"), "edge/front");
}

#[test]
fn every_destination_of_a_rule_is_completed() {
    let mut rule: VirtualService = serde_json::from_value(json!({
        "http": [{"route": [{"destination": {"host": "a"}}], "mirror": {"host": "b"}, "mirrors": [{"destination": {"host": "c"}}],
                  "match": [{"gateways": ["mesh", "front"]}]}],
        "tcp": [{"route": [{"destination": {"host": "d"}}]}],
        "tls": [{"route": [{"destination": {"host": "e.example"}}], "match": [{"gateways": ["front"]}]}],
    }))
    .unwrap();
    complete(&mut rule, &Namespace::from("shop"), "cluster.local");
    let text = serde_json::to_string(&rule).unwrap();
    for host in ["a", "b", "c", "d"] {
        assert!(text.contains(&format!("\"{host}.shop.svc.cluster.local\"")), "{text}");
    }
    assert!(text.contains("\"e.example\""));
    assert_eq!(rule.http[0].r#match[0].gateways, ["mesh", "shop/front"]);
    assert_eq!(rule.tls[0].r#match[0].gateways, ["shop/front"]);
}

#[test]
fn a_delegate_takes_from_its_root_what_it_does_not_say_itself() {
    let root = json!([{"name": "root", "delegate": {"name": "leaf"}, "timeout": "5s", "retries": {"attempts": 3},
                       "rewrite": {"uri": "/"}, "headers": {"request": {"set": {"x-from": "root"}}}}]);
    let leaf = json!([{"name": "leaf", "timeout": "1s", "route": [{"destination": {"host": "a.b"}}]}]);
    let want = json!([{"name": "root-leaf", "timeout": "1s", "retries": {"attempts": 3}, "rewrite": {"uri": "/"},
                       "headers": {"request": {"set": {"x-from": "root"}}}, "route": [{"destination": {"host": "a.b"}}]}]);
    assert_eq!(merged(root, leaf), (want, 0));
}

#[test]
fn conditions_of_a_delegate_are_joined_with_each_of_the_roots_that_they_narrow() {
    let root = json!([{"delegate": {"name": "leaf"}, "match": [
        {"name": "web", "uri": {"prefix": "/shop"}, "headers": {"x-a": {"exact": "1"}}},
        {"uri": {"prefix": "/other"}}]}]);
    let leaf = json!([
        {"match": [{"name": "cart", "uri": {"prefix": "/shop/cart"}, "headers": {"x-b": {"exact": "2"}}}]},
        {"match": [{"method": {"exact": "GET"}}]},
        {"match": [{"uri": {"prefix": "/sho"}}]},
    ]);
    let want = json!([
        {"match": [{"name": "web-cart", "uri": {"prefix": "/shop/cart"}, "headers": {"x-a": {"exact": "1"}, "x-b": {"exact": "2"}}}]},
        {"match": [{"name": "web", "uri": {"prefix": "/shop"}, "headers": {"x-a": {"exact": "1"}}, "method": {"exact": "GET"}},
                   {"uri": {"prefix": "/other"}, "method": {"exact": "GET"}}]},
    ]);
    assert_eq!(merged(root, leaf), (want, 1));
}

#[test]
fn a_delegate_may_not_widen_its_root() {
    let conflict = |root: serde_json::Value, leaf: serde_json::Value| {
        let root = json!([{"delegate": {"name": "leaf"}, "match": [root]}]);
        merged(root, json!([{"match": [leaf]}])).1 == 1
    };
    assert!(conflict(json!({"uri": {"exact": "/a"}}), json!({"uri": {"prefix": "/a"}})));
    assert!(conflict(json!({"uri": {"regex": "/a.*"}}), json!({"uri": {"exact": "/a"}})));
    assert!(conflict(json!({"uri": {"prefix": "/a"}}), json!({"uri": {"prefix": "/a"}, "ignoreUriCase": true})));
    assert!(conflict(json!({"port": 80}), json!({"port": 81})));
    assert!(conflict(json!({"sourceNamespace": "a"}), json!({"method": {"exact": "GET"}})));
    assert!(conflict(json!({"sourceLabels": {"app": "a"}}), json!({"sourceLabels": {"app": "b"}})));
    assert!(conflict(json!({"gateways": ["mesh"]}), json!({"gateways": ["mesh", "a/b"]})));
    assert!(!conflict(json!({"gateways": ["mesh", "a/b"]}), json!({"gateways": ["a/b"]})));
    assert!(!conflict(json!({"uri": {"prefix": "/a"}}), json!({"uri": {"exact": "/a/b"}})));
}

#[test]
fn a_delegate_that_is_not_found_costs_its_route_alone() {
    let root = routes(json!([{"delegate": {"name": "gone"}}, {"name": "stays"}]));
    let (out, dropped) = merge(root, |_| Err("it is gone".into()));
    assert_eq!(out.iter().map(|r| r.name.as_str()).collect::<Vec<_>>(), ["stays"]);
    assert_eq!(dropped, [Dropped { field: "spec.http[0].delegate".into(), text: "it is gone".into() }]);
}
