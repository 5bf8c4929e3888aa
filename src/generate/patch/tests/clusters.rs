use serde_json::{Value, json};

use super::{all_of, patched, set};

const TLS: &str = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext";
const NAME: &str = "outbound|80|v1|a.n.svc.cluster.local";

fn merge(matches: Value, value: Value) -> Value {
    json!({"applyTo": "CLUSTER", "match": matches, "patch": {"operation": "MERGE", "value": value}})
}

fn cluster(list: Value, cluster: Value) -> Option<Value> {
    patched(&set(false, list), "cluster.v3.Cluster", cluster)
}

#[test]
fn a_merge_sets_what_it_names_and_lengthens_lists() {
    let thresholds = |n: u32| json!({"thresholds": [{"maxConnections": n}]});
    let list = json!([merge(json!({}), json!({"lbPolicy": "RING_HASH", "circuitBreakers": thresholds(2)}))]);
    let got = cluster(list, json!({"name": NAME, "altStatName": "kept", "circuitBreakers": thresholds(1)})).unwrap();
    assert_eq!(got["altStatName"], "kept");
    assert_eq!(got["lbPolicy"], "RING_HASH");
    assert_eq!(got["circuitBreakers"]["thresholds"], json!([{"maxConnections": 1}, {"maxConnections": 2}]));
}

#[test]
fn a_merge_may_put_its_lists_in_the_place_of_those_there() {
    let thresholds = |n: u32| json!({"thresholds": [{"maxConnections": n}]});
    let list = json!([{"applyTo": "CLUSTER", "patch": {
        "operation": "MERGE_AND_REPLACE_LIST", "value": {"circuitBreakers": thresholds(2)}}}]);
    let got = cluster(list, json!({"name": NAME, "circuitBreakers": thresholds(1)})).unwrap();
    assert_eq!(got["circuitBreakers"], thresholds(2));
}

#[test]
fn spans_of_time_are_replaced_and_not_added_up() {
    let list = json!([merge(json!({}), json!({"connectTimeout": "0.800s"}))]);
    let got = cluster(list, json!({"name": NAME, "connectTimeout": "2s"})).unwrap();
    assert_eq!(got["connectTimeout"], "0.800s");
}

#[test]
fn entries_of_maps_are_replaced_as_a_whole() {
    let metadata = |entry: Value| json!({"metadata": {"filterMetadata": entry}});
    let list = json!([merge(json!({}), metadata(json!({"a": {"new": 1}})))]);
    let mut there = metadata(json!({"a": {"old": 1}, "b": {"old": 1}}));
    there["name"] = NAME.into();
    let got = cluster(list, there).unwrap();
    assert_eq!(got["metadata"]["filterMetadata"], json!({"a": {"new": 1}, "b": {"old": 1}}));
}

#[test]
fn clusters_are_matched_by_service_port_and_subset_or_by_name() {
    let service = "a.n.svc.cluster.local";
    let hit = |matches: Value| {
        let list = json!([merge(json!({"cluster": matches}), json!({"altStatName": "hit"}))]);
        cluster(list, json!({"name": NAME})).unwrap()["altStatName"] == "hit"
    };
    assert!(hit(json!({})) && hit(json!({"service": service, "portNumber": 80, "subset": "v1"})));
    assert!(hit(json!({"name": NAME, "portNumber": 81})));
    assert!(!hit(json!({"service": "b"})) && !hit(json!({"portNumber": 81})) && !hit(json!({"subset": "v2"})));
}

#[test]
fn clusters_of_the_workload_are_matched_by_the_services_they_are_for() {
    let hit = |service: &str| {
        let matches = json!({"context": "SIDECAR_INBOUND", "cluster": {"service": service}});
        let list = json!([merge(matches, json!({"altStatName": "hit"}))]);
        cluster(list, json!({"name": "inbound|80||"})).unwrap()["altStatName"] == "hit"
    };
    assert!(hit("a.n") && hit("b.n") && !hit("c.n"));
}

#[test]
fn a_removed_cluster_is_not_sent() {
    let list = json!([{"applyTo": "CLUSTER", "match": {"cluster": {"name": NAME}}, "patch": {"operation": "REMOVE"}}]);
    assert_eq!(cluster(list.clone(), json!({"name": NAME})), None);
    assert!(cluster(list, json!({"name": "other"})).is_some());
}

#[test]
fn a_patch_for_gateways_leaves_sidecars_alone() {
    let list = json!([merge(json!({"context": "GATEWAY"}), json!({"altStatName": "hit"}))]);
    let there = json!({"name": NAME});
    assert_eq!(patched(&set(true, list.clone()), "cluster.v3.Cluster", there.clone()).unwrap()["altStatName"], "hit");
    assert_eq!(cluster(list, there).unwrap()["altStatName"], Value::Null);
}

fn socket(name: &str, sni: &str) -> Value {
    json!({"name": name, "typedConfig": {"@type": TLS, "sni": sni}})
}

#[test]
fn a_transport_socket_is_merged_into_the_one_of_its_name() {
    let more = json!({"name": "tls", "typedConfig": {"@type": TLS, "allowRenegotiation": true}});
    let list = json!([merge(json!({}), json!({"transportSocket": more}))]);
    let config = |got: &Value| (got["sni"].clone(), got["allowRenegotiation"].clone());
    let got = cluster(list.clone(), json!({"name": NAME, "transportSocket": socket("tls", "a")})).unwrap();
    assert_eq!(config(&got["transportSocket"]["typedConfig"]), (json!("a"), json!(true)));
    let got = cluster(list.clone(), json!({"name": NAME, "transportSocket": socket("other", "a")})).unwrap();
    assert_eq!(config(&got["transportSocket"]["typedConfig"]), (Value::Null, json!(true)));
    let choice = json!([{"name": "m", "match": {}, "transportSocket": socket("tls", "a")}]);
    let got = cluster(list, json!({"name": NAME, "transportSocketMatches": choice})).unwrap();
    assert_eq!(config(&got["transportSocketMatches"][0]["transportSocket"]["typedConfig"]), (json!("a"), json!(true)));
    assert_eq!(got["transportSocket"], Value::Null);
}

#[test]
fn a_patch_whose_result_envoy_would_refuse_is_left_out_alone() {
    let list = json!([
        merge(json!({}), json!({"altStatName": "good"})),
        merge(json!({}), json!({"connectTimeout": "0s"})),
        merge(json!({}), json!({"lbPolicy": "RANDOM"})),
    ]);
    let (got, left_out) = all_of(&set(false, list), "cluster.v3.Cluster", json!({"name": NAME}));
    let got = got.unwrap();
    assert_eq!((&got["altStatName"], &got["lbPolicy"]), (&json!("good"), &json!("RANDOM")));
    assert_eq!(left_out.len(), 1);
    assert!(
        left_out[0].starts_with("spec.configPatches[1]: Envoy would refuse the result: connect_timeout"),
        "{left_out:?}"
    );
}

#[test]
fn a_cluster_keeps_its_name() {
    let list = json!([merge(json!({}), json!({"name": "other"}))]);
    let (got, left_out) = all_of(&set(false, list), "cluster.v3.Cluster", json!({"name": NAME}));
    assert_eq!(got.unwrap()["name"], NAME);
    assert_eq!(left_out, [format!("spec.configPatches[0]: {NAME} cannot be renamed to other")]);
}
