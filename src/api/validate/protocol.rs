//! The protocols of ports, as Istio's own kinds name them.

use super::at::At;

/// What istiod distinguishes of a protocol (`pkg/config/protocol`).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// HTTP in clear text.
    Http,
    /// TLS, inside of which is HTTP or anything else.
    Tls,
    /// Other protocols over TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// The family of a protocol; none if it is unknown. Case does not matter.
pub(super) fn family(protocol: &str) -> Option<Family> {
    Some(match protocol.to_ascii_lowercase().as_str() {
        "http" | "http2" | "http_proxy" | "grpc" | "grpc-web" => Family::Http,
        "https" | "tls" => Family::Tls,
        "tcp" | "mongo" | "redis" | "mysql" => Family::Tcp,
        "udp" => Family::Udp,
        _ => return None,
    })
}

impl At<'_> {
    /// A protocol; empty to detect it.
    pub(super) fn protocol(&self, protocol: &str) {
        self.require(
            protocol.is_empty() || family(protocol).is_some(),
            format_args!(
                "must be one of HTTP, HTTPS, GRPC, GRPC-Web, HTTP2, MONGO, REDIS, MYSQL, TCP, TLS, found {protocol:?}"
            ),
        );
    }
}
