//! The name table of one class, host by host.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

use crate::base::{Host, Str};
use crate::model::reads::Readers;
use crate::model::{FactKey, Snapshot, View};
use crate::plan::Planned;
use crate::proto::istio::networking::nds::v1::NameTable;
use crate::wire::{Cache, Failure, Layer, Part, Rope};

use super::NameFacets;
use super::rows::{Claim, rows};

/// The name table of one class: a single resource without a name.
pub struct Names {
    facets: NameFacets,
    units: BTreeMap<Host, Unit>,
    readers: Readers<FactKey, Host>,
    /// By name the rows that claim it; the last one stands.
    table: BTreeMap<Str, BTreeMap<Claim, Arc<Part>>>,
    layer: Layer,
    failure: Option<Failure>,
}

/// What one host put into the table.
#[derive(Default)]
struct Unit {
    claims: Vec<(Str, Claim)>,
    failures: Vec<Failure>,
}

/// What planning one host gave.
struct Outcome {
    host: Host,
    reads: Vec<FactKey>,
    rows: Vec<(Str, Claim, Arc<Part>)>,
    failures: Vec<Failure>,
}

impl Planned for Names {
    type Facets = NameFacets;
    type Shared = ();

    fn new(snapshot: &Snapshot, facets: NameFacets, _: &mut (), cache: &Cache) -> Self {
        let mut new = Self {
            units: BTreeMap::new(),
            readers: Readers::default(),
            table: BTreeMap::new(),
            layer: Layer::new(),
            failure: None,
            facets,
        };
        let hosts: Vec<Host> = match new.facets.sidecar {
            true => View::new(snapshot, &new.facets.scope).hosts().cloned().collect(),
            false => Vec::new(),
        };
        new.plan(snapshot, &hosts, cache);
        new.assemble(cache);
        new
    }

    fn update(&mut self, snapshot: &Snapshot, changed: &BTreeSet<FactKey>, _: &mut (), cache: &Cache) -> bool {
        if !self.facets.sidecar {
            return false;
        }
        let mut dirty: BTreeSet<Host> = changed.iter().flat_map(|key| self.readers.of(key)).cloned().collect();
        dirty.extend(changed.iter().filter_map(|key| match key {
            FactKey::Service(host) => Some(host.clone()),
            _ => None,
        }));
        let dirty: Vec<Host> = dirty.into_iter().collect();
        self.plan(snapshot, &dirty, cache) && self.assemble(cache)
    }

    fn layer(&self) -> &Layer {
        &self.layer
    }

    fn failures(&self) -> Vec<&Failure> {
        self.units.values().flat_map(|u| &u.failures).chain(&self.failure).collect()
    }
}

impl Names {
    /// Plans hosts; says whether any row changed.
    fn plan(&mut self, snapshot: &Snapshot, hosts: &[Host], cache: &Cache) -> bool {
        let plan = |host: &Host| plan(snapshot, &self.facets, host, cache);
        // A handful is not worth waking other threads for.
        let outcomes: Vec<Outcome> = match hosts.len() {
            0..64 => hosts.iter().map(plan).collect(),
            _ => hosts.par_iter().with_min_len(16).map(plan).collect(),
        };
        let mut moved = false;
        for outcome in outcomes {
            moved |= self.take(outcome);
        }
        moved
    }

    fn take(&mut self, outcome: Outcome) -> bool {
        let Outcome { host, reads, rows, failures } = outcome;
        let old = self.units.remove(&host).unwrap_or_default();
        let mut moved = false;
        let stands = |name: &Str, claim: &Claim| rows.iter().any(|(n, c, _)| n == name && c == claim);
        for (name, claim) in old.claims.iter().filter(|(n, c)| !stands(n, c)) {
            moved = true;
            if let Some(claims) = self.table.get_mut(name) {
                claims.remove(claim);
                if claims.is_empty() {
                    self.table.remove(name);
                }
            }
        }
        let mut unit = Unit { claims: Vec::with_capacity(rows.len()), failures };
        for (name, claim, part) in rows {
            let before = self.table.entry(name.clone()).or_default().insert(claim.clone(), Arc::clone(&part));
            moved |= before.is_none_or(|b| b.digest() != part.digest());
            unit.claims.push((name, claim));
        }
        if reads.is_empty() {
            self.readers.forget(&host);
        } else {
            self.readers.record(&host, reads);
            self.units.insert(host, unit);
        }
        moved
    }

    /// Puts the table together; says whether it differs from the one before.
    fn assemble(&mut self, cache: &Cache) -> bool {
        let name = Str::default();
        let parts = self.table.values().filter_map(|claims| claims.values().next_back().cloned()).collect();
        match cache.rope(Rope { name: name.clone(), head: NameTable::default(), parts }) {
            Ok(encoded) => {
                self.failure = None;
                let same = self.layer.get(&name).is_some_and(|old| old.version() == encoded.version());
                if !same {
                    self.layer.insert(name, encoded);
                }
                !same
            }
            Err(failure) => {
                self.failure = Some(failure);
                false
            }
        }
    }
}

/// A host without any definition is forgotten, and comes back with its first one: its reads are empty.
fn plan(snapshot: &Snapshot, facets: &NameFacets, host: &Host, cache: &Cache) -> Outcome {
    let view = View::new(snapshot, &facets.scope);
    let found = rows(&view, facets, host);
    let mut outcome = Outcome { host: host.clone(), reads: Vec::new(), rows: Vec::new(), failures: Vec::new() };
    for (claim, row) in found.claims(host) {
        match cache.part(&row) {
            Ok(part) => outcome.rows.push((row.name, claim, part)),
            Err(failure) => outcome.failures.push(failure),
        }
    }
    if view.is_defined(host) {
        outcome.reads = view.into_reads();
    }
    outcome
}
