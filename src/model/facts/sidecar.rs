//! What a Sidecar says, cut into what its readers need: what may be reached, where calls are taken in, what becomes of
//! the rest.

use std::collections::{BTreeMap, BTreeSet};

use crate::api::destination_rule::ConnectionPool;
use crate::api::sidecar::{CaptureMode, OutboundTrafficPolicy};
use crate::api::virtual_service::{self, Destination};
use crate::base::{Host, Labels, Namespace, Str};

use super::handle::Handle;
use super::port::{Port, Protocol};
use super::rule::VirtualService;
use super::service::Service;

/// A Sidecar.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sidecar {
    /// The object's name.
    pub name: Str,
    /// The object's namespace.
    pub namespace: Namespace,
    /// Labels of the workloads it is for; `None` is every workload.
    pub selector: Option<Labels>,
    /// What may be reached; `None` where that is everything, in the usual way.
    pub egress: Option<Handle<Egress>>,
    /// Where calls are taken in; as the services say if empty.
    pub ingress: Vec<Ingress>,
    /// Limits of the connections taken in, where a listener has none of its own.
    pub pool: Option<Handle<ConnectionPool>>,
    /// What becomes of calls to unknown hosts; as the mesh says if absent.
    pub unknown: Option<OutboundTrafficPolicy>,
}

/// A port at which calls are taken in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ingress {
    /// The port.
    pub port: Port,
    /// The address to listen at; empty where nothing is said.
    pub bind: Str,
    /// How calls come to the listener.
    pub capture: CaptureMode,
    /// Where the application listens; empty for the address and port that was called.
    pub endpoint: Str,
    /// Limits of the connections taken in.
    pub pool: Option<Handle<ConnectionPool>>,
}

/// What may be reached: listeners, each with hosts of its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Egress {
    /// In the order written; the one without a port, for all that the others leave, is the last.
    pub listeners: Vec<EgressListener>,
}

/// Hosts that may be reached, and where.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EgressListener {
    /// The port, with number 0 for a Unix socket; all ports of the hosts if absent.
    pub port: Option<Port>,
    /// The address or the socket to listen at; the services' if empty.
    pub bind: Str,
    /// How calls come to the listener.
    pub capture: CaptureMode,
    /// The hosts.
    pub imports: Imports,
}

/// Hosts by the namespaces of those who define them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Imports {
    /// Of namespaces by name.
    pub named: BTreeMap<Namespace, Hosts>,
    /// Of the workload's own namespace, `./host`.
    pub own: Hosts,
    /// Of any namespace, `*/host`.
    pub any: Hosts,
}

/// Hosts of one namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Hosts {
    /// Exact ones.
    pub exact: BTreeSet<Host>,
    /// Wildcards.
    pub wild: BTreeSet<Host>,
    /// Those left out again, `~namespace/host`.
    pub excluded: BTreeSet<Host>,
}

impl Egress {
    /// The listener that has a port: the one that says so, else the one for all that is left (istio
    /// `pilot/pkg/model/sidecar.go`, `GetEgressListenerForRDS`).
    pub fn listener_of(&self, number: u16) -> Option<usize> {
        self.listeners.iter().position(|l| l.port.as_ref().is_none_or(|p| p.number == number && number > 0))
    }
}

impl Egress {
    /// Whether some listener has this port.
    pub fn has_port(&self, number: u16) -> bool {
        self.listeners.iter().any(|l| l.port.as_ref().is_some_and(|p| p.number == number))
    }
}

impl EgressListener {
    /// The port that services must have to be reached here. A forward proxy and a socket reach every port.
    pub fn needs_port(&self) -> Option<u16> {
        let port = self.port.as_ref().filter(|p| p.number > 0 && p.protocol != Protocol::HttpProxy)?;
        Some(port.number)
    }

    /// Whether it is for a forward proxy or at a socket, so that the port of a call is for the call to say.
    pub fn reaches_every_port(&self) -> bool {
        self.port.is_some() && self.needs_port().is_none()
    }

    /// The name of the routes for it, where it reaches every port: its port, or its socket.
    pub fn routes_name(&self) -> Str {
        match &self.port {
            Some(port) if port.number > 0 => port.number.to_string().into(),
            _ => self.bind.clone(),
        }
    }

    /// What of a service may be reached here from a namespace, if anything (istio `selectServices`).
    pub fn import(&self, service: &Handle<Service>, own: &Namespace) -> Option<Handle<Service>> {
        let sources = || self.imports.of(&service.namespace, own);
        if sources().chain([&self.imports.any]).any(|h| h.excludes(&service.host)) {
            return None;
        }
        let named: Vec<&Hosts> = sources().collect();
        [named, vec![&self.imports.any]].into_iter().find_map(|hosts| {
            let takes = |host: &Host| hosts.iter().any(|h| h.takes(host));
            let service = if takes(&service.host) { self.on_port(service)? } else { return None };
            if service.aliases.iter().all(|(_, alias)| takes(alias)) {
                return Some(service);
            }
            let aliases = service.aliases.iter().filter(|(_, alias)| takes(alias)).cloned().collect();
            Some(Handle::new(Service { aliases, ..(*service).clone() }))
        })
    }

    /// A service with that one port which is asked for; `None` if it has no such port.
    pub fn on_port(&self, service: &Handle<Service>) -> Option<Handle<Service>> {
        let Some(number) = self.needs_port() else { return Some(service.clone()) };
        let port = service.port(number)?;
        if service.ports.len() == 1 {
            return Some(service.clone());
        }
        Some(Handle::new(Service { ports: vec![port.clone()], ..(**service).clone() }))
    }

    /// Whether a VirtualService counts here (istio `SelectVirtualServices`).
    pub fn routes_by(&self, rule: &VirtualService, own: &Namespace) -> bool {
        let sources = || self.imports.of(&rule.namespace, own).chain([&self.imports.any]);
        rule.hosts.iter().any(|host| sources().any(|h| h.overlaps(host)) && !sources().any(|h| h.excludes(host)))
    }

    /// Whether all hosts are named in full, with their namespaces.
    pub fn is_exact(&self) -> bool {
        let sources = self.imports.named.values().chain([&self.imports.own]);
        self.imports.any.exact.is_empty() && sources.chain([&self.imports.any]).all(|h| h.wild.is_empty())
    }
}

impl Imports {
    /// The hosts of a namespace, as seen from one's own.
    fn of(&self, namespace: &Namespace, own: &Namespace) -> impl Iterator<Item = &Hosts> {
        self.named.get(namespace).into_iter().chain((namespace == own).then_some(&self.own))
    }
}

impl Hosts {
    fn takes(&self, host: &Host) -> bool {
        let under = || self.wild.iter().any(|w| w.covers(host));
        self.exact.contains(host) || under()
    }

    /// For VirtualServices it is enough that one of both covers the other.
    fn overlaps(&self, host: &Host) -> bool {
        let under = || self.wild.iter().any(|w| w.matches(host));
        self.exact.contains(host) || under() || (host.is_wildcard() && self.exact.iter().any(|e| host.covers(e)))
    }

    fn excludes(&self, host: &Host) -> bool {
        self.excluded.iter().any(|e| e.covers(host))
    }
}

impl VirtualService {
    /// Everything its routes lead to, each with the port that is asked for there. Routes for callers of other namespaces
    /// alone do not count; with `None` all do (istio `pilot/pkg/model/push_context.go`,
    /// `virtualServiceDestinationsFilteredBySourceNamespace`).
    pub fn destinations<'v>(&'v self, own: Option<&'v Namespace>) -> impl Iterator<Item = &'v Destination> {
        let counts = move |route: &&virtual_service::HttpRoute| {
            let asked = || route.r#match.iter().map(|m| &m.source_namespace);
            // A condition that names no namespace neither opens nor closes a route, as in istiod.
            own.is_none_or(|own| asked().all(|ns| ns.is_empty()) || asked().any(|ns| ns == own.str()))
        };
        let http = self.http.iter().filter(counts).flat_map(|route| {
            let mirrors = route.mirror.iter().chain(route.mirrors.iter().map(|m| &m.destination));
            route.route.iter().map(|r| &r.destination).chain(mirrors)
        });
        let bytes = self.tcp.iter().map(|r| &r.route).chain(self.tls.iter().map(|r| &r.route));
        http.chain(bytes.flatten().map(|r| &r.destination))
    }
}
