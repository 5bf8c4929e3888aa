//! Ports of a service and what is spoken on them.

use crate::base::Str;

/// The protocol of a port, as far as the mesh treats it in a way of its own (Istio's `protocol.Instance`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// HTTP/1.1, upgradable.
    Http,
    /// HTTP/2.
    Http2,
    /// gRPC.
    Grpc,
    /// gRPC for browsers.
    GrpcWeb,
    /// A forward proxy's port.
    HttpProxy,
    /// HTTP over TLS, opaque to the mesh.
    Https,
    /// TLS, opaque to the mesh.
    Tls,
    /// Bytes.
    Tcp,
    /// Datagrams; nothing is generated for them outbound.
    Udp,
    /// MongoDB, bytes with statistics.
    Mongo,
    /// Redis, bytes unless its filter is switched on.
    Redis,
    /// MySQL, bytes unless its filter is switched on.
    MySql,
    /// Istio's tunnel.
    Hbone,
    /// Istio's tunnel within a tunnel.
    DoubleHbone,
    /// Nothing said: detected on the first bytes.
    Unsupported,
}

impl Protocol {
    /// Reads a protocol's name without regard to case; what is not known is [`Protocol::Unsupported`].
    pub fn parse(text: &str) -> Self {
        match text.to_ascii_lowercase().as_str() {
            "tcp" => Self::Tcp,
            "udp" => Self::Udp,
            "grpc" => Self::Grpc,
            "grpc-web" => Self::GrpcWeb,
            "http" => Self::Http,
            "http_proxy" => Self::HttpProxy,
            "http2" => Self::Http2,
            "https" => Self::Https,
            "tls" => Self::Tls,
            "mongo" => Self::Mongo,
            "redis" => Self::Redis,
            "mysql" => Self::MySql,
            "hbone" => Self::Hbone,
            "doublehbone" => Self::DoubleHbone,
            _ => Self::Unsupported,
        }
    }

    /// As istiod prints it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "HTTP",
            Self::Http2 => "HTTP2",
            Self::Grpc => "GRPC",
            Self::GrpcWeb => "GRPC-Web",
            Self::HttpProxy => "HTTP_PROXY",
            Self::Https => "HTTPS",
            Self::Tls => "TLS",
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::Mongo => "Mongo",
            Self::Redis => "Redis",
            Self::MySql => "MySQL",
            Self::Hbone => "HBONE",
            Self::DoubleHbone => "DoubleHBONE",
            Self::Unsupported => "UnsupportedProtocol",
        }
    }

    /// Whether routes apply: any form of HTTP in clear text.
    pub const fn is_http(self) -> bool {
        matches!(self, Self::Http | Self::Http2 | Self::HttpProxy | Self::Grpc | Self::GrpcWeb)
    }

    /// Whether it is HTTP/2 from the first byte.
    pub const fn is_http2(self) -> bool {
        matches!(self, Self::Http2 | Self::Grpc | Self::GrpcWeb)
    }

    /// Whether it is gRPC.
    pub const fn is_grpc(self) -> bool {
        matches!(self, Self::Grpc | Self::GrpcWeb)
    }

    /// Whether the server's name can be read from the handshake.
    pub const fn is_tls(self) -> bool {
        matches!(self, Self::Https | Self::Tls)
    }

    /// Whether it is forwarded as bytes.
    pub const fn is_tcp(self) -> bool {
        matches!(self, Self::Tcp | Self::Https | Self::Tls | Self::Mongo | Self::Redis | Self::MySql)
    }

    /// Whether it is detected on the first bytes.
    pub const fn is_detected(self) -> bool {
        matches!(self, Self::Unsupported)
    }
}

/// Where a port of a service leads on its endpoints.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TargetPort {
    /// The number on every endpoint.
    Number(u16),
    /// The container port of that name.
    Name(Str),
}

/// A port of a service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Port {
    /// The number callers use.
    pub number: u16,
    /// The name, unique within the service; may be empty when it is the only port.
    pub name: Str,
    /// What is spoken.
    pub protocol: Protocol,
    /// Where it leads.
    pub target: TargetPort,
}
