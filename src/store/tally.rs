//! What happened to objects so far, as numbers.

use std::collections::BTreeMap;

use crate::api::Kind;

/// What an event was to its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Happening {
    /// It is new.
    Added,
    /// It says something else than before.
    Updated,
    /// It says the same as before.
    Repeated,
    /// It is gone.
    Deleted,
}

/// How often each thing happened to each kind of object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally(BTreeMap<(Kind, Happening), u64>);

impl Tally {
    pub(super) fn count(&mut self, kind: Kind, happening: Happening) {
        *self.0.entry((kind, happening)).or_default() += 1;
    }

    /// All numbers that are not 0.
    pub fn iter(&self) -> impl Iterator<Item = (Kind, Happening, u64)> {
        self.0.iter().map(|((kind, happening), count)| (*kind, *happening, *count))
    }
}
