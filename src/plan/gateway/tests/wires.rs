//! Bytes and TLS that a gateway passes on.

use super::*;

fn to_host(host: &str) -> String {
    format!("route: [{{destination: {{host: {host}, port: {{number: 1}}}}}}]")
}

#[test]
fn bytes_go_where_the_first_route_for_the_port_says() {
    let tcp = |number: u16| format!("{{port: {{number: {number}, name: t{number}, protocol: TCP}}, hosts: ['*']}}");
    let rules = format!(
        "tcp: [{{match: [{{port: 1000}}], {}}}, {{match: [{{gateways: [mesh]}}], {}}}, {{{}}}]",
        to_host("a.example.com"),
        to_host("b.example.com"),
        to_host("c.example.com")
    );
    let world = world(&[gateway("a", "g", 1, &[&tcp(1000), &tcp(2000)]), bound("a", "v", "'*'", "g", &rules)]);
    assert_eq!(chains(&world, &gate(), "0.0.0.0_1000"), ["> outbound|1||a.example.com"]);
    assert_eq!(chains(&world, &gate(), "0.0.0.0_2000"), ["> outbound|1||c.example.com"]);
}

#[test]
fn a_port_for_bytes_without_a_route_is_not_listened_at() {
    let tcp = "{port: {number: 1000, name: t, protocol: MONGO}, hosts: ['*']}";
    assert!(listeners(&world(&[gateway("a", "g", 1, &[tcp])]), &gate()).is_empty());
}

#[test]
fn tls_is_passed_on_by_name_and_a_name_counts_once() {
    let pass = "{port: {number: 443, name: t, protocol: TLS}, hosts: ['*.example.com'], tls: {mode: PASSTHROUGH}}";
    let rule = |names: &str, host: &str| format!("tls: [{{match: [{{sniHosts: [{names}]}}], {}}}]", to_host(host));
    let world = world(&[
        gateway("a", "g", 1, &[pass]),
        bound("a", "v", "'*.example.com'", "g", &rule("a.example.com, b.example.com", "x.example.net")),
        bound("a", "w", "'*.example.com'", "g", &rule("b.example.com", "y.example.net")),
        bound("a", "x", "'*.example.com'", "g", &rule("c.example.com", "z.example.net")),
        bound("a", "z", "d.example.org", "g", &rule("d.example.org", "z.example.net")),
    ]);
    assert_eq!(
        chains(&world, &gate(), "0.0.0.0_443"),
        ["a.example.com b.example.com > outbound|1||x.example.net", "c.example.com > outbound|1||z.example.net"]
    );
}

#[test]
fn tls_that_ends_and_tls_that_is_passed_on_share_a_port() {
    let servers = [
        "{port: {number: 443, name: https, protocol: HTTPS}, hosts: [a.example.com], tls: {mode: SIMPLE, credentialName: c}}",
        "{port: {number: 443, name: tls, protocol: TLS}, hosts: [b.example.com], tls: {mode: PASSTHROUGH}}",
    ];
    let rule = format!("tls: [{{match: [{{sniHosts: [b.example.com]}}], {}}}]", to_host("x.example.net"));
    let world = world(&[gateway("a", "g", 1, &servers), bound("a", "v", "b.example.com", "g", &rule)]);
    let want = ["a.example.com TLS > https.443.https.g.a", "b.example.com > outbound|1||x.example.net"];
    assert_eq!(chains(&world, &gate(), "0.0.0.0_443"), want);
}

#[test]
fn of_two_chains_for_one_name_the_first_is_sent_as_envoy_refuses_both() {
    let servers = [
        "{port: {number: 443, name: https, protocol: HTTPS}, hosts: [a.example.com], tls: {mode: SIMPLE, credentialName: c}}",
        "{port: {number: 443, name: tls, protocol: TLS}, hosts: ['*.example.com'], tls: {mode: PASSTHROUGH}}",
    ];
    let rule = format!("tls: [{{match: [{{sniHosts: [a.example.com]}}], {}}}]", to_host("x.example.net"));
    let world = world(&[gateway("a", "g", 1, &servers), bound("a", "v", "a.example.com", "g", &rule)]);
    assert_eq!(chains(&world, &gate(), "0.0.0.0_443"), ["a.example.com TLS > https.443.https.g.a"]);
}

#[test]
fn the_name_in_the_handshake_can_encode_service_port_and_subset() {
    let auto = "{port: {number: 15443, name: tls, protocol: TLS}, hosts: ['*.local'], tls: {mode: AUTO_PASSTHROUGH}}";
    let rule = "{apiVersion: networking.istio.io/v1, kind: DestinationRule, metadata: {name: r, namespace: shop},
                 spec: {host: api, subsets: [{name: v1, labels: {version: v1}}]}}";
    let world = world(&[
        gateway("a", "g", 1, &[auto]),
        service("shop", "api", "{name: http, port: 80}, {name: udp-x, port: 53, protocol: UDP}"),
        rule.to_owned(),
    ]);
    let name = |subset: &str| format!("outbound_.80_.{subset}_.api.shop.svc.cluster.local");
    let want: Vec<_> = ["", "v1"].iter().map(|s| format!("{0} > {0}", name(s))).collect();
    assert_eq!(chains(&world, &gate(), "0.0.0.0_15443"), want);
}
