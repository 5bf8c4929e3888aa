//! Which services share a listener: those that are called at one address and port.

use std::collections::BTreeMap;

use crate::base::Str;
use crate::generate::listener::Range;
use crate::model::View;
use crate::model::facts::{Endpoint, Handle, Port, Protocol, Registry, Resolution, Service};
use crate::plan::name::{Addresses, addresses};

use super::caller::{Caller, Interception};

/// One port of one service that wants to be called at some address.
#[derive(Clone, Debug)]
pub(super) struct Candidate<'v> {
    pub(super) service: &'v Handle<Service>,
    pub(super) port: &'v Port,
    /// The addresses, of which the first one decides with whom the listener is shared.
    pub(super) bind: Vec<Str>,
    /// The address of the service; empty if it has a range of them.
    pub(super) address: Str,
    /// Ranges of addresses, where the service has them in place of an address.
    pub(super) ranges: Vec<Str>,
    /// Whether the address is that of one pod.
    pub(super) of_pod: bool,
}

/// Candidates for one listener, in the order in which they may have it.
pub(super) type Groups<'v> = BTreeMap<Str, Vec<Candidate<'v>>>;

/// All candidates for listeners of a port, by the first address (istio `pilot/pkg/networking/core/listener.go`,
/// `buildSidecarOutboundListeners`).
pub(super) fn groups<'v>(view: &View<'v>, caller: &Caller, own: Option<&Str>, number: u16) -> Groups<'v> {
    let mut groups = Groups::new();
    for service in view.services_on_port(number) {
        if service.resolution == Resolution::Alias {
            continue;
        }
        for port in service.ports.iter().filter(|p| p.number == number && p.protocol != Protocol::Udp) {
            if caller.can_listen(port) {
                candidates(view, caller, own, service, port, &mut groups);
            }
        }
    }
    groups
}

impl Caller {
    /// Ports that the proxy uses itself cannot be taken for the wildcard address, and not every proxy may listen on a
    /// port below 1024 (istio `CanBindToPort`).
    fn can_listen(&self, port: &Port) -> bool {
        match self.interception {
            Interception::None => !(self.unprivileged && port.number < 1024),
            _ => !(port.protocol.is_http() && self.reserved.contains(&port.number)),
        }
    }

    fn wildcards(&self) -> Vec<Str> {
        self.wildcards.iter().map(|&a| a.into()).collect()
    }
}

fn candidates<'v>(
    view: &View<'v>,
    caller: &Caller,
    own: Option<&Str>,
    service: &'v Handle<Service>,
    port: &'v Port,
    groups: &mut Groups<'v>,
) {
    let mut put = |bind: Vec<Str>, address: Str, ranges: Vec<Str>, of_pod| {
        let candidate = Candidate { service, port, bind, address, ranges, of_pod };
        groups.entry(candidate.bind[0].clone()).or_default().push(candidate);
    };
    let own_machine = || caller.localhosts.iter().map(|&a| Str::from(a)).collect();
    let captured = caller.interception != Interception::None;
    if port.protocol.is_http() {
        put(if captured { caller.wildcards() } else { own_machine() }, Str::default(), Vec::new(), false);
        return;
    }
    let connections = port.protocol.is_tcp() || port.protocol.is_detected();
    if captured && connections && service.resolution == Resolution::Passthrough && service.addresses.is_empty() {
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
        match (captured, is_range) {
            (false, _) => put(own_machine(), address, Vec::new(), false),
            (true, true) => put(caller.wildcards(), address, addresses, false),
            (true, false) => put(addresses, address, Vec::new(), false),
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
        match (service.registry, addresses(service, self.reach)) {
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
