//! Secrets that gateways ask for by name (SDS; istio `pilot/pkg/xds/sds.go`).
//!
//! Comes in: what a Secret or a ConfigMap has, and the name under which it is asked for. Goes out: Envoy's `Secret`.
//!
//! Absent: who may have it, and providers that use a key without knowing it (CryptoMB, QAT).

use envoy_types::pb::envoy::config::core::v3::DataSource;
use envoy_types::pb::envoy::config::core::v3::data_source::Specifier;
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::secret::Type;
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::{
    CertificateValidationContext, Secret as Message, TlsCertificate,
};

use crate::api::bytes::Bytes;
use crate::base::Str;
use crate::model::facts::{Handle, Pair, Roots};
use crate::wire::{Recipe, Refusal};

/// One secret under one of its names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Secret {
    /// The name, `kubernetes://shop-cert`.
    pub name: Str,
    /// What it is.
    pub content: Content,
}

/// What a secret is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Content {
    /// A certificate and its private key.
    Pair(Handle<Pair>),
    /// Certificates of authorities.
    Roots(Handle<Roots>),
}

impl Recipe for Secret {
    type Message = Message;

    fn name(&self) -> Str {
        self.name.clone()
    }

    fn build(&self) -> Result<Message, Refusal> {
        let content = match &self.content {
            Content::Pair(pair) => Type::TlsCertificate(TlsCertificate {
                certificate_chain: Some(inline(&pair.certificate)),
                private_key: Some(inline(&pair.key)),
                ocsp_staple: pair.staple.as_ref().map(inline),
                ..Default::default()
            }),
            Content::Roots(roots) => Type::ValidationContext(CertificateValidationContext {
                trusted_ca: Some(inline(&roots.certificates)),
                crl: roots.revoked.as_ref().map(inline),
                ..Default::default()
            }),
        };
        Ok(Message { name: self.name.to_string(), r#type: Some(content) })
    }
}

fn inline(bytes: &Bytes) -> DataSource {
    DataSource { specifier: Some(Specifier::InlineBytes(bytes.as_slice().to_vec())), ..Default::default() }
}
