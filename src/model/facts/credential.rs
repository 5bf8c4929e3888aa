//! What gateways serve with. `Debug` shows no value: [`Bytes`] does not.

use std::collections::BTreeMap;

use crate::api::bytes::Bytes;
use crate::base::Str;

use super::handle::Handle;

/// What a Secret or a ConfigMap has for gateways.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Credential {
    /// To show who the gateway is.
    pub pair: Option<Handle<Pair>>,
    /// To check who the other side is.
    pub roots: Option<Handle<Roots>>,
}

/// A certificate and its private key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pair {
    /// The certificate and those that sign for it, PEM.
    pub certificate: Bytes,
    /// The private key, PEM.
    pub key: Bytes,
    /// A recent word of the authority that the certificate is good (OCSP), DER.
    pub staple: Option<Bytes>,
}

/// Certificates of authorities.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Roots {
    /// The certificates, PEM.
    pub certificates: Bytes,
    /// What the authorities take back (CRL), PEM.
    pub revoked: Option<Bytes>,
}

impl Credential {
    /// Picks out what gateways serve with; `None` if there is nothing of it (istio `pilot/pkg/credentials/kube/secrets.go`,
    /// `ExtractCertInfo` and `ExtractRoot`).
    pub fn of(data: &BTreeMap<Str, Bytes>) -> Option<Self> {
        let said = |name: &str| data.get(name).filter(|value| !value.as_slice().is_empty()).cloned();
        let pair = |certificate: &str, key: &str, staple: &str| {
            Some(Pair { certificate: said(certificate)?, key: said(key)?, staple: said(staple) })
        };
        let roots = |roots: &str, revoked: &str| Some(Roots { certificates: said(roots)?, revoked: said(revoked) });
        let pair = pair("cert", "key", "").or_else(|| pair("tls.crt", "tls.key", "tls.ocsp-staple")).map(Handle::new);
        let roots = roots("cacert", "crl").or_else(|| roots("ca.crt", "ca.crl")).map(Handle::new);
        (pair.is_some() || roots.is_some()).then_some(Self { pair, roots })
    }
}
