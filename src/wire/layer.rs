//! What a class of proxies holds of one type, and lists of it that all of them share.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use imbl::OrdMap;
use roaring::RoaringBitmap;
use smallvec::SmallVec;

use crate::base::Str;

use super::encoded::Encoded;
use super::names::NameId;

/// One part of what a proxy holds, shared by all proxies of a class: resources by name.
///
/// A persistent map: a copy with one entry changed shares all other nodes, and comparing the two skips them. Read as a
/// map is read; written by the methods here.
#[derive(Clone, Default, Debug)]
pub struct Layer {
    resources: OrdMap<Str, Arc<Encoded>>,
    /// Shared by copies until one of them changes.
    listing: Arc<OnceLock<Listing>>,
}

impl Layer {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the resource of a name; returns the one before.
    pub fn insert(&mut self, name: Str, resource: Arc<Encoded>) -> Option<Arc<Encoded>> {
        self.forget_listing();
        self.resources.insert(name, resource)
    }

    /// Takes out the resource of a name.
    pub fn remove(&mut self, name: &str) -> Option<Arc<Encoded>> {
        self.forget_listing();
        self.resources.remove(name)
    }

    /// Whether both have the same content without looking at it: they share their roots.
    pub fn same(&self, other: &Self) -> bool {
        self.resources.ptr_eq(&other.resources)
    }

    /// All resources by name, listed when first asked for. What a thousand proxies are sent as they come at once is
    /// gathered once.
    pub fn listing(&self) -> &Listing {
        self.listing.get_or_init(|| Listing {
            resources: self.resources.values().cloned().collect(),
            ids: id_set(self.resources.values().map(|e| e.id())),
        })
    }

    fn forget_listing(&mut self) {
        match Arc::get_mut(&mut self.listing) {
            Some(own) => drop(own.take()),
            None => self.listing = Arc::default(),
        }
    }
}

impl Deref for Layer {
    type Target = OrdMap<Str, Arc<Encoded>>;

    fn deref(&self) -> &Self::Target {
        &self.resources
    }
}

impl FromIterator<(Str, Arc<Encoded>)> for Layer {
    fn from_iter<I: IntoIterator<Item = (Str, Arc<Encoded>)>>(resources: I) -> Self {
        Self { resources: resources.into_iter().collect(), listing: Arc::default() }
    }
}

/// All resources of a layer.
#[derive(Clone, Debug)]
pub struct Listing {
    /// By name.
    pub resources: Arc<[Arc<Encoded>]>,
    /// The numbers of their names.
    pub ids: RoaringBitmap,
}

/// Resources in the order in which they are sent: lists, of which most are those of layers.
#[derive(Clone, Default, Debug)]
pub struct Resources {
    lists: SmallVec<[Arc<[Arc<Encoded>]>; 2]>,
}

impl Resources {
    /// Adds a list.
    pub fn push(&mut self, list: Arc<[Arc<Encoded>]>) {
        if !list.is_empty() {
            self.lists.push(list);
        }
    }

    /// How many resources there are.
    pub fn len(&self) -> usize {
        self.lists.iter().map(|list| list.len()).sum()
    }

    /// Whether there is no resource.
    pub fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }

    /// The resource at a place. O(lists).
    pub fn get(&self, mut index: usize) -> Option<&Arc<Encoded>> {
        for list in &self.lists {
            match index.checked_sub(list.len()) {
                Some(beyond) => index = beyond,
                None => return list.get(index),
            }
        }
        None
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Encoded>> {
        self.lists.iter().flat_map(|list| list.iter())
    }
}

impl FromIterator<Arc<Encoded>> for Resources {
    fn from_iter<I: IntoIterator<Item = Arc<Encoded>>>(resources: I) -> Self {
        let mut this = Self::default();
        this.push(resources.into_iter().collect());
        this
    }
}

/// A set of numbers that come in any order: sorted first, which costs a fraction of as many insertions.
pub fn id_set(ids: impl IntoIterator<Item = NameId>) -> RoaringBitmap {
    let mut ids: Vec<u32> = ids.into_iter().map(|id| id.0).collect();
    ids.sort_unstable();
    ids.dedup();
    RoaringBitmap::from_sorted_iter(ids).expect("sorted, and none twice")
}
