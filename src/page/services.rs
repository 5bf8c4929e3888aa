//! `services`: what can be called.

use serde::Serialize;

use super::list::{Ask, Key, Part};
use crate::base::{Host, Namespace, Str};
use crate::model::Snapshot;
use crate::model::facts::{self, Health, Registry, Resolution, Service};

/// One row of `GET /ui/api/services`; sorted by `host`, `namespace`, `kind` or `endpoints`.
#[derive(Debug, Serialize)]
pub struct Row {
    /// The name that callers use.
    pub host: Host,
    /// The namespace of the object that defines it.
    pub namespace: Namespace,
    /// The object's kind.
    pub kind: &'static str,
    /// The object's name.
    pub object: Str,
    /// Whether it is outside the mesh.
    pub external: bool,
    /// How its endpoints are found.
    pub resolution: &'static str,
    /// The ports that callers use.
    pub ports: Vec<Port>,
    /// Cluster IPs and the like; those that mizzen gave where there are none.
    pub addresses: Vec<Str>,
    /// Who answers.
    pub endpoints: Endpoints,
}

/// A port.
#[derive(Debug, Serialize)]
pub struct Port {
    /// Its number.
    pub number: u16,
    /// Its name.
    pub name: Str,
    /// What is spoken, as mizzen understands it.
    pub protocol: &'static str,
}

/// How many endpoints take calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Endpoints {
    /// They do.
    pub healthy: usize,
    /// They are not ready, or going away.
    pub unhealthy: usize,
}

impl Endpoints {
    pub(super) fn add(&mut self, others: Self) {
        self.healthy += others.healthy;
        self.unhealthy += others.unhealthy;
    }
}

/// What can be called, whoever may.
pub fn services(snapshot: &Snapshot, ask: &Ask) -> Part<Row> {
    let texts = |s: &Service| ask.finds(&[&s.host, &s.namespace, &s.object, kind(s)]);
    let all: Vec<&Service> = snapshot.services().map(|s| &**s).collect();
    let total = all.len();
    let mut found: Vec<&Service> = all.into_iter().filter(|s| texts(s)).collect();
    ask.sort(&mut found, |column, service| match column {
        "host" => Some(Key::Text(service.host.str().clone())),
        "namespace" => Some(Key::Text(service.namespace.str().clone())),
        "kind" => Some(Key::Text(kind(service).into())),
        "endpoints" => Some(Key::Number(of(snapshot, service).healthy as u64)),
        _ => None,
    });
    ask.cut(total, found, |service| row(snapshot, service))
}

/// One of them.
pub(super) fn row(snapshot: &Snapshot, service: &Service) -> Row {
    let port = |p: &facts::Port| Port { number: p.number, name: p.name.clone(), protocol: p.protocol.as_str() };
    let given = service.allocated.iter().flat_map(|a| [a.v4.clone(), a.v6.clone()]);
    let addresses = match service.addresses.is_empty() {
        true => given.collect(),
        false => service.addresses.clone(),
    };
    Row {
        host: service.host.clone(),
        namespace: service.namespace.clone(),
        kind: kind(service),
        object: service.object.clone(),
        external: service.external,
        resolution: resolution(service),
        ports: service.ports.iter().map(port).collect(),
        addresses,
        endpoints: of(snapshot, service),
    }
}

/// Whether calls may go to an endpoint.
pub(super) fn takes_calls(health: Health) -> bool {
    matches!(health, Health::Unknown | Health::Healthy)
}

/// How many of some endpoints take calls.
pub(super) fn health(endpoints: &facts::Endpoints) -> Endpoints {
    let healthy = endpoints.list.iter().filter(|e| takes_calls(e.health)).count();
    Endpoints { healthy, unhealthy: endpoints.list.len() - healthy }
}

fn of(snapshot: &Snapshot, service: &Service) -> Endpoints {
    snapshot.endpoints_of(service).map(|list| health(list)).unwrap_or_default()
}

/// The kind of the object that defines it.
pub(super) fn kind(service: &Service) -> &'static str {
    match service.registry {
        Registry::Kubernetes => "Service",
        Registry::External => "ServiceEntry",
    }
}

fn resolution(service: &Service) -> &'static str {
    match service.resolution {
        Resolution::Passthrough if service.is_headless() => "each endpoint by its own address",
        Resolution::Static => "endpoints known to mizzen",
        Resolution::Dns => "by DNS, all addresses",
        Resolution::DnsRoundRobin => "by DNS, one address",
        Resolution::Passthrough => "where the caller was going",
        Resolution::DynamicDns => "by DNS, whatever name is called",
        Resolution::Alias => "another name of a service",
    }
}
