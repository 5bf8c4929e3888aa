//! TLS towards endpoints.

use serde::{Deserialize, Serialize};

use crate::api::enumeration::proto_enum;
use crate::base::Str;

/// TLS towards endpoints.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ClientTls {
    /// Whose certificates are used.
    pub mode: ClientTlsMode,
    /// A file on the proxy with the client's certificate.
    pub client_certificate: Str,
    /// A file on the proxy with the client's key.
    pub private_key: Str,
    /// A file on the proxy with the roots that the server is checked by; empty for no check.
    pub ca_certificates: Str,
    /// A Secret with all of these.
    pub credential_name: Str,
    /// The names of which the server must have one.
    pub subject_alt_names: Vec<Str>,
    /// The name in the ClientHello.
    pub sni: Str,
    /// Whether the server is not checked.
    pub insecure_skip_verify: Option<bool>,
    /// A file on the proxy with revoked certificates.
    pub ca_crl: Str,
}

proto_enum! {
    /// Whose certificates are used towards endpoints.
    pub enum ClientTlsMode {
        /// No TLS.
        Disable = 0 "DISABLE",
        /// The client has none.
        Simple = 1 "SIMPLE",
        /// The client's are given.
        Mutual = 2 "MUTUAL",
        /// The mesh's.
        IstioMutual = 3 "ISTIO_MUTUAL",
    }
}
