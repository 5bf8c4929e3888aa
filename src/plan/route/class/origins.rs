//! Where the routes of a class are from.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::base::{Host, Str};
use crate::generate::patch::patched_routes;
use crate::model::{Origin, Scope, Snapshot, View};
use crate::plan::class::effective;
use crate::plan::route::common::{Common, Shared, defaults};
use crate::plan::route::everywhere::HTTP_PROXY;
use crate::plan::route::facets::{Caller, Outbound};
use crate::plan::route::host::{HostPlan, Seat, plan};
use crate::wire::{Cache, Encoded};

use super::RouteClass;

/// What a configuration is for, which its name tells.
enum For {
    Port(u16),
    Service(Host, u16),
    /// Applications that use the proxy as an HTTP proxy.
    Proxy,
    /// A Sidecar's listener that reaches every port.
    Listener(usize),
}

impl RouteClass {
    /// Plans each host of the configuration once more, and puts it together once for each EnvoyFilter. O(hosts).
    pub(super) fn origins_of(
        &self,
        snapshot: &Snapshot,
        shared: &Shared,
        name: &Str,
        cache: &Cache,
    ) -> BTreeSet<Origin> {
        let Some(outbound) = &self.facets else { return BTreeSet::new() };
        let scoped = matches!(outbound.scope, Scope::Sidecar(..));
        let common = if scoped { None } else { shared.get(&outbound.base) };
        let Some(what) = self.read(outbound, common, name) else { return BTreeSet::new() };
        let own = View::traced(snapshot, &outbound.scope, name);
        let of_all = View::traced(snapshot, &Scope::Public, name);
        let defaults = defaults(&outbound.base, own.mesh());
        let nobody = Caller::default();
        let base = &outbound.base;
        for (host, _) in self.own.iter().filter(|(host, plan)| what.has(host, plan)) {
            let (caller, proxied) = (&outbound.caller, outbound.proxied);
            plan(&Seat { view: &own, base, caller, defaults: &defaults, proxied }, host);
        }
        let others = common.into_iter().flat_map(Common::hosts).filter(|(host, _)| !self.own.contains_key(*host));
        for (host, _) in others.filter(|(host, plan)| what.has(host, plan)) {
            plan(&Seat { view: &of_all, base, caller: &nobody, defaults: &defaults, proxied: false }, host);
        }
        let mut origins = own.into_origins();
        origins.extend(of_all.into_origins());
        if self.patches.is_some()
            && let Some(plain) = self.plain(outbound, common, &what, name, cache)
        {
            let patched = |patches: &_| match patches {
                Some(set) => patched_routes(cache, &plain, set).ok(),
                None => Some(plain.clone()),
            };
            origins.extend(effective(&self.patches, self.layer.get(name), patched));
        }
        origins
    }

    fn read(&self, outbound: &Outbound, common: Option<&Common>, name: &Str) -> Option<For> {
        if *name == HTTP_PROXY {
            return Some(For::Proxy);
        }
        if let Ok(port) = name.parse() {
            return Some(For::Port(port));
        }
        if let Scope::Sidecar(_, egress) = &outbound.scope
            && let Some(index) =
                egress.listeners.iter().position(|l| l.reaches_every_port() && l.routes_name() == *name)
        {
            return Some(For::Listener(index));
        }
        let (host, port) = name.rsplit_once(':')?;
        let host = Host::from(host);
        let known = self.own.contains_key(&host) || common.is_some_and(|c| c.plan(&host).is_some());
        known.then_some(For::Service(host, port.parse().ok()?))
    }

    /// The configuration before it is patched.
    fn plain(
        &self,
        outbound: &Outbound,
        common: Option<&Common>,
        what: &For,
        name: &Str,
        cache: &Cache,
    ) -> Option<Arc<Encoded>> {
        let mut failures = Vec::new();
        let hosts = match what {
            For::Port(port) => return self.of_port(outbound, common, *port, cache, &mut failures).ok()?,
            For::Service(host, port) => return self.of_service(common, host, *port, cache).ok()?,
            For::Proxy => self.of_proxy(outbound, common),
            For::Listener(index) => self.of_listener(outbound, *index),
        };
        self.of_hosts(hosts, name, cache, &mut failures).ok()
    }
}

impl For {
    /// Whether a host gives something to it.
    fn has(&self, host: &Host, plan: &HostPlan) -> bool {
        match self {
            Self::Port(port) => plan.ports.contains_key(port),
            Self::Service(only, _) => host == only,
            Self::Proxy => true,
            Self::Listener(index) => plan.everywhere.contains_key(index),
        }
    }
}
