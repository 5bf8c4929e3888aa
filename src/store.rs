//! The last good version of every object, and what has changed since the model last looked.
//!
//! Comes in: [`Event`]s of any number of sources. Goes out: a [`Batch`], one entry per key that says something else
//! than in the batch before. Invariants: a version that says the same as the one before is dropped, so that a touched
//! file or a new resource version ends here; what comes and goes between two batches is in neither. Absent: IO, a
//! clock (when to take a batch is for `engine`), and any notion of what objects mean.

mod tally;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::api::{Key, Kind, Meta, Object};
use crate::base::{Namespace, Str};

pub use tally::{Happening, Tally};

/// Something that happened to an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// It is new, or says something else than before.
    Upsert(Arc<Object>),
    /// It is gone.
    Delete(Key),
    /// All that there was at first has been said.
    Synced,
}

/// What has changed, one entry per key.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Counts the batches, from 1.
    pub revision: u64,
    /// The objects that are new or say something else; none for those that are gone. Never empty.
    pub changed: BTreeMap<Key, Option<Arc<Object>>>,
}

/// All objects, by key.
#[derive(Debug, Default)]
pub struct Store {
    objects: BTreeMap<Key, Arc<Object>>,
    /// The objects that have been touched since the last batch, as they were in it.
    before: BTreeMap<Key, Option<Arc<Object>>>,
    synced: bool,
    revision: u64,
    tally: Tally,
}

impl Store {
    /// Takes in events, in their order. O(log n) each.
    pub fn apply(&mut self, events: impl IntoIterator<Item = Event>) {
        for event in events {
            match event {
                Event::Upsert(object) => self.upsert(object),
                Event::Delete(key) => self.delete(key),
                Event::Synced => self.synced = true,
            }
        }
    }

    /// Whether the source has said all that it had at first. Before that, what is missing is not known to be absent.
    pub fn synced(&self) -> bool {
        self.synced
    }

    /// What has changed since the last batch, if anything has.
    pub fn take_batch(&mut self) -> Option<Batch> {
        let mut changed = BTreeMap::new();
        for (key, before) in std::mem::take(&mut self.before) {
            let now = self.objects.get(&key);
            let same = match (&before, now) {
                (Some(before), Some(now)) => says_the_same(before, now),
                (before, now) => before.is_none() && now.is_none(),
            };
            if !same {
                let now = now.cloned();
                changed.insert(key, now);
            }
        }
        if changed.is_empty() {
            return None;
        }
        self.revision += 1;
        Some(Batch { revision: self.revision, changed })
    }

    /// What happened so far.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The number of the last batch; 0 before the first.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// An object, if there is one.
    pub fn get(&self, key: &Key) -> Option<&Arc<Object>> {
        self.objects.get(key)
    }

    /// All objects of a kind, by namespace and name.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Arc<Object>> {
        let first = Key::new(kind, Namespace::default(), Str::new());
        self.objects.range(first..).take_while(move |(key, _)| key.kind == kind).map(|(_, object)| object)
    }

    /// All objects, by kind, namespace and name.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &Arc<Object>)> {
        self.objects.iter()
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.objects.len()
    }

    /// Whether there is no object.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    fn upsert(&mut self, object: Arc<Object>) {
        let key = object.key();
        let happening = match self.objects.get(&key) {
            None => Happening::Added,
            Some(known) if says_the_same(known, &object) => Happening::Repeated,
            Some(_) => Happening::Updated,
        };
        self.tally.count(key.kind, happening);
        if happening == Happening::Repeated {
            return;
        }
        let before = self.objects.insert(key.clone(), object);
        self.before.entry(key).or_insert(before);
    }

    fn delete(&mut self, key: Key) {
        if let Some(before) = self.objects.remove(&key) {
            self.tally.count(key.kind, Happening::Deleted);
            self.before.entry(key).or_insert(Some(before));
        }
    }
}

/// Whether two versions of an object have the same meaning: they may differ in Kubernetes' counters, and in where
/// they were read.
pub fn says_the_same(a: &Object, b: &Object) -> bool {
    // Taken apart in full, so that a new field has to be thought about here.
    let Meta {
        name,
        namespace,
        cluster,
        labels,
        annotations,
        created,
        uid,
        resource_version: _,
        generation: _,
        owners,
    } = &a.meta;
    std::ptr::eq(a, b)
        || (a.spec == b.spec
            && (name, namespace, labels) == (&b.meta.name, &b.meta.namespace, &b.meta.labels)
            && (annotations, owners) == (&b.meta.annotations, &b.meta.owners)
            && (created, uid, cluster) == (&b.meta.created, &b.meta.uid, &b.meta.cluster))
}

#[cfg(test)]
mod tests;
