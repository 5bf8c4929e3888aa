//! Listeners of gateways, one address and port at a time.

use crate::api::server_tls::ServerTlsMode;
use crate::base::Str;
use crate::generate::filter::{Calls, HttpFilter, Routes};
use crate::generate::gateway::{GatewayChain, GatewayListener, ServerTls};
use crate::generate::listener::{Bind, Chain, Content, Match};
use crate::model::facts::{Handle, MergedServer, Protocol, Server, ServerEntry};
use crate::model::{FactKey, Scope, View};
use crate::plan::listener::Taken;
use crate::plan::{Output, Planner};

use super::bytes::Wires;
use super::facets::{Gate, ListenerFacets};

/// Plans listeners of gateways.
pub struct GatewayListeners;

impl Planner for GatewayListeners {
    type Facets = ListenerFacets;
    /// Address and port.
    type Unit = (Str, u16);

    fn scope(facets: &ListenerFacets) -> &Scope {
        &facets.scope
    }

    fn units(_: &View<'_>, facets: &ListenerFacets) -> Vec<(Str, u16)> {
        let entries = facets.gate.iter().flat_map(|gate| &gate.entries);
        let mut units: Vec<_> = entries.map(|entry| (entry.bind.clone(), entry.port)).collect();
        units.sort();
        units.dedup();
        units
    }

    fn unit_of(_: &FactKey) -> Option<(Str, u16)> {
        None
    }

    fn plan(view: &View<'_>, facets: &ListenerFacets, (bind, port): &(Str, u16), out: &mut Output<'_>) {
        let Some(gate) = facets.gate.as_deref() else { return out.gone() };
        let address = if bind.is_empty() { gate.wildcard.into() } else { bind.clone() };
        let bind_to = Bind { addresses: vec![address], port: *port, real: true };
        let planning = Planning { gate, name: bind_to.name(), wires: Wires::new(view, gate) };
        let mut taken = Taken::default();
        let mut chains = Vec::new();
        for entry in gate.entries.iter().filter(|entry| entry.bind == *bind && entry.port == *port) {
            entry.servers.iter().for_each(|merged| view.credit_gateway(&merged.server.gateway));
            for GatewayChain { chain, tls } in planning.chains(entry) {
                chains.extend(taken.restrict(chain).map(|chain| GatewayChain { chain, tls }));
            }
        }
        if !chains.is_empty() {
            out.resource(&GatewayListener {
                bind: bind_to,
                exact_balance: gate.exact_balance,
                accepts: gate.accepts,
                proxy_protocol: gate.proxy_protocol,
                buffer_limit: gate.buffer_limit,
                chains,
                logs: gate.logs.clone(),
            });
        }
    }
}

/// Everything at hand while a listener is planned.
struct Planning<'p, 's> {
    gate: &'p Gate,
    /// The listener's name.
    name: Str,
    wires: Wires<'p, 's>,
}

impl Planning<'_, '_> {
    fn chains(&self, entry: &ServerEntry) -> Vec<GatewayChain> {
        if entry.protocol.is_http() {
            let content = self.calls(&entry.route, entry.protocol, "");
            return vec![GatewayChain { chain: chain(Vec::new(), content), tls: None }];
        }
        entry.servers.iter().flat_map(|merged| self.server(merged)).collect()
    }

    /// The chains of a server that is not HTTP in clear text. A server whose TLS cannot end here has none.
    fn server(&self, MergedServer { server, route }: &MergedServer) -> Vec<GatewayChain> {
        let Some(said) = &server.tls else {
            let chain = self.wires.bytes(server).map(|bytes| chain(Vec::new(), Content::Bytes(bytes)));
            return chain.map(|chain| GatewayChain { chain, tls: None }).into_iter().collect();
        };
        match said.mode {
            ServerTlsMode::Passthrough => return self.wires.by_server_name(server),
            ServerTlsMode::AutoPassthrough => return self.wires.by_encoded_name(server),
            ServerTlsMode::IstioMutual if !self.gate.trust.ends_mesh_tls() => return Vec::new(),
            _ => {}
        }
        let content = match server.ends_https() {
            true => Some(self.calls(route, server.protocol, &server.name)),
            false => self.wires.bytes(server).map(Content::Bytes),
        };
        let Some(content) = content else { return Vec::new() };
        vec![GatewayChain { chain: chain(server.server_names(), content), tls: Some(self.tls(server, said)) }]
    }

    fn calls(&self, route: &Str, protocol: Protocol, stat_prefix: &str) -> Content {
        if self.gate.shut[1] {
            return Content::Bytes(self.wires.blackhole());
        }
        let web = protocol == Protocol::GrpcWeb && self.gate.has_grpc_web;
        let stat_prefix = match stat_prefix {
            "" => format!("outbound_{};", self.name).into(),
            said => said.into(),
        };
        Content::Calls(Calls {
            settings: self.gate.calls.clone(),
            filters: web.then_some(HttpFilter::GrpcWeb).into_iter().collect(),
            stat_prefix,
            routes: Routes::Named(route.clone()),
            absolute_urls: false,
            http2: false,
        })
    }

    fn tls(&self, server: &Server, said: &crate::api::server_tls::ServerTls) -> Handle<ServerTls> {
        const CALLS: &[&str] = &["h2", "http/1.1"];
        const PEERS: &[&str] = &["istio-peer-exchange", "h2", "http/1.1"];
        let peers = said.mode == ServerTlsMode::IstioMutual && !server.reads_calls();
        let trust = &self.gate.trust;
        Handle::new(ServerTls {
            said: said.clone(),
            alpn: if peers { PEERS } else { CALLS },
            mesh: trust.mesh.clone(),
            own: trust.own.clone(),
            identity: trust.identity,
            external_secrets: trust.external_secrets,
            file_secrets: trust.file_secrets,
        })
    }
}

/// A chain for connections with one of these names in the ClientHello; all if there are none.
fn chain(server_names: Vec<Str>, content: Content) -> Chain {
    Chain { matches: Match { server_names, ..Match::default() }, origin: None, content }
}
