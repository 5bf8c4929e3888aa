//! Listeners for calls out: which there are for a class of proxies, one port number at a time.
//!
//! Comes in: the services with a port of that number and what rules say of connections to them. Goes out: recipes of
//! [`Outbound`] listeners, one for each address at which something is called.
//!
//! A class's listeners are planned in four [`Part`]s, each a layer of its own, because they depend on different
//! things: those that read calls say in their traces which workload calls, and those of single pods leave out the
//! proxy's own pod. All others are the same for every workload.
//!
//! Invariant: each address belongs to one part, by the services that want it and not by who asks, so that names of
//! different parts differ.
//! Absent: calls in (`plan::inbound`); gateways (`plan::gateway`); listeners of Sidecar resources, which later issues add.

mod caller;
mod connection;
mod destination;
mod dns;
mod entry;
mod group;
mod reads;
mod settings;
mod taken;

#[cfg(test)]
mod tests;

pub(super) use caller::{Interception, addresses, has_basics, http_proxy_port, reserved, stated_ports};
pub(super) use destination::{Calling, Ways};
pub use dns::{NameServerFacets, NameServers, facets as dns_facets};
pub(super) use reads::Reads;
pub(super) use settings::{Direction, Settings};
pub(super) use taken::Taken;

use std::collections::BTreeSet;

use crate::base::Str;
use crate::generate::filter::{Bytes, CallSettings, Calls, Routes, TcpProxy};
use crate::generate::listener::{Bind, Chain, Content, Match, Outbound, VirtualOutbound};
use crate::generate::route::Unknown;
use crate::model::facts::{Handle, Resolution};
use crate::model::{FactKey, Scope, View};
use crate::proxy::{Proxy, Role};

use self::caller::Caller;
use super::caller::place;
use super::class::{Output, Planner};
use super::sidecar;
use super::targets::targets;
use entry::Entry;
use group::{Candidate, Groups};

/// Plans listeners for calls out.
pub struct ListenerPlanner;

/// Which listeners of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Those that pass on bytes.
    Bytes,
    /// Those that may read calls.
    Calls,
    /// Those of single pods that pass on bytes.
    PodBytes,
    /// Those of single pods that may read calls.
    PodCalls,
}

/// What distinguishes classes of proxies for one part of their listeners.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListenerFacets {
    scope: Scope,
    part: Part,
    /// `None` for a proxy that gets no listeners.
    caller: Option<Handle<Caller>>,
    /// In parts that read calls.
    calls: Option<Handle<CallSettings>>,
    /// In parts of single pods, the address of the proxy's own, if it is one of those.
    own: Option<Str>,
}

/// What is planned at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ListenerUnit {
    /// The listener of captured connections.
    Captured,
    /// The listener at which the application may reach an HTTP proxy.
    HttpProxy,
    /// All listeners of a port number.
    Port(u16),
}

/// The facets of a proxy for its listeners that pass on bytes.
pub fn byte_facets(view: &View<'_>, proxy: &Proxy) -> ListenerFacets {
    facets(view, proxy, Part::Bytes)
}

/// The facets of a proxy for its listeners that may read calls.
pub fn call_facets(view: &View<'_>, proxy: &Proxy) -> ListenerFacets {
    facets(view, proxy, Part::Calls)
}

/// The facets of a proxy for its listeners of single pods that pass on bytes.
pub fn pod_byte_facets(view: &View<'_>, proxy: &Proxy) -> ListenerFacets {
    facets(view, proxy, Part::PodBytes)
}

/// The facets of a proxy for its listeners of single pods that may read calls.
pub fn pod_call_facets(view: &View<'_>, proxy: &Proxy) -> ListenerFacets {
    facets(view, proxy, Part::PodCalls)
}

fn facets(view: &View<'_>, proxy: &Proxy, part: Part) -> ListenerFacets {
    let scope = view.scope().clone();
    let nothing = ListenerFacets { scope: scope.clone(), part, caller: None, calls: None, own: None };
    if proxy.role != Role::Sidecar {
        return nothing;
    }
    let (labels, _) = place(view, proxy);
    let mut settings = Settings::new(view, proxy, &labels);
    settings.resolves &= sidecar::unknown(view, proxy) == Unknown::Resolve;
    let Some(caller) = Caller::of(view, proxy, &settings, &labels) else { return nothing };
    let reads_calls = matches!(part, Part::Calls | Part::PodCalls);
    let of_pods = matches!(part, Part::PodBytes | Part::PodCalls);
    ListenerFacets {
        scope,
        part,
        caller: Some(Handle::new(caller)),
        calls: reads_calls.then(|| Handle::new(settings.calls(Direction::Out))),
        own: if of_pods { own_pod(view, proxy) } else { None },
    }
}

/// The proxy's own address, if services are called by it, pod by pod.
fn own_pod(view: &View<'_>, proxy: &Proxy) -> Option<Str> {
    let by_pod = |host| view.definitions(host).iter().any(|s| s.resolution == Resolution::Passthrough);
    let hosts: BTreeSet<_> = targets(view, proxy).into_iter().map(|target| target.host).collect();
    proxy.addresses.first().filter(|_| hosts.iter().any(by_pod)).cloned()
}

/// Everything at hand while a unit is planned.
struct Planning<'p, 's> {
    view: &'p View<'s>,
    caller: &'p Caller,
    calls: Option<&'p Handle<CallSettings>>,
}

impl Planner for ListenerPlanner {
    type Facets = ListenerFacets;
    type Unit = ListenerUnit;

    fn scope(facets: &ListenerFacets) -> &Scope {
        &facets.scope
    }

    fn units(view: &View<'_>, facets: &ListenerFacets) -> Vec<ListenerUnit> {
        let reads = facets.caller.as_ref().is_some_and(|c| c.unknown_calls.is_some());
        let fixed: &[ListenerUnit] = match (facets.part, reads) {
            (Part::Bytes, false) => &[ListenerUnit::Captured],
            (Part::Calls, false) => &[ListenerUnit::HttpProxy],
            (Part::Calls, true) => &[ListenerUnit::Captured, ListenerUnit::HttpProxy],
            (Part::Bytes, true) | (Part::PodBytes | Part::PodCalls, _) => &[],
        };
        let of_sidecar =
            view.egress().into_iter().flat_map(|e| &e.listeners).filter_map(|l| Some(l.port.as_ref()?.number));
        let ports: BTreeSet<u16> = view.ports().chain(of_sidecar).collect();
        fixed.iter().copied().chain(ports.into_iter().map(ListenerUnit::Port)).collect()
    }

    fn unit_of(key: &FactKey) -> Option<ListenerUnit> {
        match key {
            FactKey::Port(number) => Some(ListenerUnit::Port(*number)),
            _ => None,
        }
    }

    fn plan(view: &View<'_>, facets: &ListenerFacets, unit: &ListenerUnit, out: &mut Output<'_>) {
        let Some(caller) = facets.caller.as_deref() else {
            out.gone();
            return;
        };
        let planning = Planning { view, caller, calls: facets.calls.as_ref() };
        match unit {
            ListenerUnit::Captured => planning.captured().iter().for_each(|recipe| out.resource(recipe)),
            ListenerUnit::HttpProxy => planning.http_proxy().iter().for_each(|recipe| out.resource(recipe)),
            ListenerUnit::Port(number) => {
                let stays = match view.egress() {
                    Some(egress) => egress.has_port(*number),
                    None => view.members_on_port(*number).is_some(),
                };
                let groups = group::groups(view, caller, facets.own.as_ref(), *number);
                if !stays && groups.is_empty() {
                    return out.gone();
                }
                for (recipe, contested) in planning.outbound(*number, &groups, facets.part) {
                    if contested {
                        out.contested(recipe.bind.name());
                    }
                    out.resource(&recipe);
                }
            }
        }
    }
}

/// Which part a listener belongs to, by the services that want it.
fn part_of(group: &[Candidate]) -> Part {
    match (group.iter().any(|c| c.of_pod), group.iter().any(entry::reads_calls)) {
        (false, false) => Part::Bytes,
        (false, true) => Part::Calls,
        (true, false) => Part::PodBytes,
        (true, true) => Part::PodCalls,
    }
}

impl Planning<'_, '_> {
    /// The listeners of a port that belong to a part, each with whether a service wants bytes of it that others have.
    fn outbound(&self, port: u16, groups: &Groups, part: Part) -> Vec<(Outbound, bool)> {
        // The HTTP proxy may be at an address where services are.
        let is_proxy =
            |address: &Str| self.caller.http_proxy_port == Some(port) && *address == self.caller.localhosts[0];
        let wanted = |group: &[Candidate]| self.view.wants(|| format!("{}_{port}", group[0].bind[0]).into());
        let mine = groups.iter().filter(|(address, group)| part_of(group) == part && !is_proxy(address));
        let mine = mine.filter(|(_, group)| wanted(group));
        let mine = mine.inspect(|(_, group)| group.iter().for_each(|c| self.view.credit_service(&c.service)));
        let entries = mine.filter_map(|(_, group)| Entry::of(self, group));
        let bind = |entry: &Entry| Bind { addresses: entry.bind.clone(), port, real: entry.real };
        entries.map(|entry| (self.listener(bind(&entry), entry.chains), entry.contested)).collect()
    }

    fn listener(&self, bind: Bind, chains: Vec<Chain>) -> Outbound {
        let takes_all = chains.iter().any(|c| c.matches.is_all());
        Outbound {
            bind,
            exact_balance: self.caller.exact_balance,
            accepts: self.caller.accepts,
            detection_timeout: self.caller.detection_timeout,
            fallback: (!takes_all).then(|| self.caller.unknown()),
            chains,
        }
    }

    /// The listener of captured connections, if they are captured.
    fn captured(&self) -> Option<VirtualOutbound> {
        let caller = self.caller;
        let silent = TcpProxy { logged: false, ..TcpProxy::to("BlackHoleCluster") };
        (caller.interception != Interception::None).then(|| VirtualOutbound {
            address: caller.wildcards[0].into(),
            port: caller.capture_port,
            accepts: caller.accepts,
            transparent: caller.interception == Interception::Tproxy,
            loops: caller.plain(silent),
            unknown: caller.unknown(),
            calls: self.unknown_calls(),
            clear_http: caller.clear_http,
            logs: caller.logs.clone(),
        })
    }

    /// What happens to calls to hosts that nobody knows, if they are told from other connections.
    fn unknown_calls(&self) -> Option<Calls> {
        Some(Calls {
            settings: self.calls?.clone(),
            filters: Vec::new(),
            stat_prefix: "outbound_virtualOutbound_allow_any_dynamic_dns;".into(),
            routes: Routes::Unknown(self.caller.unknown_calls.clone()?),
            absolute_urls: false,
            http2: false,
        })
    }

    /// The listener at which the application may reach an HTTP proxy (istio `buildHTTPProxy`).
    fn http_proxy(&self) -> Option<Outbound> {
        let port = self.caller.http_proxy_port?;
        let addresses: Vec<Str> = self.caller.localhosts.iter().map(|&a| a.into()).collect();
        let calls = Calls {
            settings: self.calls?.clone(),
            filters: Vec::new(),
            stat_prefix: format!("outbound_{}_{port};", addresses[0]).into(),
            routes: Routes::Named("http_proxy".into()),
            absolute_urls: true,
            http2: false,
        };
        let chain = Chain { matches: Match::default(), origin: None, content: Content::Calls(calls) };
        Some(self.listener(Bind { addresses, port, real: true }, vec![chain]))
    }
}

impl Caller {
    /// What becomes of connections to unknown destinations.
    fn unknown(&self) -> Bytes {
        self.plain(TcpProxy { idle_timeout: self.idle_timeout, ..TcpProxy::to(self.unknown.clone()) })
    }

    fn plain(&self, proxy: TcpProxy) -> Bytes {
        Bytes { settings: self.bytes.clone(), resolution: None, protocol: None, proxy }
    }
}
