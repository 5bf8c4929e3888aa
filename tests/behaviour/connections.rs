//! Connections that are not read: TLS by its name, bytes by their destination, tunnels.

use serde_json::json;

use crate::evaluator::{Call, Outcome};
use crate::world::{Mesh, entry, outbound, routes, rule};

#[test]
fn bytes_go_to_the_service_that_has_the_address() {
    let held = Mesh::shop(&[]).sidecar("shop");
    assert_eq!(held.cluster(&Call::bytes("web", 9000)), outbound(9000, "", "web"));
    assert_eq!(held.cluster(&Call::bytes("bare", 9000)), outbound(9000, "", "bare"));
    assert_eq!(held.cluster(&Call::tls("web", 443)), outbound(443, "", "web"));
}

#[test]
fn tcp_routes_share_connections_by_weight_and_ask_for_port_and_caller() {
    let tcp = "tcp: [{match: [{port: 9000, sourceLabels: {app: teller}}],
                      route: [{destination: {host: bare, port: {number: 9000}}}]},
                     {match: [{port: 9000}], route: [{destination: {host: web, port: {number: 9000}}, weight: 20},
                                                     {destination: {host: bare, port: {number: 9000}}, weight: 80}]}]";
    let mut mesh = Mesh::shop(&[routes("shop/web", &format!("hosts: [web], {tcp}"))]);
    let call = Call::bytes("web", 9000);
    let shares = mesh.sidecar("shop").clusters(&call);
    assert_eq!(shares, [(outbound(9000, "", "bare"), 80), (outbound(9000, "", "web"), 20)]);
    assert_eq!(mesh.labelled("shop", json!({"app": "teller"})).cluster(&call), outbound(9000, "", "bare"));
    let elsewhere = mesh.sidecar("shop").cluster(&Call::tls("web", 443));
    assert_eq!(elsewhere, outbound(443, "", "web"), "no route is for this port");
}

#[test]
fn tcp_routes_by_subnet_leave_other_destinations_to_the_service() {
    let spec = "hosts: [net.example], addresses: [192.0.2.0/24], resolution: NONE,
          ports: [{number: 5000, name: tcp, protocol: TCP}]";
    let tcp = "tcp: [{match: [{destinationSubnets: [192.0.2.128/25]}], route: [{destination: {host: bare, port: {number: 9000}}}]}]";
    let mut mesh = Mesh::shop(&[entry("shop/net", spec), routes("shop/net", &format!("hosts: [net.example], {tcp}"))]);
    let held = mesh.sidecar("shop");
    assert_eq!(held.cluster(&Call::bytes("192.0.2.200", 5000)), outbound(9000, "", "bare"));
    assert_eq!(held.cluster(&Call::bytes("192.0.2.5", 5000)), "outbound|5000||net.example");
    assert_eq!(held.cluster(&Call::bytes("192.0.3.5", 5000)), "PassthroughCluster");
}

#[test]
fn tls_routes_go_by_the_name_in_the_client_hello() {
    let spec = "hosts: ['*.api.example'], resolution: NONE, ports: [{number: 443, name: tls, protocol: TLS}]";
    let to = |host: &str| format!("route: [{{destination: {{host: {host}, port: {{number: 443}}}}}}]");
    let tls = format!(
        "tls: [{{match: [{{sniHosts: [one.api.example]}}], {}}}, {{match: [{{sniHosts: ['*.api.example']}}], {}}}]",
        to("web"),
        to("two.example")
    );
    let mut mesh =
        Mesh::shop(&[entry("shop/api", spec), routes("shop/api", &format!("hosts: ['*.api.example'], {tls}"))]);
    let held = mesh.sidecar("shop");
    assert_eq!(held.cluster(&Call::tls("one.api.example", 443)), outbound(443, "", "web"));
    assert_eq!(held.cluster(&Call::tls("three.api.example", 443)), "outbound|443||two.example");
    assert_eq!(held.cluster(&Call::tls("elsewhere.example", 443)), "PassthroughCluster");
}

#[test]
fn hosts_without_addresses_share_a_port_and_are_told_apart_by_name() {
    let spec = |host: &str| {
        format!(
            "hosts: [{host}], resolution: STATIC, endpoints: [{{address: 198.18.0.9}}], ports: [{{number: 443, name: tls, protocol: TLS}}],
                 location: MESH_EXTERNAL, addresses: ['198.18.0.0/16']"
        )
    };
    let mut mesh = Mesh::shop(&[entry("shop/a", &spec("a.example")), entry("shop/b", &spec("b.example"))]);
    let held = mesh.sidecar("shop");
    let call = |host: &str, address: &str| Call { host: address.to_owned(), ..Call::tls(host, 443) };
    assert_eq!(held.cluster(&call("a.example", "198.18.0.9")), "outbound|443||a.example");
    assert_eq!(held.cluster(&call("b.example", "198.18.0.9")), "outbound|443||b.example");
    assert_eq!(held.cluster(&call("c.example", "198.18.0.9")), "PassthroughCluster");
}

#[test]
fn a_tunnel_is_that_of_the_rule_and_a_subset_has_its_own_or_none() {
    let tunnel =
        |host: &str, protocol: &str| format!("tunnel: {{protocol: {protocol}, targetHost: {host}, targetPort: 443}}");
    let subsets = format!(
        "subsets: [{{name: own, labels: {{version: v1}}, trafficPolicy: {{{}}}}}, {{name: none, labels: {{version: v2}}}}]",
        tunnel("b.example", "POST")
    );
    let to = |port: u16, subset: &str| {
        format!(
            "{{match: [{{port: {port}}}], route: [{{destination: {{host: web, port: {{number: 9000}}{subset}}}}}]}}"
        )
    };
    let spec = "hosts: [far.example], addresses: [192.0.2.1], resolution: STATIC, endpoints: [{address: 192.0.2.1}],
          ports: [{number: 1, name: tcp-a, protocol: TCP}, {number: 2, name: tcp-b, protocol: TCP}, {number: 3, name: tcp-c, protocol: TCP}]";
    let tcp = [to(1, ""), to(2, ", subset: own"), to(3, ", subset: none")].join(", ");
    let mut mesh = Mesh::shop(&[
        entry("shop/far", spec),
        routes("shop/far", &format!("hosts: [far.example], tcp: [{tcp}]")),
        rule("shop/web", &format!("host: web, trafficPolicy: {{{}}}, {subsets}", tunnel("a.example", "CONNECT"))),
    ]);
    let held = mesh.sidecar("shop");
    let through = |port| held.sent(&Call::bytes("far.example", port)).tunnel;
    assert_eq!(through(1).as_deref(), Some("a.example:443"));
    assert_eq!(through(2).as_deref(), Some("b.example:443"));
    assert_eq!(through(3), None);
}

#[test]
fn calls_on_a_port_whose_protocol_is_detected_are_routed_and_bytes_are_passed_on() {
    let mut mesh = Mesh::shop(&[
        crate::world::service("shop", "guess", "10.96.0.8", &["data:7000"]),
        routes("shop/guess", "hosts: [guess], http: [{directResponse: {status: 501}}]"),
    ]);
    let held = mesh.sidecar("shop");
    assert_eq!(held.call(&Call::get("http://guess:7000/")), Outcome::Answered(501, String::new()));
    assert_eq!(held.cluster(&Call::bytes("guess", 7000)), outbound(7000, "", "guess"));
}
