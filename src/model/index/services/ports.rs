//! Ports of Kubernetes Services, and what is spoken there.

use crate::api;
use crate::api::service::Transport;
use crate::model::facts::{Port, Protocol, TargetPort};

pub(super) fn kubernetes_port(port: &api::service::Port) -> Port {
    Port {
        number: port.port as u16,
        name: port.name.clone(),
        protocol: protocol(port),
        target: match &port.target_port {
            api::service::TargetPort::Number(n) => TargetPort::Number(*n as u16),
            api::service::TargetPort::Name(name) => TargetPort::Name(name.clone()),
        },
    }
}

/// The application protocol if one is said, else the port's name up to its first dash (Istio's
/// `pkg/config/kube/conversion.go`, `ConvertProtocol`).
fn protocol(port: &api::service::Port) -> Protocol {
    /// SMTP, DNS, MySQL and MongoDB: detection would wait for a client that does not speak first.
    const WELL_KNOWN: [u32; 4] = [25, 53, 3306, 27017];
    if port.protocol == Transport::Udp {
        return Protocol::Udp;
    }
    let name = match port.app_protocol.as_str() {
        "" => port.name.as_str(),
        "kubernetes.io/h2c" => return Protocol::Http2,
        "kubernetes.io/ws" => return Protocol::Http,
        "kubernetes.io/wss" => return Protocol::Https,
        said => said,
    };
    if name.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("grpc-web")) {
        return Protocol::GrpcWeb;
    }
    match Protocol::parse(name.split('-').next().unwrap_or_default()) {
        Protocol::Unsupported if WELL_KNOWN.contains(&port.port) => Protocol::Tcp,
        known => known,
    }
}
