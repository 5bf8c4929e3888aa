//! Gateways: stock Envoys between the mesh and what is outside.

use std::net::{Ipv4Addr, SocketAddr};

use super::fixture::CLIENT;
use super::site::{self, ONE, TWO, versions};
use crate::support::certificates::Certificate;
use crate::support::http::{self, Request, Response};
use crate::support::mesh::Mesh;
use crate::support::outside::{self, Port};
use crate::support::tls::Caller;
use crate::support::web;

const INGRESS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 71);
const EGRESS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 72);
const BANK: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 61);

/// The Pod of a gateway, and its Service: port 80 is 8080 there, 443 is 8443.
pub(super) fn gateway(name: &str, ip: Ipv4Addr, address: &str) -> String {
    format!(
        "apiVersion: v1\n\
         kind: Pod\n\
         metadata: {{name: {name}, namespace: shop, labels: {{istio: {name}}}}}\n\
         spec: {{nodeName: node-1, containers: [{{name: proxy, image: proxy}}]}}\n\
         status: {{phase: Running, podIP: {ip}, podIPs: [{{ip: {ip}}}], \
         conditions: [{{type: Ready, status: \"True\"}}]}}\n\
         ---\n\
         apiVersion: v1\n\
         kind: Service\n\
         metadata: {{name: {name}, namespace: shop}}\n\
         spec: {{selector: {{istio: {name}}}, clusterIP: {address}, ports: \
         [{{name: http, port: 80, targetPort: 8080}}, {{name: https, port: 443, targetPort: 8443}}]}}\n\
         ---\n\
         apiVersion: discovery.k8s.io/v1\n\
         kind: EndpointSlice\n\
         metadata: {{name: {name}-1, namespace: shop, labels: {{kubernetes.io/service-name: {name}}}}}\n\
         addressType: IPv4\n\
         ports: [{{name: http, port: 8080}}, {{name: https, port: 8443}}]\n\
         endpoints: [{{addresses: [{ip}], nodeName: node-1, targetRef: {{kind: Pod, name: {name}, namespace: shop}}}}]\n"
    )
}

/// The answer to a call in clear text by somebody outside the mesh.
fn get(mesh: &Mesh, host: &str, path: &str) -> Response {
    let request = Request { method: "GET", authority: host, path, headers: &[] };
    mesh.centre().inside(|| http::call(SocketAddr::from((INGRESS, 8080)), &request)).unwrap()
}

#[test]
fn an_ingress_gateway_shows_each_host_its_certificate_and_routes_it() {
    let mut mesh = Mesh::new(&[]);
    let directory = mesh.directory().to_owned();
    let authority = Certificate::authority(&directory, "authority");
    for host in ["shop.example", "desk.example"] {
        authority.sign(&directory, host, &[host]);
    }
    let tls = |host: &str| {
        let file = |end: &str| directory.join(format!("{host}{end}")).display().to_string();
        format!("tls: {{mode: SIMPLE, serverCertificate: {}, privateKey: {}}}", file(".pem"), file(".key.pem"))
    };
    let https = |name: &str, host: &str| {
        format!("{{port: {{number: 443, name: {name}, protocol: HTTPS}}, hosts: [{host}], {}}}", tls(host))
    };
    let front = format!(
        "apiVersion: networking.istio.io/v1\n\
         kind: Gateway\n\
         metadata: {{name: front, namespace: shop}}\n\
         spec: {{selector: {{istio: ingress}}, servers: [\
         {{port: {{number: 80, name: http, protocol: HTTP}}, hosts: [shop.example]}}, \
         {{port: {{number: 80, name: http-desk, protocol: HTTP}}, hosts: [desk.example], tls: {{httpsRedirect: true}}}}, \
         {}, {}]}}\n",
        https("https-shop", "shop.example"),
        https("https-desk", "desk.example")
    );
    let routes = |name: &str, subset: &str| {
        format!(
            "---\n\
             apiVersion: networking.istio.io/v1\n\
             kind: VirtualService\n\
             metadata: {{name: {name}, namespace: shop}}\n\
             spec: {{hosts: [{name}.example], gateways: [front], http: [\
             {{match: [{{uri: {{prefix: /shown}}}}], route: [{{destination: {{host: web, subset: {subset}}}}}]}}]}}\n"
        )
    };
    mesh.configure("front.yaml", &(front + &routes("shop", "v1") + &routes("desk", "v2") + &versions()));
    let ingress = gateway("ingress", INGRESS, "10.96.30.1");
    mesh.configure("ingress.yaml", &ingress);
    mesh.configure("web.yaml", &site::objects(&[ONE, TWO]));
    let places = [ONE, TWO].map(|(name, ip, ..)| mesh.attach(name, ip.parse().unwrap()));
    let _backends = [web::Backend::start(&places[0], ONE.0), web::Backend::start(&places[1], TWO.0)];
    mesh.start_control_plane();
    let _gateway = mesh.gateway(&ingress, "ingress");

    let answer = get(&mesh, "shop.example", "/shown/a");
    assert_eq!((answer.status, answer.backend()), (200, "web-1".to_owned()));
    assert_eq!(get(&mesh, "shop.example", "/hidden").status, 404, "no route takes it");
    assert_eq!(get(&mesh, "other.example", "/shown").status, 404, "no server has the host");
    let redirected = get(&mesh, "desk.example", "/shown");
    assert_eq!((redirected.status, redirected.header("location")), (301, "https://desk.example/shown"));

    let server = SocketAddr::from((INGRESS, 8443));
    let caller = Caller { place: mesh.centre(), server, trusted: authority.certificate };
    for (host, backend) in [("shop.example", "web-1"), ("desk.example", "web-2")] {
        let output = caller.curl(host, "/shown");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{host}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(said.contains(&format!("\"backend\":\"{backend}\"")), "{host}: {said}");
    }
    assert_eq!(caller.curl("other.example", "/shown").status.code(), Some(35), "the handshake fails");
}

const OUT: &str = "\
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: bank, namespace: shop}
spec:
  hosts: [api.bank.example]
  location: MESH_EXTERNAL
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP, targetPort: 8443}]
  endpoints: [{address: 10.77.0.61}]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: out, namespace: shop}
spec:
  selector: {istio: egress}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [api.bank.example]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: bank, namespace: shop}
spec:
  hosts: [api.bank.example]
  gateways: [mesh, out]
  http:
  - match: [{gateways: [mesh], port: 80}]
    route: [{destination: {host: egress, port: {number: 80}}}]
  - match: [{gateways: [out], port: 80}]
    headers: {response: {set: {x-way: out}}}
    route: [{destination: {host: api.bank.example, port: {number: 80}}}]
";

#[test]
fn calls_leave_the_mesh_by_an_egress_gateway_which_begins_tls() {
    let mut mesh = Mesh::new(&[("api.bank.example", BANK)]);
    let directory = mesh.directory().to_owned();
    let authority = Certificate::authority(&directory, "authority");
    let certificate = authority.sign(&directory, "bank", &["api.bank.example"]);
    let port = Port { number: 8443, certificate: &certificate, clients_of: None };
    let _bank = outside::start(&mesh, "bank", BANK, &[port]);
    let rule = format!(
        "---\n\
         apiVersion: networking.istio.io/v1\n\
         kind: DestinationRule\n\
         metadata: {{name: bank, namespace: shop}}\n\
         spec: {{host: api.bank.example, trafficPolicy: {{tls: {{mode: SIMPLE, caCertificates: {}}}}}}}\n",
        authority.certificate.display()
    );
    mesh.configure("out.yaml", &(OUT.to_owned() + &rule));
    let egress = gateway("egress", EGRESS, "10.96.30.2");
    mesh.configure("egress.yaml", &egress);
    mesh.configure("client.yaml", CLIENT);
    mesh.start_control_plane();
    let out = mesh.gateway(&egress, "egress");
    let client = mesh.sidecar(CLIENT, "client");

    let request = Request { method: "GET", authority: "api.bank.example", path: "/", headers: &[] };
    let call = || http::call(SocketAddr::from((BANK, 80)), &request);
    let answer = client.namespace().inside(call).unwrap();
    assert_eq!((answer.status, answer.backend()), (200, "bank".to_owned()), "{answer:?}");
    assert_eq!((answer.header("x-way"), answer.header("x-sni")), ("out", "api.bank.example"));
    let to_bank = "cluster.outbound|80||api.bank.example;.upstream_rq_total";
    assert_eq!((client.statistic(to_bank), out.statistic(to_bank)), (0, 1));
}
