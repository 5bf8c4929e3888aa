//! What is known of one list: which objects there are, and how far a new list is believed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::answer::{Item, State};
use crate::api::Key;
use crate::base::{Finding, ObjectRef, Severity, Str};
use crate::source::Event;

/// What is known of one list.
#[derive(Debug)]
pub(super) struct Ledger {
    /// What findings about the list as a whole call it: `Service`.
    name: Str,
    /// After this, a list that lacks more than half of what there was is believed, if another says the same.
    patience: Duration,
    /// The objects that are there.
    known: BTreeSet<Key>,
    /// Those with which something is wrong.
    wrong: BTreeMap<Key, Vec<Finding>>,
    doubt: Option<Doubt>,
    /// Whether what is wrong is something else than when it was last taken.
    news: bool,
}

/// A list that is not believed yet.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Doubt {
    since: Instant,
    /// How many objects it lacks.
    missing: usize,
    /// How many objects there were.
    of: usize,
}

impl Ledger {
    pub(super) fn new(name: &str, patience: Duration) -> Self {
        Self {
            name: Str::from(name),
            patience,
            known: BTreeSet::new(),
            wrong: BTreeMap::new(),
            doubt: None,
            news: false,
        }
    }

    /// Takes in one object of a watch.
    pub(super) fn there(&mut self, item: Item) -> Option<Event> {
        let Item { key, state, findings } = item;
        let event = match state {
            State::Good(object) => Some(Event::Upsert(object)),
            // What was last good stays in force.
            State::Broken => None,
            State::Foreign => return self.gone(key),
        };
        self.judge(&key, findings);
        self.known.insert(key);
        event
    }

    fn judge(&mut self, key: &Key, findings: Vec<Finding>) {
        if self.wrong.get(key).map_or(&[][..], Vec::as_slice) == findings {
            return;
        }
        self.news = true;
        match findings.is_empty() {
            true => drop(self.wrong.remove(key)),
            false => drop(self.wrong.insert(key.clone(), findings)),
        }
    }

    /// Takes in the end of an object.
    pub(super) fn gone(&mut self, key: Key) -> Option<Event> {
        self.judge(&key, Vec::new());
        self.known.remove(&key).then_some(Event::Delete(key))
    }

    /// Takes in a list as a whole: what follows from it, in the order of the keys.
    pub(super) fn replace(&mut self, items: Vec<Item>, now: Instant) -> Vec<Event> {
        let listed: BTreeMap<Key, Item> = items.into_iter().map(|item| (item.key.clone(), item)).collect();
        let missing: Vec<Key> = self.known.iter().filter(|key| !listed.contains_key(*key)).cloned().collect();
        let doubtful = missing.len() * 2 > self.known.len();
        let since = self.doubt.map_or(now, |doubt| doubt.since);
        let held = doubtful && now.duration_since(since) < self.patience;
        let doubt = held.then_some(Doubt { since, missing: missing.len(), of: self.known.len() });
        self.news |= doubt != self.doubt;
        self.doubt = doubt;
        let mut events: Vec<Event> = listed.into_values().filter_map(|item| self.there(item)).collect();
        if !held {
            events.extend(missing.into_iter().filter_map(|key| self.gone(key)));
        }
        events
    }

    /// When a list should be asked for again because of doubt.
    pub(super) fn due(&self) -> Option<Instant> {
        self.doubt.map(|doubt| doubt.since + self.patience)
    }

    /// How many objects are kept in doubt.
    pub(super) fn held(&self) -> usize {
        self.doubt.map_or(0, |doubt| doubt.missing)
    }

    /// How many objects there are.
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether what is wrong is something else than at the last call.
    pub(super) fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.news)
    }

    /// All that is wrong now.
    pub(super) fn findings(&self) -> impl Iterator<Item = Finding> + '_ {
        let doubt = self.doubt.map(|doubt| Finding {
            object: ObjectRef { kind: self.name.clone(), ..ObjectRef::default() },
            field: Str::new(),
            severity: Severity::Warning,
            code: "held-list",
            text: Str::from(format!(
                "the API server suddenly lists {} of {} no more; they stay in force until a second list, {} s after \
                 the first, says the same",
                doubt.missing,
                doubt.of,
                self.patience.as_secs()
            )),
        });
        self.wrong.values().flatten().cloned().chain(doubt)
    }
}

#[cfg(test)]
mod tests;
