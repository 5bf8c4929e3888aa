//! What distinguishes gateways.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use envoy_types::pb::envoy::extensions::filters::listener::proxy_protocol::v3::ProxyProtocol;
use prost::Name;

use crate::api::mesh::TlsConfig;
use crate::base::{Duration, Labels, Str};
use crate::generate::filter::{AccessLog, BytesSettings, CallSettings, HttpFilter};
use crate::generate::gateway::ServerFiles;
use crate::generate::route::Extensions;
use crate::model::facts::{Handle, Server, ServerEntry, Servers};
use crate::model::{Scope, View};
use crate::plan::access::access;
use crate::plan::caller::{Caller as Selected, place};
use crate::plan::listener::{Direction, Reads, Settings, addresses, has_basics};
use crate::plan::route::{Caller, caller, extensions, headers};
use crate::plan::targets;
use crate::proxy::{Flag, Proxy, Role};

/// What distinguishes classes of proxies for their listeners.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListenerFacets {
    pub(super) scope: Scope,
    /// `None` for a proxy without listeners.
    pub(super) gate: Option<Handle<Gate>>,
}

/// What listeners depend on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Gate {
    pub(super) entries: Vec<ServerEntry>,
    /// The wildcard address.
    pub(super) wildcard: &'static str,
    pub(super) exact_balance: bool,
    /// How many connections are taken at a time.
    pub(super) accepts: u32,
    pub(super) proxy_protocol: bool,
    pub(super) buffer_limit: Option<u32>,
    /// Those labels by which some rule tells callers apart.
    pub(super) labels: Labels,
    /// How long a connection may be silent where no rule says.
    pub(super) idle_timeout: Option<Duration>,
    /// A pattern for the names of clusters in statistics; empty for their own.
    pub(super) stat_name: Str,
    pub(super) reads: Reads,
    pub(super) has_grpc_web: bool,
    /// Whether nothing may be let in: of bytes, of calls.
    pub(super) shut: [bool; 2],
    pub(super) bytes: Handle<BytesSettings>,
    /// The same, with nobody to decide what is let in.
    pub(super) open: Handle<BytesSettings>,
    /// The same as the first where peers tell each other who they are.
    pub(super) exchanging: Handle<BytesSettings>,
    pub(super) calls: Handle<CallSettings>,
    pub(super) logs: Handle<Vec<AccessLog>>,
    pub(super) trust: Trust,
}

/// Where certificates come from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Trust {
    pub(super) mesh: Option<TlsConfig>,
    pub(super) own: ServerFiles,
    pub(super) identity: bool,
    pub(super) external_secrets: bool,
    pub(super) file_secrets: bool,
}

/// The facets of a proxy for its listeners.
pub fn listener_facets(view: &View<'_>, proxy: &Proxy) -> ListenerFacets {
    let gate = gate(view, proxy);
    let scope = if gate.is_some() { Scope::Namespace(proxy.namespace.clone()) } else { Scope::Public };
    ListenerFacets { scope, gate: gate.map(Handle::new) }
}

fn gate(view: &View<'_>, proxy: &Proxy) -> Option<Gate> {
    let (servers, labels) = servers(view, proxy)?;
    let mesh = &view.mesh().config;
    let settings = Settings::new(view, proxy, &labels);
    let access = access(view, proxy, &labels);
    let open = Handle::new(settings.bytes(Direction::Edge));
    let exchange = settings.bytes(Direction::In).exchange;
    Some(Gate {
        entries: servers.entries,
        wildcard: addresses(proxy).0[0],
        accepts: view.mesh().features.accepts,
        exact_balance: proxy.metadata.flag("OUTBOUND_LISTENER_EXACT_BALANCE") == Flag::On,
        proxy_protocol: settings.proxy_protocol() && proxy.capabilities.has(&ProxyProtocol::full_name()),
        buffer_limit: settings.buffer_limit(),
        labels: Selected::selected(view, proxy).labels,
        idle_timeout: settings.idle_timeout(),
        stat_name: mesh.outbound_cluster_stat_name.clone(),
        reads: settings.reads(),
        has_grpc_web: proxy.capabilities.has(&HttpFilter::GrpcWeb.extension()),
        shut: access.shut(),
        bytes: access.guard(&open),
        exchanging: access.guard(&Handle::new(BytesSettings { exchange, ..(*open).clone() })),
        open,
        calls: access.guard_calls(settings.calls(Direction::Edge)),
        logs: Handle::new(settings.listener_logs(Direction::Edge)),
        trust: Trust::of(mesh.tls_defaults.clone(), proxy),
    })
}

impl Trust {
    fn of(mesh: Option<TlsConfig>, proxy: &Proxy) -> Self {
        let text = |key: &str| proxy.metadata.text(key).into();
        Self {
            mesh,
            own: ServerFiles {
                certificate: text("TLS_SERVER_CERT_CHAIN"),
                key: text("TLS_SERVER_KEY"),
                roots: text("TLS_SERVER_ROOT_CERT"),
            },
            identity: proxy.capabilities.has_identity(),
            external_secrets: proxy.metadata.flag("credential") == Flag::On,
            file_secrets: proxy.metadata.flag("file-credential") == Flag::On,
        }
    }

    /// Whether the mesh's TLS can end here.
    pub(super) fn ends_mesh_tls(&self) -> bool {
        let own = &self.own;
        self.identity || [&own.certificate, &own.key, &own.roots].iter().all(|file| !file.is_empty())
    }
}

/// What a proxy takes in, and the labels of its workload; `None` for one that is no gateway, or takes in nothing.
fn servers(view: &View<'_>, proxy: &Proxy) -> Option<(Servers, Labels)> {
    if proxy.role != Role::Router || !has_basics(&proxy.capabilities) {
        return None;
    }
    let (labels, _) = place(view, proxy);
    let mut servers = view.servers(&proxy.namespace, &labels, &targets(view, proxy))?;
    let unprivileged = proxy.metadata.flag("UNPRIVILEGED_POD") == Flag::On;
    servers.entries.retain(|entry| !(unprivileged && entry.port < 1024));
    (!servers.entries.is_empty()).then_some((servers, labels))
}

/// The ports of servers behind those in the names of routes ([`Servers::ports`]).
pub(in crate::plan) fn ports(view: &View<'_>, proxy: &Proxy) -> Vec<(u16, Vec<u16>)> {
    servers(view, proxy).map(|(servers, _)| servers.ports()).unwrap_or_default()
}

/// Whether a proxy passes TLS of the mesh on by the name in the handshake: it has clusters for that too.
pub(in crate::plan) fn passes_by_name(view: &View<'_>, proxy: &Proxy) -> bool {
    let merged = |entry: &ServerEntry| entry.servers.iter().any(|merged| merged.server.passes_by_name());
    servers(view, proxy).is_some_and(|(servers, _)| servers.entries.iter().any(merged))
}

/// What distinguishes classes of proxies for their routes; `None` for those without.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RouteFacets {
    pub(super) scope: Scope,
    pub(super) routing: Option<Handle<Routing>>,
}

/// What routes depend on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Routing {
    /// The servers behind each name of routes that some listener asks for.
    pub(super) servers: BTreeMap<Str, Vec<Arc<Server>>>,
    pub(super) caller: Caller,
    pub(super) attempt_count: bool,
    pub(super) forwarded_host: bool,
    pub(super) extensions: Extensions,
}

/// The facets of a proxy for its routes.
pub fn route_facets(view: &View<'_>, proxy: &Proxy) -> RouteFacets {
    let Some((mut servers, _)) = servers(view, proxy) else {
        return RouteFacets { scope: Scope::Public, routing: None };
    };
    let asked: BTreeSet<&Str> = servers.entries.iter().flat_map(asked_by).collect();
    servers.routes.retain(|name, _| asked.contains(name));
    let (attempt_count, forwarded_host) = headers(view, proxy);
    let routing = Routing {
        servers: servers.routes,
        caller: caller(view, proxy),
        attempt_count,
        forwarded_host,
        extensions: extensions(proxy),
    };
    RouteFacets { scope: Scope::Namespace(proxy.namespace.clone()), routing: Some(Handle::new(routing)) }
}

/// The names of routes for which a listener asks.
fn asked_by(entry: &ServerEntry) -> Vec<&Str> {
    if entry.protocol.is_http() {
        return vec![&entry.route];
    }
    entry.servers.iter().filter(|merged| merged.server.ends_https()).map(|merged| &merged.route).collect()
}
