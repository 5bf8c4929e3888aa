//! Several services at one address and port.

use serde_json::json;

use super::*;

const DNS: &str = "resolution: DNS, location: MESH_EXTERNAL";

#[test]
fn http_services_of_a_port_share_the_wildcard_and_its_routes() {
    let world = world(&[service("a", "10.96.0.1", 80, "http"), service("b", "10.96.0.2", 80, "http2")]);
    let all = listeners(&world, &client());
    assert_eq!(all.keys().collect::<Vec<_>>(), ["0.0.0.0_80", "virtualOutbound"]);
    assert_eq!(chains(&all["0.0.0.0_80"]), ["http/1.1 h2c raw_buffer > routes 80", "> PassthroughCluster"]);
}

#[test]
fn services_for_bytes_have_listeners_of_their_own() {
    let world = world(&[service("a", "10.96.0.1", 3306, "tcp"), service("b", "10.96.0.2", 3306, "mysql")]);
    let all = listeners(&world, &client());
    assert_eq!(chains(&all["10.96.0.1_3306"]), ["> outbound|3306||a.shop.svc.cluster.local"]);
    assert_eq!(chains(&all["10.96.0.2_3306"]), ["> outbound|3306||b.shop.svc.cluster.local"]);
}

#[test]
fn a_detected_service_has_a_listener_and_routes_of_its_own() {
    let world = world(&[service("a", "10.96.0.1", 9000, "main")]);
    let want =
        ["http/1.1 h2c raw_buffer > routes a.shop.svc.cluster.local:9000", "> outbound|9000||a.shop.svc.cluster.local"];
    assert_eq!(chains(&listeners(&world, &client())["10.96.0.1_9000"]), want);
}

#[test]
fn bytes_and_http_on_the_wildcard_are_told_apart_whoever_came_first() {
    let bytes = entry("a", "a.example", 7000, "TCP", DNS);
    for other in ["b.example", "0.example"] {
        let http = entry("h", other, 7000, "HTTP", DNS);
        let all = listeners(&world(&[bytes.clone(), http]), &client());
        let want = ["http/1.1 h2c raw_buffer > routes 7000", "> outbound|7000||a.example"];
        assert_eq!(chains(&all["0.0.0.0_7000"]), want);
        assert_eq!(all["0.0.0.0_7000"].listener_filters.len(), 1, "what is spoken is looked at");
    }
}

#[test]
fn of_two_services_for_the_same_bytes_the_first_has_them() {
    let world = world(&[entry("q", "a.example", 7000, "TCP", DNS), entry("p", "b.example", 7000, "TCP", DNS)]);
    assert_eq!(chains(&listeners(&world, &client())["0.0.0.0_7000"]), ["> outbound|7000||a.example"]);
}

#[test]
fn where_the_server_speaks_first_nobody_else_is_let_in() {
    let mongo = entry("m", "a.example", 27017, "MONGO", DNS);
    for (other, first) in [("b.example", true), ("0.example", false)] {
        let world = world(&[mongo.clone(), entry("o", other, 27017, "HTTP", DNS)]);
        let chains = chains(&listeners(&world, &client())["0.0.0.0_27017"]);
        match first {
            true => assert_eq!(chains, ["> outbound|27017||a.example"]),
            false => assert_eq!(chains, ["http/1.1 h2c raw_buffer > routes 27017", "> PassthroughCluster"]),
        }
    }
}

#[test]
fn services_for_tls_share_the_wildcard_by_the_name_in_the_handshake() {
    let world =
        world(&[entry("a", "a.example", 443, "TLS", DNS), entry("b", "*.b.example", 443, "HTTPS", "resolution: NONE")]);
    let listener = &listeners(&world, &client())["0.0.0.0_443"];
    let want =
        ["*.b.example > outbound|443||*.b.example", "a.example > outbound|443||a.example", "> PassthroughCluster"];
    assert_eq!(chains(listener), want);
    assert_eq!(listener.listener_filters[0].name, "envoy.filters.listener.tls_inspector");
}

#[test]
fn each_address_of_an_entry_has_a_listener_and_ranges_share_the_wildcard() {
    let addresses = "resolution: NONE, addresses: [192.0.2.1, 192.0.2.9/32, 198.51.100.7/24, '2001:db8::1']";
    let world = world(&[entry("a", "a.example", 5000, "TCP", addresses)]);
    let all = listeners(&world, &client());
    let names: Vec<_> = all.keys().map(String::as_str).collect();
    assert_eq!(names, ["0.0.0.0_5000", "192.0.2.1_5000", "192.0.2.9_5000", "2001:db8::1_5000", "virtualOutbound"]);
    let want = ["198.51.100.7/24 > outbound|5000||a.example", "> PassthroughCluster"];
    assert_eq!(chains(&all["0.0.0.0_5000"]), want);
}

#[test]
fn ranges_that_differ_beyond_their_length_are_the_same() {
    let range = |r: &str| format!("resolution: NONE, addresses: [{r}]");
    let world = world(&[
        entry("a", "a.example", 5000, "TCP", &range("198.51.100.7/24")),
        entry("b", "b.example", 5000, "TCP", &range("198.51.100.9/24")),
    ]);
    let want = ["198.51.100.7/24 > outbound|5000||a.example", "> PassthroughCluster"];
    assert_eq!(chains(&listeners(&world, &client())["0.0.0.0_5000"]), want);
}

#[test]
fn hosts_without_an_address_are_told_apart_by_those_given_to_them_if_the_proxy_answers_dns() {
    let world = world(&[entry("a", "a.example", 3306, "TCP", DNS), entry("b", "b.example", 3306, "TCP", DNS)]);
    let shared = |proxy| listeners(&world, &proxy).keys().filter(|n| n.starts_with("0.0.0.0")).count();
    let given = |proxy| listeners(&world, &proxy).keys().filter(|n| n.starts_with("240.240.")).count();
    let answers = || sidecar("shop", json!({"DNS_CAPTURE": "true"}));
    assert_eq!((shared(client()), given(client())), (1, 0));
    assert_eq!((shared(answers()), given(answers())), (0, 2));
}

#[test]
fn udp_and_aliases_have_no_listeners() {
    let world = world(&[
        "{apiVersion: v1, kind: Service, metadata: {name: a, namespace: shop}, \
         spec: {clusterIP: 10.96.0.1, ports: [{name: dns, port: 53, protocol: UDP}]}}"
            .to_owned(),
        "{apiVersion: v1, kind: Service, metadata: {name: b, namespace: shop}, \
         spec: {type: ExternalName, externalName: c.example, ports: [{name: http, port: 80}]}}"
            .to_owned(),
    ]);
    assert_eq!(listeners(&world, &client()).keys().collect::<Vec<_>>(), ["virtualOutbound"]);
}

#[test]
fn the_definitions_of_one_namespace_count_and_ones_own_before_others() {
    let entry = |namespace: &str, ip: &str| {
        entry(
            "e",
            "a.example",
            5000,
            "TCP",
            &format!("resolution: STATIC, addresses: [{ip}], endpoints: [{{address: 192.0.2.1}}]"),
        )
        .replace("namespace: shop", &format!("namespace: {namespace}"))
    };
    let world = world(&[entry("elsewhere", "10.0.0.1"), entry("shop", "10.0.0.2")]);
    assert!(listeners(&world, &client()).contains_key("10.0.0.2_5000"));
    let stranger = sidecar("third", json!({}));
    assert_eq!(listeners(&world, &stranger).keys().collect::<Vec<_>>(), ["10.0.0.1_5000", "virtualOutbound"]);
}
