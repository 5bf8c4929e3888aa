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
mod workload;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::base::{Namespace, Str};
use crate::generate::filter::HttpFilter;
use crate::generate::inbound::VirtualInbound;
use crate::generate::listener::Bind;
use crate::model::facts::{Handle, Target};
use crate::model::{FactKey, Scope, View};
use crate::proxy::{Flag, Proxy, Role};

use super::access::access;
use super::caller::place;
use super::class::{Output, Planner};
use super::listener::{Direction, Interception, Settings, addresses, has_basics, reserved};
use super::sidecar::sidecar;
use super::targets::targets;
use destination::Destination;
use mode::Certificates;
use workload::Workload;

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
        reads: settings.reads(),
        clear_http: settings.clear_http(),
    };
    let rules = view.peer_rules(&proxy.namespace);
    view.credit_peer_rules(&rules, &proxy.namespace, &labels);
    let ports = match &sidecar {
        Some(sidecar) => {
            view.credit_sidecar(sidecar);
            ingress::ports(sidecar, proxy)
        }
        None => {
            let found = ports(targets(view, proxy), &reserved(view, proxy));
            found.iter().for_each(|target| view.credit_target(target));
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
