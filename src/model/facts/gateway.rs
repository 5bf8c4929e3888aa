//! What gateways take in: Gateways with their fields resolved, and all of a proxy put together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::api::gateway;
use crate::api::server_tls::{ServerTls, ServerTlsMode};
use crate::base::{Labels, Namespace, Str};

use super::handle::Handle;
use super::port::Protocol;

/// A Gateway.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Gateway {
    /// The object's name.
    pub name: Str,
    /// The object's namespace.
    pub namespace: Namespace,
    /// When it was created, unix seconds; the older one wins.
    pub created: i64,
    /// Labels of the proxies; empty selects all.
    pub selector: Labels,
    /// What is taken in; servers without a port are left out.
    pub servers: Vec<Arc<Server>>,
}

/// One server of a Gateway.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Server {
    /// The Gateway, `namespace/name`.
    pub gateway: Str,
    /// Its place among the servers of the Gateway.
    pub index: usize,
    /// The server's own name.
    pub name: Str,
    /// The port as it is written: that of the Service in front of the proxy.
    pub number: u16,
    /// The port's name.
    pub port_name: Str,
    /// What is spoken.
    pub protocol: Protocol,
    /// The address to listen at; empty for all.
    pub bind: Str,
    /// The hosts: `host` for VirtualServices of every namespace, `namespace/host` for those of one.
    pub hosts: Vec<Str>,
    /// TLS; `None` for clear text.
    pub tls: Option<ServerTls>,
}

impl Gateway {
    /// From what is written.
    pub(in crate::model) fn new(name: &Str, namespace: &Namespace, created: i64, said: &gateway::Gateway) -> Self {
        let full: Str = format!("{namespace}/{name}").into();
        let server = |(index, said): (usize, &gateway::Server)| {
            let port = said.port.as_ref()?;
            let tls =
                said.tls.as_deref().map(|tls| ServerTls { cipher_suites: tls.known_cipher_suites(), ..tls.clone() });
            Some(Arc::new(Server {
                gateway: full.clone(),
                index,
                name: said.name.clone(),
                number: u16::try_from(port.number).ok()?,
                port_name: port.name.clone(),
                protocol: Protocol::parse(&port.protocol),
                bind: said.bind.clone(),
                hosts: hosts(&said.hosts, namespace),
                tls,
            }))
        };
        let servers = said.servers.iter().enumerate().filter_map(server).collect();
        Self { name: name.clone(), namespace: namespace.clone(), created, selector: said.selector.clone(), servers }
    }

    /// Whether it is for proxies with these labels.
    pub fn selects(&self, labels: &Labels) -> bool {
        self.selector.iter().all(|(key, value)| labels.get(key) == Some(value))
    }
}

/// `.` is the own namespace, `*` any (istio `pilot/pkg/model/gateway.go`, `sanitizeServerHostNamespace`).
fn hosts(said: &[Str], namespace: &Namespace) -> Vec<Str> {
    if said.iter().any(|host| *host == "*/*") {
        return vec!["*".into()];
    }
    let host = |host: &Str| match host.split_once('/') {
        Some((".", name)) => format!("{namespace}/{name}").into(),
        Some(("*", name)) => name.into(),
        _ => host.clone(),
    };
    said.iter().map(host).collect()
}

impl Server {
    /// Whether TLS is passed on as it is.
    pub fn passes_through(&self) -> bool {
        self.tls.as_ref().is_some_and(ServerTls::passes_through)
    }

    /// Whether calls are read: HTTP in clear text, or within TLS that ends here.
    pub fn reads_calls(&self) -> bool {
        self.protocol.is_http() || (self.protocol == Protocol::Https && !self.passes_through())
    }

    /// Whether calls are read within TLS that ends here.
    pub fn ends_https(&self) -> bool {
        self.tls.is_some() && self.protocol == Protocol::Https && !self.passes_through()
    }

    /// Whether there is TLS, to be ended or passed on; redirects to HTTPS are in clear text.
    pub fn is_tls(&self) -> bool {
        self.tls.is_some() && !self.protocol.is_http()
    }

    /// Whether calls in clear text are told to come back with TLS.
    pub fn redirects(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.https_redirect)
    }

    /// Whether TLS is passed on to the service that the name in the ClientHello encodes.
    pub fn passes_by_name(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.mode == ServerTlsMode::AutoPassthrough)
    }

    /// The names in the ClientHello that it takes.
    pub fn server_names(&self) -> Vec<Str> {
        let bare = |host: &Str| host.split_once('/').map_or_else(|| host.clone(), |(_, name)| name.into());
        let names: BTreeSet<Str> = self.hosts.iter().map(bare).collect();
        names.into_iter().collect()
    }

    /// The name of its routes, where it has some (istio `pilot/pkg/model/gateway.go`, `gatewayRDSRouteName`). `port` is
    /// the one that is listened at.
    pub(in crate::model) fn route_name(&self, port: u16) -> Str {
        let bind = if self.bind.is_empty() { String::new() } else { format!(".{}", self.bind) };
        let (namespace, name) = self.gateway.split_once('/').unwrap_or_default();
        if self.protocol.is_http() {
            format!("http.{port}{bind}").into()
        } else if self.reads_calls() {
            format!("https.{}.{}.{name}.{namespace}{bind}", self.number, self.port_name).into()
        } else {
            Str::default()
        }
    }
}

/// What the name of a gateway's routes says (istio `ParseGatewayRDSRouteName`): `http.80`, or
/// `https.443.NAME.GATEWAY.NAMESPACE`. A name that says more, as that of a bound address, says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteName<'n> {
    /// The port; 0 if it says none.
    pub port: u16,
    /// The name of the server's port.
    pub port_name: &'n str,
    /// The Gateway, as `namespace/name`.
    pub gateway: String,
}

impl<'n> RouteName<'n> {
    /// Reads a name.
    pub fn parse(name: &'n str) -> Self {
        if let Some(port) = name.strip_prefix("http.") {
            return Self { port: port.parse().unwrap_or_default(), ..Self::default() };
        }
        let parts: Vec<&str> = name.split('.').collect();
        match parts[..] {
            ["https", port, port_name, gateway, namespace] => {
                Self { port: port.parse().unwrap_or_default(), port_name, gateway: format!("{namespace}/{gateway}") }
            }
            _ => Self::default(),
        }
    }
}

impl Servers {
    /// For each port in names of routes the ports of the Gateways' servers behind it, where there is any but itself
    /// (istio `getTargetPortMap`).
    pub fn ports(&self) -> Vec<(u16, Vec<u16>)> {
        let mut ports: BTreeMap<u16, BTreeSet<u16>> = BTreeMap::new();
        for (name, servers) in &self.routes {
            let numbers = servers.iter().map(|server| server.number);
            ports.entry(RouteName::parse(name).port).or_default().extend(numbers);
        }
        let differ = |(port, numbers): (u16, BTreeSet<u16>)| {
            (numbers.iter().ne([&port])).then(|| (port, numbers.into_iter().collect()))
        };
        ports.into_iter().filter_map(differ).collect()
    }
}

/// All that a gateway proxy takes in, after conflicts are resolved.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Servers {
    /// By port, protocol and address, in the order in which they came up.
    pub entries: Vec<Entry>,
    /// The servers of each name of routes, in order.
    pub routes: BTreeMap<Str, Vec<Arc<Server>>>,
}

/// Servers that share a port, a protocol and an address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// The port that is listened at.
    pub port: u16,
    /// What the first of them speaks.
    pub protocol: Protocol,
    /// The address; empty for all.
    pub bind: Str,
    /// The name of the routes that they share, where they speak HTTP in clear text.
    pub route: Str,
    /// The servers.
    pub servers: Vec<Merged>,
}

/// A server in its place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Merged {
    /// The server.
    pub server: Arc<Server>,
    /// The name of its routes; empty where it has none.
    pub route: Str,
}

/// A server that is not in force at a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The server.
    pub server: Arc<Server>,
    /// The server that has what it wants, if one can be named.
    pub winner: Option<Arc<Server>>,
    /// Why both cannot be, as the end of a sentence.
    pub why: Str,
}

/// The Gateways of a proxy, oldest first.
pub type Gateways = Vec<Handle<Gateway>>;
