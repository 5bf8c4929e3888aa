//! A server outside the mesh that speaks TLS: an Envoy that answers every call with what the handshake told it.

use std::net::{Ipv4Addr, SocketAddr};

use serde_json::{Value, json};

use super::certificates::Certificate;
use super::envoy;
use super::mesh::Mesh;
use super::process::{PATIENCE, Process, eventually};

/// A listener of such a server.
pub(crate) struct Port<'c> {
    pub(crate) number: u16,
    pub(crate) certificate: &'c Certificate,
    /// Whose clients it takes, if they must have a certificate.
    pub(crate) clients_of: Option<&'c Certificate>,
}

/// Starts a server called `name` at an address of the centre.
///
/// It answers with its name as a backend does, and with the headers `x-sni`, the name in the ClientHello, and `x-peer`,
/// the subject of the client's certificate, as far as there were any.
pub(crate) fn start(mesh: &Mesh, name: &str, address: Ipv4Addr, ports: &[Port<'_>]) -> Process {
    let listeners: Vec<Value> = ports.iter().map(|port| listener(name, address, port)).collect();
    let bootstrap = json!({"static_resources": {"listeners": listeners}});
    let file = mesh.directory().join(format!("{name}.json"));
    std::fs::write(&file, bootstrap.to_string()).expect("a file of our own");
    let mut command = mesh.centre().command(envoy::binary());
    command.arg("-c").arg(&file).args(["--concurrency", "1", "--disable-hot-restart", "-l", "warning"]);
    let mut process = Process::start(name, command, mesh.directory().join(format!("{name}.log")));
    for port in ports {
        let there = SocketAddr::from((address, port.number));
        eventually(PATIENCE, &format!("{name} at {there}"), || {
            process.assert_alive();
            mesh.centre().inside(|| std::net::TcpStream::connect(there)).ok()
        });
    }
    process
}

fn listener(name: &str, address: Ipv4Addr, port: &Port<'_>) -> Value {
    let file = |path: &std::path::Path| json!({"filename": path});
    let certificate =
        json!({"certificate_chain": file(&port.certificate.certificate), "private_key": file(&port.certificate.key)});
    let mut tls = json!({"tls_certificates": [certificate]});
    if let Some(authority) = port.clients_of {
        tls["validation_context"] = json!({"trusted_ca": file(&authority.certificate)});
    }
    let header = |name: &str, value: &str| json!({"header": {"key": name, "value": value}});
    let body = json!({"backend": name}).to_string();
    let route = json!({"match": {"prefix": "/"}, "direct_response": {"status": 200, "body": {"inline_string": body}}});
    let calls = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "calls",
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config":
            {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}],
        "route_config": {
            "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}],
            "response_headers_to_add":
                [header("x-sni", "%REQUESTED_SERVER_NAME%"), header("x-peer", "%DOWNSTREAM_PEER_SUBJECT%")],
        },
    });
    json!({
        "name": port.number.to_string(),
        "address": {"socket_address": {"address": address, "port_value": port.number}},
        "listener_filters": [{"name": "envoy.filters.listener.tls_inspector", "typed_config":
            {"@type": "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"}}],
        "filter_chains": [{
            "filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": calls}],
            "transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
                "common_tls_context": tls,
                "require_client_certificate": port.clients_of.is_some(),
            }},
        }],
    })
}
