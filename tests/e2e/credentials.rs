//! Gateways whose certificates are Kubernetes Secrets, sent by the control plane over a socket of this machine.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Instant;

use mizzen::demo::load::by_backend;

use super::gateways::gateway;
use super::site::{self, ONE, TWO, versions};
use crate::support::certificates::Certificate;
use crate::support::load::assert_none_failed;
use crate::support::mesh::Mesh;
use crate::support::process::{PATIENCE, eventually};
use crate::support::tls::{Caller, Load};
use crate::support::web;

const INGRESS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 71);
const HOSTS: [&str; 2] = ["shop.example", "desk.example"];

/// A Gateway with a server for each host, whose pair is the Secret of the same name, and where its calls go.
fn front() -> String {
    let server = |host: &&str| {
        format!(
            "{{port: {{number: 443, name: https-{host}, protocol: HTTPS}}, hosts: [{host}], \
             tls: {{mode: SIMPLE, credentialName: {host}}}}}"
        )
    };
    let route = |host: &str, subset: &str| {
        format!(
            "---\n\
             apiVersion: networking.istio.io/v1\n\
             kind: VirtualService\n\
             metadata: {{name: {host}, namespace: shop}}\n\
             spec: {{hosts: [{host}], gateways: [front], http: [{{route: [{{destination: \
             {{host: web, subset: {subset}}}}}]}}]}}\n"
        )
    };
    format!(
        "apiVersion: networking.istio.io/v1\n\
         kind: Gateway\n\
         metadata: {{name: front, namespace: shop}}\n\
         spec: {{selector: {{istio: ingress}}, servers: [{}]}}\n{}{}{}",
        HOSTS.iter().map(server).collect::<Vec<_>>().join(", "),
        route(HOSTS[0], "v1"),
        route(HOSTS[1], "v2"),
        versions()
    )
}

/// The Secret of `host` with a new pair, whose subject tells the `edition`.
fn secret(mesh: &Mesh, authority: &Certificate, host: &str, edition: u32) -> String {
    let pair = authority.sign(mesh.directory(), &name(host, edition), &[host]);
    let [certificate, key] = [pair.certificate, pair.key].map(|path| {
        let text = std::fs::read_to_string(path).unwrap();
        text.lines().map(|line| format!("    {line}\n")).collect::<String>()
    });
    format!(
        "apiVersion: v1\n\
         kind: Secret\n\
         type: kubernetes.io/tls\n\
         metadata: {{name: {host}, namespace: shop}}\n\
         stringData:\n  tls.crt: |\n{certificate}  tls.key: |\n{key}"
    )
}

fn name(host: &str, edition: u32) -> String {
    format!("{host}-{edition}")
}

/// Waits until callers are shown these certificates and no others. No call may fail.
fn until_shown(load: &Load<'_>, mut certificates: [String; 2]) {
    certificates.sort();
    eventually(PATIENCE, &format!("{certificates:?} to be shown"), || {
        let calls = load.calls_from(Instant::now(), 6);
        assert_none_failed(&calls);
        by_backend(&calls).into_keys().eq(certificates.iter().map(String::as_str)).then_some(())
    });
}

#[test]
fn a_gateway_takes_a_new_pair_of_a_secret_without_a_dropped_connection() {
    let mut mesh = Mesh::new(&[]);
    mesh.speak_over_a_socket();
    let authority = Certificate::authority(mesh.directory(), "authority");
    for host in HOSTS {
        mesh.configure(&format!("{host}.yaml"), &secret(&mesh, &authority, host, 1));
    }
    mesh.configure("front.yaml", &front());
    let ingress = gateway("ingress", INGRESS, "10.96.30.1");
    mesh.configure("ingress.yaml", &ingress);
    mesh.configure("web.yaml", &site::objects(&[ONE, TWO]));
    let places = [ONE, TWO].map(|(name, ip, ..)| mesh.attach(name, ip.parse().unwrap()));
    let _backends = [web::Backend::start(&places[0], ONE.0), web::Backend::start(&places[1], TWO.0)];
    mesh.start_control_plane();
    let _gateway = mesh.gateway(&ingress, "ingress");

    let server = SocketAddr::from((INGRESS, 8443));
    let caller = Caller { place: mesh.centre(), server, trusted: authority.certificate.clone() };
    let mut lasting = HOSTS.map(|host| caller.connect(host));
    let mut call_lasting = |when: &str| {
        for (connection, backend) in lasting.iter_mut().zip([ONE.0, TWO.0]) {
            let (status, body) = connection.get("/").unwrap_or_else(|error| panic!("{when}: {error}"));
            assert_eq!(status, 200, "{when}: {body}");
            assert!(body.contains(&format!("\"backend\":\"{backend}\"")), "{when}: {body}");
        }
    };
    call_lasting("at first");
    std::thread::scope(|scope| {
        let load = caller.call_on(scope, &HOSTS, "/");
        let mut editions = [1, 1];
        for round in 0..4 {
            until_shown(&load, [0, 1].map(|host| name(HOSTS[host], editions[host])));

            let changed = round % 2;
            editions[changed] += 1;
            let host = HOSTS[changed];
            let yaml = secret(&mesh, &authority, host, editions[changed]);
            mesh.configure(&format!("{host}.yaml"), &yaml);
            until_shown(&load, [0, 1].map(|host| name(HOSTS[host], editions[host])));
            call_lasting(&format!("after {} edits", round + 1));
        }
        assert_none_failed(&load.end());
    });
}
