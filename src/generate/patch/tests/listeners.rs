use serde_json::{Value, json};

use super::{MANAGER, ROUTER, TCP_PROXY, all_of, patched, set};

const HTTP: &str = "envoy.filters.network.http_connection_manager";
const FAULT: &str = "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault";
const LIMIT: &str = "type.googleapis.com/envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit";
const BUFFER: &str = "type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer";

/// A filter after which others may follow.
fn limit(name: &str) -> Value {
    json!({"name": name, "typedConfig": {"@type": LIMIT, "statPrefix": name, "maxConnections": 1}})
}

fn proxy() -> Value {
    json!({"name": "proxy", "typedConfig": {"@type": TCP_PROXY, "statPrefix": "p", "cluster": "c"}})
}

fn http() -> Value {
    let filters = json!([
        {"name": "fault", "typedConfig": {"@type": FAULT}},
        {"name": "router", "typedConfig": {"@type": ROUTER}},
    ]);
    json!({"name": HTTP, "typedConfig": {
        "@type": MANAGER, "statPrefix": "s", "rds": {"configSource": {"ads": {}}}, "httpFilters": filters}})
}

fn listener(chains: Value) -> Value {
    let address = json!({"socketAddress": {"address": "0.0.0.0", "portValue": 80}});
    json!({"name": "0.0.0.0_80", "address": address, "trafficDirection": "OUTBOUND", "filterChains": chains})
}

fn apply(list: Value, there: Value) -> Option<Value> {
    patched(&set(false, list), "listener.v3.Listener", there)
}

/// The names of filters in the first chain.
fn filters(listener: &Value) -> Vec<&str> {
    listener["filterChains"][0]["filters"].as_array().unwrap().iter().filter_map(|f| f["name"].as_str()).collect()
}

/// The names of HTTP filters in the first chain's first filter.
fn http_filters(listener: &Value) -> Vec<&str> {
    let manager = &listener["filterChains"][0]["filters"][0]["typedConfig"];
    manager["httpFilters"].as_array().unwrap().iter().filter_map(|f| f["name"].as_str()).collect()
}

fn network(operation: &str, wanted: Option<&str>, value: Value) -> Value {
    let matches =
        wanted.map_or_else(|| json!({}), |name| json!({"listener": {"filterChain": {"filter": {"name": name}}}}));
    json!({"applyTo": "NETWORK_FILTER", "match": matches, "patch": {"operation": operation, "value": value}})
}

fn http_patch(operation: &str, wanted: Option<&str>, value: Value) -> Value {
    let mut filter = json!({"name": HTTP});
    if let Some(name) = wanted {
        filter["subFilter"] = json!({"name": name});
    }
    let matches = json!({"listener": {"filterChain": {"filter": filter}}});
    json!({"applyTo": "HTTP_FILTER", "match": matches, "patch": {"operation": operation, "value": value}})
}

fn buffer() -> Value {
    json!({"name": "buffer", "typedConfig": {"@type": BUFFER, "maxRequestBytes": 7}})
}

#[test]
fn filters_are_put_where_the_operation_says() {
    let after = |operation: &str, wanted: Option<&str>| {
        let list = json!([network(operation, wanted, limit("new"))]);
        let got = apply(list, listener(json!([{"filters": [limit("a"), limit("b")]}]))).unwrap();
        filters(&got).join(" ")
    };
    assert_eq!(after("ADD", None), "a b new");
    assert_eq!(after("INSERT_FIRST", Some("b")), "new a b");
    assert_eq!(after("INSERT_BEFORE", Some("b")), "a new b");
    assert_eq!(after("INSERT_AFTER", Some("a")), "a new b");
    assert_eq!(after("INSERT_BEFORE", None), "new a b");
    assert_eq!(after("INSERT_AFTER", None), "a b new");
    assert_eq!(after("INSERT_BEFORE", Some("absent")), "a b");
    assert_eq!(after("REPLACE", Some("a")), "new b");
    assert_eq!(after("REPLACE", None), "a b");
    assert_eq!(after("REMOVE", Some("a")), "b");
    assert_eq!(after("REMOVE", None), "a b");
}

#[test]
fn http_filters_are_put_where_the_operation_says() {
    let after = |operation: &str, wanted: Option<&str>| {
        let list = json!([http_patch(operation, wanted, buffer())]);
        http_filters(&apply(list, listener(json!([{"filters": [http()]}]))).unwrap()).join(" ")
    };
    assert_eq!(after("INSERT_FIRST", None), "buffer fault router");
    assert_eq!(after("INSERT_BEFORE", Some("router")), "fault buffer router");
    assert_eq!(after("INSERT_AFTER", Some("fault")), "fault buffer router");
    assert_eq!(after("INSERT_BEFORE", Some("absent")), "fault router");
    assert_eq!(after("REPLACE", Some("fault")), "buffer router");
    assert_eq!(after("REMOVE", Some("fault")), "router");
}

#[test]
fn configurations_of_filters_are_merged_by_their_own_type() {
    let more = json!({"name": "router", "typedConfig": {"@type": ROUTER, "suppressEnvoyHeaders": true}});
    let manager = json!({"typedConfig": {"@type": MANAGER, "serverName": "edge"}});
    let list = json!([http_patch("MERGE", Some("router"), more), network("MERGE", Some(HTTP), manager)]);
    let got = apply(list, listener(json!([{"filters": [http()]}]))).unwrap();
    let config = &got["filterChains"][0]["filters"][0]["typedConfig"];
    assert_eq!((&config["serverName"], &config["statPrefix"]), (&json!("edge"), &json!("s")));
    assert_eq!(config["httpFilters"][1]["typedConfig"]["suppressEnvoyHeaders"], true);
    assert_eq!(http_filters(&got), ["fault", "router"]);
}

#[test]
fn a_configuration_of_another_type_is_not_merged() {
    let list = json!([
        network("MERGE", Some(HTTP), json!({"typedConfig": {"@type": TCP_PROXY, "statPrefix": "x", "cluster": "c"}})),
        http_patch("INSERT_FIRST", None, buffer()),
    ]);
    let (got, left_out) = all_of(&set(false, list), "listener.v3.Listener", listener(json!([{"filters": [http()]}])));
    assert_eq!(http_filters(&got.unwrap()), ["buffer", "fault", "router"]);
    assert!(left_out[0].starts_with("spec.configPatches[0]: there is a envoy.extensions"), "{left_out:?}");
}

#[test]
fn chains_are_matched_by_what_they_take() {
    let hit = |matches: Value| {
        let list = json!([{"applyTo": "FILTER_CHAIN", "match": {"listener": {"filterChain": matches}},
            "patch": {"operation": "REMOVE"}}]);
        let takes = json!({"serverNames": ["a.com", "b.com"], "transportProtocol": "tls",
            "applicationProtocols": ["h2", "http/1.1"], "destinationPort": 443});
        let chains =
            json!([{"name": "x", "filterChainMatch": takes, "filters": [limit("a")]}, {"filters": [limit("b")]}]);
        filters(&apply(list, listener(chains)).unwrap())[0] == "b"
    };
    assert!(hit(json!({"sni": "b.com"})) && !hit(json!({"sni": "c.com"})));
    assert!(hit(json!({"name": "x"})) && !hit(json!({"name": "y"})));
    assert!(hit(json!({"transportProtocol": "tls"})) && !hit(json!({"transportProtocol": "raw_buffer"})));
    assert!(hit(json!({"applicationProtocols": "http/1.1,h2"})) && !hit(json!({"applicationProtocols": "h2,h3"})));
    assert!(hit(json!({"destinationPort": 443})) && !hit(json!({"destinationPort": 80})));
}

#[test]
fn the_port_of_a_captured_connection_is_looked_for_in_chains() {
    let after = |apply_to: &str| {
        let list = json!([{"applyTo": apply_to, "match": {"listener": {"portNumber": 9000}},
            "patch": {"operation": "MERGE", "value": {"name": if apply_to == "LISTENER" { "virtualInbound" } else { "hit" }}}}]);
        let chain = |port: u32| json!({"filterChainMatch": {"destinationPort": port}, "filters": [limit("a")]});
        let mut there = listener(json!([chain(8000), chain(9000)]));
        there["name"] = json!("virtualInbound");
        there["trafficDirection"] = json!("INBOUND");
        let got = apply(list, there).unwrap();
        (got["filterChains"][0]["name"].clone(), got["filterChains"][1]["name"].clone())
    };
    assert_eq!(after("FILTER_CHAIN"), (Value::Null, json!("hit")));
    assert_eq!(after("LISTENER"), (Value::Null, Value::Null));
}

#[test]
fn a_listener_is_matched_by_name_and_port_and_may_be_removed() {
    let removed = |matches: Value| {
        let list = json!([{"applyTo": "LISTENER", "match": {"listener": matches}, "patch": {"operation": "REMOVE"}}]);
        apply(list, listener(json!([{"filters": [limit("a")]}]))).is_none()
    };
    assert!(removed(json!({"name": "0.0.0.0_80"})) && removed(json!({"portNumber": 80})));
    assert!(!removed(json!({"name": "other"})) && !removed(json!({"portNumber": 81})));
}

#[test]
fn filters_of_the_listener_itself_are_patched_by_name() {
    const INSPECTOR: &str = "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector";
    let filter = |name: &str| json!({"name": name, "typedConfig": {"@type": INSPECTOR}});
    let after = |operation: &str, wanted: Option<&str>| {
        let matches = wanted.map_or_else(|| json!({}), |name| json!({"listener": {"listenerFilter": name}}));
        let list = json!([{"applyTo": "LISTENER_FILTER", "match": matches,
            "patch": {"operation": operation, "value": filter("new")}}]);
        let mut there = listener(json!([{"filters": [limit("a")]}]));
        there["listenerFilters"] = json!([filter("a"), filter("b")]);
        let got = apply(list, there).unwrap();
        let names = got["listenerFilters"].as_array().unwrap().iter().filter_map(|f| f["name"].as_str());
        names.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(after("ADD", None), "a b new");
    assert_eq!(after("INSERT_FIRST", None), "new a b");
    assert_eq!(after("INSERT_AFTER", Some("a")), "a new b");
    assert_eq!(after("INSERT_BEFORE", Some("b")), "a new b");
    assert_eq!(after("REPLACE", Some("b")), "a new");
    assert_eq!(after("REMOVE", Some("a")), "b");
}

#[test]
fn chains_are_added_and_the_one_of_last_resort_is_patched_too() {
    let list = json!([
        {"applyTo": "FILTER_CHAIN", "patch": {"operation": "ADD", "value": {"name": "new", "filters": [limit("n")]}}},
        network("REPLACE", Some("last"), limit("other")),
    ]);
    let mut there = listener(json!([{"filters": [limit("a")]}]));
    there["defaultFilterChain"] = json!({"filters": [limit("last")]});
    let got = apply(list, there).unwrap();
    assert_eq!(got["filterChains"][1]["name"], "new");
    assert_eq!(got["defaultFilterChain"]["filters"][0]["name"], "other");
}

#[test]
fn the_socket_of_a_chain_is_merged_by_its_own_type() {
    const TLS: &str = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext";
    let socket = |config: Value| json!({"name": "tls", "typedConfig": config});
    let more = socket(json!({"@type": TLS, "requireSni": true}));
    let list =
        json!([{"applyTo": "FILTER_CHAIN", "patch": {"operation": "MERGE", "value": {"transportSocket": more}}}]);
    let there = socket(json!({"@type": TLS, "requireClientCertificate": true}));
    let got = apply(list, listener(json!([{"filters": [limit("a")], "transportSocket": there}]))).unwrap();
    let config = &got["filterChains"][0]["transportSocket"]["typedConfig"];
    assert_eq!((&config["requireSni"], &config["requireClientCertificate"]), (&json!(true), &json!(true)));
}

#[test]
fn nothing_is_put_after_the_filter_that_ends_a_chain() {
    let list = json!([network("ADD", None, limit("late")), network("INSERT_FIRST", None, limit("early"))]);
    let there = listener(json!([{"filters": [proxy()]}]));
    let (got, left_out) = all_of(&set(false, list), "listener.v3.Listener", there);
    assert_eq!(filters(&got.unwrap()), ["early", "proxy"]);
    assert_eq!(left_out.len(), 1);
    assert!(
        left_out[0].starts_with("spec.configPatches[0]: Envoy would refuse the result: filter proxy"),
        "{left_out:?}"
    );
    let list = json!([http_patch("ADD", None, buffer())]);
    let there = listener(json!([{"filters": [http()]}]));
    let (got, left_out) = all_of(&set(false, list), "listener.v3.Listener", there);
    assert_eq!((http_filters(&got.unwrap()).join(" ").as_str(), left_out.len()), ("fault router", 1));
}
