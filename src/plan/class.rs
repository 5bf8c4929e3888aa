//! One class of proxies and everything planned for it, kept up to date unit by unit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

use crate::api::{Key, Kind};
use crate::base::{Namespace, Str};
use crate::generate::patch::{Patched, patched_routes};
use crate::model::facts::Handle;
use crate::model::reads::Readers;
use crate::model::{FactKey, Origin, Scope, Snapshot, View};
use crate::wire::{Cache, Encoded, Failure, Fragment, Layer, Part, Recipe, ResourceType, Rope};

use super::patches::{Patches, lacking};

/// How resources of one sort are planned.
pub trait Planner: Send + Sync + 'static {
    /// What distinguishes classes: resolved answers about a proxy.
    type Facets: Clone + Ord + Send + Sync;
    /// What is planned at a time.
    type Unit: Clone + Ord + Send + Sync;

    /// From where the class sees the mesh.
    fn scope(facets: &Self::Facets) -> &Scope;

    /// All units there are.
    fn units(view: &View<'_>, facets: &Self::Facets) -> Vec<Self::Unit>;

    /// The unit that a fact may bring into being, though no unit can have read it yet.
    fn unit_of(key: &FactKey) -> Option<Self::Unit>;

    /// Plans one unit: reads what it needs and puts out resources.
    fn plan(view: &View<'_>, facets: &Self::Facets, unit: &Self::Unit, out: &mut Output<'_>);
}

/// Where planners put resources. Resources of different units of one class have different names.
pub struct Output<'c> {
    cache: &'c Cache,
    patches: &'c Patches,
    before: &'c Layer,
    set: Vec<Arc<Encoded>>,
    failures: Vec<Failure>,
    contested: Vec<Str>,
    gone: bool,
}

impl<'c> Output<'c> {
    fn new(cache: &'c Cache, patches: &'c Patches, before: &'c Layer) -> Self {
        Self { cache, patches, before, set: Vec::new(), failures: Vec::new(), contested: Vec::new(), gone: false }
    }

    /// Says that the unit itself is no more (its host has no definition, its port no service): it is forgotten until
    /// [`Planner::unit_of`] names it again.
    pub fn gone(&mut self) {
        self.gone = true;
    }

    /// Says that of a resource one object wants what another one has.
    pub fn contested(&mut self, name: Str) {
        self.contested.push(name);
    }

    /// Puts out a resource. One that cannot be built leaves the one of that name in force that was there before.
    pub fn resource<R: Recipe>(&mut self, recipe: &R) {
        let patches = self.patches.as_ref().filter(|set| !set.patches.is_empty());
        let built = match patches {
            None => self.cache.get_or_build(recipe).map(Some),
            Some(patches) => self.cache.get_or_finish(recipe, &Patched(patches)),
        };
        if let Some(built) = built.transpose() {
            self.keep(built, &recipe.name());
        }
    }

    /// The patches that hold for the class; every resource that is put out goes through them.
    pub fn patches(&self) -> &'c Patches {
        self.patches
    }

    /// Puts out a resource made of fragments.
    pub fn rope<M: prost::Message + prost::Name + Default>(&mut self, rope: Rope<M>) {
        let name = rope.name.clone();
        let mut built = self.cache.rope(rope);
        if let (Some(patches), true) = (self.patches, M::type_url() == ResourceType::Route.type_url()) {
            built = built.and_then(|routes| patched_routes(self.cache, &routes, patches));
        }
        self.keep(built, &name);
    }

    /// Encodes a fragment for a rope; one that cannot be built is left out and noted.
    pub fn part<F: Fragment>(&mut self, fragment: &F) -> Option<Arc<Part>> {
        self.cache.part(fragment).map_err(|failure| self.failures.push(failure)).ok()
    }

    fn keep(&mut self, built: Result<Arc<Encoded>, Failure>, name: &Str) {
        match built {
            Ok(encoded) => self.set.push(encoded),
            Err(failure) => {
                self.set.extend(self.before.get(name).cloned());
                self.failures.push(failure);
            }
        }
    }
}

struct Planned {
    names: Box<[Str]>,
    failures: Box<[Failure]>,
    contested: Box<[Str]>,
}

/// All units of one class and the layer they add up to.
pub struct Class<P: Planner> {
    facets: P::Facets,
    patches: Patches,
    /// Patches that the proxies cannot have.
    lacking: Vec<Failure>,
    units: BTreeMap<P::Unit, Planned>,
    readers: Readers<FactKey, P::Unit>,
    layer: Layer,
}

/// What planning one unit gave.
struct Outcome<U> {
    unit: U,
    reads: Vec<FactKey>,
    set: Vec<Arc<Encoded>>,
    failures: Vec<Failure>,
    contested: Vec<Str>,
    gone: bool,
}

impl<P: Planner> Class<P> {
    /// Plans everything from scratch, for proxies without patches.
    pub fn new(snapshot: &Snapshot, facets: P::Facets, cache: &Cache) -> Self {
        Self::patched(snapshot, facets, None, cache)
    }

    /// Plans everything from scratch.
    pub fn patched(snapshot: &Snapshot, facets: P::Facets, patches: Patches, cache: &Cache) -> Self {
        let (units, readers, layer) = (BTreeMap::new(), Readers::default(), Layer::new());
        let lacking = lacking(&patches);
        let mut class = Self { facets, patches, lacking, units, readers, layer };
        let units = P::units(&View::new(snapshot, P::scope(&class.facets)), &class.facets);
        class.replan(snapshot, &units, cache);
        class
    }

    /// What distinguishes the class.
    pub fn facets(&self) -> &P::Facets {
        &self.facets
    }

    /// What the class holds.
    pub fn layer(&self) -> &Layer {
        &self.layer
    }

    /// Resources that could not be built, in the order of their units, and patches that were left out.
    pub fn failures(&self) -> impl Iterator<Item = &Failure> {
        let patched = self.patches.is_some().then(|| self.layer.values().flat_map(|e| e.left_out()));
        let failed = self.units.values().flat_map(|p| p.failures.iter()).chain(patched.into_iter().flatten());
        failed.chain(&self.lacking)
    }

    /// Resources of which one object wants what another one has.
    pub fn contested(&self) -> impl Iterator<Item = &Str> {
        self.units.values().flat_map(|p| p.contested.iter())
    }

    /// How many units there are.
    pub fn len(&self) -> usize {
        self.units.len()
    }

    /// Whether there are no units.
    pub fn is_empty(&self) -> bool {
        self.units.is_empty()
    }

    /// Where a resource is from. Plans its unit once, and once more for each EnvoyFilter of the class.
    pub fn origins(&self, snapshot: &Snapshot, name: &Str, cache: &Cache) -> BTreeSet<Origin> {
        let mut units = self.units.iter();
        let Some((unit, _)) = units.find(|(_, planned)| planned.names.contains(name)) else { return BTreeSet::new() };
        let view = View::traced(snapshot, P::scope(&self.facets), name);
        P::plan(&view, &self.facets, unit, &mut Output::new(cache, &self.patches, &self.layer));
        let patched = |patches: &Patches| {
            let view = View::traced(snapshot, P::scope(&self.facets), name);
            let mut out = Output::new(cache, patches, &self.layer);
            P::plan(&view, &self.facets, unit, &mut out);
            out.set.into_iter().find(|encoded| encoded.name() == name)
        };
        let mut origins = view.into_origins();
        origins.extend(effective(&self.patches, self.layer.get(name), patched));
        origins
    }

    /// Plans again what read one of the changed facts, or what they bring into being. Returns whether the layer
    /// moved.
    pub fn update(&mut self, snapshot: &Snapshot, changed: &BTreeSet<FactKey>, cache: &Cache) -> bool {
        let scoped = matches!(P::scope(&self.facets), Scope::Sidecar(..));
        let mut dirty = BTreeSet::new();
        for key in changed {
            dirty.extend(self.readers.of(key).cloned());
            // Only Sidecars let hosts through because routes lead to them.
            if scoped || !matches!(key, FactKey::Leading(_)) {
                dirty.extend(P::unit_of(key));
            }
        }
        let dirty: Vec<_> = dirty.into_iter().collect();
        self.replan(snapshot, &dirty, cache)
    }

    fn replan(&mut self, snapshot: &Snapshot, units: &[P::Unit], cache: &Cache) -> bool {
        let plan = |unit: &P::Unit| {
            let view = View::new(snapshot, P::scope(&self.facets));
            let mut out = Output::new(cache, &self.patches, &self.layer);
            P::plan(&view, &self.facets, unit, &mut out);
            let Output { set, failures, contested, gone, .. } = out;
            Outcome { unit: unit.clone(), reads: view.into_reads(), set, failures, contested, gone }
        };
        // Few are not worth waking other threads for, which then look for more to do before they sleep again.
        let results: Vec<_> = if units.len() < 512 {
            units.iter().map(plan).collect()
        } else {
            units.par_iter().with_min_len(16).map(plan).collect()
        };
        let before = self.layer.clone();
        results.into_iter().for_each(|result| self.take(result));
        !before.ptr_eq(&self.layer)
    }

    fn take(&mut self, result: Outcome<P::Unit>) {
        let names: Box<[Str]> = result.set.iter().map(|e| e.name().clone()).collect();
        for gone in self.units.get(&result.unit).map(|p| &p.names[..]).unwrap_or_default() {
            if !names.contains(gone) {
                self.layer.remove(gone);
            }
        }
        for encoded in result.set {
            if self.layer.get(encoded.name()).is_none_or(|old| old.version() != encoded.version()) {
                self.layer.insert(encoded.name().clone(), encoded);
            }
        }
        if result.gone {
            self.units.remove(&result.unit);
            self.readers.forget(&result.unit);
            return;
        }
        self.readers.record(&result.unit, result.reads);
        self.units.insert(
            result.unit,
            Planned { names, failures: result.failures.into(), contested: result.contested.into() },
        );
    }
}

/// The EnvoyFilters without which a resource would be another one.
pub(super) fn effective(
    patches: &Patches,
    now: Option<&Arc<Encoded>>,
    patched: impl Fn(&Patches) -> Option<Arc<Encoded>>,
) -> Vec<Origin> {
    let Some(set) = patches else { return Vec::new() };
    let filters: BTreeSet<_> = set.patches.iter().map(|p| (&p.namespace, &p.filter)).collect();
    let matters = |(namespace, filter): &(_, _)| {
        let mut others = (**set).clone();
        others.patches.retain(|p| (&p.namespace, &p.filter) != (*namespace, *filter));
        let without = patched(&Some(Handle::new(others)));
        without.map(|e| e.version()) != now.map(|e| e.version())
    };
    let key = |(namespace, name): (&Namespace, &Str)| Key::new(Kind::EnvoyFilter, namespace.clone(), name.clone());
    filters.into_iter().filter(matters).map(|filter| Origin::Object(key(filter))).collect()
}
