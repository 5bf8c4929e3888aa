//! Several Gateways and servers at one proxy.

use super::*;

const HTTP: &str = "{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*.example.com']}";

#[test]
fn servers_for_http_share_a_port_and_its_routes() {
    let world = world(&[
        gateway("a", "one", 1, &[HTTP]),
        gateway("b", "two", 2, &["{port: {number: 80, name: grpc, protocol: GRPC}, hosts: [api.example.org]}"]),
        bound("a", "x", "x.example.com", "one", &http("of-x", "x.example.com")),
        bound("b", "z", "api.example.org", "two", &http("of-y", "y.example.com")),
    ]);
    assert_eq!(chains(&world, &gate(), "0.0.0.0_80"), ["> http.80"]);
    assert_eq!(hosts(&world, &gate(), "http.80"), ["api.example.org: of-y", "x.example.com: of-x"]);
}

#[test]
fn the_older_gateway_keeps_a_port_from_what_cannot_share_it() {
    let tcp = "{port: {number: 80, name: tcp, protocol: TCP}, hosts: ['*']}";
    let tcp_route = "tcp: [{route: [{destination: {host: db.example.com, port: {number: 1}}}]}]";
    for (http_age, tcp_age, want) in [(1, 2, "> http.80"), (2, 1, "> outbound|1||db.example.com")] {
        let world = world(&[
            gateway("a", "web", http_age, &[HTTP]),
            gateway("a", "wire", tcp_age, &[tcp]),
            bound("a", "v", "'*'", "wire", tcp_route),
        ]);
        assert_eq!(chains(&world, &gate(), "0.0.0.0_80"), [want]);
    }
}

#[test]
fn a_host_of_tls_is_at_a_port_once() {
    let https = |name: &str, hosts: &str| {
        format!(
            "{{port: {{number: 443, name: {name}, protocol: HTTPS}}, hosts: [{hosts}], tls: {{mode: SIMPLE, credentialName: c}}}}"
        )
    };
    let world = world(&[
        gateway("a", "young", 2, &[&https("x", "a.example.com, b.example.com"), &https("w", "c.example.com")]),
        gateway("a", "old", 1, &[&https("z", "b.example.com")]),
    ]);
    assert_eq!(
        chains(&world, &gate(), "0.0.0.0_443"),
        ["b.example.com TLS > https.443.z.old.a", "c.example.com TLS > https.443.w.young.a"]
    );
}

#[test]
fn addresses_of_their_own_keep_servers_apart() {
    let at = |bind: &str| {
        format!("{{port: {{number: 80, name: http{}, protocol: HTTP}}, bind: {bind}, hosts: ['*']}}", bind.len())
    };
    let world = world(&[gateway("a", "one", 1, &[&at("10.0.0.1"), HTTP]), gateway("a", "two", 2, &[&at("10.0.0.2")])]);
    let names: Vec<_> = listeners(&world, &gate()).into_keys().collect();
    assert_eq!(names, ["0.0.0.0_80", "10.0.0.1_80", "10.0.0.2_80"]);
    let names: Vec<_> = routes(&world, &gate()).into_keys().collect();
    assert_eq!(names, ["http.80", "http.80.10.0.0.1", "http.80.10.0.0.2"]);
}

#[test]
fn only_proxies_with_all_labels_are_selected() {
    let world = world(&[gateway("a", "one", 1, &[HTTP])]);
    assert_eq!(listeners(&world, &gate()).len(), 1);
    assert!(listeners(&world, &router("edge", json!({"LABELS": {"istio": "other"}}))).is_empty());
    assert!(
        listeners(&world, &crate::plan::tests::world::sidecar("a", json!({"LABELS": {"istio": "gate"}}))).is_empty()
    );
}

#[test]
fn a_port_is_that_of_the_service_in_front() {
    let in_front = "{apiVersion: v1, kind: Service, metadata: {name: gate, namespace: edge},
                     spec: {clusterIP: 10.96.0.1, selector: {istio: gate}, ports: [{name: http, port: 80, targetPort: 8080}]}}";
    let world = world(&[in_front.to_owned(), gateway("a", "one", 1, &[HTTP])]);
    assert_eq!(chains(&world, &gate(), "0.0.0.0_8080"), ["> http.8080"]);
    let unprivileged = router("edge", json!({"UNPRIVILEGED_POD": "true"}));
    assert_eq!(listeners(&world, &unprivileged).len(), 1, "8080 may be listened at");
    let bare = self::world(&[gateway("a", "one", 1, &[HTTP])]);
    assert!(listeners(&bare, &unprivileged).is_empty(), "80 may not");
}
