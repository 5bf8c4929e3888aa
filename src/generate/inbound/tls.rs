//! Mutual TLS that ends at the sidecar (istio `pilot/pkg/security/authn/utils/utils.go`, `BuildInboundTLS`).

use envoy_types::pb::envoy::config::core::v3::api_config_source::ApiType;
use envoy_types::pb::envoy::config::core::v3::config_source::ConfigSourceSpecifier;
use envoy_types::pb::envoy::config::core::v3::grpc_service::{EnvoyGrpc, TargetSpecifier};
use envoy_types::pb::envoy::config::core::v3::transport_socket::ConfigType;
use envoy_types::pb::envoy::config::core::v3::{
    ApiConfigSource, ApiVersion, ConfigSource, GrpcService, TransportSocket,
};
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::common_tls_context::{
    CombinedCertificateValidationContext, ValidationContextType,
};
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::tls_parameters::TlsProtocol;
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::{
    CertificateValidationContext, CommonTlsContext, DownstreamTlsContext, SdsSecretConfig, TlsParameters,
};
use envoy_types::pb::envoy::r#type::matcher::v3::StringMatcher;
use envoy_types::pb::envoy::r#type::matcher::v3::string_matcher::MatchPattern;

use crate::base::Str;
use crate::generate::listener::no_time;
use crate::generate::proto;
use crate::wire::any;

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
    /// The certificate's name at the agent's secret service.
    pub certificate: Str,
    /// The name of the roots there.
    pub roots: Str,
    /// Whether both are files that a service of its own watches.
    pub files: bool,
}

impl ServerTls {
    /// The names of the workload's own certificate and of the mesh's roots.
    pub const OWN: (&'static str, &'static str) = ("default", "ROOTCA");

    pub(super) fn build(&self) -> TransportSocket {
        let context = DownstreamTlsContext {
            common_tls_context: Some(self.common()),
            require_client_certificate: Some(proto::bool_value(true)),
            ..DownstreamTlsContext::default()
        };
        TransportSocket {
            name: "envoy.transport_sockets.tls".to_owned(),
            config_type: Some(ConfigType::TypedConfig(any(&context))),
        }
    }

    fn common(&self) -> CommonTlsContext {
        let minimum = if self.only_v13 { TlsProtocol::TlSv13 } else { TlsProtocol::TlSv12 };
        let prefix = |domain: &Str| StringMatcher {
            match_pattern: Some(MatchPattern::Prefix(format!("spiffe://{domain}/"))),
            ..StringMatcher::default()
        };
        #[expect(deprecated, reason = "istiod sends this form, which every version of its proxies knows")]
        let callers = CertificateValidationContext {
            match_subject_alt_names: self.trust_domains.iter().map(prefix).collect(),
            ..CertificateValidationContext::default()
        };
        let validation = CombinedCertificateValidationContext {
            default_validation_context: Some(callers),
            validation_context_sds_secret_config: Some(self.secret(&self.roots)),
            ..CombinedCertificateValidationContext::default()
        };
        CommonTlsContext {
            tls_params: Some(TlsParameters {
                cipher_suites: self.ciphers.iter().map(Str::to_string).collect(),
                tls_minimum_protocol_version: minimum.into(),
                tls_maximum_protocol_version: TlsProtocol::TlSv13.into(),
                ..TlsParameters::default()
            }),
            tls_certificate_sds_secret_configs: vec![self.secret(&self.certificate)],
            validation_context_type: Some(ValidationContextType::CombinedValidationContext(validation)),
            alpn_protocols: self.alpn.iter().map(|&p| p.to_owned()).collect(),
            ..CommonTlsContext::default()
        }
    }

    /// The agent keeps the workload's own certificate ready, so a listener waits for it as long as it takes; a file
    /// may not be there.
    fn secret(&self, name: &Str) -> SdsSecretConfig {
        let own = *name == Self::OWN.0 || *name == Self::OWN.1;
        let cluster = if self.files && !own { "sds-files-grpc" } else { "sds-grpc" };
        let target = EnvoyGrpc { cluster_name: cluster.to_owned(), ..EnvoyGrpc::default() };
        let service =
            GrpcService { target_specifier: Some(TargetSpecifier::EnvoyGrpc(target)), ..GrpcService::default() };
        let source = ApiConfigSource {
            api_type: ApiType::Grpc.into(),
            transport_api_version: ApiVersion::V3.into(),
            grpc_services: vec![service],
            set_node_on_first_message_only: true,
            ..ApiConfigSource::default()
        };
        let config = ConfigSource {
            resource_api_version: ApiVersion::V3.into(),
            initial_fetch_timeout: own.then(no_time),
            config_source_specifier: Some(ConfigSourceSpecifier::ApiConfigSource(source)),
            ..ConfigSource::default()
        };
        SdsSecretConfig { name: name.to_string(), sds_config: Some(config) }
    }
}
