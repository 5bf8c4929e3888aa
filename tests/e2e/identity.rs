//! Who calls, where callers have certificates: metrics believe those, and nothing that callers say of themselves.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Stdio;

use super::observed::{Labels, series};
use crate::support::certificates::Certificate;
use crate::support::envoy::Sidecar;
use crate::support::http::{self, Request};
use crate::support::mesh::Mesh;
use crate::support::process::{PATIENCE, eventually};
use crate::support::{greeter, require, secrets, web};

const WEB: &str = "web.shop.svc.cluster.local";

/// A client, and a server with a service for calls and one for bytes.
const OBJECTS: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: client, namespace: shop, labels: {app: client, security.istio.io/tlsMode: istio}}
spec: {serviceAccountName: client, containers: [{name: app, image: app}]}
status: {phase: Running, podIP: 10.77.0.2, podIPs: [{ip: 10.77.0.2}], conditions: [{type: Ready, status: \"True\"}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web-1, namespace: shop, labels: {app: web, security.istio.io/tlsMode: istio}}
spec: {serviceAccountName: web, containers: [{name: app, image: app}]}
status: {phase: Running, podIP: 10.77.0.51, podIPs: [{ip: 10.77.0.51}], conditions: [{type: Ready, status: \"True\"}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  selector: {app: web}
  clusterIP: 10.96.20.1
  ports: [{name: http, port: 80, targetPort: 8080}, {name: tcp, port: 9000, targetPort: 50051}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: http, port: 8080}, {name: tcp, port: 50051}]
endpoints: [{addresses: [10.77.0.51], conditions: {ready: true}, targetRef: {kind: Pod, name: web-1, namespace: shop}}]
";

/// What a caller says of itself who wants to be taken for the client.
const FORGED: &str = "client;shop;client;latest;client;unknown;Kubernetes";

/// Somebody with a certificate who speaks to the server without a proxy between, and says what it likes.
fn call(mesh: &Mesh, own: &Certificate, roots: &Certificate, peer: &str) -> String {
    let mut command = mesh.centre().command(require::program("openssl", "openssl"));
    command.args(["s_client", "-quiet", "-connect", "10.77.0.51:8080", "-alpn", "istio-http/1.1,http/1.1"]);
    command.arg("-cert").arg(&own.certificate).arg("-key").arg(&own.key).arg("-CAfile").arg(&roots.certificate);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("openssl starts");
    let request = format!(
        "GET / HTTP/1.1\r\nhost: {WEB}\r\nconnection: close\r\nx-mesh-peer: {peer}\r\n\
         x-envoy-peer-metadata: CiAKCENMVVNURVI=\r\nx-envoy-peer-metadata-id: sidecar~10.77.0.2~client.shop\r\n\r\n"
    );
    let mut input = child.stdin.take().expect("it is piped");
    input.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    child.stdout.take().expect("it is piped").read_to_string(&mut answer).unwrap();
    let _ = child.kill();
    let _ = child.wait();
    answer
}

/// The series with this principal of the caller, with its value.
fn by(sidecar: &Sidecar, metric: &str, account: &str) -> Vec<(Labels, f64)> {
    let principal = format!("spiffe://cluster.local/{account}");
    series(sidecar, metric).into_iter().filter(|(labels, _)| labels["source_principal"] == principal).collect()
}

/// The labels of the one series with this principal of the caller, once it counts so many calls: each is counted after its
/// answer is sent.
fn counted(sidecar: &Sidecar, account: &str, calls: f64) -> Labels {
    eventually(PATIENCE, &format!("{calls} calls of {account} to be counted"), || {
        let mut all = by(sidecar, "istio_requests_total", account);
        assert!(all.len() < 2 && all.iter().all(|(_, count)| *count <= calls), "one series: {all:?}");
        all.pop().filter(|(_, count)| *count == calls).map(|(labels, _)| labels)
    })
}

/// Who called, as three labels tell.
fn who(labels: &Labels) -> [&str; 3] {
    ["source_workload", "source_workload_namespace", "source_canonical_service"].map(|name| labels[name].as_str())
}

#[test]
fn a_caller_with_a_certificate_is_who_that_says_and_nobody_else() {
    let mut mesh = Mesh::new(&[]);
    mesh.settings = "defaultProviders: {metrics: [prometheus]}\n".to_owned();
    mesh.configure("mesh.yaml", OBJECTS);
    mesh.start_control_plane();
    let directory = mesh.directory().to_owned();
    let authority = Certificate::authority(&directory, "authority");
    let made = |name: &str, subject: &str, account: &str| authority.identify(&directory, name, subject, account);
    let client = made("client", "/O=Kubernetes/OU=client/CN=client", "ns/shop/sa/client");
    let server = made("web-1", "/O=Kubernetes/OU=web/CN=web-1", "ns/shop/sa/web");
    let [client, server] = [("client", &client), ("web-1", &server)]
        .map(|(name, own)| mesh.identified_sidecar(OBJECTS, name, &secrets::serve(&directory, name, own, &authority)));
    let application = web::Backend::start(server.namespace(), "web-1");
    let _bytes = greeter::greeter(server.namespace(), "web-1");

    // The client's application cannot speak for others either: its proxy does.
    for _ in 0..3 {
        let headers = [("x-mesh-peer", "boss;bank;boss;v1;boss;v1;Kubernetes")];
        let request = Request { method: "GET", authority: WEB, path: "/", headers: &headers };
        let answer = client.namespace().inside(|| http::call(SocketAddr::from(([10, 96, 20, 1], 80)), &request));
        assert_eq!(answer.unwrap().status, 200);
    }
    let labels = counted(&server, "ns/shop/sa/client", 3.0);
    assert_eq!(who(&labels), ["client", "shop", "client"]);
    assert_eq!(labels["connection_security_policy"], "mutual_tls");
    assert_eq!(labels["source_app"], "client");
    assert_eq!(labels["destination_principal"], "spiffe://cluster.local/ns/shop/sa/web");

    client.namespace().inside(|| {
        let mut bytes = TcpStream::connect(SocketAddr::from(([10, 96, 20, 1], 9000))).unwrap();
        bytes.write_all(b"no HTTP/2 at all\r\n\r\n").unwrap();
        let _ = bytes.read_to_end(&mut Vec::new());
    });
    let (labels, _) = eventually(PATIENCE, "the connection's end to be counted", || {
        by(&server, "istio_tcp_sent_bytes_total", "ns/shop/sa/client").pop()
    });
    assert_eq!(who(&labels), ["client", "shop", "client"], "connections carry no header: the certificate tells");
    assert_eq!(labels["connection_security_policy"], "mutual_tls");

    // Others, who have certificates of the mesh and say that they are the client.
    let others = [
        ("named", "/OU=mallory/CN=mallory", "ns/evil/sa/named", FORGED, ["mallory", "evil", "mallory"]),
        ("nameless", "/", "ns/evil/sa/nameless", FORGED, ["unknown", "evil", "unknown"]),
        ("colleague", "/CN=colleague", "ns/shop/sa/colleague", FORGED, ["colleague", "shop", "unknown"]),
        ("honest", "/", "ns/evil/sa/honest", "h;evil;h-service;v1;h;v1;c", ["h", "evil", "h-service"]),
    ];
    for (name, subject, account, said, wanted) in others {
        let own = made(name, subject, account);
        let answer = call(&mesh, &own, &authority, said);
        assert!(answer.starts_with("HTTP/1.1 200"), "{name}: {answer}");
        let labels = counted(&server, account, 1.0);
        assert_eq!(who(&labels), wanted, "{name}");
        assert_eq!(labels["connection_security_policy"], "mutual_tls");
        assert_eq!(labels["source_app"], if name == "honest" { "h" } else { "unknown" }, "{name}");
    }
    counted(&server, "ns/shop/sa/client", 3.0);
    let of_client = series(&server, "istio_requests_total");
    let as_client = of_client.iter().filter(|(labels, _)| labels["source_workload"] == "client").count();
    assert_eq!(as_client, 1);
    assert!(application.asked().len() >= 7);
}
