//! How far proxies are: which changes they have taken in, and which not yet.
//!
//! Comes in: each revision with the objects that changed in it and the proxies that hold something else because of it;
//! from streams, that a proxy has answered all of a revision, or refused something. Goes out: for each of the latest
//! changes how long it took until the last proxy had it ([`Progress::changes`]), and the proxies that are behind
//! ([`Progress::behind`]).
//!
//! A change costs a note per object and a bit per proxy, an answer a look at the changes since the proxy's last one;
//! nothing is done per resource. Objects that were taken in together share their proxies: which of them a proxy waited
//! for is not told apart.
//!
//! Invariants: what is kept is bounded; a proxy that left is waited for no longer.
//! Absent: what changed in a resource, xDS, metrics.

mod change;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use roaring::RoaringTreemap;

use crate::base::Str;

pub use change::{Behind, Change, Kept, Object};

/// How many changed objects are remembered.
const OBJECTS: usize = 1000;

/// The latest changes and the connected proxies.
#[derive(Default)]
pub struct Progress(Mutex<State>);

#[derive(Default)]
struct State {
    /// The latest last.
    revisions: VecDeque<Revision>,
    /// How much room they take, in objects.
    room: usize,
    proxies: BTreeMap<u64, Proxy>,
}

/// What changed together.
struct Revision {
    number: u64,
    objects: Vec<Object>,
    /// How many objects changed, of which those above are remembered.
    all: usize,
    published: Instant,
    concerned: u64,
    waiting: RoaringTreemap,
    refused: u64,
    left: u64,
    last_answer: Option<Instant>,
}

struct Proxy {
    name: Str,
    /// The last revision that it answered, or found when it joined: it is waited for in later ones alone.
    answered: u64,
    /// What it has not answered yet: the oldest revision, and when that was published.
    owes: Option<(u64, Instant)>,
    /// Whether it refused something since its last answer to a whole revision.
    refused: bool,
}

impl Progress {
    /// A proxy joined, for which a revision is ready.
    pub fn joined(&self, proxy: u64, name: Str, revision: u64) {
        let owes = Some((revision, Instant::now()));
        self.0.lock().proxies.insert(proxy, Proxy { name, answered: revision, owes, refused: false });
    }

    /// A proxy is gone. Gives what [`Progress::answered`] gives where nobody but it was waited for any more: how long
    /// after the change the last answer came, if any did.
    pub fn left(&self, proxy: u64) -> Vec<(Str, Duration)> {
        let mut state = self.0.lock();
        state.proxies.remove(&proxy);
        let mut done = Vec::new();
        for revision in &mut state.revisions {
            if revision.waiting.remove(proxy) {
                revision.left += 1;
                done.extend(revision.done());
            }
        }
        done
    }

    /// A revision came about: objects changed, and some proxies hold something else because of that.
    pub fn published(&self, number: u64, mut objects: Vec<Object>, proxies: impl IntoIterator<Item = u64>) {
        let published = Instant::now();
        let mut waiting = RoaringTreemap::new();
        let mut state = self.0.lock();
        for proxy in proxies {
            // One that just left may still be planned for.
            if let Some(known) = state.proxies.get_mut(&proxy) {
                known.owes.get_or_insert((number, published));
                waiting.insert(proxy);
            }
        }
        if objects.is_empty() && waiting.is_empty() {
            return;
        }
        let all = objects.len();
        objects.truncate(OBJECTS);
        let concerned = waiting.len();
        let revision =
            Revision { number, objects, all, published, concerned, waiting, refused: 0, left: 0, last_answer: None };
        state.room += revision.room();
        state.revisions.push_back(revision);
        while state.room > OBJECTS {
            let oldest = state.revisions.pop_front().map_or(0, |r| r.room());
            state.room -= oldest;
        }
    }

    /// A proxy refused something.
    pub fn refused(&self, proxy: u64) {
        if let Some(proxy) = self.0.lock().proxies.get_mut(&proxy) {
            proxy.refused = true;
        }
    }

    /// A proxy has been sent all of a revision and has answered all of it. Gives, for each object for which it was the
    /// last proxy that was waited for, its kind and how long that was after its change.
    pub fn answered(&self, proxy: u64, number: u64) -> Vec<(Str, Duration)> {
        let now = Instant::now();
        let mut state = self.0.lock();
        let State { revisions, proxies, .. } = &mut *state;
        let Some(known) = proxies.get_mut(&proxy) else { return Vec::new() };
        let before = std::mem::replace(&mut known.answered, number);
        let refused = std::mem::take(&mut known.refused);
        known.owes = None;
        let mut done = Vec::new();
        for revision in revisions.iter_mut().rev().take_while(|r| r.number > before) {
            if revision.number > number {
                // What came while it was answering.
                if revision.waiting.contains(proxy) {
                    known.owes = Some((revision.number, revision.published));
                }
                continue;
            }
            if revision.waiting.remove(proxy) {
                revision.refused += u64::from(refused);
                revision.last_answer = Some(now);
                done.extend(revision.done());
            }
        }
        done
    }

    /// The latest changed objects, the latest first.
    pub fn changes(&self) -> Vec<Change> {
        let state = self.0.lock();
        state.revisions.iter().rev().flat_map(|revision| revision.changes(&state.proxies)).collect()
    }

    /// Proxies that have owed an answer for longer than so long, by name.
    pub fn behind(&self, longer: Duration) -> Vec<Behind> {
        let now = Instant::now();
        let state = self.0.lock();
        let mut behind: Vec<Behind> = state
            .proxies
            .values()
            .filter_map(|proxy| {
                let (revision, since) = proxy.owes?;
                let lag = now.saturating_duration_since(since);
                (lag > longer).then(|| Behind { proxy: proxy.name.clone(), revision, lag })
            })
            .collect();
        behind.sort_by(|a, b| a.proxy.cmp(&b.proxy));
        behind
    }
}
