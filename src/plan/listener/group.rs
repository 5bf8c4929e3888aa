//! Which services share a listener: those that are called at one address and port.

use std::collections::BTreeMap;

use crate::api::sidecar::CaptureMode;
use crate::base::Str;
use crate::generate::listener::Range;
use crate::model::View;
use crate::model::facts::{EgressListener, Endpoint, Handle, Port, Protocol, Registry, Resolution, Service};
use crate::plan::name::{Addresses, addresses};

use super::caller::{Caller, Interception};

/// One port of one service that wants to be called at some address.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) service: Handle<Service>,
    /// The port; where a Sidecar's listener has one of its own, that.
    pub(super) port: Port,
    /// The Sidecar's listener through which the service is seen, if there is one.
    pub(super) listener: Option<usize>,
    /// The addresses, of which the first one decides with whom the listener is shared.
    pub(super) bind: Vec<Str>,
    /// Whether it is called at a socket of its own, and not only captured.
    pub(super) real: bool,
    /// The address of the service; empty if it has a range of them.
    pub(super) address: Str,
    /// Ranges of addresses, where the service has them in place of an address.
    pub(super) ranges: Vec<Str>,
    /// Whether the address is that of one pod.
    pub(super) of_pod: bool,
}

/// Candidates for one listener, in the order in which they may have it.
pub(super) type Groups = BTreeMap<Str, Vec<Candidate>>;

/// Where listeners are, as far as it is not for services to say.
struct Place {
    /// The Sidecar's listener, if there is one.
    listener: Option<usize>,
    /// The addresses; empty where services are called at theirs.
    bind: Vec<Str>,
    /// Whether they are sockets of their own.
    real: bool,
    /// Whether all ports of the services are meant, so that pods are called one by one where services have no address.
    all_ports: bool,
}

/// All candidates for listeners of a port, by the first address (istio `pilot/pkg/networking/core/listener.go`,
/// `buildSidecarOutboundListeners`). The sockets of a Sidecar have port 0.
pub(super) fn groups(view: &View<'_>, caller: &Caller, own: Option<&Str>, number: u16) -> Groups {
    let mut groups = Groups::new();
    let Some(egress) = view.egress() else {
        let real = caller.interception == Interception::None;
        let place = Place { listener: None, bind: caller.own_machine(real), real, all_ports: true };
        add(view, caller, own, number, &place, &mut groups);
        return groups;
    };
    for (index, listener) in egress.listeners.iter().enumerate() {
        let place = Place::of(listener, index, caller);
        let view = view.through(index);
        match &listener.port {
            Some(port) if port.number == number => {
                let services = match listener.needs_port() {
                    Some(number) => view.services_on_port(number),
                    None => view.services(),
                };
                let services = services.into_iter().filter(|s| s.resolution != Resolution::Alias);
                for service in services.filter(|_| port.protocol != Protocol::Udp && caller.can_listen(port, &place)) {
                    candidates(&view, caller, own, &service, port, &place, &mut groups);
                }
            }
            Some(_) => {}
            // What the others have is theirs alone.
            None if number > 0 => {
                let mut rest = Groups::new();
                add(&view, caller, own, number, &place, &mut rest);
                rest.retain(|address, _| !groups.contains_key(address));
                groups.append(&mut rest);
            }
            None => {}
        }
    }
    groups
}

fn add(view: &View<'_>, caller: &Caller, own: Option<&Str>, number: u16, place: &Place, groups: &mut Groups) {
    for service in view.services_on_port(number) {
        if service.resolution == Resolution::Alias {
            continue;
        }
        for port in service.ports.iter().filter(|p| p.number == number && p.protocol != Protocol::Udp) {
            if caller.can_listen(port, place) {
                candidates(view, caller, own, &service, port, place, groups);
            }
        }
    }
}

impl Place {
    fn of(listener: &EgressListener, index: usize, caller: &Caller) -> Self {
        let captured = caller.interception != Interception::None;
        let real = !captured || listener.capture == CaptureMode::None || listener.bind.starts_with("unix://");
        let said = Some(listener.bind.clone()).filter(|bind| !bind.is_empty());
        let bind = said.map_or_else(|| caller.own_machine(real), |bind| vec![bind]);
        Self { listener: Some(index), bind, real, all_ports: listener.port.is_none() }
    }
}

impl Caller {
    /// The addresses of the caller's machine, for sockets that are not said to be elsewhere.
    fn own_machine(&self, real: bool) -> Vec<Str> {
        if real { self.localhosts.iter().map(|&a| a.into()).collect() } else { Vec::new() }
    }

    /// Ports that the proxy uses itself cannot be taken for the wildcard address, and not every proxy may listen on a
    /// port below 1024 (istio `CanBindToPort`).
    fn can_listen(&self, port: &Port, place: &Place) -> bool {
        let privileged = place.real && self.unprivileged && (1..1024).contains(&port.number);
        let shared = match place.bind.first() {
            Some(bind) => *bind == self.wildcards[0],
            None => port.protocol.is_http(),
        };
        !(privileged || (shared && self.reserved.contains(&port.number)))
    }

    fn wildcards(&self) -> Vec<Str> {
        self.wildcards.iter().map(|&a| a.into()).collect()
    }
}

fn candidates(
    view: &View<'_>,
    caller: &Caller,
    own: Option<&Str>,
    service: &Handle<Service>,
    port: &Port,
    place: &Place,
    groups: &mut Groups,
) {
    let (listener, real) = (place.listener, place.real);
    let mut put = |bind: Vec<Str>, address: Str, ranges: Vec<Str>, of_pod| {
        let (service, port) = (service.clone(), port.clone());
        let candidate = Candidate { service, port, listener, bind, real, address, ranges, of_pod };
        groups.entry(candidate.bind[0].clone()).or_default().push(candidate);
    };
    let placed = !place.bind.is_empty();
    if port.protocol.is_http() {
        put(if placed { place.bind.clone() } else { caller.wildcards() }, Str::default(), Vec::new(), false);
        return;
    }
    let connections = port.protocol.is_tcp() || port.protocol.is_detected();
    let by_pod = !placed && place.all_ports && connections;
    if by_pod && service.resolution == Resolution::Passthrough && service.addresses.is_empty() {
        let endpoints = view.endpoints(service).map(|e| e.of_port(port.number)).unwrap_or_default();
        let unknown = service.registry != Registry::Kubernetes && service.selector.is_empty();
        if !(endpoints.is_empty() && unknown) {
            let pods = pods(endpoints, own);
            pods.for_each(|pod| put(pod.addresses.clone(), "0.0.0.0".into(), Vec::new(), true));
            return;
        }
    }
    for addresses in caller.addresses(service) {
        let is_range = addresses[0].contains('/');
        let address = if is_range { Str::default() } else { addresses[0].clone() };
        match (placed, is_range) {
            (true, _) => put(place.bind.clone(), address, Vec::new(), false),
            (false, true) => put(caller.wildcards(), address, addresses, false),
            (false, false) => put(addresses, address, Vec::new(), false),
        }
    }
}

/// Endpoints that are called one by one, but for the proxy's own.
fn pods<'e>(endpoints: &'e [Endpoint], own: Option<&'e Str>) -> impl Iterator<Item = &'e Endpoint> {
    let valid = |e: &&Endpoint| e.addresses.iter().all(|a| Range::parse(a).is_some());
    endpoints.iter().filter(valid).filter(move |e| Some(e.address()) != own)
}

impl Caller {
    /// Where a service is called; wildcards where it has no address. Each address of a ServiceEntry has a listener of
    /// its own (istio `GetAddressForProxy`, `GetExtraAddressesForProxy`).
    fn addresses(&self, service: &Service) -> Vec<Vec<Str>> {
        let stated = !service.addresses.is_empty();
        match (service.registry, addresses(service, &self.reach)) {
            (Registry::External, Addresses::Known(list)) if stated => list.into_iter().map(|a| vec![a]).collect(),
            (_, Addresses::Known(list)) if !list.is_empty() => vec![list[..1].to_vec()],
            (Registry::External, _) => vec![self.wildcards()],
            // One of another family, where it has no other; none is where the caller was going.
            (Registry::Kubernetes, _) => {
                vec![vec![service.addresses.first().cloned().unwrap_or_else(|| "0.0.0.0".into())]]
            }
        }
    }
}
