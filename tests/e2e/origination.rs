//! TLS that sidecars begin, towards servers outside the mesh which check and are checked.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use super::fixture::CLIENT;
use crate::support::certificates::Certificate;
use crate::support::envoy::Sidecar;
use crate::support::http::{self, Request, Response};
use crate::support::mesh::Mesh;
use crate::support::outside::{self, Port};
use crate::support::process::Process;

const SERVER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 61);

/// A mesh whose client knows the server outside under several names, each with TLS settings of its own.
struct Outside {
    client: Sidecar,
    _server: Process,
    _mesh: Mesh,
}

impl Outside {
    /// The server has a certificate for `*.bank.example`. At port 8443 it takes everybody, at 9443 only clients with
    /// a certificate. `settings` gives for each name its port there and its TLS settings, which may speak of `DIR`.
    fn open(settings: &[(&str, u16, &str)]) -> Outside {
        let mut mesh = Mesh::new(&[("server.bank.example", SERVER)]);
        let directory = mesh.directory().to_owned();
        let authority = Certificate::authority(&directory, "authority");
        Certificate::authority(&directory, "stranger");
        authority.sign(&directory, "client", &[]);
        let certificate = authority.sign(&directory, "server", &["*.bank.example"]);
        let ports = [(8443, None), (9443, Some(&authority))].map(|(number, clients_of)| Port {
            number,
            certificate: &certificate,
            clients_of,
        });
        let server = outside::start(&mesh, "bank", SERVER, &ports);
        mesh.configure("client.yaml", CLIENT);
        let objects: Vec<String> = settings.iter().map(|setting| objects(setting, &directory)).collect();
        mesh.configure("outside.yaml", &objects.join("---\n"));
        mesh.start_control_plane();
        let client = mesh.sidecar(CLIENT, "client");
        Outside { client, _server: server, _mesh: mesh }
    }

    /// The answer to a call in clear text by the application.
    fn get(&self, host: &str) -> Response {
        // Calls on this port are told apart by their names alone.
        let anywhere = SocketAddr::from(([240, 240, 99, 99], 80));
        let request = Request { method: "GET", authority: host, path: "/", headers: &[] };
        self.client.namespace().inside(|| http::call(anywhere, &request)).unwrap()
    }
}

fn objects((host, port, tls): &(&str, u16, &str), directory: &Path) -> String {
    let name = host.replace('.', "-");
    let tls = tls.replace("DIR", directory.to_str().unwrap());
    format!(
        "apiVersion: networking.istio.io/v1\n\
         kind: ServiceEntry\n\
         metadata: {{name: {name}, namespace: shop}}\n\
         spec: {{hosts: [{host}], location: MESH_EXTERNAL, resolution: STATIC, \
         ports: [{{number: 80, name: http, protocol: HTTP, targetPort: {port}}}], endpoints: [{{address: {SERVER}}}]}}\n\
         ---\n\
         apiVersion: networking.istio.io/v1\n\
         kind: DestinationRule\n\
         metadata: {{name: {name}, namespace: shop}}\n\
         spec: {{host: {host}, trafficPolicy: {{tls: {{{tls}}}}}}}\n"
    )
}

#[test]
fn the_server_is_told_the_name_and_must_prove_it() {
    let outside = Outside::open(&[
        ("plain.bank.example", 8443, "mode: SIMPLE, caCertificates: DIR/authority.pem"),
        ("named.bank.example", 8443, "mode: SIMPLE, caCertificates: DIR/authority.pem, sni: vault.bank.example"),
        ("checked.elsewhere.example", 8443, "mode: SIMPLE, caCertificates: DIR/authority.pem"),
        (
            "stated.elsewhere.example",
            8443,
            "mode: SIMPLE, caCertificates: DIR/authority.pem, sni: a.bank.example, subjectAltNames: [evil.example]",
        ),
        ("foreign.bank.example", 8443, "mode: SIMPLE, caCertificates: DIR/stranger.pem"),
        ("careless.elsewhere.example", 8443, "mode: SIMPLE, insecureSkipVerify: true"),
    ]);
    let plain = outside.get("plain.bank.example");
    assert_eq!((plain.status, plain.backend()), (200, "bank".to_owned()));
    assert_eq!((plain.header("x-sni"), plain.header("x-peer")), ("plain.bank.example", ""));
    assert_eq!(outside.get("named.bank.example").header("x-sni"), "vault.bank.example");
    let refused = [
        ("checked.elsewhere.example", "fail_verify_san"),
        ("stated.elsewhere.example", "fail_verify_san"),
        ("foreign.bank.example", "fail_verify_error"),
    ];
    for (host, why) in refused {
        assert_eq!(outside.get(host).status, 503, "{host}");
        let failed = outside.client.statistic(&format!("cluster.outbound|80||{host};.ssl.{why}"));
        assert!(failed > 0, "{host} was not refused for {why}");
    }
    assert_eq!(outside.get("careless.elsewhere.example").status, 200);
}

#[test]
fn the_client_shows_its_certificate_where_a_rule_gives_it_one() {
    let own = "clientCertificate: DIR/client.pem, privateKey: DIR/client.key.pem";
    let outside = Outside::open(&[
        ("mutual.bank.example", 9443, &format!("mode: MUTUAL, caCertificates: DIR/authority.pem, {own}")),
        ("simple.bank.example", 9443, "mode: SIMPLE, caCertificates: DIR/authority.pem"),
    ]);
    let answer = outside.get("mutual.bank.example");
    assert_eq!((answer.status, answer.header("x-peer")), (200, "CN=client"), "{answer:?}");
    assert_eq!(answer.header("x-sni"), "mutual.bank.example");
    assert_eq!(outside.get("simple.bank.example").status, 503);
}
