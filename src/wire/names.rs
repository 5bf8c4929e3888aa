//! Resource names as small numbers, so that what a proxy subscribes to is a bitmap and not ten thousand strings.

use dashmap::DashMap;
use parking_lot::RwLock;

use crate::base::Str;

/// The number of a resource name; valid within one [`Names`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NameId(pub u32);

/// Every name a resource ever had in this process, numbered in order of appearance.
///
/// Only names of resources that were built are kept, never what a peer asks for: its size follows the users'
/// configuration, and no client can make it grow.
#[derive(Default)]
pub struct Names {
    ids: DashMap<Str, u32, ahash::RandomState>,
    names: RwLock<Vec<Str>>,
}

impl Names {
    /// The number of a name, given now if it has none.
    pub fn intern(&self, name: &Str) -> NameId {
        if let Some(id) = self.lookup(name) {
            return id;
        }
        NameId(*self.ids.entry(name.clone()).or_insert_with(|| {
            let mut names = self.names.write();
            names.push(name.clone());
            u32::try_from(names.len() - 1).expect("fewer than 2^32 resource names")
        }))
    }

    /// The number of a name that some resource had.
    pub fn lookup(&self, name: &str) -> Option<NameId> {
        self.ids.get(name).map(|id| NameId(*id))
    }

    /// The name behind a number.
    pub fn name(&self, id: NameId) -> Str {
        self.names.read()[id.0 as usize].clone()
    }

    /// How many names there are.
    pub fn len(&self) -> usize {
        self.names.read().len()
    }

    /// Whether no resource was built yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
