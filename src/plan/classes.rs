//! All classes of one sort of resource, as long as some proxy belongs to them.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::Str;
use crate::model::{FactKey, Origin, Snapshot};
use crate::wire::{Cache, Failure, Layer};

use super::class::{Class, Planner};
use super::patches::Patches;

/// Something that plans everything for one class and keeps it up to date.
pub trait Planned: Sized {
    /// What distinguishes classes.
    type Facets: Clone + Ord;
    /// What classes of this sort share.
    type Shared: Default;

    /// Plans from scratch, for proxies without patches.
    fn new(snapshot: &Snapshot, facets: Self::Facets, shared: &mut Self::Shared, cache: &Cache) -> Self;

    /// Plans from scratch. Patches are nothing to sorts of which no EnvoyFilter can speak.
    fn patched(
        snapshot: &Snapshot,
        facets: Self::Facets,
        _patches: Patches,
        shared: &mut Self::Shared,
        cache: &Cache,
    ) -> Self {
        Self::new(snapshot, facets, shared, cache)
    }

    /// Brings what is shared up to date, once per change and before any class.
    fn update_shared(_shared: &mut Self::Shared, _snapshot: &Snapshot, _changed: &BTreeSet<FactKey>, _cache: &Cache) {}

    /// Plans again what a change touches; says whether the layer moved.
    fn update(
        &mut self,
        snapshot: &Snapshot,
        changed: &BTreeSet<FactKey>,
        shared: &mut Self::Shared,
        cache: &Cache,
    ) -> bool;

    /// What the class holds.
    fn layer(&self) -> &Layer;

    /// Resources that could not be built, and patches that were left out.
    fn failures(&self) -> Vec<&Failure>;

    /// Resources of which one object wants what another one has.
    fn contested(&self) -> Vec<&Str> {
        Vec::new()
    }

    /// Where a resource is from.
    fn origins(&self, snapshot: &Snapshot, shared: &Self::Shared, name: &Str, cache: &Cache) -> BTreeSet<Origin>;
}

impl<P: Planner> Planned for Class<P> {
    type Facets = P::Facets;
    type Shared = ();

    fn new(snapshot: &Snapshot, facets: P::Facets, _: &mut (), cache: &Cache) -> Self {
        Class::new(snapshot, facets, cache)
    }

    fn patched(snapshot: &Snapshot, facets: P::Facets, patches: Patches, _: &mut (), cache: &Cache) -> Self {
        Class::patched(snapshot, facets, patches, cache)
    }

    fn update(&mut self, snapshot: &Snapshot, changed: &BTreeSet<FactKey>, _: &mut (), cache: &Cache) -> bool {
        Class::update(self, snapshot, changed, cache)
    }

    fn layer(&self) -> &Layer {
        Class::layer(self)
    }

    fn failures(&self) -> Vec<&Failure> {
        Class::failures(self).collect()
    }

    fn contested(&self) -> Vec<&Str> {
        Class::contested(self).collect()
    }

    fn origins(&self, snapshot: &Snapshot, (): &(), name: &Str, cache: &Cache) -> BTreeSet<Origin> {
        Class::origins(self, snapshot, name, cache)
    }
}

/// What distinguishes a class: what its planner says, and which patches hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Seat<F> {
    pub(super) facets: F,
    pub(super) patches: Patches,
}

/// The classes of one sort.
pub(super) struct Classes<C: Planned> {
    classes: BTreeMap<Seat<C::Facets>, Member<C>>,
    shared: C::Shared,
}

struct Member<C> {
    class: C,
    groups: usize,
}

impl<C: Planned> Default for Classes<C> {
    fn default() -> Self {
        Self { classes: BTreeMap::new(), shared: C::Shared::default() }
    }
}

impl<C: Planned> Classes<C> {
    /// A group of proxies enters a class, which is planned if it is the first.
    pub(super) fn enter(&mut self, snapshot: &Snapshot, seat: &Seat<C::Facets>, cache: &Cache) {
        let shared = &mut self.shared;
        let Seat { facets, patches } = seat.clone();
        let plan = || Member { class: C::patched(snapshot, facets, patches, shared, cache), groups: 0 };
        self.classes.entry(seat.clone()).or_insert_with(plan).groups += 1;
    }

    /// A group leaves; with the last one the class goes.
    pub(super) fn leave(&mut self, seat: &Seat<C::Facets>) {
        if let Some(member) = self.classes.get_mut(seat) {
            member.groups -= 1;
            if member.groups == 0 {
                self.classes.remove(seat);
            }
        }
    }

    /// Plans again what a change touches; says whether any class moved.
    pub(super) fn update(&mut self, snapshot: &Snapshot, changed: &BTreeSet<FactKey>, cache: &Cache) -> bool {
        C::update_shared(&mut self.shared, snapshot, changed, cache);
        let mut moved = false;
        for member in self.classes.values_mut() {
            moved |= member.class.update(snapshot, changed, &mut self.shared, cache);
        }
        moved
    }

    /// What a class holds.
    pub(super) fn layer(&self, seat: &Seat<C::Facets>) -> Layer {
        self.classes.get(seat).map(|m| m.class.layer().clone()).unwrap_or_default()
    }

    /// Where a resource of a class is from; `None` if the class has none of that name.
    pub(super) fn origins(
        &self,
        snapshot: &Snapshot,
        seat: &Seat<C::Facets>,
        name: &Str,
        cache: &Cache,
    ) -> Option<BTreeSet<Origin>> {
        let class = &self.classes.get(seat)?.class;
        class.layer().contains_key(name).then(|| class.origins(snapshot, &self.shared, name, cache))
    }

    /// How many classes there are, and how many resources they hold together, shared ones counted each time.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.classes.len(), self.classes.values().map(|m| m.class.layer().len()).sum())
    }

    /// Resources of which one object wants what another one has.
    pub(super) fn contested(&self) -> impl Iterator<Item = &Str> {
        self.classes.values().flat_map(|m| m.class.contested())
    }

    /// Resources that could not be built.
    pub(super) fn failures(&self) -> impl Iterator<Item = &Failure> {
        self.classes.values().flat_map(|m| m.class.failures())
    }
}
