//! istiod's variables that change what proxies are sent.

use mizzen::config::Environment;
use serde_json::{Value, json};

use crate::evaluator::Held;
use crate::world::{Mesh, entry, gateway, outbound, routes, rule};

/// Objects that every variable has something to do with.
fn objects() -> Vec<String> {
    let mirrored = "http: [{route: [{destination: {host: web}}], mirror: {host: api}}]";
    let stores = "ports: [{number: 27017, name: mongo, protocol: MONGO}], resolution: DNS, hosts: [store.example]";
    let answers = "http: [{directResponse: {status: 200}}]";
    let local = "trafficPolicy: {loadBalancer: {localityLbSetting: {enabled: true}}, outlierDetection: {interval: 1s}}";
    let headless = "{apiVersion: v1, kind: Service, metadata: {name: peers, namespace: shop},
                     spec: {clusterIP: None, selector: {app: web}, ports: [{name: http, port: 7000}]}}";
    vec![
        routes("shop/web", &format!("hosts: [web], {mirrored}")),
        rule("shop/api", &format!("host: api, {local}")),
        entry("shop/store", stores),
        gateway("shop/door", "{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']}"),
        gateway("desk/door", "{port: {number: 81, name: http, protocol: HTTP}, hosts: ['*']}"),
        routes("shop/both", &format!("hosts: [a.example, b.example], gateways: [door], {answers}")),
        headless.to_owned(),
    ]
}

/// What a sidecar and a gateway of the shop hold under a variable, or under none.
fn held(variable: Option<(&str, &str)>) -> (Held, Held) {
    let lookup = |name: &str| variable.filter(|(known, _)| *known == name).map(|(_, value)| value.to_owned());
    let (environment, problems) = Environment::from_lookup(lookup);
    assert_eq!(problems, Vec::<String>::new());
    let mut mesh = Mesh::under(&environment, &objects());
    (mesh.sidecar("shop"), mesh.door())
}

/// All values that a field has anywhere.
fn values(value: &Value, field: &str, out: &mut Vec<Value>) {
    match value {
        Value::Object(map) => {
            out.extend(map.get(field).cloned());
            map.values().for_each(|value| values(value, field, out));
        }
        Value::Array(list) => list.iter().for_each(|value| values(value, field, out)),
        _ => {}
    }
}

fn has(held: &Held, kind: &str, field: &str, wanted: &Value) -> bool {
    let mut found = Vec::new();
    values(&held.0[kind], field, &mut found);
    found.contains(wanted)
}

#[test]
fn each_variable_changes_what_istiods_does() {
    let sidecar: [(&str, &str, &str, &str, Value); 15] = [
        ("PILOT_TRACE_SAMPLING", "25", "listeners", "randomSampling", json!({"value": 25})),
        ("PILOT_HTTP10", "true", "listeners", "acceptHttp10", json!(true)),
        ("PILOT_HTTP10", "1", "listeners", "applicationProtocols", json!(["http/1.0", "http/1.1", "h2c"])),
        ("PILOT_SIDECAR_USE_REMOTE_ADDRESS", "true", "listeners", "useRemoteAddress", json!(true)),
        ("DISABLE_TRACK_REMAINING_CB_METRICS", "false", "clusters", "trackRemaining", json!(true)),
        ("PILOT_DNS_CARES_UDP_MAX_QUERIES", "7", "clusters", "udpMaxQueries", json!(7)),
        ("PILOT_DNS_JITTER_DURATION", "2s", "clusters", "dnsJitter", json!("2s")),
        ("ENABLE_LOCALITY_WEIGHTED_LB_CONFIG", "true", "clusters", "localityWeightedLbConfig", json!({})),
        ("PILOT_ENABLE_EDS_FOR_HEADLESS_SERVICES", "true", "clusters", "serviceName", peers()),
        ("MAX_CONNECTIONS_PER_SOCKET_EVENT_LOOP", "3", "listeners", "maxConnectionsToAcceptPerSocketEvent", json!(3)),
        ("PILOT_ENABLE_TELEMETRY_LABEL", "false", "clusters", "services", services()),
        ("PILOT_ENDPOINT_TELEMETRY_LABEL", "false", "endpoints", "workload", json!("bare-0;shop;bare;;Kubernetes")),
        ("PILOT_ENABLE_ALPN_FILTER", "false", "listeners", "name", json!("istio.alpn")),
        ("PILOT_ENABLE_MONGO_FILTER", "false", "listeners", "name", json!("envoy.filters.network.mongo_proxy")),
        ("ENABLE_100_CONTINUE_HEADERS", "false", "listeners", "proxy100Continue", json!(true)),
    ];
    let (plain, _) = held(None);
    let mut wrong = Vec::new();
    for (variable, value, kind, field, wanted) in sidecar {
        let (changed, _) = held(Some((variable, value)));
        let (before, after) = (has(&plain, kind, field, &wanted), has(&changed, kind, field, &wanted));
        // Those that are on by default take something away.
        let off = value == "false" && variable != "DISABLE_TRACK_REMAINING_CB_METRICS";
        let expected = if off { (true, false) } else { (false, true) };
        let mut found = Vec::new();
        values(&changed.0[kind], field, &mut found);
        found.dedup();
        if (before, after) != expected {
            wrong.push(format!("{variable}={value}: {before} {after}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn services() -> Value {
    let host = "bare.shop.svc.cluster.local";
    json!([{"host": host, "name": "bare", "namespace": "shop"}])
}

fn peers() -> Value {
    outbound(7000, "", "peers").into()
}

#[test]
fn mirrored_calls_get_their_suffix_back() {
    let shadow = |variable| has(&held(variable).0, "routes", "disableShadowHostSuffixAppend", &json!(true));
    assert!(shadow(None) && !shadow(Some(("DISABLE_SHADOW_HOST_SUFFIX", "false"))));
}

#[test]
fn hosts_answer_to_no_name_with_a_dot_at_the_end() {
    let dotted = |variable| {
        let mut domains = Vec::new();
        values(&held(variable).0.0["routes"]["80"], "domains", &mut domains);
        let mut all = domains.iter().filter_map(Value::as_array).flatten().filter_map(Value::as_str);
        all.any(|domain| domain.ends_with('.'))
    };
    assert!(dotted(None) && !dotted(Some(("PILOT_ENABLE_ABSOLUTE_FQDN_VHOST_DOMAIN", "false"))));
}

#[test]
fn hosts_of_a_gateway_with_the_same_routes_stay_apart() {
    let hosts = |variable| held(variable).1.0["routes"]["http.80"]["virtualHosts"].as_array().unwrap().len();
    assert_eq!((hosts(None), hosts(Some(("PILOT_ENABLE_ROUTE_COLLAPSE_OPTIMIZATION", "false")))), (1, 2));
}

#[test]
fn gateways_of_other_namespaces_are_for_other_proxies() {
    let listeners = |variable| held(variable).1.0["listeners"].as_object().unwrap().len();
    assert_eq!((listeners(None), listeners(Some(("PILOT_SCOPE_GATEWAY_TO_NAMESPACE", "true")))), (2, 1));
}
