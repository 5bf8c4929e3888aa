//! The smaller parts of the mesh config.

use serde::{Deserialize, Serialize};

use crate::api::destination_rule::{ClientTls, ConnectionPool, OutlierDetection};
use crate::api::enumeration::proto_enum;
use crate::base::{Duration, Str};

proto_enum! {
    /// Which Ingresses are taken.
    pub enum IngressControllerMode {
        /// As `STRICT`.
        Unspecified = 0 "UNSPECIFIED",
        /// None.
        Off = 1 "OFF",
        /// Those of the mesh's class, and those without a class.
        Default = 2 "DEFAULT",
        /// Those of the mesh's class.
        Strict = 3 "STRICT",
    }
}

proto_enum! {
    /// How access logs are written.
    pub enum AccessLogEncoding {
        /// As text.
        Text = 0 "TEXT",
        /// As JSON.
        Json = 1 "JSON",
    }
}

/// What becomes of calls to unknown hosts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OutboundTrafficPolicy {
    /// Whether they may go out.
    pub mode: OutboundMode,
    /// TLS for calls to hosts found by DNS.
    pub tls: Option<ClientTls>,
}

proto_enum! {
    /// Whether calls to unknown hosts may go out.
    pub enum OutboundMode {
        /// No.
        RegistryOnly = 0 "REGISTRY_ONLY",
        /// Yes.
        AllowAny = 1 "ALLOW_ANY",
        /// Yes, with hosts found by DNS.
        AllowAnyDynamicDns = 3 "ALLOW_ANY_DYNAMIC_DNS",
    }
}

/// Where calls to unknown ports go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct InboundTrafficPolicy {
    /// Where they go.
    pub mode: InboundMode,
}

proto_enum! {
    /// Where calls to unknown ports go.
    pub enum InboundMode {
        /// To the address that was called.
        Passthrough = 0 "PASSTHROUGH",
        /// To 127.0.0.1.
        Localhost = 1 "LOCALHOST",
    }
}

/// Another source of configuration.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ConfigSource {
    /// `fs:///PATH`, `k8s://`, or host and port of a server.
    pub address: Str,
    /// TLS towards the server.
    pub tls_settings: Option<ClientTls>,
    /// What is asked of it.
    pub subscribed_resources: Vec<Resource>,
}

proto_enum! {
    /// What a source of configuration is asked for.
    pub enum Resource {
        /// ServiceEntries.
        ServiceRegistry = 0 "SERVICE_REGISTRY",
    }
}

/// Roots beside the mesh's own.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CertificateData {
    /// Where they come from.
    #[serde(rename = "pem|spiffeBundleUrl")]
    pub source: Option<CertificateSource>,
    /// The signers of Kubernetes' API for which they are meant.
    pub cert_signers: Vec<Str>,
    /// The trust domains for which they are meant.
    pub trust_domains: Vec<Str>,
}

/// Where roots come from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CertificateSource {
    /// They are written here.
    Pem(Str),
    /// From a server of SPIFFE bundles.
    SpiffeBundleUrl(Str),
}

proto_enum! {
    /// Whether HTTP/1.1 becomes HTTP/2.
    pub enum H2UpgradePolicy {
        /// No.
        DoNotUpgrade = 0 "DO_NOT_UPGRADE",
        /// Yes.
        Upgrade = 1 "UPGRADE",
    }
}

/// A certificate of Kubernetes' API; not used any more.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Certificate {
    /// The Secret to write.
    pub secret_name: Str,
    /// The names of the certificate.
    pub dns_names: Vec<Str>,
}

/// An authority that signs for workloads.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Ca {
    /// Host and port.
    pub address: Str,
    /// TLS towards it.
    pub tls_settings: Option<ClientTls>,
    /// How long a request may take.
    pub request_timeout: Option<Duration>,
    /// Whether istiod asks it on behalf of the workloads.
    pub istiod_side: bool,
}

/// The providers in use where no Telemetry says otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DefaultProviders {
    /// For traces.
    pub tracing: Vec<Str>,
    /// For metrics.
    pub metrics: Vec<Str>,
    /// For access logs.
    pub access_logging: Vec<Str>,
}

/// How paths are normalized before authorization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PathNormalization {
    /// How far.
    pub normalization: NormalizationType,
}

proto_enum! {
    /// How far paths are normalized.
    pub enum NormalizationType {
        /// As `BASE`.
        Default = 0 "DEFAULT",
        /// Not at all.
        None = 1 "NONE",
        /// As RFC 3986 says.
        Base = 2 "BASE",
        /// And several slashes become one.
        MergeSlashes = 3 "MERGE_SLASHES",
        /// And slashes written as `%2F` are slashes.
        DecodeAndMergeSlashes = 4 "DECODE_AND_MERGE_SLASHES",
    }
}

/// Limits of TLS.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TlsConfig {
    /// The oldest version.
    pub min_protocol_version: TlsProtocol,
    /// The curves; Envoy's if empty.
    pub ecdh_curves: Vec<Str>,
    /// The cipher suites; Istio's if empty.
    pub cipher_suites: Vec<Str>,
}

proto_enum! {
    /// A version of TLS.
    pub enum TlsProtocol {
        /// TLS 1.2.
        Auto = 0 "TLS_AUTO",
        /// TLS 1.2.
        V12 = 1 "TLSV1_2",
        /// TLS 1.3.
        V13 = 2 "TLSV1_3",
    }
}

/// How hosts are called where no DestinationRule says.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DefaultTrafficPolicy {
    /// Limits of connections and requests.
    pub connection_pool: Option<ConnectionPool>,
    /// When endpoints are taken out for a while.
    pub outlier_detection: Option<OutlierDetection>,
}
