//! Istio's objects about what is allowed, patched and told.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use crate::edits::{document, name, namespace};

/// Policies of every action, for some workloads or all.
pub(crate) fn authorization_policy() -> impl Strategy<Value = Value> {
    let action = select(vec!["ALLOW", "ALLOW", "DENY", "AUDIT", "CUSTOM"]);
    let rule = select(vec![
        json!({}),
        json!({"from": [{"source": {"namespaces": ["one"]}}], "to": [{"operation": {"paths": ["/a/{*}"]}}]}),
        json!({"from": [{"source": {"ipBlocks": ["10.0.0.0/30"]}}], "when": [{"key": "request.headers[a]", "values": ["b*"]}]}),
    ]);
    (namespace(), name(), action, rule, select(vec!["", "a", "c"]), any::<bool>(), 0..2_i64).prop_map(
        |(ns, n, action, rule, app, other, created)| {
            let custom = action == "CUSTOM";
            let rule = if custom { json!({"to": [{"operation": {"ports": ["80"]}}]}) } else { rule };
            let mut spec = json!({"action": action, "rules": [rule]});
            if !app.is_empty() {
                spec["selector"] = json!({"matchLabels": {"app": app}});
            }
            let mut metadata = json!({});
            match custom {
                true => spec["provider"] = json!({"name": if other { "ask-a" } else { "ask-x" }}),
                false if action != "AUDIT" && other => metadata["annotations"] = json!({"istio.io/dry-run": "true"}),
                false => {}
            }
            let body = json!({"metadata": metadata, "spec": spec});
            document("security.istio.io/v1", "AuthorizationPolicy", ns, n, created, body)
        },
    )
}

/// Tokens of two issuers.
pub(crate) fn request_authentication() -> impl Strategy<Value = Value> {
    (namespace(), name(), select(vec!["", "a", "c"]), select(vec!["https://a", "https://b"]), 0..2_i64).prop_map(
        |(ns, n, app, issuer, created)| {
            let keys = json!({"keys": [{"kty": "RSA", "e": "AQAB", "n": "AQAB"}]}).to_string();
            let mut spec = json!({"jwtRules": [{"issuer": issuer, "jwks": keys}]});
            if !app.is_empty() {
                spec["selector"] = json!({"matchLabels": {"app": app}});
            }
            document("security.istio.io/v1", "RequestAuthentication", ns, n, created, json!({"spec": spec}))
        },
    )
}

pub(crate) fn peer_authentication() -> impl Strategy<Value = Value> {
    (namespace(), select(vec!["STRICT", "PERMISSIVE", "DISABLE"]), any::<bool>()).prop_map(|(ns, mode, selects)| {
        let mut spec = json!({"mtls": {"mode": mode}});
        if selects {
            spec["selector"] = json!({"matchLabels": {"app": "a"}});
        }
        document(
            "security.istio.io/v1",
            "PeerAuthentication",
            ns,
            if selects { "a" } else { "default" },
            0,
            json!({"spec": spec}),
        )
    })
}

/// Patches of every sort, in the root namespace too; some add what is there already, some fit nowhere.
pub(crate) fn envoy_filter() -> impl Strategy<Value = Value> {
    const TCP: &str = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";
    const ROUTER: &str = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router";
    let context = select(vec!["ANY", "SIDECAR_INBOUND", "SIDECAR_OUTBOUND", "GATEWAY"]);
    (namespace(), name(), context, 0..12_usize, any::<bool>(), -1..2_i32).prop_map(
        |(ns, n, context, which, selects, priority)| {
            let http = json!({"filterChain": {"filter": {"name": "envoy.filters.network.http_connection_manager",
            "subFilter": {"name": "envoy.filters.http.router"}}}});
            let tcp = json!({"filterChain": {"filter": {"name": "envoy.filters.network.tcp_proxy"}}});
            let (apply_to, matches, operation, value) = match which {
                0 => ("CLUSTER", json!({}), "MERGE", json!({"connectTimeout": "7s"})),
                1 => ("CLUSTER", json!({"cluster": {"service": "a.one.svc.cluster.local"}}), "REMOVE", Value::Null),
                2 => ("CLUSTER", json!({}), "ADD", json!({"name": if selects { "added" } else { "BlackHoleCluster" }})),
                3 => ("LISTENER", json!({}), "MERGE", json!({"perConnectionBufferLimitBytes": 9})),
                4 => ("LISTENER", json!({}), "ADD", json!({"name": "added", "address": {"pipe": {"path": "/x"}}})),
                5 => (
                    "NETWORK_FILTER",
                    json!({"listener": tcp}),
                    "MERGE",
                    json!({"typedConfig": {"@type": TCP, "idleTimeout": "9s"}}),
                ),
                6 => (
                    "HTTP_FILTER",
                    json!({"listener": http}),
                    "MERGE",
                    json!({"typedConfig": {"@type": if selects { ROUTER } else { TCP }, "suppressEnvoyHeaders": true}}),
                ),
                7 => (
                    "VIRTUAL_HOST",
                    json!({"routeConfiguration": {"portNumber": 80}}),
                    "MERGE",
                    json!({"requestHeadersToRemove": ["x"]}),
                ),
                8 => (
                    "HTTP_ROUTE",
                    json!({"routeConfiguration": {"vhost": {"route": {"action": "ROUTE"}}}}),
                    "MERGE",
                    json!({"route": {"timeout": "9s"}}),
                ),
                10 => ("EXTENSION_CONFIG", json!({}), "ADD", json!({"name": "e", "typedConfig": {"@type": ROUTER}})),
                9 => ("ROUTE_CONFIGURATION", json!({}), "MERGE", json!({"mostSpecificHeaderMutationsWins": true})),
                _ => ("VIRTUAL_HOST", json!({}), "REMOVE", Value::Null),
            };
            let mut matches = matches;
            matches["context"] = json!(context);
            let mut spec = json!({"priority": priority, "configPatches": [
            {"applyTo": apply_to, "match": matches, "patch": {"operation": operation, "value": value}}]});
            if selects {
                spec["workloadSelector"] = json!({"labels": {"app": "a"}});
            }
            document("networking.istio.io/v1alpha3", "EnvoyFilter", ns, n, 0, json!({"spec": spec}))
        },
    )
}

/// Logs, metrics and traces of every level, with providers whose service may be missing.
pub(crate) fn telemetry() -> impl Strategy<Value = Value> {
    let mode = select(vec!["CLIENT_AND_SERVER", "CLIENT", "SERVER"]);
    let provider = select(vec!["als", "envoy", "zipkin", "otel", "prometheus", "nobody"]);
    (namespace(), name(), mode, provider, 0..6_usize, select(vec!["", "a", "b"]), 0..2_i64).prop_map(
        |(ns, n, mode, provider, which, app, created)| {
            let providers = json!([{"name": provider}]);
            let matches = json!({"mode": mode});
            let mut spec = match which {
                0 => json!({"accessLogging": [{"match": matches, "providers": providers, "filter": {"expression": "response.code >= 400"}}]}),
                1 => json!({"accessLogging": [{"match": matches, "disabled": true}]}),
                2 => json!({"tracing": [{"match": matches, "providers": providers, "randomSamplingPercentage": 7}]}),
                3 => json!({"tracing": [{"match": matches, "disableSpanReporting": true, "customTags": {"x": {"literal": {"value": "y"}}}}]}),
                4 => json!({"metrics": [{"providers": providers, "overrides": [{"match": matches, "disabled": true}]}]}),
                _ => json!({"metrics": [{"overrides": [{"match": {"metric": "REQUEST_COUNT", "mode": mode},
                    "tagOverrides": {"source_app": {"operation": "REMOVE"}, "x": {"value": "request.host"}}}]}]}),
            };
            if !app.is_empty() {
                spec["selector"] = json!({"matchLabels": {"app": app}});
            }
            document("telemetry.istio.io/v1", "Telemetry", ns, n, created, json!({"spec": spec}))
        },
    )
}
