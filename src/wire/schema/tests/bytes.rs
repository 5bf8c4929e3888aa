//! Bytes that are no message, or an unusual one.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn why(type_url: &str, mut bytes: Vec<u8>) -> String {
    check(type_url, &mut bytes).map_or_else(|violation| violation.to_string(), |()| String::new())
}

#[test]
fn malformed_bytes_are_a_violation() {
    assert_eq!(why(STRUCT, vec![0x0b]), ": is not valid protobuf", "a group");
    assert_eq!(why(STRUCT, vec![0x02, 0]), ": is not valid protobuf", "field zero");
    assert_eq!(why(STRUCT, vec![0x0a]), "fields: is not valid protobuf", "no length");
    assert_eq!(why(STRUCT, vec![0x0a, 5, 0]), "fields: is not valid protobuf", "cut off");
    let long = [vec![0x08], vec![0xff; 9], vec![0x02]].concat();
    assert_eq!(why("a/google.protobuf.Duration", long), "seconds: is not valid protobuf", "more than 64 bits");
    assert_eq!(why(CLUSTER, vec![0x08, 1]), "name: is not valid protobuf", "a number for a text");
    assert_eq!(why(CLUSTER, vec![0x0a, 1, 0xff]), "name: is not UTF-8");
}

#[test]
fn a_field_set_twice_is_a_violation() {
    let once = encoded(CLUSTER, json!({ "name": "a" }));
    let twice = "is set twice, itself or by another field of its oneof";
    assert_eq!(why(CLUSTER, [&once[..], &once].concat()), format!("name: {twice}"));
    let pair = [json!({ "type": "EDS" }), json!({ "clusterType": { "name": "a" } })].map(|json| encoded(CLUSTER, json));
    assert_eq!(why(CLUSTER, pair.concat()), format!("cluster_type: {twice}"));
}

#[test]
fn unknown_types_are_skipped_but_must_have_a_name() {
    assert_eq!(why("type.googleapis.com/no.such.Type", vec![0xff]), "");
    assert_eq!(why("no.such.Type", vec![]), r#": has the type URL "no.such.Type", which names no type"#);
    let any = |type_url: &str, value: &[u8]| {
        let any = prost_types::Any { type_url: type_url.into(), value: value.into() };
        let mut bytes = vec![0x0a, 1, b'a', 0x12];
        any.encode_length_delimited(&mut bytes).unwrap();
        why("a/envoy.config.core.v3.TypedExtensionConfig", bytes)
    };
    assert_eq!(any("a.b/c.D", &[0xff]), "");
    assert_eq!(any("", &[]), "", "no configuration");
    assert_eq!(any("", &[0]), r#"typed_config: has the type URL "", which names no type"#);
    assert_eq!(any("a.b/", &[]), r#"typed_config: has the type URL "a.b/", which names no type"#);
    assert_eq!(any(STRUCT, &[0xff]), "typed_config(Struct): is not valid protobuf");
}

#[test]
fn a_map_entry_without_a_value_has_an_empty_one() {
    // MatchMap.map["a"], whose value needs a oneof.
    let bytes = vec![0x0a, 3, 0x0a, 1, b'a'];
    let expected = r#"map["a"].on_match: one of matcher, action must be set"#;
    assert_eq!(why("a/envoy.config.common.matcher.v3.Matcher.MatcherTree.MatchMap", bytes), expected);
}

#[test]
fn an_empty_packed_list_is_an_empty_list() {
    let criteria = "a/envoy.extensions.filters.http.admission_control.v3.AdmissionControl.SuccessCriteria.GrpcCriteria";
    assert_eq!(why(criteria, vec![0x0a, 0]), "grpc_success_status: must not be empty");
    assert_eq!(why(criteria, vec![0x0a, 1, 0]), "");
}

#[test]
fn endless_nesting_is_a_violation() {
    // Value.list_value, ListValue.values, and so on.
    let mut bytes = vec![];
    for depth in 0..500 {
        let mut outer = vec![if depth % 2 == 0 { 0x32 } else { 0x0a }];
        prost::encode_length_delimiter(bytes.len(), &mut outer).unwrap();
        outer.append(&mut bytes);
        bytes = outer;
    }
    assert!(why("a/google.protobuf.ListValue", bytes).ends_with(": is nested too deeply"));
}

/// Something of everything: texts, numbers, maps, lists, `Any`.
fn listener() -> Vec<u8> {
    let manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "statPrefix": "a",
        "routeConfig": { "virtualHosts": [{ "name": "a", "domains": ["*"], "routes": [{
            "match": { "prefix": "/" },
            "route": { "cluster": "a", "timeout": "1.5s", "hashPolicy": [{ "header": { "headerName": "a" } }] },
            "typedPerFilterConfig": { "b": { "@type": STRUCT, "value": { "x": [1, null, "y"], "w": {} } } },
        }] }] },
        "httpFilters": [{ "name": "a", "typedConfig": { "@type": "type.googleapis.com/stats.PluginConfig", "metrics": [
            { "dimensions": { "b": "c", "a": "b" } },
        ] } }],
    });
    let listener = json!({
        "name": "a",
        "address": { "socketAddress": { "address": "0.0.0.0", "portValue": 80 } },
        "filterChains": [{ "filterChainMatch": { "sourcePorts": [1, 2] }, "filters": [{ "name": "a", "typedConfig": manager }] }],
        "metadata": { "filterMetadata": { "b": {}, "a": { "x": 1.5 } } },
    });
    encoded(LISTENER, listener)
}

#[test]
fn a_valid_message_stays_valid_and_the_second_pass_changes_nothing() {
    let mut bytes = listener();
    check(LISTENER, &mut bytes).unwrap();
    let once = bytes.clone();
    check(LISTENER, &mut bytes).unwrap();
    assert_eq!(bytes, once);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_bytes_make_it_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..200), type_url in prop::sample::select(&[LISTENER, CLUSTER, STRUCT])) {
        let length = bytes.len();
        let _ = check(type_url, &mut bytes);
        prop_assert_eq!(bytes.len(), length);
    }

    #[test]
    fn no_mutation_makes_it_panic(edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
                                  end in any::<prop::sample::Index>()) {
        static VALID: LazyLock<Vec<u8>> = LazyLock::new(listener);
        let mut bytes = VALID.clone();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = check(LISTENER, &mut bytes[..]);
        let end = end.index(bytes.len());
        let _ = check(LISTENER, &mut bytes[..end]);
    }
}
