//! Every kind of rule that Envoy's protos declare, on messages that break it.

use serde_json::json;

use super::*;

#[test]
fn a_violation_deep_inside_is_found_and_located() {
    let manager =
        "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
    let listener = json!({ "filterChains": [{ "filters": [
        { "name": "first" },
        { "name": "second", "typedConfig": { "@type": manager, "routeConfig": {} } },
    ] }] });
    let violation = check(LISTENER, &mut encoded(LISTENER, listener)).unwrap_err();
    let path = "filter_chains[0].filters[1].typed_config(HttpConnectionManager).stat_prefix";
    assert_eq!(violation, Violation { path: path.into(), why: "must not be empty".into() });
}

#[test]
fn texts_have_a_length() {
    assert_eq!(verdict("config.core.v3.SocketAddress", json!({ "portValue": 1 })), "address: must not be empty");
    assert_eq!(
        verdict("config.core.v3.HttpUri", json!({ "uri": "a", "timeout": "1s", "cluster": "" })),
        "cluster: must not be empty"
    );
    let pair = json!({ "key": "k".repeat(16385) });
    assert_eq!(verdict("config.core.v3.KeyValue", pair), "key: has 16385 bytes, must have at most 16384");
    let query = |length| json!({ "query": "ä".repeat(length) });
    let source = "extensions.filters.http.api_key_auth.v3.KeySource";
    assert_eq!(verdict(source, query(1025)), "query: has 1025 characters, must have at most 1024");
    assert_eq!(verdict(source, query(1024)), "", "characters are counted, not bytes");
}

#[test]
fn texts_have_a_character_set() {
    let header = |key, value| verdict("config.core.v3.HeaderValue", json!({ "key": key, "value": value }));
    let not_allowed = "which has characters that are not allowed";
    assert_eq!(header("x\ny", ""), format!("key: is \"x\\ny\", {not_allowed}"));
    assert_eq!(header("x y", "\t\u{1}"), "", "a set that is not strict forbids line breaks and NUL only");
    let service = |name| verdict("data.dns.v3.DnsTable.DnsServiceProtocol", json!({ "name": name }));
    assert_eq!(service("a b"), format!("name: is \"a b\", {not_allowed}"));
    assert_eq!(service(":"), format!("name: is \":\", {not_allowed}"));
    assert_eq!(service(":a,B0~`"), "");
    let path = |path| verdict("config.core.v3.HealthCheck.HttpHealthCheck", json!({ "path": path }));
    assert_eq!(path("/\u{7f}"), format!("path: is \"/\\u{{7f}}\", {not_allowed}"));
    assert_eq!(path("/ä\t"), "");
}

#[test]
fn texts_have_a_form() {
    let prefix = |prefix| verdict("config.route.v3.RouteMatch", json!({ "pathSeparatedPrefix": prefix }));
    assert_eq!(prefix("/a/"), r#"path_separated_prefix: is "/a/", must match "\\A(?:^[^?#]+[^?#/]$)\\z""#);
    assert_eq!(prefix("/a"), "");
    let hits = |format| verdict("config.route.v3.RateLimit.HitsAddend", json!({ "format": format }));
    assert_eq!(hits("%A"), r#"format: is "%A", must start with "%" and end with "%""#);
    assert_eq!(hits("%A%"), "");
    assert_eq!(hits(""), "", "the rule ignores the default");
    let scheme = |scheme| verdict("config.core.v3.SchemeHeaderTransformation", json!({ "schemeToOverwrite": scheme }));
    assert_eq!(scheme("ftp"), r#"scheme_to_overwrite: is "ftp", must be one of ["http", "https"]"#);
    assert_eq!(scheme("https"), "");
}

#[test]
fn numbers_have_bounds() {
    let port = |port| verdict("config.core.v3.SocketAddress", json!({ "address": "a", "portValue": port }));
    assert_eq!(port(65536), "port_value: is 65536, must be at most 65535");
    assert_eq!(port(65535), "");
    let range = |length| verdict("config.core.v3.CidrRange", json!({ "addressPrefix": "a", "prefixLen": length }));
    assert_eq!(range(129), "prefix_len: is 129, must be at most 128", "a wrapper is judged by what it holds");
    assert_eq!(range(128), "");
    let previous = |number| {
        let name = "extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig";
        verdict(name, json!({ "updateFrequency": number }))
    };
    assert_eq!(previous(0), "update_frequency: is 0, must be at least 1", "absent means zero");
    assert_eq!(previous(-3), "update_frequency: is -3, must be at least 1");
    assert_eq!(previous(1), "");
    let shadow = |status| {
        verdict(
            "extensions.filters.http.ext_authz.v3.ShadowDecision",
            json!({ "checkResult": "DENIED", "statusCode": status }),
        )
    };
    assert_eq!(shadow(0), "", "the rule ignores the default");
}

#[test]
fn fractions_have_bounds() {
    let percent = |value: f64| verdict("type.v3.Percent", json!({ "value": value }));
    assert_eq!(percent(100.5), "value: is 100.5, must be at most 100");
    assert_eq!(percent(-0.5), "value: is -0.5, must be at least 0");
    assert_eq!(percent(f64::from(100)), "");
    let rate = |rate: f64| verdict("config.core.v3.RateLimitSettings", json!({ "fillRate": rate }));
    assert_eq!(rate(0.0), "fill_rate: is 0, must be more than 0");
    assert_eq!(rate(0.1), "");
    let policy = "extensions.load_balancing_policies.client_side_weighted_round_robin.v3.ClientSideWeightedRoundRobin";
    let penalty = json!({ "errorUtilizationPenalty": -1.0 });
    assert_eq!(verdict(policy, penalty), "error_utilization_penalty: is -1, must be at least 0");
}

#[test]
fn durations_have_bounds() {
    let uri = |timeout| verdict("config.core.v3.HttpUri", json!({ "uri": "a", "cluster": "a", "timeout": timeout }));
    assert_eq!(uri("-0.5s"), "timeout: is -0.5s, must be at least 0s");
    assert_eq!(uri("4294967296s"), "timeout: is 4294967296s, must be at most 4294967295.999999999s");
    assert_eq!(uri("1.5s"), "");
    let missing = json!({ "uri": "a", "cluster": "a" });
    assert_eq!(verdict("config.core.v3.HttpUri", missing), "timeout: must be set");
    let backoff = json!({ "baseInterval": "1s", "maxInterval": "0s" });
    assert_eq!(
        verdict("config.core.v3.BackoffStrategy", backoff),
        "max_interval: is 0s, must be at least 0.000000001s"
    );
}

#[test]
fn enums_have_values() {
    let address = |protocol| {
        verdict("config.core.v3.SocketAddress", json!({ "protocol": protocol, "address": "a", "portValue": 1 }))
    };
    assert_eq!(address(7), "protocol: is 7, which is not one of the values allowed");
    assert_eq!(address(1), "");
    let status = |code| verdict("type.v3.HttpStatus", json!({ "code": code }));
    assert_eq!(status("Empty"), "code: is 0, which is not one of the values allowed", "defined, but excluded");
    assert_eq!(status("OK"), "");
    let any = |value| verdict("config.common.matcher.v3.MatchPredicate", json!({ "anyMatch": value }));
    assert_eq!(any(false), "any_match: is 0, must be 1");
    assert_eq!(any(true), "");
}

#[test]
fn bytes_have_a_length() {
    let raw = json!({ "key": "a", "rawValue": "AAAA".repeat(16384 / 3 + 1) });
    assert_eq!(verdict("config.core.v3.HeaderValue", raw), "raw_value: has 16386 bytes, must have at most 16384");
    let text = |bytes| {
        verdict("config.common.matcher.v3.HttpGenericBodyMatch", json!({ "patterns": [{ "binaryMatch": bytes }] }))
    };
    assert_eq!(text(""), "patterns[0].binary_match: must not be empty");
    assert_eq!(text("AA=="), "");
}

#[test]
fn messages_and_oneofs_can_be_required() {
    assert_eq!(verdict("config.core.v3.HeaderValueOption", json!({})), "header: must be set");
    assert_eq!(
        verdict("config.core.v3.Address", json!({})),
        "address: one of socket_address, pipe, envoy_internal_address must be set"
    );
    assert_eq!(verdict("config.core.v3.TypedExtensionConfig", json!({ "name": "a" })), "typed_config: must be set");
    // A member of a oneof that is required as a message is so only where it is the member chosen.
    let format = json!({ "textFormat": "a" });
    assert_eq!(verdict("config.core.v3.SubstitutionFormatString", format), "");
}

#[test]
fn rules_of_a_skipped_message_are_not_applied_but_its_encoding_is_checked() {
    let append = json!({ "record": { "key": "a", "value": "b" }, "entry": { "key": "" } });
    assert_eq!(verdict("config.core.v3.KeyValueAppend", append), "");
    let mut malformed = vec![0x0a, 2, 0x0a, 9];
    let violation = check("a/envoy.config.core.v3.KeyValueAppend", &mut malformed).unwrap_err();
    assert_eq!(violation.to_string(), "entry.key: is not valid protobuf");
}

#[test]
fn lists_have_a_length() {
    let path = |path: &[&str]| {
        let keys: Vec<_> = path.iter().map(|key| json!({ "key": key })).collect();
        verdict(
            "type.matcher.v3.MetadataMatcher",
            json!({ "filter": "a", "path": keys, "value": { "presentMatch": true } }),
        )
    };
    assert_eq!(path(&[]), "path: must not be empty");
    assert_eq!(path(&["a", ""]), "path[1].key: must not be empty");
    assert_eq!(path(&["a"]), "");
    let or = |matchers: usize| {
        verdict(
            "type.matcher.v3.OrMatcher",
            json!({ "valueMatchers": vec![json!({ "presentMatch": true }); matchers] }),
        )
    };
    assert_eq!(or(0), "value_matchers: must have at least 2 entries, has 0");
    assert_eq!(or(1), "value_matchers: must have at least 2 entries, has 1");
    assert_eq!(or(2), "");
    let host = |headers: usize| {
        let header = json!({ "header": { "key": "a", "value": "b" } });
        verdict(
            "config.route.v3.VirtualHost",
            json!({ "name": "a", "domains": ["*"], "requestHeadersToAdd": vec![header; headers] }),
        )
    };
    assert_eq!(host(1001), "request_headers_to_add: must have no more entries than 1000, has 1001");
    assert_eq!(host(1000), "");
}

#[test]
fn entries_of_lists_differ_and_keep_rules_of_their_own() {
    let ports = |ports: &[u32]| verdict("config.listener.v3.FilterChainMatch", json!({ "sourcePorts": ports }));
    assert_eq!(ports(&[1, 0]), "source_ports[1]: is 0, must be at least 1");
    let copied =
        |names: &[&str]| verdict("config.route.v3.InternalRedirectPolicy", json!({ "responseHeadersToCopy": names }));
    assert_eq!(copied(&["a", "b", "a"]), "response_headers_to_copy: has the same entry twice");
    assert_eq!(copied(&["a", "b"]), "");
    let buckets = |buckets: &[f64]| {
        verdict("config.metrics.v3.HistogramBucketSettings", json!({ "match": { "exact": "a" }, "buckets": buckets }))
    };
    assert_eq!(buckets(&[1.0, 2.0, 1.0]), "buckets: has the same entry twice");
    assert_eq!(buckets(&[1.0, 0.0]), "buckets[1]: is 0, must be more than 0");
    let statuses = |statuses: &[i32]| verdict("config.core.v3.HealthStatusSet", json!({ "statuses": statuses }));
    assert_eq!(statuses(&[1, 99]), "statuses[1]: is 99, which is not one of the values allowed");
    let flags = |flag| verdict("config.accesslog.v3.ResponseFlagFilter", json!({ "flags": [flag] }));
    assert_eq!(flags("UH"), "");
    assert!(flags("??").starts_with(r#"flags[0]: is "??", must be one of ["LH", "#));
}

#[test]
fn maps_have_a_size_and_rules_for_keys_and_values() {
    let empty = json!({});
    assert_eq!(verdict("config.common.matcher.v3.Matcher.MatcherTree.MatchMap", empty), "map: must not be empty");
    let metadata = json!({ "filterMetadata": { "": {} } });
    assert_eq!(verdict("config.core.v3.Metadata", metadata), r#"filter_metadata[""].key: must not be empty"#);
    let bucket = json!({ "bucket": { "a": "" } });
    assert_eq!(verdict("service.rate_limit_quota.v3.BucketId", bucket), r#"bucket["a"]: must not be empty"#);
    let types = |suffix: &str| {
        verdict("extensions.filters.http.file_server.v3.FileServerConfig", json!({ "contentTypes": { suffix: "b" } }))
    };
    assert!(types("A").starts_with(r#"content_types["A"].key: is "A", must match "#));
    let typed = json!({ "typedFilterMetadata": { "x": { "@type": "a/envoy.config.core.v3.Address" } } });
    let why = "one of socket_address, pipe, envoy_internal_address must be set";
    assert_eq!(
        verdict("config.core.v3.Metadata", typed),
        format!(r#"typed_filter_metadata["x"](Address).address: {why}"#)
    );
}
