//! What gateways do with calls from outside, and with those that leave by them.

use crate::evaluator::{Call, Outcome};
use crate::world::{Mesh, entry, gateway, outbound, routes, routes_of, rule};

const HTTP: &str = "port: {number: 80, name: http, protocol: HTTP}";

fn answers(text: &str) -> String {
    format!("http: [{{directResponse: {{status: 200, body: {{string: {text}}}}}}}]")
}

fn said(text: &str) -> Outcome {
    Outcome::Answered(200, text.to_owned())
}

#[test]
fn a_gateway_takes_the_hosts_of_its_servers_for_rules_that_are_bound_to_it() {
    let mut mesh = Mesh::shop(&[
        gateway("shop/door", &format!("{{{HTTP}, hosts: ['*.example']}}")),
        routes("shop/a", &format!("hosts: [a.example], gateways: [door], {}", answers("a"))),
        routes("desk/b", &format!("hosts: [b.example], gateways: [shop/door], {}", answers("b"))),
        routes("shop/c", &format!("hosts: [c.elsewhere], gateways: [door], {}", answers("c"))),
        routes("shop/d", &format!("hosts: [d.example], {}", answers("d"))),
    ]);
    let held = mesh.door();
    assert_eq!(held.call(&Call::get("http://a.example/")), said("a"));
    assert_eq!(held.call(&Call::get("http://b.example/")), said("b"));
    assert_eq!(held.call(&Call::get("http://c.elsewhere/")), Outcome::NotFound);
    assert_eq!(held.call(&Call::get("http://d.example/")), Outcome::NotFound, "this one is for sidecars");
    assert_eq!(held.call(&Call::get("http://a.example:81/")), Outcome::Refused);
}

#[test]
fn a_server_says_whose_rules_may_have_its_hosts() {
    let mut mesh = Mesh::shop(&[
        gateway("shop/door", &format!("{{{HTTP}, hosts: [desk/a.example, ./b.example]}}")),
        routes_of("shop/a", 1, &format!("hosts: [a.example], gateways: [door], {}", answers("shop"))),
        routes_of("desk/a", 2, &format!("hosts: [a.example], gateways: [shop/door], {}", answers("desk"))),
        routes_of("desk/b", 1, &format!("hosts: [b.example], gateways: [shop/door], {}", answers("desk"))),
        routes_of("shop/b", 2, &format!("hosts: [b.example], gateways: [door], {}", answers("shop"))),
    ]);
    let held = mesh.door();
    assert_eq!(held.call(&Call::get("http://a.example/")), said("desk"));
    assert_eq!(held.call(&Call::get("http://b.example/")), said("shop"));
}

#[test]
fn rules_for_one_host_are_joined_at_a_gateway_and_routes_for_everything_come_last() {
    let rest = "http: [{match: [{uri: {prefix: /a}}], directResponse: {status: 501}}, {directResponse: {status: 502}}]";
    let more = "http: [{match: [{uri: {prefix: /b}}], directResponse: {status: 503}}]";
    let mut mesh = Mesh::shop(&[
        gateway("shop/door", &format!("{{{HTTP}, hosts: [a.example]}}")),
        routes_of("shop/first", 1, &format!("hosts: [a.example], gateways: [door], {rest}")),
        routes_of("shop/second", 2, &format!("hosts: [a.example], gateways: [door], {more}")),
    ]);
    let held = mesh.door();
    let status = |path: &str| held.call(&Call::get(&format!("http://a.example{path}")));
    assert_eq!(status("/a"), Outcome::Answered(501, String::new()));
    assert_eq!(status("/b"), Outcome::Answered(503, String::new()));
    assert_eq!(status("/"), Outcome::Answered(502, String::new()));
}

#[test]
fn the_name_in_the_client_hello_chooses_the_server_and_its_certificate() {
    let https = |name: &str, host: &str| {
        format!(
            "{{port: {{number: 443, name: {name}, protocol: HTTPS}}, hosts: [{host}],
               tls: {{mode: SIMPLE, credentialName: {name}}}}}"
        )
    };
    let servers = [https("one", "a.example"), https("two", "b.example")].join(", ");
    let mut mesh = Mesh::shop(&[
        gateway("shop/door", &servers),
        routes("shop/a", &format!("hosts: [a.example], gateways: [door], {}", answers("a"))),
        routes("shop/b", &format!("hosts: [b.example], gateways: [door], {}", answers("b"))),
    ]);
    let held = mesh.door();
    assert_eq!(held.call(&Call::get("https://a.example/")), said("a"));
    assert_eq!(held.call(&Call::get("https://b.example/")), said("b"));
    assert_eq!(held.call(&Call::get("https://c.example/")), Outcome::Refused);
    let crossed = Call::get("https://a.example/").with("host", "b.example");
    assert_ne!(held.call(&crossed), said("b"), "a host is not reached through another's certificate");
}

#[test]
fn calls_in_clear_text_are_sent_to_https_where_a_server_says_so() {
    let mut mesh = Mesh::shop(&[
        gateway("shop/door", &format!("{{{HTTP}, hosts: [a.example], tls: {{httpsRedirect: true}}}}")),
        routes("shop/a", &format!("hosts: [a.example], gateways: [door], {}", answers("a"))),
    ]);
    let to = Outcome::Redirected("MOVED_PERMANENTLY".to_owned(), "https://a.example/b?c".to_owned());
    assert_eq!(mesh.door().call(&Call::get("http://a.example/b?c")), to);
}

#[test]
fn tls_that_a_gateway_passes_on_is_routed_by_its_name() {
    let tls = "tls: [{match: [{port: 443, sniHosts: [a.example]}], route: [{destination: {host: web, port: {number: 443}}}]}]";
    let server = "{port: {number: 443, name: tls, protocol: TLS}, hosts: ['*.example'], tls: {mode: PASSTHROUGH}}";
    let mut mesh = Mesh::shop(&[
        gateway("shop/door", server),
        routes("shop/a", &format!("hosts: [a.example], gateways: [door], {tls}")),
    ]);
    let held = mesh.door();
    assert_eq!(held.cluster(&Call::tls("a.example", 443)), outbound(443, "", "web"));
    assert_eq!(held.call(&Call::tls("b.example", 443)), Outcome::Refused);
}

#[test]
fn bytes_are_routed_by_the_port_of_the_server() {
    let tcp = "tcp: [{match: [{port: 9000}], route: [{destination: {host: bare, port: {number: 9000}}}]}]";
    let mut mesh = Mesh::shop(&[
        gateway("shop/door", "{port: {number: 9000, name: tcp, protocol: TCP}, hosts: ['*']}"),
        routes("shop/a", &format!("hosts: ['*'], gateways: [door], {tcp}")),
    ]);
    assert_eq!(mesh.door().cluster(&Call::bytes("192.0.2.1", 9000)), outbound(9000, "", "bare"));
}

#[test]
fn a_destination_with_one_port_needs_none_at_a_gateway_whatever_the_port_of_the_call() {
    let mut mesh = Mesh::shop(&[
        gateway("shop/door", "{port: {number: 8443, name: http, protocol: HTTP}, hosts: ['*']}"),
        routes("shop/a", "hosts: ['*'], gateways: [door], http: [
            {match: [{uri: {prefix: /api}}], route: [{destination: {host: api}}]}, {route: [{destination: {host: web}}]}]"),
    ]);
    let held = mesh.door();
    assert_eq!(held.cluster(&Call::get("http://x.example:8443/api")), outbound(80, "", "api"));
    assert_eq!(
        held.cluster(&Call::get("http://x.example:8443/")),
        outbound(8443, "", "web"),
        "of several, that of the call"
    );
}

#[test]
fn calls_leave_by_an_egress_gateway_where_one_rule_speaks_of_the_mesh_and_of_the_gateway() {
    let spec = "hosts: [api.bank.example], location: MESH_EXTERNAL, resolution: DNS,
          ports: [{number: 80, name: http, protocol: HTTP, targetPort: 443}]";
    let http = "http: [{match: [{gateways: [mesh]}], route: [{destination: {host: api, port: {number: 80}}}]},
                       {match: [{gateways: [door]}], route: [{destination: {host: api.bank.example, port: {number: 80}}}]}]";
    let mut mesh = Mesh::shop(&[
        entry("shop/bank", spec),
        gateway("shop/door", &format!("{{{HTTP}, hosts: [api.bank.example]}}")),
        routes("shop/bank", &format!("hosts: [api.bank.example], gateways: [mesh, door], {http}")),
        rule("shop/bank", "host: api.bank.example, trafficPolicy: {tls: {mode: SIMPLE, credentialName: bank}}"),
    ]);
    let call = Call::get("http://api.bank.example/");
    assert_eq!(mesh.sidecar("shop").cluster(&call), outbound(80, "", "api"));
    let door = mesh.door();
    let out = door.cluster(&call);
    assert_eq!(out, "outbound|80||api.bank.example");
    let tls = door.transport(&out).tls().clone();
    assert_eq!((tls.sni_of_call, &*tls.roots), (true, "kubernetes://bank-cacert"), "gateways may have Secrets");
}
