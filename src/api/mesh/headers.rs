//! Headers that a proxy adds.

use serde::{Deserialize, Serialize};

use crate::api::enumeration::proto_enum;
use crate::base::Str;

/// Headers that a proxy adds.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ProxyHeaders {
    /// What becomes of the header `x-forwarded-client-cert`.
    pub forwarded_client_cert: ForwardClientCert,
    /// What is put into it.
    pub set_current_client_cert_details: Option<ClientCertDetails>,
    /// `x-request-id`.
    pub request_id: Option<RequestId>,
    /// `server`.
    pub server: Option<ServerHeader>,
    /// `x-envoy-attempt-count`.
    pub attempt_count: Option<AttemptCount>,
    /// `x-envoy-*`.
    pub envoy_debug_headers: Option<EnvoyDebugHeaders>,
    /// `x-envoy-peer-metadata` and its id.
    pub metadata_exchange_headers: Option<MetadataExchangeHeaders>,
    /// Whether HTTP/1.1 headers keep their case.
    pub preserve_http1_header_case: Option<bool>,
    /// `x-forwarded-host`.
    pub x_forwarded_host: Option<XForwarded>,
    /// `x-forwarded-port`.
    pub x_forwarded_port: Option<XForwarded>,
}

/// `server`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServerHeader {
    /// Whether it is left out.
    pub disabled: Option<bool>,
    /// Its value; `istio-envoy` if empty.
    pub value: Str,
}

macro_rules! switch {
    ($($(#[$doc:meta])* $name:ident { $(#[$field_doc:meta])* $field:ident })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        pub struct $name {
            $(#[$field_doc])*
            pub $field: Option<bool>,
        }
    )*};
}

switch! {
    /// `x-request-id`.
    RequestId {
        /// Whether it is left out.
        disabled
    }
    /// `x-envoy-attempt-count`.
    AttemptCount {
        /// Whether it is left out.
        disabled
    }
    /// `x-envoy-*`.
    EnvoyDebugHeaders {
        /// Whether they are left out.
        disabled
    }
    /// `x-forwarded-host` or `x-forwarded-port`.
    XForwarded {
        /// Whether it is added.
        enabled
    }
}

/// `x-envoy-peer-metadata` and its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MetadataExchangeHeaders {
    /// To whom they are sent.
    pub mode: MetadataExchangeMode,
}

proto_enum! {
    /// To whom metadata of the peer is sent.
    pub enum MetadataExchangeMode {
        /// To everybody.
        Undefined = 0 "UNDEFINED",
        /// Inside the mesh.
        InMesh = 1 "IN_MESH",
    }
}

/// What is put into `x-forwarded-client-cert`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ClientCertDetails {
    /// The subject; yes if absent.
    pub subject: Option<bool>,
    /// The certificate.
    pub cert: Option<bool>,
    /// The chain.
    pub chain: Option<bool>,
    /// The DNS names; yes if absent.
    pub dns: Option<bool>,
    /// The URI; yes if absent.
    pub uri: Option<bool>,
}

proto_enum! {
    /// What becomes of the header `x-forwarded-client-cert`.
    pub enum ForwardClientCert {
        /// The default of the place.
        Undefined = 0 "UNDEFINED",
        /// It is removed.
        Sanitize = 1 "SANITIZE",
        /// It is passed on if the connection is mTLS.
        ForwardOnly = 2 "FORWARD_ONLY",
        /// The client's certificate is added if the connection is mTLS.
        AppendForward = 3 "APPEND_FORWARD",
        /// The client's certificate replaces it if the connection is mTLS.
        SanitizeSet = 4 "SANITIZE_SET",
        /// It is passed on.
        AlwaysForwardOnly = 5 "ALWAYS_FORWARD_ONLY",
    }
}
