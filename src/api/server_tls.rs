//! TLS that a listener ends, for Sidecar and Gateway (`istio/api` `gateway.proto`).

use serde::{Deserialize, Serialize};

use super::enumeration::proto_enum;
use crate::base::Str;

/// TLS that a listener ends.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServerTls {
    /// Whether clear text is redirected to HTTPS; Gateways only.
    pub https_redirect: bool,
    /// Whose certificates are used.
    pub mode: ServerTlsMode,
    /// A file on the proxy with the server's certificate.
    pub server_certificate: Str,
    /// A file on the proxy with the server's key.
    pub private_key: Str,
    /// A file on the proxy with the roots that clients are checked by.
    pub ca_certificates: Str,
    /// A file on the proxy with revoked certificates.
    pub ca_crl: Str,
    /// A Secret with all of these.
    pub credential_name: Str,
    /// Secrets with certificates of different kinds (RSA, ECDSA).
    pub credential_names: Vec<Str>,
    /// A Secret or ConfigMap with the roots that clients are checked by.
    pub ca_cert_credential_name: Str,
    /// Files with certificates of different kinds (RSA, ECDSA).
    pub tls_certificates: Vec<TlsCertificate>,
    /// The names of which the client must have one.
    pub subject_alt_names: Vec<Str>,
    /// Hashes of which the client's key must have one.
    pub verify_certificate_spki: Vec<Str>,
    /// Hashes of which the client's certificate must have one.
    pub verify_certificate_hash: Vec<Str>,
    /// The oldest version.
    pub min_protocol_version: TlsProtocol,
    /// The newest version.
    pub max_protocol_version: TlsProtocol,
    /// The cipher suites; Envoy's default if empty.
    pub cipher_suites: Vec<Str>,
    /// The curves of the key exchange; Envoy's default if empty.
    pub ecdh_curves: Vec<Str>,
    /// Whether clients' certificates are not checked.
    pub insecure_skip_verify: Option<bool>,
}

impl ServerTls {
    /// Whether TLS is passed on as it is.
    pub fn passes_through(&self) -> bool {
        matches!(self.mode, ServerTlsMode::Passthrough | ServerTlsMode::AutoPassthrough)
    }

    /// The cipher suites without those that Envoy does not know, each once (istio `pkg/config/security`,
    /// `FilterCipherSuites`).
    pub fn known_cipher_suites(&self) -> Vec<Str> {
        let mut known: Vec<Str> = Vec::new();
        for suite in &self.cipher_suites {
            if super::validate::is_cipher_suite(suite) && !known.contains(suite) {
                known.push(suite.clone());
            }
        }
        known
    }
}

/// Files on the proxy with a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TlsCertificate {
    /// The certificate.
    pub server_certificate: Str,
    /// The key.
    pub private_key: Str,
    /// The roots that clients are checked by.
    pub ca_certificates: Str,
}

proto_enum! {
    /// Whose certificates a listener uses.
    pub enum ServerTlsMode {
        /// TLS is passed on as it is, by SNI.
        Passthrough = 0 "PASSTHROUGH",
        /// The server's only.
        Simple = 1 "SIMPLE",
        /// Clients need one too.
        Mutual = 2 "MUTUAL",
        /// TLS is passed on to the service that the SNI encodes.
        AutoPassthrough = 3 "AUTO_PASSTHROUGH",
        /// The mesh's.
        IstioMutual = 4 "ISTIO_MUTUAL",
        /// Clients may have one.
        OptionalMutual = 5 "OPTIONAL_MUTUAL",
    }
}

proto_enum! {
    /// A version of TLS.
    pub enum TlsProtocol {
        /// Envoy's choice.
        Auto = 0 "TLS_AUTO",
        /// TLS 1.0.
        V10 = 1 "TLSV1_0",
        /// TLS 1.1.
        V11 = 2 "TLSV1_1",
        /// TLS 1.2.
        V12 = 3 "TLSV1_2",
        /// TLS 1.3.
        V13 = 4 "TLSV1_3",
    }
}
