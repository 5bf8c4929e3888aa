//! The listeners for calls in: one for each workload, whatever the number of its pods, and perhaps others where its
//! Sidecar says so.
//!
//! Comes in: the ports of the workload, what PeerAuthentications say of them, and who decides which calls are let in. Goes out: [`VirtualInbound`].
//!
//! Everything in it is known when the class of a proxy is; so the recipe itself is what distinguishes classes, and
//! there is nothing left to plan.
//! Absent: TLS in a Sidecar is ignored, as istiod's feature for it is off.

mod destination;
mod ingress;
mod mode;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::api::virtual_service::Retry;
use crate::base::{Duration, Namespace, Str};
use crate::generate::filter::{
    Bytes, BytesSettings, CallSettings, Calls, HttpFilter, Protocol as Read, Routes, TcpProxy,
};
use crate::generate::inbound::{InboundChain, InboundRoute, ServerTls, VirtualInbound};
use crate::generate::listener::{Bind, CLEAR_HTTP, Content, Transport};
use crate::model::facts::{Handle, PeerMode, Protocol, Registry, Target};
use crate::model::{FactKey, Scope, View};
use crate::proxy::{Flag, Proxy, Role};

use super::access::access;
use super::caller::place;
use super::class::{Output, Planner};
use super::listener::{Direction, Interception, Settings, addresses, has_basics, reserved};
use super::sidecar::sidecar;
use super::targets::targets;
use destination::Destination;
use mode::{Certificates, FOREIGN_TLS, Taken, taken};

/// Plans the listener for calls in.
pub struct InboundPlanner;

/// What distinguishes classes: the listeners, that of captured connections first.
pub type InboundFacets = Vec<Handle<VirtualInbound>>;

impl Planner for InboundPlanner {
    type Facets = InboundFacets;
    type Unit = ();

    fn scope(_: &InboundFacets) -> &Scope {
        &Scope::Public
    }

    fn units(_: &View<'_>, _: &InboundFacets) -> Vec<()> {
        vec![()]
    }

    fn unit_of(_: &FactKey) -> Option<()> {
        None
    }

    fn plan(_: &View<'_>, facets: &InboundFacets, (): &(), out: &mut Output<'_>) {
        facets.iter().for_each(|listener| out.resource(&**listener));
    }
}

/// The facets of a proxy for calls in. Without capture there are none unless a Sidecar says where.
pub fn facets(view: &View<'_>, proxy: &Proxy) -> InboundFacets {
    let mesh = &view.mesh().config;
    let interception = Interception::of(proxy);
    let Ok(port) = u16::try_from(mesh.proxy_inbound_listen_port) else { return Vec::new() };
    let serves = proxy.role == Role::Sidecar && mesh.proxy_listen_port > 0 && has_basics(&proxy.capabilities);
    let sidecar = sidecar(view, proxy).filter(|s| !s.ingress.is_empty());
    if !serves || (interception == Interception::None && sidecar.is_none()) {
        return Vec::new();
    }
    let (labels, _) = place(view, proxy);
    let settings = Settings::new(view, proxy, &labels);
    let access = access(view, proxy, &labels);
    let open = Handle::new(settings.bytes(Direction::In));
    let workload = Workload {
        wildcard: addresses(proxy).0[0],
        certificates: Certificates::new(mesh, proxy),
        shut: access.shut(),
        bytes: access.guard(&open),
        open,
        calls: access.guard_calls(settings.calls(Direction::In)),
        stat_name: mesh.inbound_cluster_stat_name.clone(),
        retry: mesh.default_inbound_http_retry_policy.clone(),
        idle_timeout: settings.idle_timeout(),
        has_grpc_web: proxy.capabilities.has(&HttpFilter::GrpcWeb.extension()),
        has_mongo: settings.has_mongo(),
        clear_http: settings.clear_http(),
    };
    let rules = view.peer_rules(&proxy.namespace);
    let ports = match &sidecar {
        Some(sidecar) => ingress::ports(sidecar, proxy),
        None => {
            let found = ports(targets(view, proxy), &reserved(view, proxy));
            found.into_iter().map(|target| Port::of_service(target, workload.wildcard)).collect()
        }
    };
    let said: BTreeSet<u16> = match &sidecar {
        Some(sidecar) => sidecar.ingress.iter().map(|i| i.port.number).collect(),
        None => ports.iter().map(|p| p.target.number).collect(),
    };
    let mut chains = vec![workload.loops(port)];
    chains.extend(workload.chains(&Destination::unknown(None), rules.of_workload(&labels, 0)));
    for number in rules.ports(&labels).filter(|number| !said.contains(number)) {
        chains.extend(workload.chains(&Destination::unknown(Some(number)), rules.of_workload(&labels, number)));
    }
    let of_port = |port: &Port| {
        let mode = rules.of_workload(&labels, port.target.number);
        workload.chains(&Destination::of(port), mode)
    };
    let (own, captured): (Vec<&Port>, Vec<&Port>) = ports.iter().partition(|port| port.real);
    captured.into_iter().for_each(|port| chains.extend(of_port(port)));
    let exact_balance = proxy.metadata.flag("INBOUND_LISTENER_EXACT_BALANCE") == Flag::On;
    let logs = Handle::new(settings.listener_logs(Direction::In));
    let listener = |name, bind, captured, chains| {
        Handle::new(VirtualInbound {
            name,
            captured,
            bind,
            transparent: captured && interception == Interception::Tproxy,
            exact_balance,
            accepts: view.mesh().features.accepts,
            detection_timeout: mesh.protocol_detection_timeout,
            chains,
            logs: logs.clone(),
        })
    };
    let mut listeners = Vec::new();
    if interception != Interception::None {
        let bind = Bind { addresses: vec![workload.wildcard.into()], port, real: true };
        listeners.push(listener("virtualInbound".into(), bind, true, chains));
    }
    listeners.extend(own.into_iter().map(|port| {
        let bind = Bind { addresses: vec![port.bind.clone()], port: port.target.number, real: true };
        listener(bind.name(), bind, false, of_port(port))
    }));
    listeners
}

/// A port at which calls are taken in.
struct Port {
    target: Target,
    /// The address in its name, and that of its listener if it has one of its own.
    bind: Str,
    /// Whether it has a listener of its own.
    real: bool,
    /// The Sidecar that says it is there.
    origin: Option<(Namespace, Str)>,
}

impl Port {
    fn of_service(target: Target, wildcard: &str) -> Self {
        Self { target, bind: wildcard.into(), real: false, origin: None }
    }
}

/// The first target of each port, by port, but for ports of the proxy itself (istio `getFilterChainsByServicePort`).
fn ports(targets: Vec<Target>, reserved: &BTreeSet<u16>) -> Vec<Target> {
    let mut ports: Vec<Target> = Vec::new();
    for target in targets {
        if !reserved.contains(&target.number) && ports.iter().all(|t| t.number != target.number) {
            ports.push(target);
        }
    }
    ports.sort_by_key(|target| target.number);
    ports
}

/// What chains of all ports share.
struct Workload {
    wildcard: &'static str,
    /// `None` for a proxy that cannot prove who it is.
    certificates: Option<Certificates>,
    /// Whether nothing may be let in: of bytes, of calls.
    shut: [bool; 2],
    bytes: Handle<BytesSettings>,
    /// The same, with nobody to decide what is let in.
    open: Handle<BytesSettings>,
    calls: Handle<CallSettings>,
    /// A pattern for the names of clusters in statistics; empty for their own.
    stat_name: Str,
    /// How calls are tried again, where the mesh says so.
    retry: Option<Retry>,
    /// How long a connection may be silent.
    idle_timeout: Option<Duration>,
    has_grpc_web: bool,
    has_mongo: bool,
    clear_http: &'static [&'static str],
}

impl Workload {
    /// Connections to the listener's own port would go round in circles.
    fn loops(&self, port: u16) -> InboundChain {
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

    fn blackhole(&self) -> Bytes {
        let proxy = TcpProxy { logged: false, ..TcpProxy::to("BlackHoleCluster") };
        Bytes { settings: self.open.clone(), resolution: None, protocol: None, proxy }
    }

    /// The chains of one port for the callers that are taken there.
    ///
    /// A proxy that cannot prove who it is ends no TLS. Where nothing but the mesh's TLS may come, it takes TLS and
    /// drops it, so that clear text is refused as ever.
    fn chains(&self, to: &Destination<'_>, mode: PeerMode) -> Vec<InboundChain> {
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
        let mongo = to.port.protocol == Protocol::Mongo && self.has_mongo;
        Bytes {
            settings: self.bytes.clone(),
            resolution: None,
            protocol: mongo.then_some(Read::Mongo),
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
