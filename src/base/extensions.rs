//! What a client lists that it can load.

use std::collections::{BTreeSet, HashMap};
use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock, Weak};

use parking_lot::Mutex;

use super::{Digest, Str};

/// The types by which a client can be configured, and the names of its extensions that have none. A stock Envoy lists a
/// thousand, and all of one build list the same: the list is kept once, and compared by its digest.
#[derive(Clone, Debug)]
pub struct Extensions(Arc<List>);

#[derive(Debug)]
struct List {
    digest: Digest,
    types: BTreeSet<Str>,
}

/// All lists that someone has, by their digests, and by those of the bytes in which they came.
static KNOWN: LazyLock<Mutex<HashMap<Digest, Weak<List>>>> = LazyLock::new(Mutex::default);

fn known(digest: Digest) -> Option<Arc<List>> {
    KNOWN.lock().get(&digest).and_then(Weak::upgrade)
}

/// Remembers a list, and forgets those that nobody has any more.
fn remember(digest: Digest, list: &Arc<List>) {
    let mut known = KNOWN.lock();
    known.retain(|_, list| list.strong_count() > 0);
    known.insert(digest, Arc::downgrade(list));
}

impl Extensions {
    /// The list that came in these bytes, which are only read if none like them is known.
    ///
    /// # Errors
    /// What reading them ends in.
    pub fn of_bytes<E>(bytes: &[u8], read: impl FnOnce(&[u8]) -> Result<BTreeSet<Str>, E>) -> Result<Self, E> {
        let digest = Digest::of_bytes(bytes);
        if let Some(list) = known(digest) {
            return Ok(Self(list));
        }
        let read = Self::new(read(bytes)?);
        remember(digest, &read.0);
        Ok(read)
    }

    fn new(types: BTreeSet<Str>) -> Self {
        let digest = Digest::of(&types);
        let list = known(digest).unwrap_or_else(|| {
            let list = Arc::new(List { digest, types });
            remember(digest, &list);
            list
        });
        Self(list)
    }

    /// Whether nothing is listed.
    pub fn is_empty(&self) -> bool {
        self.0.types.is_empty()
    }

    /// Whether a type is listed, or an extension of this name that has none.
    pub fn has(&self, name: &str) -> bool {
        self.0.types.contains(name)
    }

    /// All that is listed, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Str> {
        self.0.types.iter()
    }
}

impl Default for Extensions {
    fn default() -> Self {
        Self::new(BTreeSet::new())
    }
}

impl<S: Into<Str>> FromIterator<S> for Extensions {
    fn from_iter<I: IntoIterator<Item = S>>(types: I) -> Self {
        Self::new(types.into_iter().map(Into::into).collect())
    }
}

impl PartialEq for Extensions {
    fn eq(&self, other: &Self) -> bool {
        self.0.digest == other.0.digest
    }
}

impl Eq for Extensions {}

impl PartialOrd for Extensions {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Extensions {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.digest.cmp(&other.0.digest)
    }
}

impl Hash for Extensions {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.digest.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn types(bytes: &[u8]) -> Result<BTreeSet<Str>, String> {
        let text = std::str::from_utf8(bytes).map_err(|e| e.to_string())?;
        Ok(text.split(' ').map(Str::from).collect())
    }

    #[test]
    fn a_list_is_kept_once_in_whatever_order_it_comes_and_forgotten_with_the_last_who_has_it() {
        let one = Extensions::of_bytes(b"kept-once.A kept-once.B", types).unwrap();
        let same = Extensions::of_bytes(b"kept-once.A kept-once.B", |_| Err("it is known")).unwrap();
        let turned = Extensions::of_bytes(b"kept-once.B kept-once.A", types).unwrap();
        let made: Extensions = ["kept-once.B", "kept-once.A"].into_iter().collect();
        assert!([&same, &turned, &made].iter().all(|other| Arc::ptr_eq(&one.0, &other.0)));
        assert!(one.has("kept-once.A") && !one.has("kept-once.C") && one != Extensions::default());
        let digests = [one.0.digest, Digest::of_bytes(b"kept-once.A kept-once.B")];
        drop((one, same, turned, made));
        let _other: Extensions = ["kept-once.D"].into_iter().collect();
        assert!(digests.iter().all(|digest| !KNOWN.lock().contains_key(digest)));
    }

    #[test]
    fn what_cannot_be_read_is_not_remembered() {
        assert!(Extensions::of_bytes(b"\xff", types).is_err());
        assert!(Extensions::of_bytes(b"\xff", types).is_err());
    }
}
