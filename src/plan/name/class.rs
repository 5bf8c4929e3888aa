//! The name table of one class: rows that all share, and its own where it sees something of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::base::{Host, Str};
use crate::model::{FactKey, Origin, Scope, Snapshot, View};
use crate::plan::Planned;
use crate::proto::istio::networking::nds::v1::NameTable;
use crate::wire::{Cache, Failure, Layer, Part, Rope};

use super::NameFacets;
use super::hosts::{Hosts, Table};
use super::rows::{Claim, rows};

/// What classes share: the rows of all hosts as seen from the public scope. Kept as long as some class has them.
#[derive(Default)]
pub struct Shared(BTreeMap<NameFacets, Common>);

struct Common {
    hosts: Hosts,
    /// Whether the last change moved any row.
    moved: bool,
    /// Held by each class that uses this.
    users: Arc<()>,
}

impl Shared {
    fn of(&mut self, facets: &NameFacets, snapshot: &Snapshot, cache: &Cache) -> &Common {
        let facets = public(facets);
        self.0.retain(|known, common| *known == facets || Arc::strong_count(&common.users) > 1);
        self.0.entry(facets.clone()).or_insert_with(|| {
            let mut hosts = Hosts::default();
            let all = View::new(snapshot, &Scope::Public).hosts().cloned().collect();
            hosts.plan(snapshot, &facets, all, cache);
            Common { hosts, moved: false, users: Arc::new(()) }
        })
    }

    fn update(&mut self, snapshot: &Snapshot, changed: &BTreeSet<FactKey>, cache: &Cache) {
        self.0.retain(|_, common| Arc::strong_count(&common.users) > 1);
        let view = View::new(snapshot, &Scope::Public);
        for (facets, common) in &mut self.0 {
            let mut dirty = common.hosts.touched(changed);
            dirty.extend(changed.iter().filter_map(|key| match key {
                FactKey::Service(host) => Some(host.clone()),
                _ => None,
            }));
            let (there, gone): (BTreeSet<Host>, BTreeSet<Host>) = dirty.into_iter().partition(|h| view.is_defined(h));
            common.moved = gone.iter().fold(false, |moved, host| common.hosts.forget(host) | moved);
            common.moved |= common.hosts.plan(snapshot, facets, there, cache);
        }
    }
}

fn public(facets: &NameFacets) -> NameFacets {
    NameFacets { scope: Scope::Public, ..facets.clone() }
}

/// The name table of one class: a single resource without a name.
pub struct Names {
    facets: NameFacets,
    /// Hosts that the class sees in a way of its own.
    own: Hosts,
    layer: Layer,
    failures: Vec<Failure>,
    /// Says that what all share is in use.
    _using: Option<Arc<()>>,
}

impl Planned for Names {
    type Facets = NameFacets;
    type Shared = Shared;

    fn new(snapshot: &Snapshot, facets: NameFacets, shared: &mut Shared, cache: &Cache) -> Self {
        let mut new = Self { facets, own: Hosts::default(), layer: Layer::new(), failures: Vec::new(), _using: None };
        if new.facets.sidecar {
            let common = new.shares().then(|| shared.of(&new.facets, snapshot, cache));
            new._using = common.map(|common| Arc::clone(&common.users));
            match common {
                Some(_) => new.refresh_own(snapshot, &BTreeSet::new(), cache),
                None => {
                    let all = View::new(snapshot, &new.facets.scope).hosts().cloned().collect();
                    new.refresh_scoped(snapshot, all, cache)
                }
            };
            new.assemble(common, cache);
        }
        new
    }

    fn update_shared(shared: &mut Shared, snapshot: &Snapshot, changed: &BTreeSet<FactKey>, cache: &Cache) {
        shared.update(snapshot, changed, cache);
    }

    fn update(&mut self, snapshot: &Snapshot, changed: &BTreeSet<FactKey>, shared: &mut Shared, cache: &Cache) -> bool {
        if !self.facets.sidecar {
            return false;
        }
        if !self.shares() {
            let mut dirty = self.own.touched(changed);
            dirty.extend(changed.iter().filter_map(|key| match key {
                FactKey::Service(host) => Some(host.clone()),
                _ => None,
            }));
            return self.refresh_scoped(snapshot, dirty, cache) && self.assemble(None, cache);
        }
        let Some(common) = shared.0.get(&public(&self.facets)) else { return false };
        let moved = self.refresh_own(snapshot, changed, cache) | common.moved;
        moved && self.assemble(Some(common), cache)
    }

    fn layer(&self) -> &Layer {
        &self.layer
    }

    fn failures(&self) -> Vec<&Failure> {
        self.failures.iter().collect()
    }

    fn origins(&self, snapshot: &Snapshot, shared: &Shared, name: &Str, _: &Cache) -> BTreeSet<Origin> {
        let (own, of_all) = (&self.facets, public(&self.facets));
        let view = View::traced(snapshot, &own.scope, name);
        self.own.planned().for_each(|host| drop(rows(&view, own, host)));
        let mut origins = view.into_origins();
        if let Some(common) = shared.0.get(&of_all).filter(|_| self.shares()) {
            let view = View::traced(snapshot, &Scope::Public, name);
            let others = common.hosts.planned().filter(|host| !self.own.has(host));
            others.for_each(|host| drop(rows(&view, &of_all, host)));
            origins.extend(view.into_origins());
        }
        origins
    }
}

impl Names {
    /// Plans the hosts that the class sees in a way of its own; says whether the table may be another.
    fn refresh_own(&mut self, snapshot: &Snapshot, changed: &BTreeSet<FactKey>, cache: &Cache) -> bool {
        let view = View::new(snapshot, &self.facets.scope);
        let wanted: BTreeSet<Host> = view.private().map(|hosts| (**hosts).clone()).unwrap_or_default();
        let gone: Vec<Host> = self.own.planned().filter(|host| !wanted.contains(*host)).cloned().collect();
        let touched = self.own.touched(changed);
        let new = wanted.iter().filter(|host| !self.own.has(host));
        let dirty: BTreeSet<Host> = new.chain(wanted.intersection(&touched)).cloned().collect();
        let other_hosts = !gone.is_empty() || dirty.iter().any(|host| !self.own.has(host));
        for host in &gone {
            self.own.forget(host);
        }
        self.own.plan(snapshot, &self.facets, dirty, cache) | other_hosts
    }

    /// Whether the class has rows in common with others. One whose Sidecar lets only some hosts through has its own alone.
    fn shares(&self) -> bool {
        !matches!(self.facets.scope, Scope::Sidecar(..))
    }

    /// Plans hosts as the class's Sidecar lets them through; says whether the table may be another.
    fn refresh_scoped(&mut self, snapshot: &Snapshot, dirty: BTreeSet<Host>, cache: &Cache) -> bool {
        let view = View::new(snapshot, &self.facets.scope);
        let (there, gone): (BTreeSet<Host>, BTreeSet<Host>) =
            dirty.into_iter().partition(|host| !view.definitions(host).is_empty());
        let moved = gone.iter().fold(false, |moved, host| self.own.forget(host) | moved);
        self.own.plan(snapshot, &self.facets, there, cache) | moved
    }

    /// Puts the table together; says whether it differs from the one before. O(rows).
    fn assemble(&mut self, common: Option<&Common>, cache: &Cache) -> bool {
        let name = Str::default();
        let head = NameTable::default();
        let rope = Rope { name: name.clone(), head, parts: self.parts(common) };
        let of_all = common.iter().flat_map(|c| c.hosts.failures());
        self.failures = of_all.chain(self.own.failures()).cloned().collect();
        match cache.rope(rope) {
            Ok(new) if self.layer.get(&name).is_some_and(|old| old.version() == new.version()) => false,
            Ok(new) => {
                self.layer.insert(name, new);
                true
            }
            Err(failure) => {
                self.failures.push(failure);
                false
            }
        }
    }

    /// The row of each name, by name.
    fn parts(&self, common: Option<&Common>) -> Vec<Arc<Part>> {
        let none = Table::new();
        let (all, own) = (common.map_or(&none, |c| c.hosts.table()), self.own.table());
        if self.own.planned().next().is_none() {
            return all.values().filter_map(|claims| claims.values().next_back()).cloned().collect();
        }
        let mut rows: BTreeMap<&Str, (&Claim, &Arc<Part>)> = BTreeMap::new();
        let standing = all.iter().filter_map(|(name, claims)| {
            let mut others = claims.iter().filter(|(claim, _)| !self.own.has(claim.host(name).as_ref()));
            Some((name, others.next_back()?))
        });
        let own = own.iter().filter_map(|(name, claims)| Some((name, claims.iter().next_back()?)));
        for (name, (claim, part)) in standing.chain(own) {
            let row = rows.entry(name).or_insert((claim, part));
            if row.0 < claim {
                *row = (claim, part);
            }
        }
        rows.into_values().map(|(_, part)| Arc::clone(part)).collect()
    }
}
