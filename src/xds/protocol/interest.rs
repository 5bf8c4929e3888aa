//! Which resources of one type a client asks for.

use std::collections::BTreeSet;

use roaring::RoaringBitmap;

use crate::base::Str;
use crate::wire::{NameId, Names, id_set};

/// How many names that no resource ever had are remembered per subscription …
const UNKNOWN_NAMES: usize = 16 * 1024;
/// … and how many bytes they may have together.
const UNKNOWN_BYTES: usize = 1024 * 1024;

/// A subscription: everything, or names.
///
/// Names are numbers as far as any resource has them; the others are kept as text until one appears. A client
/// that asks for more unknown names than are remembered is afterwards taken to ask for every name that is new:
/// it may get a resource that it does not need, which it ignores, and never misses one that it does.
#[derive(Clone, Default, Debug)]
pub struct Interest {
    wildcard: bool,
    known: RoaringBitmap,
    unknown: BTreeSet<Str>,
    unknown_bytes: usize,
    /// Every name numbered from here on is taken as asked for.
    floor: Option<u32>,
    /// How many names there were when the unknown ones were last looked up.
    looked_up: usize,
}

/// A name that a client asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Some resource has or had the name.
    Known(NameId),
    /// No resource ever had it.
    Unknown(Str),
}

impl Interest {
    /// Whether everything of the type is asked for.
    pub fn is_wildcard(&self) -> bool {
        self.wildcard
    }

    /// The names asked for that some resource has or had.
    pub fn known(&self) -> impl Iterator<Item = NameId> + '_ {
        self.known.iter().map(NameId)
    }

    /// The names asked for that no resource ever had.
    pub fn unknown(&self) -> impl Iterator<Item = &Str> {
        self.unknown.iter()
    }

    /// Whether a resource of that name is asked for.
    pub fn wants(&self, id: NameId) -> bool {
        self.wildcard || self.names(id) || self.floor.is_some_and(|floor| id.0 >= floor)
    }

    /// Whether the name itself is asked for, not merely everything.
    pub(super) fn names(&self, id: NameId) -> bool {
        self.known.contains(id.0)
    }

    /// Whether a name is among those asked for that no resource ever had.
    pub(super) fn has_unknown(&self, name: &str) -> bool {
        self.unknown.contains(name)
    }

    pub(super) fn set_wildcard(&mut self, wildcard: bool) {
        self.wildcard = wildcard;
    }

    pub(super) fn subscribe(&mut self, name: &str, names: &Names) -> Asked {
        if let Some(id) = names.lookup(name) {
            self.known.insert(id.0);
            return Asked::Known(id);
        }
        Asked::Unknown(self.subscribe_unknown(name, names))
    }

    fn subscribe_unknown(&mut self, name: &str, names: &Names) -> Str {
        let name = Str::from(name);
        if self.unknown.len() >= UNKNOWN_NAMES || self.unknown_bytes + name.len() > UNKNOWN_BYTES {
            let next = u32::try_from(names.len()).unwrap_or(u32::MAX);
            self.floor = Some(self.floor.map_or(next, |floor| floor.min(next)));
        } else if self.unknown.insert(name.clone()) {
            self.unknown_bytes += name.len();
        }
        name
    }

    /// Subscribes to many names at once. Adds the numbers of those that some resource has or had to `owed`, and returns
    /// the others.
    pub(super) fn subscribe_all<'a>(
        &mut self,
        list: impl Iterator<Item = &'a str>,
        names: &Names,
        owed: &mut RoaringBitmap,
    ) -> Vec<Str> {
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for name in list {
            match names.lookup(name) {
                Some(id) => known.push(id),
                None => unknown.push(name),
            }
        }
        let known = id_set(known);
        self.known |= &known;
        *owed |= known;
        unknown.into_iter().map(|name| self.subscribe_unknown(name, names)).collect()
    }

    /// Forgets a name; returns its number when it was asked for and some resource has or had it.
    pub(super) fn unsubscribe(&mut self, name: &str, names: &Names) -> Option<NameId> {
        if self.unknown.remove(name) {
            self.unknown_bytes -= name.len();
        }
        let id = names.lookup(name)?;
        self.known.remove(id.0).then_some(id)
    }

    /// Whether [`Interest::learn`] might find something: there are more names than when it last looked.
    pub(super) fn is_behind(&self, names: &Names) -> bool {
        !self.unknown.is_empty() && self.looked_up != names.len()
    }

    /// Looks up the unknown names again. O(unknown).
    pub(super) fn learn(&mut self, names: &Names) {
        self.looked_up = names.len();
        let Self { known, unknown, unknown_bytes, .. } = self;
        unknown.retain(|name| {
            let found = names.lookup(name);
            if let Some(id) = found {
                known.insert(id.0);
                *unknown_bytes -= name.len();
            }
            found.is_none()
        });
    }

    /// The names among `ids` that are asked for by name.
    pub(super) fn named_of(&self, ids: &RoaringBitmap) -> RoaringBitmap {
        &self.known & ids
    }
}
