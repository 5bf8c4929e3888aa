//! Secrets, as far as gateways serve with them (keys by istio `pilot/pkg/credentials/kube/secrets.go`). No text here
//! repeats a value.

use std::collections::BTreeMap;

use super::at::At;
use super::der::{Block, blocks, of_certificate, of_private_key};
use crate::api::bytes::Bytes;
use crate::api::secret::Secret;
use crate::base::Str;

/// A certificate and its key, by the names they have in a Secret; the first pair that is there counts.
const PAIRS: [(&str, &str); 2] = [("cert", "key"), ("tls.crt", "tls.key")];

pub(super) fn secret(secret: &Secret, at: &At<'_>) {
    let at = &at.field("data");
    let said = |name: &str| secret.data.get(name).filter(|value| !value.as_slice().is_empty());
    for (certificate, key) in PAIRS {
        if let (Some(chain), Some(private)) = (said(certificate), said(key)) {
            pair(chain, private, at, certificate, key);
        } else if secret.r#type == "kubernetes.io/tls" && certificate == "tls.crt" {
            for name in [certificate, key].into_iter().filter(|name| said(name).is_none()) {
                at.key(name).ineffective("is empty, so no gateway can serve with this Secret");
            }
        }
    }
    roots(&secret.data, at);
}

/// The roots that clients' certificates are checked against.
fn roots(data: &BTreeMap<Str, Bytes>, at: &At<'_>) {
    for name in ["cacert", "ca.crt"] {
        if let Some(roots) = data.get(name).filter(|value| !value.as_slice().is_empty()) {
            certificates(roots, &at.key(name));
        }
    }
}

fn pair(chain: &Bytes, private: &Bytes, at: &At<'_>, certificate: &str, key: &str) {
    let leaf = certificates(chain, &at.key(certificate)).map(|leaf| of_certificate(&leaf.content));
    let at = &at.key(key);
    let Some(keys) = blocks(private.as_slice()).filter(|blocks| !blocks.is_empty()) else {
        return at.invalid("must be a private key in PEM");
    };
    // Parameters of the curve may come first.
    let Some(own) = keys.iter().find_map(of_private_key) else {
        return at.invalid("must be a private key in PEM that is not encrypted: PKCS #8, RSA or EC");
    };
    if let Some(Some(public)) = leaf {
        at.require(own.fits(&public), format_args!("does not belong to the first certificate of {certificate}"));
    }
}

/// The first certificate of a chain, if all are.
fn certificates(chain: &Bytes, at: &At<'_>) -> Option<Block> {
    let Some(found) = blocks(chain.as_slice()).filter(|blocks| !blocks.is_empty()) else {
        at.invalid("must be certificates in PEM");
        return None;
    };
    let wrong = found.iter().any(|b| b.label != "CERTIFICATE" || of_certificate(&b.content).is_none());
    if wrong {
        at.invalid("has something that is not a certificate");
        return None;
    }
    found.into_iter().next()
}

#[cfg(test)]
mod tests;
