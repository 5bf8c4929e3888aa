//! TLS towards endpoints and at listeners.

use super::at::At;
use crate::api::destination_rule::{ClientTls, ClientTlsMode};
use crate::api::server_tls::{ServerTls, ServerTlsMode, TlsProtocol};
use crate::base::Str;

/// A certificate authority in a ConfigMap rather than a Secret.
const CONFIG_MAP: &str = "configmap://";

const CIPHER_SUITES: [&str; 15] = [
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
    "ECDHE-ECDSA-AES128-SHA",
    "ECDHE-RSA-AES128-SHA",
    "ECDHE-ECDSA-AES256-SHA",
    "ECDHE-RSA-AES256-SHA",
    "AES128-GCM-SHA256",
    "AES256-GCM-SHA384",
    "AES128-SHA",
    "AES256-SHA",
    "DES-CBC3-SHA",
];

/// Whether BoringSSL knows the suite; expressions with operators are taken as they are.
pub(in crate::api) fn is_cipher_suite(suite: &str) -> bool {
    let word = suite.starts_with(|c: char| c.is_alphanumeric());
    !word || suite == "ALL" || CIPHER_SUITES.contains(&suite)
}

impl At<'_> {
    /// TLS towards endpoints, in an object of this namespace.
    pub(super) fn client_tls(&self, tls: Option<&ClientTls>, namespace: &str) {
        let Some(tls) = tls else { return };
        let certificates = matches!(tls.mode, ClientTlsMode::Simple | ClientTlsMode::Mutual);
        if let Some(rest) = tls.credential_name.strip_prefix(CONFIG_MAP) {
            let other = rest.split_once('/').is_some_and(|(ns, _)| ns != namespace) || namespace.is_empty();
            self.field("credentialName").require(!other, "must be a ConfigMap of the object's own namespace");
        }
        if certificates && tls.insecure_skip_verify == Some(true) {
            let no_check = "must not be set with insecureSkipVerify, which checks nothing";
            self.field("caCertificates").require(tls.ca_certificates.is_empty(), no_check);
            self.field("subjectAltNames").require(tls.subject_alt_names.is_empty(), no_check);
            if tls.mode == ClientTlsMode::Simple {
                self.field("credentialName").require(tls.credential_name.is_empty(), no_check);
            }
        }
        if certificates && !tls.credential_name.is_empty() {
            for (name, file) in [
                ("clientCertificate", &tls.client_certificate),
                ("caCertificates", &tls.ca_certificates),
                ("privateKey", &tls.private_key),
                ("caCrl", &tls.ca_crl),
            ] {
                self.field(name).require(file.is_empty(), "must not be set beside credentialName");
            }
        } else if tls.mode == ClientTlsMode::Mutual {
            let needed = "must be set with mode MUTUAL, or credentialName";
            self.field("clientCertificate").require(!tls.client_certificate.is_empty(), needed);
            self.field("privateKey").require(!tls.private_key.is_empty(), needed);
        }
        self.field("sni").require(tls.sni.len() <= 255, "must have at most 255 letters");
    }

    /// TLS that a listener ends.
    pub(super) fn server_tls(&self, tls: &ServerTls) {
        self.versions_and_suites(tls);
        let sources = certificate_sources(tls);
        match tls.mode {
            ServerTlsMode::IstioMutual => {
                for (name, set) in sources.into_iter().chain([("caCertificates", !tls.ca_certificates.is_empty())]) {
                    self.field(name).require(!set, "must not be set with mode ISTIO_MUTUAL");
                }
                return;
            }
            ServerTlsMode::Passthrough | ServerTlsMode::AutoPassthrough => {
                for (name, _) in sources.into_iter().filter(|(_, set)| *set) {
                    self.field(name).ineffective(format_args!("is ignored with mode {}", tls.mode.as_str()));
                }
            }
            ServerTlsMode::Simple | ServerTlsMode::Mutual | ServerTlsMode::OptionalMutual => self.certificates(tls),
        }
        let files = !tls.server_certificate.is_empty() && !tls.private_key.is_empty();
        let set = sources.iter().filter(|(name, set)| *set && *name != "serverCertificate" && *name != "privateKey");
        self.require(
            set.count() + usize::from(files) <= 1,
            "may have only one of credentialName, credentialNames, tlsCertificates, or serverCertificate and privateKey",
        );
    }

    fn versions_and_suites(&self, tls: &ServerTls) {
        if matches!(tls.min_protocol_version, TlsProtocol::V10 | TlsProtocol::V11) && tls.cipher_suites.is_empty() {
            let text = "needs cipherSuites of that version; without them clients of that version cannot connect";
            self.field("minProtocolVersion").ineffective(text);
        }
        let (oldest, newest) = (tls.min_protocol_version, tls.max_protocol_version);
        let ordered = newest == TlsProtocol::Auto || oldest <= newest;
        self.field("maxProtocolVersion").require(ordered, "must not be older than minProtocolVersion");
        self.field("cipherSuites").cipher_suites(&tls.cipher_suites);
    }

    /// Cipher suites, of which the unknown and the repeated are ignored.
    pub(super) fn cipher_suites(&self, suites: &[Str]) {
        for (index, suite) in suites.iter().enumerate() {
            if !is_cipher_suite(suite) {
                self.index(index).ineffective(format_args!("{suite:?} is no known cipher suite; it is ignored"));
            } else if suites[..index].contains(suite) {
                self.index(index).ineffective(format_args!("{suite:?} is there twice; once is enough"));
            }
        }
    }

    /// The certificates of a server that has its own.
    fn certificates(&self, tls: &ServerTls) {
        self.field("tlsCertificates").require(tls.tls_certificates.len() <= 2, "may have at most two");
        self.field("credentialNames").require(tls.credential_names.len() <= 2, "may have at most two");
        let revoked = !tls.ca_crl.is_empty();
        if !tls.credential_name.is_empty() || !tls.credential_names.is_empty() {
            self.field("caCrl").require(!revoked, "must be in the Secret where credentialName is set");
            return;
        }
        let mode = tls.mode.as_str();
        if tls.mode == ServerTlsMode::Simple {
            self.field("caCrl").require(!revoked, "is for modes that check clients' certificates");
        } else {
            let roots = !tls.ca_certificates.is_empty();
            self.field("caCertificates").require(roots, format_args!("must be set with mode {mode}"));
        }
        let needed = format!("must be set with mode {mode}");
        if tls.tls_certificates.is_empty() {
            self.field("serverCertificate").require(!tls.server_certificate.is_empty(), &needed);
            self.field("privateKey").require(!tls.private_key.is_empty(), &needed);
        }
        self.field("tlsCertificates").each(&tls.tls_certificates, |certificate, at| {
            at.field("serverCertificate").require(!certificate.server_certificate.is_empty(), &needed);
            at.field("privateKey").require(!certificate.private_key.is_empty(), &needed);
        });
    }
}

/// The ways in which a server's certificates may be given, and whether they are.
fn certificate_sources(tls: &ServerTls) -> [(&'static str, bool); 5] {
    [
        ("serverCertificate", !tls.server_certificate.is_empty()),
        ("privateKey", !tls.private_key.is_empty()),
        ("credentialName", !tls.credential_name.is_empty()),
        ("credentialNames", !tls.credential_names.is_empty()),
        ("tlsCertificates", !tls.tls_certificates.is_empty()),
    ]
}
