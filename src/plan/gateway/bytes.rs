//! Where bytes go that a gateway does not read, and TLS that it passes on.

use std::collections::BTreeSet;

use crate::api::server_tls::ServerTlsMode;
use crate::api::virtual_service::WeightedDestination;
use crate::base::{Host, Str};
use crate::generate::cluster::server_name;
use crate::generate::filter::{Bytes, TcpProxy};
use crate::generate::gateway::GatewayChain;
use crate::generate::listener::{Chain, Content, Match};
use crate::model::View;
use crate::model::facts::{Handle, Protocol, Server, Service, VirtualService};
use crate::plan::listener::{Calling, Ways};

use super::facets::Gate;

/// What sidecars offer in the handshakes of the mesh.
const MESH: &[&str] = &["istio", "istio-peer-exchange", "istio-http/1.0", "istio-http/1.1", "istio-h2"];

/// Ways of bytes through a gateway.
pub(super) struct Wires<'p, 's> {
    view: &'p View<'s>,
    gate: &'p Gate,
}

impl<'p, 's> Wires<'p, 's> {
    pub(super) fn new(view: &'p View<'s>, gate: &'p Gate) -> Self {
        Self { view, gate }
    }

    fn ways(&self, server: &Server) -> Ways<'p, 's> {
        let mode = server.tls.as_ref().map(|tls| tls.mode);
        Ways {
            view: self.view,
            labels: &self.gate.labels,
            stat_name: &self.gate.stat_name,
            idle_timeout: self.gate.idle_timeout,
            reads: self.gate.reads,
            settings: match mode {
                Some(ServerTlsMode::IstioMutual) => &self.gate.exchanging,
                // Who calls, and what, is for the server to judge.
                Some(ServerTlsMode::AutoPassthrough) => &self.gate.open,
                _ => &self.gate.bytes,
            },
        }
    }

    /// The VirtualServices that have a host of the server.
    fn bound(&self, server: &Server) -> Vec<Handle<VirtualService>> {
        let mut all = self.view.bound_to(&server.gateway);
        all.retain(|v| v.hosts.iter().any(|host| server.hosts.iter().any(|said| takes(said, v, host))));
        all
    }

    /// Everything goes where the first route says that is for the port and the Gateway (istio `gateway.go`,
    /// `buildGatewayNetworkFiltersFromTCPRoutes`).
    pub(super) fn bytes(&self, server: &Server) -> Option<Bytes> {
        for v in self.bound(server) {
            for rule in v.tcp.iter().filter(|rule| !rule.route.is_empty()) {
                let mut conditions = rule.r#match.iter();
                let holds = conditions.any(|m| applies(server, m.port, &m.gateways));
                if holds || rule.r#match.is_empty() {
                    return self.routed(server, &v, &rule.route);
                }
            }
        }
        None
    }

    fn routed(&self, server: &Server, v: &VirtualService, to: &[WeightedDestination]) -> Option<Bytes> {
        self.view.credit_routes(v);
        if self.gate.shut[0] {
            return Some(self.blackhole());
        }
        let calling = Calling { number: server.number, name: &server.port_name, protocol: server.protocol };
        self.ways(server).routed(&calling, v, to)
    }

    /// Nothing is let in.
    pub(super) fn blackhole(&self) -> Bytes {
        let proxy = TcpProxy { logged: false, ..TcpProxy::to("BlackHoleCluster") };
        Bytes { settings: self.gate.open.clone(), resolution: None, protocol: None, proxy }
    }

    /// TLS goes on by the name in the ClientHello. A name counts once (istio `gateway.go`,
    /// `buildGatewayNetworkFiltersFromTLSRoutes`).
    pub(super) fn by_server_name(&self, server: &Server) -> Vec<GatewayChain> {
        let mut names: BTreeSet<Str> = BTreeSet::new();
        let mut chains = Vec::new();
        for v in self.bound(server) {
            for rule in v.tls.iter().filter(|rule| !rule.route.is_empty()) {
                for condition in rule.r#match.iter().filter(|m| applies(server, m.port, &m.gateways)) {
                    if condition.sni_hosts.iter().any(|name| names.contains(name)) {
                        continue;
                    }
                    names.extend(condition.sni_hosts.iter().cloned());
                    let bytes = self.routed(server, &v, &rule.route);
                    chains.extend(bytes.map(|bytes| passing(condition.sni_hosts.clone(), &[], bytes)));
                }
            }
        }
        chains
    }

    /// TLS of the mesh goes on to the service, port and subset that the name in the ClientHello encodes (istio
    /// `gateway.go`, `builtAutoPassthroughFilterChains`).
    pub(super) fn by_encoded_name(&self, server: &Server) -> Vec<GatewayChain> {
        let mut hosts: BTreeSet<Host> = BTreeSet::new();
        for pattern in server.server_names().into_iter().map(Host::new) {
            if pattern.is_wildcard() {
                hosts.extend(self.view.hosts_under(&pattern).filter(|host| pattern.covers(host)).cloned());
            } else {
                hosts.insert(pattern);
            }
        }
        let services = hosts.iter().filter_map(|host| self.view.service(host)).filter(|service| !service.external);
        services.flat_map(|service| self.encoded(server, &service)).collect()
    }

    fn encoded(&self, server: &Server, service: &Handle<Service>) -> Vec<GatewayChain> {
        let ways = self.ways(server);
        let rule = self.view.rule(service, &self.gate.labels);
        let mut chains = Vec::new();
        for port in service.ports.iter().filter(|port| port.protocol != Protocol::Udp) {
            let subsets = rule.iter().flat_map(|rule| &rule.subsets).map(|subset| subset.name.as_str());
            for subset in [""].into_iter().chain(subsets) {
                let cluster: Str = server_name(port.number, subset, &service.host).into();
                let stat_prefix = ways.stat_prefix(&cluster, service, &service.host, subset, port.number, &port.name);
                let proxy = TcpProxy { stat_prefix, ..TcpProxy::to(cluster.clone()) };
                let proxy = TcpProxy { tunnel: None, ..ways.under(rule.as_ref(), subset, proxy) };
                chains.push(passing(vec![cluster], MESH, ways.chain(port.protocol, proxy)));
            }
        }
        chains
    }
}

/// Whether a server's host is one that a VirtualService has, or overlaps it.
fn takes(said: &str, v: &VirtualService, host: &Host) -> bool {
    match said.split_once('/') {
        Some((namespace, name)) => namespace == v.namespace.as_str() && Host::from(name).matches(host),
        None => Host::from(said).matches(host),
    }
}

/// Whether a condition is for a server.
fn applies(server: &Server, port: u32, gateways: &[Str]) -> bool {
    (port == 0 || port == u32::from(server.number)) && (gateways.is_empty() || gateways.contains(&server.gateway))
}

fn passing(server_names: Vec<Str>, protocols: &'static [&'static str], bytes: Bytes) -> GatewayChain {
    let matches = Match { server_names, protocols, ..Match::default() };
    GatewayChain { chain: Chain { matches, origin: None, content: Content::Bytes(bytes) }, tls: None }
}
