//! Whether a call is in TLS, and whose.

use crate::evaluator::Held;
use crate::evaluator::cluster::Transport;
use crate::world::{Mesh, entry, outbound, rule};

fn peers(name: &str, mode: &str) -> String {
    let (namespace, name) = name.split_once('/').unwrap();
    format!(
        "{{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {{name: {name}, namespace: {namespace}}},
          spec: {{mtls: {{mode: {mode}}}}}}}"
    )
}

/// How each endpoint of a cluster is spoken to: `true` for TLS of the mesh.
fn meshed(held: &Held, cluster: &str) -> Vec<bool> {
    held.endpoints(cluster).iter().map(|e| e.transport.is_mesh()).collect()
}

fn web() -> String {
    outbound(80, "", "web")
}

#[test]
fn mutual_tls_is_used_with_those_endpoints_that_take_it() {
    let held = Mesh::shop(&[]).sidecar("shop");
    assert_eq!(meshed(&held, &web()), [true, true, true]);
    assert_eq!(held.endpoints(&outbound(80, "", "bare"))[0].transport, Transport::Clear);
    let tls = held.endpoints(&web())[0].transport.tls().clone();
    assert_eq!(tls.sni, "outbound_.80_._.web.shop.svc.cluster.local");
    assert_eq!(tls.names, ["spiffe://cluster.local/ns/shop/sa/web"]);
    assert_eq!(tls.alpn, ["istio-peer-exchange", "istio"]);
}

#[test]
fn a_rule_switches_mutual_tls_off_or_demands_it_of_everybody() {
    let mode = |mode: &str, host: &str| {
        let policy = format!("host: {host}, trafficPolicy: {{tls: {{mode: {mode}}}}}");
        Mesh::shop(&[rule("shop/r", &policy)]).sidecar("shop")
    };
    let held = mode("DISABLE", "web");
    assert_eq!(meshed(&held, &web()), [false, false, false]);
    assert_eq!(held.transport(&web()), Transport::Clear);
    let held = mode("ISTIO_MUTUAL", "bare");
    assert_eq!(meshed(&held, &outbound(80, "", "bare")), [true]);
}

#[test]
fn a_rule_may_name_whom_to_find_and_what_to_ask_for() {
    let tls = "tls: {mode: ISTIO_MUTUAL, sni: other, subjectAltNames: [spiffe://x/ns/a/sa/b]}";
    let held = Mesh::shop(&[rule("shop/web", &format!("host: web, trafficPolicy: {{{tls}}}"))]).sidecar("shop");
    let transport = held.transport(&web());
    assert_eq!(
        (&*transport.tls().sni, &transport.tls().names[..]),
        ("other", &["spiffe://x/ns/a/sa/b".to_owned()][..])
    );
}

#[test]
fn tls_of_a_port_is_for_that_port_and_a_subset_has_a_name_of_its_own() {
    let policy = "trafficPolicy: {portLevelSettings: [{port: {number: 8080}, tls: {mode: DISABLE}}]},
          subsets: [{name: one, labels: {version: v1}}]";
    let held = Mesh::shop(&[rule("shop/web", &format!("host: web, {policy}"))]).sidecar("shop");
    assert_eq!(meshed(&held, &outbound(8080, "", "web")), [false, false, false]);
    assert_eq!(meshed(&held, &web()), [true, true, true]);
    assert_eq!(meshed(&held, &outbound(8080, "one", "web")), [false], "the rule's port counts for its subsets");
    let part = held.endpoints(&outbound(80, "one", "web"));
    assert_eq!(part[0].transport.tls().sni, "outbound_.80_.one_.web.shop.svc.cluster.local");
}

#[test]
fn servers_that_refuse_mutual_tls_are_called_in_clear_text() {
    let held = Mesh::shop(&[peers("shop/default", "DISABLE")]).sidecar("shop");
    assert_eq!(meshed(&held, &web()), [false, false, false]);
    let held = Mesh::shop(&[peers("istio-system/default", "DISABLE"), peers("shop/default", "STRICT")]).sidecar("desk");
    assert_eq!(meshed(&held, &web()), [true, true, true], "the namespace's word goes before the mesh's");
}

#[test]
fn the_mesh_may_leave_mutual_tls_to_rules() {
    let mut mesh = Mesh::new(&crate::world::shop(), "enableAutoMtls: false");
    assert_eq!(meshed(&mesh.sidecar("shop"), &web()), [false, false, false]);
}

const OUTSIDE: &str = "hosts: [api.example], location: MESH_EXTERNAL, resolution: DNS,
      ports: [{number: 80, name: http, protocol: HTTP}], subjectAltNames: [cert.api.example]";

fn outside(tls: &str) -> Held {
    let policy = format!("host: api.example, trafficPolicy: {{tls: {{{tls}}}}}");
    Mesh::shop(&[entry("shop/api", OUTSIDE), rule("shop/api", &policy)]).sidecar("shop")
}

const API: &str = "outbound|80||api.example";

#[test]
fn servers_outside_the_mesh_are_called_in_clear_text_unless_a_rule_says_otherwise() {
    let held = Mesh::shop(&[entry("shop/api", OUTSIDE)]).sidecar("shop");
    assert_eq!(held.endpoints(API)[0].transport, Transport::Clear);
}

#[test]
fn a_server_outside_is_asked_for_by_the_name_that_was_called_and_must_have_the_names_stated() {
    let held = outside("mode: SIMPLE");
    let tls = held.transport(API).tls().clone();
    assert_eq!((&*tls.sni, tls.sni_of_call, &*tls.roots), ("", true, "file-root:system"));
    assert_eq!(tls.names, ["cert.api.example"], "the ServiceEntry's, as the rule has none");
    assert!(tls.own.is_empty());

    let tls = outside("mode: SIMPLE, sni: a.example, subjectAltNames: [b.example], caCertificates: /ca.pem");
    let tls = tls.transport(API).tls().clone();
    assert_eq!((&*tls.sni, tls.sni_of_call, &*tls.roots), ("a.example", false, "file-root:/ca.pem"));
    assert_eq!(tls.names, ["b.example"]);
}

#[test]
fn the_callers_certificate_comes_from_files_or_from_a_secret_of_selected_workloads() {
    let files = outside("mode: MUTUAL, clientCertificate: /c.pem, privateKey: /k.pem, caCertificates: /ca.pem");
    assert_eq!(files.transport(API).tls().own, ["file-cert:/c.pem~/k.pem"]);

    assert_eq!(outside("mode: MUTUAL, credentialName: api").transport(API), Transport::Clear, "not for all sidecars");
    let policy = "host: api.example, workloadSelector: {matchLabels: {app: teller}},
          trafficPolicy: {tls: {mode: MUTUAL, credentialName: api}}";
    let mut mesh = Mesh::shop(&[entry("shop/api", OUTSIDE), rule("shop/api", policy)]);
    let held = mesh.labelled("shop", serde_json::json!({"app": "teller"}));
    let tls = held.transport(API).tls().clone();
    assert_eq!((&tls.own[..], &*tls.roots), (&["kubernetes://api".to_owned()][..], "kubernetes://api-cacert"));
}

#[test]
fn a_server_need_not_be_checked() {
    let held = outside("mode: SIMPLE, insecureSkipVerify: true");
    assert_eq!(held.transport(API).tls().roots, "");
    assert!(held.http(API)["upstreamHttpProtocolOptions"].get("autoSanValidation").is_none());
}
