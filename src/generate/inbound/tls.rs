//! Mutual TLS that ends at the sidecar (istio `pilot/pkg/security/authn/utils/utils.go`, `BuildInboundTLS`).

use envoy_types::pb::envoy::config::core::v3::TransportSocket;
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::tls_parameters::TlsProtocol;
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::{
    CommonTlsContext, DownstreamTlsContext, SdsSecretConfig, TlsParameters,
};

use crate::base::Str;
use crate::generate::{proto, tls};

/// Mutual TLS that ends at the sidecar.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServerTls {
    /// The protocols it takes, the most wanted first.
    pub alpn: &'static [&'static str],
    /// The cipher suites up to TLS 1.2.
    pub ciphers: Vec<Str>,
    /// Whether TLS 1.2 is too old.
    pub only_v13: bool,
    /// The trust domains whose workloads may call; empty for all.
    pub trust_domains: Vec<Str>,
    /// The certificate as a file that the agent serves (`file-cert:…`); `None` for the workload's own.
    pub certificate: Option<Str>,
    /// The roots likewise (`file-root:…`); `None` for those of the mesh.
    pub roots: Option<Str>,
    /// Whether such files have a server of their own.
    pub own_server: bool,
}

impl ServerTls {
    pub(super) fn build(&self) -> TransportSocket {
        let context = DownstreamTlsContext {
            common_tls_context: Some(self.common()),
            require_client_certificate: Some(proto::bool_value(true)),
            ..DownstreamTlsContext::default()
        };
        tls::tls_socket(&context)
    }

    fn common(&self) -> CommonTlsContext {
        let minimum = if self.only_v13 { TlsProtocol::TlSv13 } else { TlsProtocol::TlSv12 };
        let roots = self.secret(self.roots.as_ref(), tls::MESH_ROOTS);
        CommonTlsContext {
            tls_params: Some(TlsParameters {
                cipher_suites: self.ciphers.iter().map(Str::to_string).collect(),
                tls_minimum_protocol_version: minimum.into(),
                tls_maximum_protocol_version: TlsProtocol::TlSv13.into(),
                ..TlsParameters::default()
            }),
            tls_certificate_sds_secret_configs: vec![self.secret(self.certificate.as_ref(), tls::OWN_CERTIFICATE)],
            validation_context_type: Some(tls::roots(
                roots,
                tls::of_domain(self.trust_domains.iter().map(Str::as_str)),
            )),
            alpn_protocols: self.alpn.iter().map(|&p| p.to_owned()).collect(),
            ..CommonTlsContext::default()
        }
    }

    fn secret(&self, file: Option<&Str>, of_mesh: &str) -> SdsSecretConfig {
        match file {
            Some(file) => tls::file_secret(file, self.own_server),
            None => tls::mesh_secret(of_mesh),
        }
    }
}
