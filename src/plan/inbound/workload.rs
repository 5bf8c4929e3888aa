//! The chains of one workload, port by port.

use crate::api::virtual_service::Retry;
use crate::base::{Duration, Str};
use crate::generate::filter::{Bytes, BytesSettings, CallSettings, Calls, HttpFilter, Routes, TcpProxy};
use crate::generate::inbound::{InboundChain, InboundRoute, ServerTls};
use crate::generate::listener::{CLEAR_HTTP, Content, Transport};
use crate::model::facts::{Handle, PeerMode, Protocol, Registry};

use crate::plan::listener::Reads;

use super::destination::Destination;
use super::mode::{Certificates, FOREIGN_TLS, Taken, taken};

/// What chains of all ports share.
pub(super) struct Workload {
    pub(super) wildcard: &'static str,
    /// `None` for a proxy that cannot prove who it is.
    pub(super) certificates: Option<Certificates>,
    /// Whether nothing may be let in: of bytes, of calls.
    pub(super) shut: [bool; 2],
    pub(super) bytes: Handle<BytesSettings>,
    /// The same, with nobody to decide what is let in.
    pub(super) open: Handle<BytesSettings>,
    pub(super) calls: Handle<CallSettings>,
    /// A pattern for the names of clusters in statistics; empty for their own.
    pub(super) stat_name: Str,
    /// How calls are tried again, where the mesh says so.
    pub(super) retry: Option<Retry>,
    /// How long a connection may be silent.
    pub(super) idle_timeout: Option<Duration>,
    pub(super) has_grpc_web: bool,
    pub(super) reads: Reads,
    pub(super) clear_http: &'static [&'static str],
}

impl Workload {
    /// Connections to the listener's own port would go round in circles.
    pub(super) fn loops(&self, port: u16) -> InboundChain {
        InboundChain {
            name: "virtualInbound-blackhole".into(),
            port: Some(port),
            transport: Transport::Any,
            protocols: &[],
            tls: None,
            exchange: false,
            origin: None,
            content: Content::Bytes(self.blackhole()),
        }
    }

    pub(super) fn blackhole(&self) -> Bytes {
        let proxy = TcpProxy { logged: false, ..TcpProxy::to("BlackHoleCluster") };
        Bytes { settings: self.open.clone(), resolution: None, protocol: None, proxy }
    }

    /// The chains of one port for the callers that are taken there.
    ///
    /// A proxy that cannot prove who it is ends no TLS. Where nothing but the mesh's TLS may come, it takes TLS and
    /// drops it, so that clear text is refused as ever.
    pub(super) fn chains(&self, to: &Destination<'_>, mode: PeerMode) -> Vec<InboundChain> {
        let all = taken(to.port.protocol, mode);
        match (&self.certificates, mode) {
            (Some(certificates), _) => {
                let tls = |t: &Taken| t.terminates.then(|| certificates.of(t.calls));
                let content = |t: &Taken| match self.content(to, t.calls) {
                    Content::Bytes(mut bytes) => {
                        bytes.proxy.after_handshake = t.terminates;
                        Content::Bytes(bytes)
                    }
                    calls => calls,
                };
                all.iter().map(|t| self.chain(to, t, tls(t), content(t))).collect()
            }
            (None, PeerMode::Strict) => vec![self.chain(to, &FOREIGN_TLS, None, Content::Bytes(self.blackhole()))],
            (None, _) => {
                let clear = all.iter().filter(|t| !t.terminates);
                clear.map(|t| self.chain(to, t, None, self.content(to, t.calls))).collect()
            }
        }
    }

    fn chain(
        &self,
        to: &Destination<'_>,
        taken: &Taken,
        tls: Option<Handle<ServerTls>>,
        content: Content,
    ) -> InboundChain {
        InboundChain {
            name: to.names[usize::from(taken.calls)].clone(),
            port: to.number,
            transport: taken.transport,
            protocols: if taken.protocols == CLEAR_HTTP { self.clear_http } else { taken.protocols },
            tls,
            exchange: self.bytes.exchange,
            origin: to.origin.clone(),
            content,
        }
    }

    fn content(&self, to: &Destination<'_>, calls: bool) -> Content {
        match calls {
            _ if self.shut[usize::from(calls)] => Content::Bytes(self.blackhole()),
            true => Content::Calls(self.calls(to)),
            false => Content::Bytes(self.bytes(to)),
        }
    }

    fn bytes(&self, to: &Destination<'_>) -> Bytes {
        Bytes {
            settings: self.bytes.clone(),
            resolution: None,
            protocol: self.reads.of(to.port.protocol),
            proxy: TcpProxy {
                stat_prefix: self.stat_prefix(to),
                idle_timeout: self.idle_timeout,
                ..TcpProxy::to(to.cluster.clone())
            },
        }
    }

    fn calls(&self, to: &Destination<'_>) -> Calls {
        let protocol = to.port.protocol;
        let web = protocol == Protocol::GrpcWeb && self.has_grpc_web;
        Calls {
            settings: self.calls.clone(),
            filters: web.then_some(HttpFilter::GrpcWeb).into_iter().collect(),
            stat_prefix: to.stat_prefix.clone(),
            routes: Routes::Inbound(InboundRoute {
                cluster: to.cluster.clone(),
                host: to.target.map(|t| t.host.clone()).unwrap_or_default(),
                port: to.port.number,
                retries: !protocol.is_grpc(),
                retry: self.retry.clone(),
            }),
            absolute_urls: false,
            http2: protocol.is_http2(),
        }
    }

    /// The name in statistics, by the mesh's pattern if there is one.
    fn stat_prefix(&self, to: &Destination<'_>) -> Str {
        if self.stat_name.is_empty() {
            return to.cluster.clone();
        }
        let host = to.target.map(|t| t.host.as_str()).unwrap_or_default();
        let object = to.target.filter(|t| t.registry == Registry::Kubernetes);
        let short = object.map_or_else(|| host.to_owned(), |t| format!("{}.{}", t.name, t.namespace));
        let name = object.map_or(host, |t| &t.name);
        let replaced = self
            .stat_name
            .replace("%SERVICE%", &short)
            .replace("%SERVICE_NAME%", name)
            .replace("%SERVICE_FQDN%", host)
            .replace("%SUBSET_NAME%", "")
            .replace("%SERVICE_PORT%", &to.port.number.to_string())
            .replace("%SERVICE_PORT_NAME%", &to.port.name);
        replaced.into()
    }
}
