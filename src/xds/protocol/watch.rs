//! What is remembered of one type on one stream, and what is due to it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use roaring::RoaringBitmap;

use crate::base::Str;
use crate::wire::{Assembly, Encoded, NameId, Names, Resources};

use super::interest::{Asked, Interest};
use super::{Rejection, Violation};

/// How many names that have no resource may wait for their answer, and how many bytes they may have together.
const MISSING_NAMES: usize = 64 * 1024;
const MISSING_BYTES: usize = 4 * 1024 * 1024;

/// How many responses a stream may cost, per type, to find out which of several resources was refused.
const PROBES: u32 = 64;

/// The memory of one type.
#[derive(Debug)]
pub(super) struct Watch {
    /// What the client asks for; shared with the debug pages.
    pub(super) interest: Arc<Interest>,
    /// What the client was last brought to, as far as it asks for it, and save what is lingering or owed.
    pub(super) base: Assembly,
    pub(super) owed: Owed,
    /// Clusters that are gone, which the client may still use and has not been told of. The resource itself where
    /// this stream sent it.
    pub(super) lingering: BTreeMap<Str, Option<Arc<Encoded>>>,
    /// Groups of resources of which one was refused, to be sent one group at a time.
    suspects: VecDeque<RoaringBitmap>,
    probes: u32,
    pub(super) flight: Option<Flight>,
    /// Whether the client holds resources of this type: it answered a response, or stated some.
    pub(super) established: bool,
    pub(super) nonce_sent: Str,
    pub(super) nonce_acked: Str,
    pub(super) version: Str,
    pub(super) rejection: Option<Arc<Rejection>>,
}

/// The response that is not answered yet.
#[derive(Debug)]
pub(super) struct Flight {
    /// Counts the responses of the stream.
    pub(super) number: u64,
    /// What it set.
    pub(super) ids: RoaringBitmap,
    /// Its answer did not come in time, so that other types wait for it no longer.
    pub(super) overdue: bool,
}

/// What has to be answered whether it changed or not.
#[derive(Default, Debug)]
pub(super) struct Owed {
    /// A response, even an empty one.
    pub(super) answer: bool,
    /// Resources, or the word that there is none.
    pub(super) ids: RoaringBitmap,
    /// Names that no resource ever had: the word that there is none.
    missing: BTreeSet<Str>,
    missing_bytes: usize,
}

impl Owed {
    fn is_empty(&self) -> bool {
        !self.answer && self.ids.is_empty() && self.missing.is_empty()
    }

    /// Owes an answer to a name.
    pub(super) fn name(&mut self, asked: Asked) -> Result<(), Violation> {
        match asked {
            Asked::Known(id) => {
                self.ids.insert(id.0);
                Ok(())
            }
            Asked::Unknown(name) => self.unknown([name]),
        }
    }

    /// Owes an answer to names that no resource ever had.
    pub(super) fn unknown(&mut self, names: impl IntoIterator<Item = Str>) -> Result<(), Violation> {
        for name in names {
            if self.missing.len() >= MISSING_NAMES || self.missing_bytes + name.len() > MISSING_BYTES {
                return Err(Violation::TooManyNames);
            }
            let len = name.len();
            if self.missing.insert(name) {
                self.missing_bytes += len;
            }
        }
        Ok(())
    }

    /// A name that is asked for no longer needs no answer.
    pub(super) fn forget(&mut self, name: &str, id: Option<NameId>) {
        if self.missing.remove(name) {
            self.missing_bytes -= name.len();
        }
        if let Some(id) = id {
            self.ids.remove(id.0);
        }
    }
}

/// What is due to a client at one moment.
#[derive(Default, Debug)]
pub(super) struct Draft {
    /// Resources to set; never twice the same name.
    pub(super) set: Resources,
    /// Their numbers.
    pub(super) ids: RoaringBitmap,
    /// Resources that are gone, of which the client may hold the last form.
    pub(super) gone: Vec<Arc<Encoded>>,
    /// Names that were asked for and that no resource has.
    pub(super) missing: BTreeSet<Str>,
    /// A response is due even if all this is empty.
    pub(super) answer: bool,
}

impl Draft {
    /// Whether something is due that can be said without a word for what is gone.
    pub(super) fn speaks_of_presence(&self) -> bool {
        self.answer || !self.set.is_empty() || !self.missing.is_empty()
    }

    /// Leaves out the word that something is not there. Of configurations of extensions it is never given, as in istiod
    /// (`pilot/pkg/xds/delta.go`, `neverRemoveDelta`): a filter goes on with what it has while its listener is replaced.
    pub(super) fn say_nothing_of_absence(&mut self) {
        self.answer |= !self.missing.is_empty();
        self.missing.clear();
        self.gone.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.answer && self.set.is_empty() && self.gone.is_empty() && self.missing.is_empty()
    }
}

impl Watch {
    pub(super) fn new(base: Assembly, interest: Interest) -> Self {
        Self {
            interest: Arc::new(interest),
            base,
            owed: Owed::default(),
            lingering: BTreeMap::new(),
            suspects: VecDeque::new(),
            probes: PROBES,
            flight: None,
            established: false,
            nonce_sent: Str::default(),
            nonce_acked: Str::default(),
            version: Str::default(),
            rejection: None,
        }
    }

    /// Owes everything that is asked for, save `held`.
    pub(super) fn owe_all(&mut self, held: &RoaringBitmap) {
        for listing in self.base.listings() {
            let wanted = if self.interest.is_wildcard() {
                listing.ids.clone()
            } else {
                listing.ids.iter().filter(|id| self.interest.wants(NameId(*id))).collect()
            };
            self.owed.ids |= wanted - held;
        }
    }

    /// Whether anything might be due to the client. O(layers).
    pub(super) fn is_behind(&self, target: &Assembly) -> bool {
        !self.base.same(target) || !self.owed.is_empty() || !self.suspects.is_empty() || !self.lingering.is_empty()
    }

    /// What is due to bring the client to `target`; from now on it counts as brought there.
    ///
    /// O(changes) for changes, and O(owed · log n), at most O(n), for what is owed.
    pub(super) fn take_due(&mut self, target: &Assembly, names: &Names) -> Draft {
        if !self.base.same(target) {
            // The groups are of what `base` holds, which is about to be something else.
            self.suspects.drain(..).for_each(|group| self.owed.ids |= group);
        }
        while let Some(group) = self.suspects.pop_front() {
            let wanted = group.into_iter().filter(|id| self.interest.wants(NameId(*id))).collect();
            let (set, missing) = of_ids(&wanted, target, names);
            if !set.is_empty() {
                return Draft { ids: wanted - missing, set, ..Draft::default() };
            }
        }
        let mut due = std::mem::take(&mut self.owed);
        let mut draft = Draft { answer: due.answer, missing: due.missing, ..Draft::default() };
        if !self.base.same(target) {
            let change = target.diff(&self.base);
            self.base = target.clone();
            due.ids.extend(change.set.iter().filter(|e| self.interest.wants(e.id())).map(|e| e.id().0));
            for gone in change.removed.into_iter().filter(|e| self.interest.wants(e.id())) {
                due.ids.remove(gone.id().0);
                draft.gone.push(gone);
            }
        }
        let (set, missing) = of_ids(&due.ids, target, names);
        draft.missing.extend(missing.iter().map(|id| names.name(NameId(id))));
        // Envoy refuses a response that names a resource twice, and what lingers is told later.
        if !draft.missing.is_empty() || !self.lingering.is_empty() {
            for present in set.iter() {
                draft.missing.remove(present.name());
                self.lingering.remove(present.name());
            }
        }
        draft.missing.retain(|name| !self.lingering.contains_key(name));
        draft.set = set;
        draft.ids = due.ids - missing;
        draft
    }

    /// Everything that is asked for: what `base` holds, and what lingers.
    pub(super) fn everything(&self) -> Resources {
        let wanted = |e: &&Arc<Encoded>| self.interest.wants(e.id());
        let mut all = Resources::default();
        if self.interest.is_wildcard() {
            self.base.listings().for_each(|listing| all.push(listing.resources.clone()));
        } else {
            all.push(self.base.iter().filter(wanted).cloned().collect());
        }
        all.push(self.lingering.values().flatten().filter(wanted).cloned().collect());
        all
    }

    /// Sends the resources of a refused response again in smaller groups, so that those beside the refused one are
    /// not lost with it. `named` are those that the client's words name.
    ///
    /// Envoy hands endpoints and routes to their users one by one, in no order, and stops at the first that refuses
    /// (`WatchMap::onConfigUpdate`); of clusters and listeners it takes the good ones, but remembers none of their
    /// versions (`DeltaSubscriptionState::handleGoodResponse`), so that it would neither state them when it comes
    /// back nor learn that they are gone. Bounded: a group of one is not sent again, and a stream has so many probes.
    pub(super) fn probe(&mut self, refused: &RoaringBitmap, named: &RoaringBitmap) {
        let groups = if named.is_empty() { halves(refused) } else { [refused - named, named.clone()] };
        for group in groups.into_iter().filter(|g| !g.is_empty() && g.len() < refused.len() && g != named) {
            self.probes = match self.probes.checked_sub(1) {
                Some(left) => left,
                None => return,
            };
            self.suspects.push_back(group);
        }
        if named.len() > 1 {
            self.probe(named, &RoaringBitmap::new());
        }
    }
}

/// The resources of `ids`, and those of `ids` that have none.
fn of_ids(ids: &RoaringBitmap, all: &Assembly, names: &Names) -> (Resources, RoaringBitmap) {
    let mut set = Resources::default();
    let mut missing = RoaringBitmap::new();
    // A look-up costs some ten steps of a walk.
    if ids.len() > all.len() as u64 / 10 {
        for listing in all.listings() {
            set.push(if listing.ids.is_subset(ids) {
                listing.resources.clone()
            } else {
                listing.resources.iter().filter(|e| ids.contains(e.id().0)).cloned().collect()
            });
        }
        if set.len() as u64 != ids.len() {
            missing = all.listings().fold(ids.clone(), |left, listing| left - &listing.ids);
        }
        return (set, missing);
    }
    let mut found = Vec::with_capacity(ids.len() as usize);
    for id in ids {
        match all.get(&names.name(NameId(id))) {
            Some(resource) => found.push(resource.clone()),
            None => drop(missing.insert(id)),
        }
    }
    found.sort_by(|a, b| a.name().cmp(b.name()));
    set.push(found.into());
    (set, missing)
}

fn halves(ids: &RoaringBitmap) -> [RoaringBitmap; 2] {
    let mut upper = ids.clone();
    upper.remove_range(..ids.select((ids.len() / 2) as u32).unwrap_or_default());
    [ids - &upper, upper]
}
