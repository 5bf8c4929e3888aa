//! Decides when which file is read, and how far to believe what is found in it.

mod noise;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind::{IsADirectory, NotADirectory, NotFound};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::content::{Content, Sink, Trust, Verdict, read};
use super::walk::{self, Stamp, Tree};
use crate::base::Digest;

pub(super) use noise::Noise;

/// How long a file must be left alone before it is believed that its objects are gone, or that it is finished
/// although its writer has not closed it. Long enough for the pauses of editors and scripts between emptying a
/// file and filling it, short against the second within which a change is to be in force.
pub(super) const QUIET: Duration = Duration::from_millis(300);

/// How long what keeps changing may put off the end of objects that are gone from it, as while a folder is copied
/// back file by file.
const PATIENCE: Duration = Duration::from_secs(2);

/// A stamp says nothing about writes within the same tick of the file system's clock, which is a few
/// milliseconds, as the last one seen: a file that was read so soon after it was written is read once more.
const TICK: Duration = Duration::from_millis(50);

/// The files below one root (or the root itself, if that is a file), and what is known of each.
///
/// The caller says what time it is, and nothing is read but in [`Reader::work`].
#[derive(Debug)]
pub(super) struct Reader {
    root: PathBuf,
    tree: Tree,
    known: BTreeMap<PathBuf, Known>,
    held: BTreeMap<PathBuf, Held>,
    /// Files that are open for writing, and until when to wait for their writer.
    busy: BTreeMap<PathBuf, Instant>,
    /// What to read at the next opportunity.
    touched: BTreeSet<PathBuf>,
    walk: bool,
    /// Some file was taken: what another seems to have lost may be there.
    reconsider: bool,
    found: bool,
    missing: Option<(Instant, String)>,
}

/// A file as last read.
#[derive(Debug)]
struct Known {
    stamp: Stamp,
    digest: Digest,
    /// Whether the stamp can be relied on.
    settled: bool,
}

/// A doubtful content.
#[derive(Debug)]
struct Held {
    /// None: the file is gone.
    digest: Option<Digest>,
    since: Instant,
    until: Instant,
}

impl Reader {
    pub(super) fn new(root: PathBuf) -> Self {
        Self {
            root,
            tree: Tree::default(),
            known: BTreeMap::new(),
            held: BTreeMap::new(),
            busy: BTreeMap::new(),
            touched: BTreeSet::new(),
            walk: true,
            reconsider: false,
            found: false,
            missing: None,
        }
    }

    /// The root, as the user names it.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// What was seen at the last walk.
    pub(super) fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Whether the root has ever been there.
    pub(super) fn found(&self) -> bool {
        self.found
    }

    /// Why the root cannot be looked at; a root that has been there may be away for a moment without a word.
    pub(super) fn missing(&self, now: Instant) -> Option<&str> {
        let (since, why) = self.missing.as_ref()?;
        (!self.found || *since + QUIET <= now).then_some(why)
    }

    /// Looks at everything at the next opportunity.
    pub(super) fn walk_soon(&mut self) {
        self.walk = true;
    }

    /// Reads what there is to read by now. True if the directories to watch may be others than before.
    pub(super) fn work(&mut self, sink: &mut dyn Sink, now: Instant) -> bool {
        self.busy.retain(|path, until| {
            let waits = now < *until;
            if !waits {
                self.touched.insert(path.clone());
            }
            waits
        });
        let walked = std::mem::take(&mut self.walk);
        if walked {
            self.rescan(sink, now);
        }
        for path in std::mem::take(&mut self.touched) {
            if !self.busy.contains_key(&path) {
                self.look(&path, sink, now);
            }
        }
        if self.missing.is_some() {
            // What is gone with the folder is not gone.
            self.held.values_mut().for_each(|held| held.until = held.until.max(now + QUIET));
        }
        self.look_at_held(sink, now, |held| held.until <= now);
        if self.reconsider {
            self.look_at_held(sink, now, |held| held.digest.is_some());
            self.reconsider = false;
        }
        walked
    }

    /// When there is something to do or to tell even if nothing is heard; `told` is when all was told last.
    pub(super) fn deadline(&self, told: Instant) -> Option<Instant> {
        let missing = self.missing.iter().map(|(since, _)| *since + QUIET).filter(|until| told < *until);
        let held = self.held.values().map(|held| held.until);
        self.busy.values().copied().chain(held).chain(missing).min()
    }

    fn look_at_held(&mut self, sink: &mut dyn Sink, now: Instant, which: impl Fn(&Held) -> bool) {
        let held: Vec<PathBuf> = self.held.iter().filter(|(_, h)| which(h)).map(|(path, _)| path.clone()).collect();
        held.iter().for_each(|path| self.look(path, sink, now));
    }

    fn rescan(&mut self, sink: &mut dyn Sink, now: Instant) {
        let mut tree = match walk::walk(&self.root) {
            Ok(tree) => tree,
            Err(error) => {
                self.tree = Tree::absent(&self.root);
                self.missing.get_or_insert_with(|| (now, error.to_string()));
                return;
            }
        };
        self.found = true;
        if self.missing.take().is_some() {
            self.held.values_mut().for_each(|held| (held.since, held.until) = (now, now + QUIET));
        }
        let files = std::mem::take(&mut tree.files);
        self.tree = tree;
        for (path, stamp) in &files {
            if !self.is_current(path, stamp) && !self.busy.contains_key(path) {
                self.look(path, sink, now);
            }
        }
        let gone = |path: &&PathBuf| !files.contains_key(*path) && !self.tree.hides(path);
        let gone: Vec<PathBuf> = self.known.keys().filter(gone).cloned().collect();
        gone.iter().for_each(|path| self.gone(path, sink, now));
    }

    fn is_current(&self, path: &Path, stamp: &Stamp) -> bool {
        let back = self.held.get(path).is_some_and(|held| held.digest.is_none());
        !back && self.known.get(path).is_some_and(|known| known.settled && known.stamp == *stamp)
    }

    /// Reads one file, and offers its content if that is new or has been doubtful for long enough.
    fn look(&mut self, path: &Path, sink: &mut dyn Sink, now: Instant) {
        let (stamp, content) = match read(path) {
            Ok(read) => read,
            Err(error) if matches!(error.kind(), NotFound | NotADirectory | IsADirectory) => {
                return self.gone(path, sink, now);
            }
            // The walk has a word for what cannot even be looked at.
            Err(_) => {
                self.held.entry(path.to_owned()).and_modify(|held| held.until = now + QUIET);
                return;
            }
        };
        let digest = content.digest();
        let settled = stamp.is_older_than(TICK);
        let known = self.known.insert(path.to_owned(), Known { stamp, digest, settled });
        let Some(trust) = self.trust(path, known, digest, stamp, now) else { return };
        let verdict = sink.offer(path, content, trust);
        self.note(path, verdict, Some(digest), now);
    }

    /// How far to believe a content; none if it is no news.
    fn trust(&self, path: &Path, known: Option<Known>, digest: Digest, stamp: Stamp, now: Instant) -> Option<Trust> {
        match self.held.get(path) {
            Some(held) if now >= held.since + PATIENCE => return Some(Trust::Final),
            Some(held) if held.digest == Some(digest) && now >= held.until => return Some(Trust::Final),
            Some(held) if held.digest == Some(digest) && !self.reconsider => return None,
            None if known.as_ref().is_some_and(|known| known.digest == digest) => return None,
            _ => {}
        }
        let same_file = known.is_some_and(|known| known.stamp.identity == stamp.identity);
        Some(if same_file { Trust::InPlace } else { Trust::Replaced })
    }

    fn gone(&mut self, path: &Path, sink: &mut dyn Sink, now: Instant) {
        // A folder that vanishes takes nothing with it.
        let root_is_there = fs::metadata(&self.root).is_ok();
        let trust = match self.held.get_mut(path) {
            Some(held) if held.digest.is_none() && !root_is_there => {
                held.until = now + QUIET;
                return;
            }
            Some(held) if held.digest.is_none() && now < held.until => return,
            Some(held) if held.digest.is_none() => Trust::Final,
            _ if self.known.contains_key(path) => Trust::InPlace,
            _ => return,
        };
        let verdict = sink.offer(path, Content::Gone, trust);
        self.note(path, verdict, None, now);
    }

    /// Notes what became of the content with this digest, none if the file is gone.
    fn note(&mut self, path: &Path, verdict: Verdict, digest: Option<Digest>, now: Instant) {
        match verdict {
            Verdict::Doubtful => {
                let held = self.held.get(path);
                let since = held.map_or(now, |held| held.since);
                let until = held.filter(|held| held.digest == digest).map_or(now + QUIET, |held| held.until);
                self.held.insert(path.to_owned(), Held { digest, since, until });
            }
            Verdict::Taken => {
                self.held.remove(path);
                if digest.is_some() {
                    self.reconsider = true;
                    self.put_off_ends(now);
                } else {
                    self.known.remove(path);
                }
            }
        }
    }

    /// While files appear or change, others that are gone may be on their way too.
    fn put_off_ends(&mut self, now: Instant) {
        for held in self.held.values_mut().filter(|held| held.digest.is_none()) {
            held.until = held.until.max((now + QUIET).min(held.since + PATIENCE));
        }
    }
}
