//! What is told of a change.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::base::Str;

use super::{Proxy, Revision};

/// How many of the proxies that are waited for are named.
const NAMED: usize = 20;

/// An object that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// `VirtualService`, `Service`, …
    pub kind: Str,
    /// The namespace, empty for objects of the cluster.
    pub namespace: Str,
    /// The name.
    pub name: Str,
    /// Whether it is still there.
    pub kept: Kept,
    /// When the first event of the change arrived.
    pub changed: Instant,
}

/// What became of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It is new, or says something else.
    Changed,
    /// It is gone.
    Deleted,
}

/// A changed object and how far proxies are with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The object.
    pub object: Object,
    /// The revision it is in.
    pub revision: u64,
    /// How many objects changed in that revision, itself included.
    pub together: usize,
    /// When what follows from it was ready for proxies.
    pub published: Instant,
    /// How many proxies hold something else because of that revision.
    pub proxies: u64,
    /// How many of them have answered all of it.
    pub answered: u64,
    /// How many of those refused something of it.
    pub refused: u64,
    /// How many left without an answer.
    pub left: u64,
    /// How long after the change the last answer came.
    pub last_answer: Option<Duration>,
    /// The first of those that are waited for, by name.
    pub waiting_for: Vec<Str>,
}

/// A proxy that is behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behind {
    /// Its name.
    pub proxy: Str,
    /// The oldest revision that it has not answered in full.
    pub revision: u64,
    /// Since how long.
    pub lag: Duration,
}

impl Revision {
    /// How much room it takes, in objects. One without objects, of other settings, is there for those who owe it.
    pub(super) fn room(&self) -> usize {
        self.objects.len().max(1)
    }

    /// Its objects, by kind and how long after the change the last answer came, once no proxy is waited for.
    pub(super) fn done(&self) -> impl Iterator<Item = (Str, Duration)> {
        let at = self.last_answer.filter(|_| self.waiting.is_empty());
        let took =
            |at: Instant| self.objects.iter().map(move |o| (o.kind.clone(), at.saturating_duration_since(o.changed)));
        at.into_iter().flat_map(took)
    }

    /// Its objects, each with how far proxies are.
    pub(super) fn changes(&self, proxies: &BTreeMap<u64, Proxy>) -> impl Iterator<Item = Change> {
        let mut named: Vec<&Str> = self.waiting.iter().filter_map(|id| Some(&proxies.get(&id)?.name)).collect();
        if named.len() > NAMED {
            // All proxies may be waited for in every one of many revisions: they are not all put in order.
            named.select_nth_unstable(NAMED);
            named.truncate(NAMED);
        }
        named.sort_unstable();
        let waiting_for: Vec<Str> = named.into_iter().cloned().collect();
        self.objects.iter().map(move |object| Change {
            object: object.clone(),
            revision: self.number,
            together: self.all,
            published: self.published,
            proxies: self.concerned,
            answered: self.concerned - self.waiting.len() - self.left,
            refused: self.refused,
            left: self.left,
            last_answer: self.last_answer.map(|at| at.saturating_duration_since(object.changed)),
            waiting_for: waiting_for.clone(),
        })
    }
}
