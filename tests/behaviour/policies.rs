//! What the blocks of a traffic policy come to.

use serde_json::{Value, json};

use crate::evaluator::{Call, Held};
use crate::world::{Mesh, outbound, routes, rule};

/// What a sidecar holds with a policy for `web`.
fn under(policy: &str) -> Held {
    Mesh::shop(&[rule("shop/web", &format!("host: web, trafficPolicy: {{{policy}}}"))]).sidecar("shop")
}

fn web(held: &Held) -> &Value {
    held.settings(&outbound(80, "", "web"))
}

fn hash(balancer: &str) -> (Value, Value) {
    let held = under(&format!("loadBalancer: {{consistentHash: {{{balancer}}}}}"));
    let action = held.sent(&Call::get("http://web/")).action;
    let settings = web(&held);
    let config = settings.get("ringHashLbConfig").or_else(|| settings.get("maglevLbConfig"));
    let chosen = json!([settings["lbPolicy"], config]);
    (chosen, action["hashPolicy"][0].clone())
}

#[test]
fn calls_that_are_alike_are_told_by_header_cookie_address_or_parameter() {
    let (chosen, by) = hash("httpHeaderName: x-user");
    assert_eq!(
        (chosen, by),
        (json!(["RING_HASH", {"minimumRingSize": "1024"}]), json!({"header": {"headerName": "x-user"}}))
    );
    let (chosen, by) = hash("httpQueryParameterName: id, maglev: {tableSize: 1009}");
    assert_eq!((chosen, by), (json!(["MAGLEV", {"tableSize": "1009"}]), json!({"queryParameter": {"name": "id"}})));
    let (chosen, by) = hash("useSourceIp: true, ringHash: {minimumRingSize: 64}");
    assert_eq!(
        (chosen, by),
        (json!(["RING_HASH", {"minimumRingSize": "64"}]), json!({"connectionProperties": {"sourceIp": true}}))
    );
    let (_, by) = hash("httpCookie: {name: id, path: /p, ttl: 60s, attributes: [{name: SameSite, value: Strict}]}");
    let cookie =
        json!({"name": "id", "path": "/p", "ttl": "60s", "attributes": [{"name": "SameSite", "value": "Strict"}]});
    assert_eq!(by, json!({"cookie": cookie}));
}

#[test]
fn attempts_of_hashed_calls_stay_with_their_endpoint_where_one_destination_is_named() {
    let retry = |http: &str| {
        let balancer = "loadBalancer: {consistentHash: {httpHeaderName: x-user}}";
        let mut mesh = Mesh::shop(&[
            rule("shop/web", &format!("host: web, trafficPolicy: {{{balancer}}}")),
            routes("shop/web", &format!("hosts: [web], http: [{http}]")),
        ]);
        mesh.sidecar("shop").sent(&Call::get("http://web/")).action["retryPolicy"].clone()
    };
    let single = retry("{route: [{destination: {host: web}}]}");
    assert!(single.get("retryHostPredicate").is_none(), "{single}");
    let asked = retry("{retries: {attempts: 1, retryIgnorePreviousHosts: true}, route: [{destination: {host: web}}]}");
    assert!(asked["retryHostPredicate"].is_array(), "{asked}");
    let several = retry("{route: [{destination: {host: web}, weight: 1}, {destination: {host: api}, weight: 1}]}");
    assert!(several["retryHostPredicate"].is_array(), "{several}");
}

#[test]
fn a_subsets_hashing_goes_before_its_rules_and_a_ports_counts_where_the_destination_names_it() {
    let by = |header: &str| format!("loadBalancer: {{consistentHash: {{httpHeaderName: {header}}}}}");
    let policy = format!(
        "trafficPolicy: {{{}, portLevelSettings: [{{port: {{number: 8080}}, {}}}]}},
         subsets: [{{name: one, labels: {{version: v1}}, trafficPolicy: {{{}}}}}, {{name: two, labels: {{version: v2}}}}]",
        by("of-rule"),
        by("of-port"),
        by("of-subset")
    );
    let to = |path: &str, more: &str| {
        format!("{{match: [{{uri: {{prefix: {path}}}}}], route: [{{destination: {{host: web{more}}}}}]}}")
    };
    let http =
        [to("/one", ", subset: one"), to("/two", ", subset: two"), to("/port", ", port: {number: 8080}"), to("/", "")]
            .join(", ");
    let mut mesh = Mesh::shop(&[
        rule("shop/web", &format!("host: web, {policy}")),
        routes("shop/web", &format!("hosts: [web], http: [{http}]")),
    ]);
    let held = mesh.sidecar("shop");
    let by = |url: &str| held.sent(&Call::get(url)).action["hashPolicy"][0]["header"]["headerName"].clone();
    assert_eq!(by("http://web/one"), "of-subset");
    assert_eq!(by("http://web/two"), "of-rule");
    assert_eq!(by("http://web/port"), "of-port");
    assert_eq!(by("http://web:8080/"), "of-rule", "the destination names no port");
}

#[test]
fn new_endpoints_are_warmed_up_by_those_balancers_that_can() {
    let warm = |simple: &str| {
        let held = under(&format!(
            "loadBalancer: {{simple: {simple}, warmup: {{duration: 30s, minimumPercent: 20, aggression: 1.5}}}}"
        ));
        let settings = web(&held);
        let config = settings.get("roundRobinLbConfig").or_else(|| settings.get("leastRequestLbConfig"));
        config.map(|c| c["slowStartConfig"].clone())
    };
    for simple in ["ROUND_ROBIN", "LEAST_REQUEST", "UNSPECIFIED"] {
        let config = warm(simple).unwrap();
        assert_eq!(
            (&config["slowStartWindow"], &config["minWeightPercent"]["value"]),
            (&json!("30s"), &json!(20)),
            "{simple}"
        );
        assert_eq!(config["aggression"]["defaultValue"], 1.5);
    }
    assert_eq!(warm("RANDOM"), None);
    let old = under("loadBalancer: {simple: ROUND_ROBIN, warmupDurationSecs: 10s}");
    assert_eq!(web(&old)["roundRobinLbConfig"]["slowStartConfig"], json!({"slowStartWindow": "10s"}));
}

#[test]
fn limits_of_http2_count_where_http2_is_spoken() {
    let limits = "maxConcurrentStreams: 9, http2KeepAlive: {interval: 5s, timeout: 1s}";
    let held = under(&format!("connectionPool: {{http: {{h2UpgradePolicy: UPGRADE, {limits}}}}}"));
    let options = held.http(&outbound(80, "", "web"));
    let http2 = &options["explicitHttpConfig"]["http2ProtocolOptions"];
    assert_eq!((&http2["maxConcurrentStreams"], &http2["connectionKeepalive"]["interval"]), (&json!(9), &json!("5s")));
    let held = under(&format!("connectionPool: {{http: {{{limits}}}}}"));
    let options = held.http(&outbound(80, "", "web"));
    assert!(options["explicitHttpConfig"].get("http2ProtocolOptions").is_none(), "{options}");
    let kept = under("connectionPool: {http: {useClientProtocol: true}}");
    assert!(kept.http(&outbound(80, "", "web")).get("useDownstreamProtocolConfig").is_some());
}

#[test]
fn connections_have_the_lifetimes_and_probes_that_a_rule_gives_them() {
    let held = under(
        "connectionPool: {tcp: {connectTimeout: 2s, maxConnectionDuration: 60s, idleTimeout: 20s, tcpKeepalive: {time: 7200s, interval: 75s, probes: 3}},
          http: {maxRequestsPerConnection: 10, maxRetries: 4}}",
    );
    let (settings, common) = (web(&held), &held.http(&outbound(80, "", "web"))["commonHttpProtocolOptions"]);
    assert_eq!(settings["connectTimeout"], "2s");
    let keepalive = json!({"keepaliveProbes": 3, "keepaliveTime": 7200, "keepaliveInterval": 75});
    assert_eq!(settings["upstreamConnectionOptions"]["tcpKeepalive"], keepalive);
    let expected = json!({"idleTimeout": "20s", "maxConnectionDuration": "60s", "maxRequestsPerConnection": 10});
    assert_eq!(common, &expected);
    assert_eq!(settings["circuitBreakers"]["thresholds"][0]["maxRetries"], 4);
    let chain = held.call(&Call::bytes("web", 9000));
    assert!(matches!(chain, crate::evaluator::Outcome::Sent(_)));
}

#[test]
fn failing_endpoints_are_taken_out_by_the_counts_that_a_rule_names() {
    let held = under(
        "outlierDetection: {consecutiveGatewayErrors: 0, consecutive5xxErrors: 7, interval: 1s, baseEjectionTime: 30s, maxEjectionPercent: 50,
          splitExternalLocalOriginErrors: true, consecutiveLocalOriginFailures: 4, minHealthPercent: 25, outlierDetectionHttpErrorCodes: [429, 503]}",
    );
    let detection = &web(&held)["outlierDetection"];
    let expected = json!({
        "consecutive5xx": 7, "enforcingConsecutive5xx": 100, "consecutiveGatewayFailure": 0,
        "enforcingConsecutiveGatewayFailure": 0, "interval": "1s", "baseEjectionTime": "30s", "maxEjectionPercent": 50,
        "enforcingSuccessRate": 0, "splitExternalLocalOriginErrors": true, "consecutiveLocalOriginFailure": 4,
        "enforcingConsecutiveLocalOriginFailure": 100, "enforcingLocalOriginSuccessRate": 0,
    });
    assert_eq!(detection, &expected);
    assert_eq!(web(&held)["commonLbConfig"]["healthyPanicThreshold"]["value"], 25.0);
    let matcher = &held.http(&outbound(80, "", "web"))["outlierDetection"]["errorMatcher"]["orMatch"]["rules"];
    assert_eq!(matcher.as_array().unwrap().len(), 2);
}

#[test]
fn calls_pass_to_where_they_were_going_where_a_rule_says_so() {
    let held = under("loadBalancer: {simple: PASSTHROUGH}");
    assert_eq!((&web(&held)["type"], &web(&held)["lbPolicy"]), (&json!("ORIGINAL_DST"), &json!("CLUSTER_PROVIDED")));
    assert!(held.addresses(&outbound(80, "", "web")).is_empty());
}

#[test]
fn attempts_under_way_are_limited_in_proportion_to_requests() {
    let held = under("retryBudget: {percent: 25, minRetryConcurrency: 5, budgetInterval: 10s}");
    let budget = &web(&held)["circuitBreakers"]["thresholds"][0]["retryBudget"];
    assert_eq!(budget, &json!({"budgetPercent": {"value": 25}, "minRetryConcurrency": 5, "budgetInterval": "10s"}));
    let held = under("retryBudget: {}");
    let budget = &web(&held)["circuitBreakers"]["thresholds"][0]["retryBudget"];
    assert_eq!(budget, &json!({"budgetPercent": {"value": 20}, "minRetryConcurrency": 3}));
}
