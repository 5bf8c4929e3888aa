//! What the files of a folder say, taken together: who offers which object, and what is in force.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use super::content::{Content, Sink, Trust, Verdict};
use super::document::{self, Document, Item};
use super::split::{Piece, split};
use super::{finding, name};
use crate::api::{Key, Object};
use crate::base::{Digest, Finding, Severity, Str};
use crate::store::{Event, says_the_same};

/// The objects of a folder.
///
/// An object is offered by each document that describes it, and the first offer, by path and then by position, is
/// in force. What a file offers is what it says, plus, for each document that is broken, what was last good:
/// the object it is known to be about or else, since it may be about any of them, all that the file offered before
/// and does not now. All work is for the file that changed, not for the folder.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    files: BTreeMap<Arc<Path>, File>,
    offers: BTreeMap<Key, Vec<Offer>>,
    /// What was in force, for each key touched since the last `take`.
    before: BTreeMap<Key, Option<Arc<Object>>>,
    /// The keys that more than one file or document offers.
    contested: BTreeSet<Key>,
}

#[derive(Debug, Default)]
struct File {
    documents: Vec<Document>,
    offered: Vec<Key>,
    /// Why it cannot be read at all.
    problem: Option<Finding>,
    /// It has gone, or lost objects, so lately that it may be in the middle of being written: what it offered
    /// stays, behind all other files.
    fading: bool,
}

/// A description of an object; ordered by precedence.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    fading: bool,
    path: Arc<Path>,
    position: usize,
}

#[derive(Debug)]
struct Offer {
    place: Place,
    object: Arc<Object>,
}

impl Sink for Catalog {
    fn offer(&mut self, path: &Path, content: Content, trust: Trust) -> Verdict {
        match content {
            Content::Gone if trust == Trust::Final => self.forget(path),
            Content::Gone => return self.fade(path),
            Content::Unreadable(why) => {
                self.set_fading(path, false);
                self.file(path).problem = Some(finding(path, "unreadable-file", &why));
            }
            Content::Text(text) if text.trim().is_empty() && trust != Trust::Final && self.offers_any(path) => {
                return self.fade(path);
            }
            Content::Text(text) => return self.replace(path, &text, trust),
        }
        Verdict::Taken
    }
}

impl Catalog {
    /// The difference since the last call, in the order of the keys.
    pub(super) fn take(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        for (key, before) in std::mem::take(&mut self.before) {
            match (before, self.in_force(&key)) {
                (Some(before), Some(now)) if says_the_same(&before, now) => {}
                (_, Some(now)) => events.push(Event::Upsert(now.clone())),
                (Some(_), None) => events.push(Event::Delete(key)),
                (None, None) => {}
            }
        }
        events
    }

    /// All objects in force.
    pub(super) fn objects(&self) -> BTreeMap<Key, Arc<Object>> {
        self.offers.iter().filter_map(|(key, offers)| Some((key.clone(), offers.first()?.object.clone()))).collect()
    }

    /// All that is wrong now, in no order.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let files = self.files.values().filter(|file| !file.fading);
        let written = files.flat_map(|file| file.problem.iter().chain(file.documents.iter().flat_map(|d| &d.findings)));
        written.cloned().chain(self.contested.iter().flat_map(|key| self.duplicates(key))).collect()
    }

    /// Whether there is any file.
    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    fn replace(&mut self, path: &Path, text: &str, trust: Trust) -> Verdict {
        let known = self.files.get(path);
        let documents = documents(path, text, known.map_or(&[], |file| &file.documents));
        let offered = self.offered(path, &documents);
        if trust == Trust::InPlace && self.loses(path, &offered) {
            return self.fade(path);
        }
        self.withdraw(path);
        let path = self.shared(path);
        let mut keys = Vec::with_capacity(offered.len());
        for (position, object) in offered.into_iter().enumerate() {
            let key = object.key();
            keys.push(key.clone());
            self.insert(key, Offer { place: Place { fading: false, path: path.clone(), position }, object });
        }
        self.files.insert(path, File { documents, offered: keys, problem: None, fading: false });
        Verdict::Taken
    }

    /// What a file with these documents offers, in order.
    fn offered(&self, path: &Path, documents: &[Document]) -> Vec<Arc<Object>> {
        let mut offered = Vec::new();
        let mut any_may_be_meant = false;
        for item in documents.iter().flat_map(|d| &d.items) {
            match item {
                Item::Good(object) => offered.push(object.clone()),
                Item::Broken(Some(key)) => offered.extend(self.last_good(path, key)),
                Item::Broken(None) => any_may_be_meant = true,
            }
        }
        if any_may_be_meant && let Some(file) = self.files.get(path) {
            let now: BTreeSet<Key> = offered.iter().map(|o| o.key()).collect();
            let missing: BTreeSet<&Key> = file.offered.iter().filter(|key| !now.contains(key)).collect();
            offered.extend(missing.into_iter().filter_map(|key| self.last_good(path, key)));
        }
        offered
    }

    /// The last good version of an object: that of the same file or, if it has just come here, any.
    fn last_good(&self, path: &Path, key: &Key) -> Option<Arc<Object>> {
        let offers = self.offers.get(key)?;
        let own = offers.iter().find(|offer| &*offer.place.path == path).or_else(|| offers.first());
        own.map(|offer| offer.object.clone())
    }

    /// Whether an object would be gone if the file offered only these.
    fn loses(&self, path: &Path, offered: &[Arc<Object>]) -> bool {
        let Some(file) = self.files.get(path) else { return false };
        let now: BTreeSet<Key> = offered.iter().map(|o| o.key()).collect();
        let elsewhere =
            |key: &Key| self.offers[key].iter().any(|Offer { place, .. }| !place.fading && &*place.path != path);
        file.offered.iter().any(|key| !now.contains(key) && !elsewhere(key))
    }

    fn offers_any(&self, path: &Path) -> bool {
        self.files.get(path).is_some_and(|file| !file.offered.is_empty())
    }

    /// Leaves what a file offered in force, for now; nothing to wait for if it offered nothing.
    fn fade(&mut self, path: &Path) -> Verdict {
        if !self.offers_any(path) {
            self.forget(path);
            return Verdict::Taken;
        }
        self.set_fading(path, true);
        Verdict::Doubtful
    }

    fn set_fading(&mut self, path: &Path, fading: bool) {
        let Some(file) = self.files.get_mut(path).filter(|file| file.fading != fading) else { return };
        file.fading = fading;
        for key in file.offered.clone() {
            self.change(&key, |offers| {
                offers.iter_mut().filter(|o| &*o.place.path == path).for_each(|o| o.place.fading = fading);
            });
        }
    }

    fn forget(&mut self, path: &Path) {
        self.withdraw(path);
        self.files.remove(path);
    }

    fn withdraw(&mut self, path: &Path) {
        let offered = self.files.get_mut(path).map(|file| std::mem::take(&mut file.offered));
        for key in offered.unwrap_or_default() {
            self.change(&key, |offers| offers.retain(|offer| &*offer.place.path != path));
        }
    }

    fn insert(&mut self, key: Key, offer: Offer) {
        self.change(&key, |offers| offers.push(offer));
    }

    /// Changes the offers of a key; remembers what was in force before.
    fn change(&mut self, key: &Key, change: impl FnOnce(&mut Vec<Offer>)) {
        if !self.before.contains_key(key) {
            self.before.insert(key.clone(), self.in_force(key).cloned());
        }
        let offers = self.offers.entry(key.clone()).or_default();
        change(offers);
        offers.sort_by(|a, b| a.place.cmp(&b.place));
        match offers.iter().filter(|offer| !offer.place.fading).count() {
            0 | 1 => self.contested.remove(key),
            _ => self.contested.insert(key.clone()),
        };
        if offers.is_empty() {
            self.offers.remove(key);
        }
    }

    fn in_force(&self, key: &Key) -> Option<&Arc<Object>> {
        Some(&self.offers.get(key)?.first()?.object)
    }

    fn duplicates(&self, key: &Key) -> impl Iterator<Item = Finding> {
        let mut offers = self.offers[key].iter().filter(|offer| !offer.place.fading);
        let first = offers.next().and_then(|offer| offer.object.file.clone()).unwrap_or_default();
        offers.map(move |offer| duplicate(&offer.object, &first))
    }

    fn file(&mut self, path: &Path) -> &mut File {
        let path = self.shared(path);
        self.files.entry(path).or_default()
    }

    fn shared(&self, path: &Path) -> Arc<Path> {
        self.files.get_key_value(path).map_or_else(|| path.into(), |(path, _)| path.clone())
    }
}

/// Reads the documents of a text; those that `known` has are not read again.
fn documents(path: &Path, text: &str, known: &[Document]) -> Vec<Document> {
    let file = name(path);
    let known: BTreeMap<Digest, &Document> = known.iter().map(|d| (d.digest, d)).collect();
    let read = |piece: Piece<'_>| {
        let digest = Digest::of_bytes(piece.text.as_bytes());
        match known.get(&digest) {
            Some(known) if known.line == piece.line => (*known).clone(),
            Some(known) => document::moved(known, piece.line),
            None => document::read(piece, digest, &file),
        }
    };
    split(text).into_iter().map(read).collect()
}

fn duplicate(object: &Object, (file, line): &(Str, u32)) -> Finding {
    Finding {
        object: object.object_ref(),
        field: Str::new(),
        severity: Severity::Warning,
        code: "duplicate-object",
        text: Str::from(format!(
            "the same object stands in {file}:{line} too; that one is in force, this one is ignored"
        )),
    }
}
