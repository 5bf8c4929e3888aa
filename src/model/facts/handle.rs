//! Shared facts, compared by content at the price of a number.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

use crate::base::Digest;

struct Keyed<T> {
    digest: Digest,
    value: T,
}

/// A shared value with the digest of its content, by which it is compared and hashed.
///
/// Made in `model` only; the only hand-written `Eq` and `Hash` that may stand in a recipe.
pub struct Handle<T>(Arc<Keyed<T>>);

impl<T: Hash> Handle<T> {
    /// Wraps a value. O(size of the value), once.
    pub(crate) fn new(value: T) -> Self {
        Self(Arc::new(Keyed { digest: Digest::of(&value), value }))
    }

    /// Wraps a value, or keeps `old` where it is the same: an equal fact keeps its handle.
    pub(crate) fn renew(old: Option<&Self>, value: T) -> Self {
        let new = Self::new(value);
        match old {
            Some(old) if *old == new => old.clone(),
            _ => new,
        }
    }
}

impl<T> Handle<T> {
    /// The digest of the content.
    pub fn digest(&self) -> Digest {
        self.0.digest
    }
}

impl<T> Clone for Handle<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Deref for Handle<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0.value
    }
}

impl<T> PartialEq for Handle<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0.digest == other.0.digest
    }
}

impl<T> Eq for Handle<T> {}

/// Some order, for maps; it says nothing about the content.
impl<T> Ord for Handle<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.digest.cmp(&other.0.digest)
    }
}

impl<T> PartialOrd for Handle<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Hash for Handle<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.digest.hash(state);
    }
}

impl<T: fmt::Debug> fmt::Debug for Handle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.value.fmt(f)
    }
}
