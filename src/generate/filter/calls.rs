//! Chains for HTTP calls: values from which an HTTP connection manager is built.

use ipnet::IpNet;

use crate::api::mesh::{ConnectionSettings, ForwardClientCert, NormalizationType};
use crate::base::{Duration, Str};
use crate::generate::inbound::InboundRoute;
use crate::generate::route::CatchAll;
use crate::model::facts::Handle;

use super::access_log::AccessLog;
use super::http::HttpFilter;
use super::standard::Standard;
use super::tracing::Tracing;

/// What all chains for calls of one direction share.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CallSettings {
    /// The filters, in order; those of single chains are put among them.
    pub filters: Vec<HttpFilter>,
    /// The header `server`.
    pub server: ServerHeader,
    /// For calls in, what becomes of the header with the caller's certificate.
    pub certificate: Option<ClientCertificate>,
    /// Whether the caller's address is that of its connection, whatever it says.
    pub remote_address: bool,
    /// Addresses that count as the mesh's own.
    pub internal: Vec<IpNet>,
    /// Whether `100 Continue` is passed on.
    pub continues: bool,
    /// At the edge of the mesh, how many trusted proxies are in front.
    pub edge: Option<u32>,
    /// Whether calls get no id of their own.
    pub no_request_id: bool,
    /// Whether the port that was called is told in a header.
    pub forwarded_port: bool,
    /// Whether headers of HTTP/1.1 keep their case.
    pub keep_case: bool,
    /// Whether HTTP/1.0 is taken.
    pub http10: bool,
    /// How far paths are normalized.
    pub normalization: NormalizationType,
    /// How long a connection may be without calls.
    pub idle_timeout: Option<Duration>,
    /// Limits of connections.
    pub limits: Option<ConnectionSettings>,
    /// Whether the id of a call tells if it is traced.
    pub sampled_by_id: bool,
    /// Traces; `None` for none.
    pub tracing: Option<Tracing>,
    /// Logs of calls.
    pub logs: Vec<AccessLog>,
    /// Istio's metrics, for others than Istio's proxies.
    pub metrics: Option<Standard>,
}

/// The header `server`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ServerHeader {
    /// It is replaced; empty for Envoy's own name.
    Replace(Str),
    /// The server's own is left alone.
    Keep,
}

/// What becomes of the header `x-forwarded-client-cert`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientCertificate {
    /// Whether it is passed on.
    pub forward: ForwardClientCert,
    /// Whether the caller's own certificate is put into it, in these parts.
    pub tells: bool,
    /// Whether the subject is put into it.
    pub subject: bool,
    /// Whether the certificate itself is.
    pub cert: bool,
    /// Whether the whole chain is.
    pub chain: bool,
    /// Whether the DNS names are.
    pub dns: bool,
    /// Whether the URI is.
    pub uri: bool,
}

/// A chain for calls.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Calls {
    /// What it shares with others.
    pub settings: Handle<CallSettings>,
    /// Filters of this chain only.
    pub filters: Vec<HttpFilter>,
    /// The name in statistics.
    pub stat_prefix: Str,
    /// Where the routes come from.
    pub routes: Routes,
    /// Whether this is a proxy to which callers name the whole URL.
    pub absolute_urls: bool,
    /// Whether settings of HTTP/2 are sent, for servers that are told to speak it.
    pub http2: bool,
}

/// Where routes come from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Routes {
    /// From the control plane, by this name.
    Named(Str),
    /// There is one, to the application beside the proxy.
    Inbound(InboundRoute),
    /// There is one, for hosts that nobody knows.
    Unknown(CatchAll),
}
