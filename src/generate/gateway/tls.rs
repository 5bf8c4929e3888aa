//! TLS that ends at a gateway (istio `pilot/pkg/networking/core/listener.go`, `BuildListenerTLSContext`).

use envoy_types::pb::envoy::config::core::v3::TransportSocket;
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::certificate_validation_context::TrustChainVerification;
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::common_tls_context::ValidationContextType;
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::tls_parameters::TlsProtocol as EnvoyProtocol;
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::{
    CertificateValidationContext, CommonTlsContext, DownstreamTlsContext, SdsSecretConfig, TlsCertificate,
    TlsParameters,
};

use crate::api::mesh::{TlsConfig, TlsProtocol as MeshProtocol};
use crate::api::server_tls::{ServerTls as Said, ServerTlsMode, TlsProtocol};
use crate::base::Str;
use crate::generate::{proto, tls};
use crate::wire::Refusal;

/// TLS that ends at a gateway.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServerTls {
    /// What the server says; its mode is none that passes TLS on.
    pub said: Said,
    /// The protocols it takes, the most wanted first.
    pub alpn: &'static [&'static str],
    /// The mesh's settings for TLS towards the outside.
    pub mesh: Option<TlsConfig>,
    /// Certificates of the proxy's own in files, in place of the mesh's.
    pub own: ServerFiles,
    /// Whether an agent beside the proxy serves files and the mesh's certificates.
    pub identity: bool,
    /// Whether users have a server of secrets of their own beside the proxy.
    pub external_secrets: bool,
    /// Whether files have a server of their own.
    pub file_secrets: bool,
}

/// Files on the proxy's machine; empty where nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ServerFiles {
    /// The certificate.
    pub certificate: Str,
    /// Its key.
    pub key: Str,
    /// The roots by which clients are checked.
    pub roots: Str,
}

impl ServerTls {
    pub(super) fn build(&self) -> Result<TransportSocket, Refusal> {
        let mode = self.said.mode;
        let mut common = CommonTlsContext {
            alpn_protocols: self.alpn.iter().map(|&p| p.to_owned()).collect(),
            ..CommonTlsContext::default()
        };
        if mode == ServerTlsMode::IstioMutual {
            self.use_files(&mut common, std::slice::from_ref(&self.own), &self.own.roots);
        } else if !self.said.credential_names.is_empty() || !self.said.credential_name.is_empty() {
            self.use_credentials(&mut common);
        } else {
            let files = self.files();
            if files.iter().any(|f| f.certificate.is_empty() || f.key.is_empty()) {
                return Err(Refusal("a server's certificate needs its key, or a credentialName".to_owned()));
            }
            self.use_files(&mut common, &files, &self.said.ca_certificates);
        }
        if mode != ServerTlsMode::IstioMutual {
            common.tls_params = self.parameters();
        }
        let required = matches!(mode, ServerTlsMode::Mutual | ServerTlsMode::IstioMutual);
        Ok(tls::tls_socket(&DownstreamTlsContext {
            common_tls_context: Some(common),
            require_client_certificate: Some(proto::bool_value(required)),
            ..DownstreamTlsContext::default()
        }))
    }

    fn checks_clients(&self) -> bool {
        use ServerTlsMode::{IstioMutual, Mutual, OptionalMutual};
        matches!(self.said.mode, Mutual | OptionalMutual | IstioMutual)
    }

    /// What a client's certificate must fulfil beside its chain.
    fn client(&self) -> CertificateValidationContext {
        let mut client = tls::one_of(self.said.subject_alt_names.iter().map(Str::as_str));
        if self.said.insecure_skip_verify == Some(true) {
            client.trust_chain_verification = TrustChainVerification::AcceptUntrusted.into();
        }
        client
    }

    /// Secrets, by name.
    fn use_credentials(&self, common: &mut CommonTlsContext) {
        let said = &self.said;
        let secret = |name: &str| tls::credential_secret(name, self.external_secrets);
        let one = std::slice::from_ref(&said.credential_name);
        let names = if said.credential_names.is_empty() { one } else { &said.credential_names[..] };
        common.tls_certificate_sds_secret_configs = names.iter().map(|name| secret(name)).collect();
        if self.checks_clients() {
            let roots = match said.ca_cert_credential_name.as_str() {
                "" => secret(&format!("{}-cacert", names[0])),
                name => secret(name),
            };
            let client = CertificateValidationContext {
                verify_certificate_spki: said.verify_certificate_spki.iter().map(Str::to_string).collect(),
                verify_certificate_hash: said.verify_certificate_hash.iter().map(Str::to_string).collect(),
                ..self.client()
            };
            common.validation_context_type = Some(tls::roots(roots, client));
        } else if !said.subject_alt_names.is_empty() {
            let client = tls::one_of(said.subject_alt_names.iter().map(Str::as_str));
            common.validation_context_type = Some(ValidationContextType::ValidationContext(client));
        }
    }

    /// The files that the server names.
    fn files(&self) -> Vec<ServerFiles> {
        let said = &self.said;
        let one = |certificate: &Str, key: &Str| ServerFiles {
            certificate: certificate.clone(),
            key: key.clone(),
            roots: Str::default(),
        };
        match said.tls_certificates.is_empty() {
            true => vec![one(&said.server_certificate, &said.private_key)],
            false => said.tls_certificates.iter().map(|c| one(&c.server_certificate, &c.private_key)).collect(),
        }
    }

    /// Files, or the mesh's own certificates where none are named. The agent watches files; without one Envoy reads
    /// them once.
    fn use_files(&self, common: &mut CommonTlsContext, files: &[ServerFiles], roots: &Str) {
        let mut client = self.client();
        if !self.said.ca_crl.is_empty() {
            client.crl = Some(tls::file(&self.said.ca_crl));
        }
        if self.identity {
            common.tls_certificate_sds_secret_configs = files.iter().map(|f| self.file_secret(f)).collect();
        } else {
            common.tls_certificates = files.iter().map(certificate).collect();
        }
        if !self.checks_clients() {
            return;
        }
        common.validation_context_type = Some(match (self.identity, roots.as_str()) {
            (true, "") => tls::roots(tls::mesh_secret(tls::MESH_ROOTS), client),
            (true, path) => tls::roots(self.served(&format!("file-root:{path}")), client),
            (false, path) => {
                client.trusted_ca = Some(tls::file(path));
                ValidationContextType::ValidationContext(client)
            }
        });
    }

    fn file_secret(&self, files: &ServerFiles) -> SdsSecretConfig {
        match (files.certificate.as_str(), files.key.as_str()) {
            ("", _) | (_, "") => tls::mesh_secret(tls::OWN_CERTIFICATE),
            (certificate, key) => self.served(&format!("file-cert:{certificate}~{key}")),
        }
    }

    fn served(&self, name: &str) -> SdsSecretConfig {
        tls::file_secret(name, self.file_secrets)
    }

    /// What the server says goes before what the mesh says; Envoy's defaults where neither says anything.
    fn parameters(&self) -> Option<TlsParameters> {
        let said = &self.said;
        let mut out = TlsParameters::default();
        if let Some(mesh) = &self.mesh {
            out.ecdh_curves = mesh.ecdh_curves.iter().map(Str::to_string).collect();
            out.cipher_suites = mesh.cipher_suites.iter().map(Str::to_string).collect();
            if mesh.min_protocol_version != MeshProtocol::Auto {
                let v13 = mesh.min_protocol_version == MeshProtocol::V13;
                out.tls_minimum_protocol_version =
                    if v13 { EnvoyProtocol::TlSv13 } else { EnvoyProtocol::TlSv12 }.into();
            }
        }
        if said.min_protocol_version != TlsProtocol::Auto {
            out.tls_minimum_protocol_version = version(said.min_protocol_version).into();
        }
        if said.max_protocol_version != TlsProtocol::Auto {
            out.tls_maximum_protocol_version = version(said.max_protocol_version).into();
        }
        if !said.ecdh_curves.is_empty() {
            out.ecdh_curves = said.ecdh_curves.iter().map(Str::to_string).collect();
        }
        if !said.cipher_suites.is_empty() {
            out.cipher_suites = said.cipher_suites.iter().map(Str::to_string).collect();
        }
        (out != TlsParameters::default()).then_some(out)
    }
}

fn certificate(files: &ServerFiles) -> TlsCertificate {
    TlsCertificate {
        certificate_chain: Some(tls::file(&files.certificate)),
        private_key: Some(tls::file(&files.key)),
        ..TlsCertificate::default()
    }
}

fn version(said: TlsProtocol) -> EnvoyProtocol {
    match said {
        TlsProtocol::Auto => EnvoyProtocol::TlsAuto,
        TlsProtocol::V10 => EnvoyProtocol::TlSv10,
        TlsProtocol::V11 => EnvoyProtocol::TlSv11,
        TlsProtocol::V12 => EnvoyProtocol::TlSv12,
        TlsProtocol::V13 => EnvoyProtocol::TlSv13,
    }
}
