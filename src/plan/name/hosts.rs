//! Rows of many hosts, kept up to date host by host.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

use crate::base::{Host, Str};
use crate::model::reads::Readers;
use crate::model::{FactKey, Snapshot, View};
use crate::wire::{Cache, Failure, Part};

use super::NameFacets;
use super::rows::{Claim, rows};

/// Rows by name, each with its claim to it; the last one stands.
pub(super) type Table = BTreeMap<Str, BTreeMap<Claim, Arc<Part>>>;

/// The rows of some hosts, as seen from one scope.
#[derive(Default)]
pub(super) struct Hosts {
    units: BTreeMap<Host, Unit>,
    readers: Readers<FactKey, Host>,
    table: Table,
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

impl Hosts {
    /// All rows.
    pub(super) fn table(&self) -> &Table {
        &self.table
    }

    /// The hosts that are planned.
    pub(super) fn planned(&self) -> impl Iterator<Item = &Host> {
        self.units.keys()
    }

    /// Whether a host is planned.
    pub(super) fn has(&self, host: &Host) -> bool {
        self.units.contains_key(host)
    }

    /// Hosts whose rows may follow from changed facts.
    pub(super) fn touched(&self, changed: &BTreeSet<FactKey>) -> BTreeSet<Host> {
        changed.iter().flat_map(|key| self.readers.of(key)).cloned().collect()
    }

    /// Plans hosts; says whether any row changed.
    pub(super) fn plan(
        &mut self,
        snapshot: &Snapshot,
        facets: &NameFacets,
        hosts: BTreeSet<Host>,
        cache: &Cache,
    ) -> bool {
        let plan = |host: Host| plan(snapshot, facets, host, cache);
        // A handful is not worth waking other threads for.
        let outcomes: Vec<Outcome> = match hosts.len() {
            0..64 => hosts.into_iter().map(plan).collect(),
            _ => hosts.into_iter().collect::<Vec<_>>().into_par_iter().with_min_len(16).map(plan).collect(),
        };
        outcomes.into_iter().fold(false, |moved, outcome| self.take(outcome) | moved)
    }

    /// Forgets a host; says whether it had a row.
    pub(super) fn forget(&mut self, host: &Host) -> bool {
        self.readers.forget(host);
        let old = self.units.remove(host).unwrap_or_default();
        old.claims.iter().for_each(|(name, claim)| self.withdraw(name, claim));
        !old.claims.is_empty()
    }

    /// What could not be built.
    pub(super) fn failures(&self) -> impl Iterator<Item = &Failure> {
        self.units.values().flat_map(|unit| &unit.failures)
    }

    fn take(&mut self, outcome: Outcome) -> bool {
        let Outcome { host, reads, rows, failures } = outcome;
        let old = self.units.remove(&host).unwrap_or_default();
        let stands = |name: &Str, claim: &Claim| rows.iter().any(|(n, c, _)| n == name && c == claim);
        let gone: Vec<_> = old.claims.into_iter().filter(|(name, claim)| !stands(name, claim)).collect();
        gone.iter().for_each(|(name, claim)| self.withdraw(name, claim));
        let mut moved = !gone.is_empty();
        let mut unit = Unit { claims: Vec::with_capacity(rows.len()), failures };
        for (name, claim, part) in rows {
            let digest = part.digest();
            let before = self.table.entry(name.clone()).or_default().insert(claim.clone(), part);
            moved |= before.is_none_or(|b| b.digest() != digest);
            unit.claims.push((name, claim));
        }
        self.readers.record(&host, reads);
        self.units.insert(host, unit);
        moved
    }

    fn withdraw(&mut self, name: &Str, claim: &Claim) {
        if let Some(claims) = self.table.get_mut(name) {
            claims.remove(claim);
            if claims.is_empty() {
                self.table.remove(name);
            }
        }
    }
}

fn plan(snapshot: &Snapshot, facets: &NameFacets, host: Host, cache: &Cache) -> Outcome {
    let view = View::new(snapshot, &facets.scope);
    let found = rows(&view, facets, &host);
    let mut outcome = Outcome { host: host.clone(), reads: Vec::new(), rows: Vec::new(), failures: Vec::new() };
    for (claim, row) in found.claims(&host) {
        match cache.part(&row) {
            Ok(part) => outcome.rows.push((row.name, claim, part)),
            Err(failure) => outcome.failures.push(failure),
        }
    }
    outcome.reads = view.into_reads();
    outcome
}
