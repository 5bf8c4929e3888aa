//! Transport sockets and the secrets they use, for both directions.
//!
//! The mesh's own certificate and roots come from the agent beside the proxy over a UNIX socket, as the static cluster
//! `sds-grpc` of its bootstrap. Without an agent there is no such cluster, and Envoy would reject whatever names it.

use envoy_types::pb::envoy::config::core::v3::api_config_source::ApiType;
use envoy_types::pb::envoy::config::core::v3::config_source::ConfigSourceSpecifier;
use envoy_types::pb::envoy::config::core::v3::data_source::Specifier;
use envoy_types::pb::envoy::config::core::v3::grpc_service::{EnvoyGrpc, TargetSpecifier};
use envoy_types::pb::envoy::config::core::v3::transport_socket::ConfigType;
use envoy_types::pb::envoy::config::core::v3::{
    AggregatedConfigSource, ApiConfigSource, ApiVersion, ConfigSource, DataSource, GrpcService, TransportSocket,
};
use envoy_types::pb::envoy::extensions::transport_sockets::raw_buffer::v3::RawBuffer;
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::common_tls_context::{
    CombinedCertificateValidationContext, ValidationContextType,
};
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::tls_parameters::TlsProtocol;
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::{
    CertificateValidationContext, SdsSecretConfig, TlsParameters,
};
use envoy_types::pb::envoy::r#type::matcher::v3::StringMatcher;
use envoy_types::pb::envoy::r#type::matcher::v3::string_matcher::MatchPattern;
use envoy_types::pb::google::protobuf;
use prost::{Message, Name};

use crate::wire::any;

/// The secret with the proxy's own certificate and key.
pub(crate) const OWN_CERTIFICATE: &str = "default";
/// The secret with the roots of the mesh.
pub(crate) const MESH_ROOTS: &str = "ROOTCA";
/// In a cluster's `istio` metadata: what is offered in the handshake follows the version of HTTP of each call.
pub(crate) const ALPN_BY_CALL: &str = "alpn_by_call";
/// The agent's server of secrets.
const AGENT: &str = "sds-grpc";
/// A second server of secrets beside the proxy, for files.
const FILES: &str = "sds-files-grpc";
/// A server of secrets beside the proxy that users bring along (`credentialName: sds://…`).
const EXTERNAL: &str = "sds-external";

/// A secret of the mesh. A listener or cluster waits for it as long as it takes, rather than come up without it.
pub(crate) fn mesh_secret(name: &str) -> SdsSecretConfig {
    let mut secret = served_secret(name, AGENT);
    if let Some(config) = &mut secret.sds_config {
        config.initial_fetch_timeout = Some(protobuf::Duration::default());
    }
    secret
}

/// A certificate and its key, or roots, in files that the agent watches (`file-cert:…`, `file-root:…`).
pub(crate) fn file_secret(name: &str, own_server: bool) -> SdsSecretConfig {
    served_secret(name, if own_server { FILES } else { AGENT })
}

/// A secret named by `credentialName` (istio `pilot/pkg/security/model`, `ConstructSdsSecretConfigForCredential`).
pub(crate) fn credential_secret(name: &str, external_server: bool) -> SdsSecretConfig {
    let bare = match name {
        "builtin://" => return mesh_secret(OWN_CERTIFICATE),
        "builtin://-cacert" => return mesh_secret(MESH_ROOTS),
        _ if external_server && name.starts_with("sds://") => return served_secret(name, EXTERNAL),
        _ => name.strip_prefix("sds://").unwrap_or(name),
    };
    let source = ConfigSource {
        config_source_specifier: Some(ConfigSourceSpecifier::Ads(AggregatedConfigSource {})),
        resource_api_version: ApiVersion::V3.into(),
        ..Default::default()
    };
    SdsSecretConfig { name: credential_name(bare), sds_config: Some(source) }
}

/// The resource name of a Secret: `kubernetes://` before what names no kind of its own (`ToResourceName`).
fn credential_name(name: &str) -> String {
    const KINDS: [&str; 3] = ["configmap://", "kubernetes://", "kubernetes-gateway://"];
    if name.starts_with("builtin://") {
        OWN_CERTIFICATE.to_owned()
    } else if name.starts_with("invalid://") {
        "invalid://".to_owned()
    } else if KINDS.iter().any(|kind| name.starts_with(kind)) {
        name.to_owned()
    } else {
        format!("kubernetes://{name}")
    }
}

fn served_secret(name: &str, cluster: &str) -> SdsSecretConfig {
    let server = EnvoyGrpc { cluster_name: cluster.to_owned(), ..Default::default() };
    let service = GrpcService { target_specifier: Some(TargetSpecifier::EnvoyGrpc(server)), ..Default::default() };
    let source = ApiConfigSource {
        api_type: ApiType::Grpc.into(),
        transport_api_version: ApiVersion::V3.into(),
        grpc_services: vec![service],
        set_node_on_first_message_only: true,
        ..Default::default()
    };
    let config = ConfigSource {
        config_source_specifier: Some(ConfigSourceSpecifier::ApiConfigSource(source)),
        resource_api_version: ApiVersion::V3.into(),
        ..Default::default()
    };
    SdsSecretConfig { name: name.to_owned(), sds_config: Some(config) }
}

/// Roots from a secret, and what else a peer's certificate must fulfil.
pub(crate) fn roots(from: SdsSecretConfig, and: CertificateValidationContext) -> ValidationContextType {
    ValidationContextType::CombinedValidationContext(CombinedCertificateValidationContext {
        default_validation_context: Some(and),
        validation_context_sds_secret_config: Some(from),
        ..Default::default()
    })
}

/// A peer must have one of these names; none asks for nothing.
pub(crate) fn one_of<'n>(names: impl IntoIterator<Item = &'n str>) -> CertificateValidationContext {
    any_name(names.into_iter().map(|name| MatchPattern::Exact(name.to_owned())))
}

/// A peer must have an identity of one of these trust domains; none asks for nothing.
pub(crate) fn of_domain<'n>(domains: impl IntoIterator<Item = &'n str>) -> CertificateValidationContext {
    any_name(domains.into_iter().map(|domain| MatchPattern::Prefix(format!("spiffe://{domain}/"))))
}

#[expect(deprecated, reason = "istiod sends this field, and not its replacement match_typed_subject_alt_names")]
fn any_name(patterns: impl Iterator<Item = MatchPattern>) -> CertificateValidationContext {
    let name = |pattern| StringMatcher { match_pattern: Some(pattern), ..Default::default() };
    CertificateValidationContext { match_subject_alt_names: patterns.map(name).collect(), ..Default::default() }
}

/// TLS 1.2 and 1.3; Envoy's own default for clients stops at 1.2.
pub(crate) fn versions() -> TlsParameters {
    TlsParameters {
        tls_minimum_protocol_version: TlsProtocol::TlSv12.into(),
        tls_maximum_protocol_version: TlsProtocol::TlSv13.into(),
        ..Default::default()
    }
}

/// The content of a file on the proxy's machine.
pub(crate) fn file(path: &str) -> DataSource {
    DataSource { specifier: Some(Specifier::Filename(path.to_owned())), ..Default::default() }
}

/// The socket that a TLS context describes.
pub(crate) fn tls_socket<M: Message + Name>(context: &M) -> TransportSocket {
    socket("envoy.transport_sockets.tls", context)
}

/// Clear text.
pub(crate) fn clear_socket() -> TransportSocket {
    socket("envoy.transport_sockets.raw_buffer", &RawBuffer {})
}

/// Any socket.
pub(crate) fn socket<M: Message + Name>(name: &str, config: &M) -> TransportSocket {
    TransportSocket { name: name.to_owned(), config_type: Some(ConfigType::TypedConfig(any(config))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_secrets_of_the_mesh_are_waited_for() {
        let wait = |secret: SdsSecretConfig| secret.sds_config.unwrap().initial_fetch_timeout.is_some();
        assert!(wait(mesh_secret(OWN_CERTIFICATE)));
        assert!(!wait(file_secret("file-root:/etc/ca.pem", false)));
        assert!(!wait(credential_secret("db-client", false)));
    }

    #[test]
    fn a_credential_without_a_kind_is_a_secret_of_kubernetes() {
        assert_eq!(credential_secret("db-client", false).name, "kubernetes://db-client");
        assert_eq!(credential_secret("configmap://roots", false).name, "configmap://roots");
        assert_eq!(credential_secret("sds://hsm", false).name, "kubernetes://hsm");
        assert_eq!(credential_secret("sds://hsm", true).name, "sds://hsm");
        assert_eq!(credential_secret("builtin://-cacert", true).name, MESH_ROOTS);
    }
}
