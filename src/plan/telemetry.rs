//! What is logged, counted and traced at a proxy (istio `pilot/pkg/model/telemetry.go`).
//!
//! Comes in: the Telemetries of the root namespace and of the proxy's own, and the providers of the mesh config. Goes
//! out: logs, filters and tracing as listeners have them.
//!
//! Invariant: others than Istio's proxies get only what they list, and name only collectors that they can reach: Envoy
//! refuses a listener whose tracer it does not find.

mod line;
mod log;
mod merge;
mod metrics;
mod standard;
mod tracing;

pub(super) use standard::{Introductions, introduction};

#[cfg(test)]
mod tests;

use prost::{Message, Name};

use crate::api::mesh::Observer;
use crate::api::telemetry::{AccessLogging, Metrics, Tracing, WorkloadMode};
use crate::api::{Key, Kind};
use crate::base::{Host, Labels, Str};
use crate::generate::filter::Backend;
use crate::model::View;
use crate::model::facts;
use crate::proxy::Proxy;
use crate::wire::schema;

use super::caller::place;

/// The label that the Gateway API puts on its gateways.
const GATEWAY: &str = "gateway.networking.k8s.io/gateway-name";

/// What logs of different places differ in, where the mesh's old settings ask for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Calls.
    Calls,
    /// Connections.
    Bytes,
    /// Connections that no chain takes.
    Listener,
}

/// The Telemetries in force for a proxy.
pub(super) struct Telemetries<'a> {
    view: &'a View<'a>,
    proxy: &'a Proxy,
    labels: &'a Labels,
    /// Those of the mesh first, then that of the namespace, then those for single workloads, oldest first.
    applicable: Vec<&'a facts::Telemetry>,
    /// How many of them, the last, are of the proxy's own namespace.
    own: usize,
}

/// The Telemetries in force for a proxy, those of the mesh first.
pub fn telemetries(view: &View<'_>, proxy: &Proxy) -> Vec<Key> {
    Telemetries::of(view, proxy, &place(view, proxy).0).names()
}

impl<'a> Telemetries<'a> {
    /// Those for a proxy beside a workload with these labels: of each namespace the oldest for all workloads counts, and
    /// in the proxy's own namespace all that select the workload.
    pub(super) fn of(view: &'a View<'a>, proxy: &'a Proxy, labels: &'a Labels) -> Self {
        let root = &view.mesh().root;
        let for_all = |list: &'a [facts::Telemetry]| list.iter().find(|t| t.is_for_all());
        let own = view.telemetry(&proxy.namespace);
        let mut applicable = Vec::new();
        if *root != proxy.namespace && !root.is_empty() {
            applicable.extend(for_all(view.telemetry(root)));
            applicable.iter().for_each(|t| view.credit_telemetry(root, &t.name));
        }
        let inherited = applicable.len();
        applicable.extend(for_all(own));
        applicable.extend(own.iter().filter(|t| !t.is_for_all() && selects(t, labels)));
        applicable[inherited..].iter().for_each(|t| view.credit_telemetry(&proxy.namespace, &t.name));
        let own = applicable.len() - inherited;
        Self { view, proxy, labels, applicable, own }
    }

    /// The same in the order in which they are put together, by name.
    fn names(&self) -> Vec<Key> {
        let root = &self.view.mesh().root;
        let inherited = self.applicable.len() - self.own;
        let key = |(at, t): (usize, &&facts::Telemetry)| {
            let namespace = if at < inherited { root } else { &self.proxy.namespace };
            Key::new(Kind::Telemetry, namespace.clone(), t.name.clone())
        };
        self.applicable.iter().enumerate().map(key).collect()
    }

    fn logging(&self) -> impl Iterator<Item = &'a [AccessLogging]> {
        self.applicable.iter().map(|t| t.logging.as_slice()).filter(|list| !list.is_empty())
    }

    fn metrics(&self) -> impl Iterator<Item = &'a Metrics> {
        self.applicable.iter().flat_map(|t| &t.metrics)
    }

    fn traces(&self) -> impl Iterator<Item = &'a Tracing> {
        self.applicable.iter().flat_map(|t| &t.tracing)
    }

    /// A provider by its name, with the name as the mesh config has it.
    fn observer(&self, name: &str) -> Option<(&'a Str, &'a Observer)> {
        let (name, observer) = self.view.mesh().observers.get(name)?;
        Some((name, observer?))
    }

    /// Where a collector is. The port need not exist, nor need the proxy see the service, but for others than Istio's.
    fn backend(&self, service: &str, port: u32) -> Option<Backend> {
        let host = self.view.located(service)?;
        let usable = self.proxy.capabilities.is_istio() || self.reaches(&host, port);
        usable.then(|| Backend { cluster: format!("outbound|{port}||{host}").into(), host: host.str().clone() })
    }

    fn reaches(&self, host: &Host, port: u32) -> bool {
        let port = u16::try_from(port).ok();
        port.is_some_and(|port| self.view.service(host).is_some_and(|service| service.port(port).is_some()))
    }

    fn has(&self, extension: &str) -> bool {
        self.proxy.capabilities.has(extension)
    }
}

/// Whether a Telemetry is for a workload (istio `pilot/pkg/model/policyattachment.go`).
fn selects(telemetry: &facts::Telemetry, labels: &Labels) -> bool {
    match (&telemetry.gateways, labels.get(GATEWAY)) {
        (None, _) => telemetry.selector.iter().all(|(key, value)| labels.get(key) == Some(value)),
        (Some(gateways), Some(own)) => gateways.contains(own),
        (Some(_), None) => false,
    }
}

/// Whether Envoy's rules allow a part of a listener, all of which it would refuse otherwise: what is not allowed is left
/// out. The mesh config's findings tell who wrote it.
fn allowed<M: Message + Name>(part: &M) -> bool {
    schema::check(&M::type_url(), &mut part.encode_to_vec()).is_ok()
}

/// The side that tells of calls, by whether they come in.
fn side(inbound: bool) -> WorkloadMode {
    if inbound { WorkloadMode::Server } else { WorkloadMode::Client }
}
