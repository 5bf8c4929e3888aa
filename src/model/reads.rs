//! Who read what: the reverse index by which a change finds the work it makes necessary.

use std::collections::{BTreeMap, BTreeSet};

/// For each key the units that read it, and for each unit the keys it read.
#[derive(Debug)]
pub struct Readers<K, U> {
    readers: BTreeMap<K, BTreeSet<U>>,
    reads: BTreeMap<U, Box<[K]>>,
}

impl<K, U> Default for Readers<K, U> {
    fn default() -> Self {
        Self { readers: BTreeMap::new(), reads: BTreeMap::new() }
    }
}

impl<K: Ord + Clone, U: Ord + Clone> Readers<K, U> {
    /// Replaces what a unit read. The keys may repeat.
    pub fn record(&mut self, unit: &U, mut keys: Vec<K>) {
        keys.sort_unstable();
        keys.dedup();
        if self.reads.get(unit).is_some_and(|old| old[..] == keys[..]) {
            return;
        }
        self.forget(unit);
        for key in &keys {
            self.readers.entry(key.clone()).or_default().insert(unit.clone());
        }
        self.reads.insert(unit.clone(), keys.into());
    }

    /// A unit that is no more.
    pub fn forget(&mut self, unit: &U) {
        for key in self.reads.remove(unit).unwrap_or_default() {
            if let Some(units) = self.readers.get_mut(&key) {
                units.remove(unit);
                if units.is_empty() {
                    self.readers.remove(&key);
                }
            }
        }
    }

    /// What a unit read, in order.
    pub fn reads(&self, unit: &U) -> &[K] {
        self.reads.get(unit).map(|keys| &keys[..]).unwrap_or_default()
    }

    /// The units that read a key, in order.
    pub fn of(&self, key: &K) -> impl Iterator<Item = &U> {
        self.readers.get(key).into_iter().flatten()
    }

    /// All units that recorded anything.
    pub fn units(&self) -> impl Iterator<Item = &U> {
        self.reads.keys()
    }
}
