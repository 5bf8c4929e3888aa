//! The routes of one class: what all share, and its own where it sees something of its own.

mod assemble;
mod origins;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::base::{Host, Str};
use crate::generate::patch::patched_routes;
use crate::generate::route::CatchAll;
use crate::model::reads::Readers;
use crate::model::{FactKey, Origin, Scope, Snapshot, View};
use crate::plan::patches::lacking;
use crate::plan::{Patches, Planned};
use crate::wire::{Cache, Encoded, Failure, Layer, Part};

use super::common::{Common, Shared, alone_name, defaults};
use super::facets::{Outbound, RouteFacets};
use super::host::{HostPlan, Seat, plan};
use super::scoped;

/// The routes of one class: a configuration for each port, and one for each service on a port with detection.
pub struct RouteClass {
    facets: RouteFacets,
    patches: Patches,
    /// Patches that the proxies cannot have.
    lacking: Vec<Failure>,
    /// Hosts that are not to this class what they are to others.
    own: BTreeMap<Host, HostPlan>,
    readers: Readers<FactKey, Host>,
    layer: Layer,
    catch_all: Option<Arc<Part>>,
    /// By configuration; those of what all share under the empty name.
    failures: BTreeMap<Str, Vec<Failure>>,
    /// Says that what all share is in use.
    _using: Option<Arc<()>>,
}

/// What has to be put together again.
#[derive(Default)]
struct Stale {
    ports: BTreeSet<u16>,
    /// Services on ports with detection.
    detected: BTreeSet<(Host, u16)>,
    /// Whether listeners that reach every port are concerned.
    everywhere: bool,
}

impl Planned for RouteClass {
    type Facets = RouteFacets;
    type Shared = Shared;

    fn new(snapshot: &Snapshot, facets: RouteFacets, shared: &mut Shared, cache: &Cache) -> Self {
        Self::patched(snapshot, facets, None, shared, cache)
    }

    fn patched(snapshot: &Snapshot, facets: RouteFacets, patches: Patches, shared: &mut Shared, cache: &Cache) -> Self {
        let mut new = Self {
            own: BTreeMap::new(),
            readers: Readers::default(),
            layer: Layer::new(),
            catch_all: None,
            failures: BTreeMap::new(),
            _using: None,
            lacking: lacking(&patches),
            patches,
            facets: facets.clone(),
        };
        let Some(outbound) = &facets else { return new };
        new.refresh_catch_all(snapshot, outbound, cache);
        if let Scope::Sidecar(_, egress) = &outbound.scope {
            let view = View::new(snapshot, &outbound.scope);
            let mut stale = new.replan(snapshot, outbound, None, scoped::hosts(&view));
            stale.ports.extend(scoped::ports(egress));
            stale.everywhere = true;
            new.assemble(outbound, None, stale, cache);
            return new;
        }
        let common = shared.of(&outbound.base, snapshot, cache);
        new._using = Some(Arc::clone(&common.users));
        new.take_all_detected(common, cache);
        let mut stale = new.refresh_own(snapshot, outbound, common, None);
        stale.ports.extend(common.ports());
        stale.everywhere = true;
        new.assemble(outbound, Some(common), stale, cache);
        new
    }

    fn update_shared(shared: &mut Shared, snapshot: &Snapshot, changed: &BTreeSet<FactKey>, cache: &Cache) {
        shared.update(snapshot, changed, cache);
    }

    fn update(&mut self, snapshot: &Snapshot, changed: &BTreeSet<FactKey>, shared: &mut Shared, cache: &Cache) -> bool {
        let Some(outbound) = self.facets.clone() else { return false };
        let before = self.layer.clone();
        let common = match &outbound.scope {
            Scope::Sidecar(..) => None,
            Scope::Public | Scope::Namespace(_) => {
                let Some(common) = shared.get(&outbound.base) else { return false };
                Some(common)
            }
        };
        let mut stale = match (&outbound.scope, common) {
            (_, Some(common)) => self.refresh_own(snapshot, &outbound, common, Some(changed)),
            (scope, None) => {
                let touched = changed.iter().flat_map(|key| self.readers.of(key));
                let dirty = scoped::concerned(&View::new(snapshot, scope), changed, touched);
                self.replan(snapshot, &outbound, None, dirty)
            }
        };
        stale.ports.extend(common.iter().flat_map(|c| &c.news.ports));
        if changed.contains(&FactKey::Mesh) && self.refresh_catch_all(snapshot, &outbound, cache) {
            stale.ports.extend(common.iter().flat_map(|c| c.ports()));
            stale.ports.extend(self.own.values().flat_map(|plan| plan.ports.keys()));
            if let Scope::Sidecar(_, egress) = &outbound.scope {
                stale.ports.extend(scoped::ports(egress));
            }
            stale.everywhere = true;
        }
        common.iter().for_each(|common| self.take_detected(common, &mut stale, cache));
        self.assemble(&outbound, common, stale, cache);
        !before.ptr_eq(&self.layer)
    }

    fn layer(&self) -> &Layer {
        &self.layer
    }

    fn failures(&self) -> Vec<&Failure> {
        let patched = self.patches.is_some().then(|| self.layer.values().flat_map(|e| e.left_out()));
        let failed = self.failures.values().flatten().chain(patched.into_iter().flatten());
        failed.chain(&self.lacking).collect()
    }

    fn origins(&self, snapshot: &Snapshot, shared: &Shared, name: &Str, cache: &Cache) -> BTreeSet<Origin> {
        self.origins_of(snapshot, shared, name, cache)
    }
}

impl RouteClass {
    /// The virtual host for calls that no other takes; says whether it changed.
    fn refresh_catch_all(&mut self, snapshot: &Snapshot, outbound: &Outbound, cache: &Cache) -> bool {
        let unknown = outbound.unknown.clone();
        let part = cache.part(&CatchAll { unknown, defaults: defaults(&outbound.base, &snapshot.mesh) });
        let part = part.ok();
        let changed = part.as_ref().map(|p| p.digest()) != self.catch_all.as_ref().map(|p| p.digest());
        self.catch_all = part;
        changed
    }

    /// Plans those hosts that are different for this class: what it sees in a way of its own and what follows from
    /// that, and what rules make different for its callers. With `None` all of them are planned.
    fn refresh_own(
        &mut self,
        snapshot: &Snapshot,
        outbound: &Outbound,
        common: &Common,
        changed: Option<&BTreeSet<FactKey>>,
    ) -> Stale {
        let view = View::new(snapshot, &outbound.scope);
        let mut wanted: BTreeSet<&Host> = common.by_caller().iter().collect();
        for private in view.private().into_iter().flat_map(|hosts| hosts.iter()) {
            wanted.insert(private);
            wanted.extend(common.concerned(private));
        }
        let mut stale = Stale::default();
        let gone: Vec<Host> = self.own.keys().filter(|host| !wanted.contains(host)).cloned().collect();
        for host in gone {
            self.readers.forget(&host);
            let old = self.own.remove(&host);
            stale.add(&host, [old.as_ref(), common.plan(&host)]);
        }
        let touched: BTreeSet<&Host> = changed.into_iter().flatten().flat_map(|key| self.readers.of(key)).collect();
        let dirty = wanted.into_iter().filter(|host| !self.own.contains_key(*host) || touched.contains(host));
        let dirty = dirty.cloned().collect();
        stale.join(self.replan(snapshot, outbound, Some(common), dirty));
        stale
    }

    /// Plans hosts that are the class's own. One that a Sidecar holds back is so no more.
    fn replan(
        &mut self,
        snapshot: &Snapshot,
        outbound: &Outbound,
        common: Option<&Common>,
        dirty: BTreeSet<Host>,
    ) -> Stale {
        let mut stale = Stale::default();
        for host in dirty {
            let view = View::new(snapshot, &outbound.scope);
            let defaults = defaults(&outbound.base, view.mesh());
            let seat = Seat {
                view: &view,
                base: &outbound.base,
                caller: &outbound.caller,
                defaults: &defaults,
                proxied: outbound.proxied,
            };
            let plan = plan(&seat, &host);
            let old = match common.is_some() || scoped::sees(&view, &host) {
                true => {
                    self.readers.record(&host, view.into_reads());
                    self.own.insert(host.clone(), plan)
                }
                false => {
                    self.readers.forget(&host);
                    self.own.remove(&host)
                }
            };
            let new = self.own.get(&host);
            if old.as_ref() != new {
                stale.add(&host, [old.as_ref(), new, common.and_then(|c| c.plan(&host))]);
            }
        }
        stale
    }

    /// Takes over the configurations of all single services.
    fn take_all_detected(&mut self, common: &Common, cache: &Cache) {
        if self.patches.is_none() {
            self.layer = common.detected().clone();
            return;
        }
        for (name, encoded) in common.detected().iter() {
            self.put(name.clone(), Some(encoded.clone()), cache);
        }
    }

    /// Takes over what changed of the configurations of single services, unless the service is one of its own.
    fn take_detected(&mut self, common: &Common, stale: &mut Stale, cache: &Cache) {
        for (host, port) in &common.news.detected {
            if self.own.contains_key(host) {
                stale.detected.insert((host.clone(), *port));
            } else {
                let name = alone_name(host, *port);
                self.put(name.clone(), common.detected().get(&name).cloned(), cache);
            }
        }
    }

    fn assemble(&mut self, outbound: &Outbound, common: Option<&Common>, stale: Stale, cache: &Cache) {
        let news = common.is_some_and(|common| !common.news.is_empty());
        let moved = news || stale.everywhere || !stale.ports.is_empty() || !stale.detected.is_empty();
        for port in stale.ports {
            self.assemble_port(outbound, common, port, cache);
        }
        for (host, port) in stale.detected {
            self.assemble_alone(common, &host, port, cache);
        }
        if let Scope::Sidecar(_, egress) = &outbound.scope
            && moved
        {
            let everywhere = egress.listeners.iter().enumerate().filter(|(_, l)| l.reaches_every_port());
            everywhere.for_each(|(index, l)| self.assemble_listener(outbound, index, l.routes_name(), cache));
        }
        if outbound.proxied && moved {
            self.assemble_proxy(outbound, common, cache);
        }
        self.failures.insert(Str::default(), common.iter().flat_map(|c| c.failures()).cloned().collect());
        self.failures.retain(|_, failures| !failures.is_empty());
    }

    /// Puts a resource in its place, or takes it out. A layer that stays equal stays itself.
    fn put(&mut self, name: Str, mut new: Option<Arc<Encoded>>, cache: &Cache) {
        if let (Some(patches), Some(routes)) = (&self.patches, &new) {
            // Patches are left out one by one where they do not fit; that a head cannot be decoded would be a defect.
            new = patched_routes(cache, routes, patches).ok().or(new);
        }
        let old = self.layer.get(&name).map(|old| old.version());
        match new {
            Some(new) if old != Some(new.version()) => drop(self.layer.insert(name, new)),
            None if old.is_some() => drop(self.layer.remove(&name)),
            _ => {}
        }
    }
}

impl Stale {
    fn join(&mut self, other: Self) {
        self.ports.extend(other.ports);
        self.detected.extend(other.detected);
        self.everywhere |= other.everywhere;
    }

    /// Everything that a host gave or gives, to this class or to all.
    fn add<'p>(&mut self, host: &Host, plans: impl IntoIterator<Item = Option<&'p HostPlan>>) {
        for plan in plans.into_iter().flatten() {
            self.everywhere |= !plan.everywhere.is_empty();
            self.ports.extend(plan.ports.keys());
            let detected = plan.ports.iter().filter(|(_, candidate)| candidate.detected);
            self.detected.extend(detected.map(|(port, _)| (host.clone(), *port)));
        }
    }
}
