//! Hears from the kernel what happens in directories.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Instant;

use notify::event::{AccessKind, AccessMode, CreateKind, Event, EventKind, ModifyKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};

use super::reader::Noise;
use super::walk::Identity;

/// Events that wait to be heard; more than that are not worth telling apart from "look at everything".
const BACKLOG: usize = 4096;

/// Watches directories, each by itself: which ones, the walks know best, for they follow links.
#[derive(Debug)]
pub(super) struct Watch {
    /// None if the system gave none: then the rescans have to do.
    watcher: Option<RecommendedWatcher>,
    watched: BTreeMap<PathBuf, Identity>,
    heard: Receiver<(PathBuf, Noise)>,
    lost: Arc<AtomicBool>,
}

impl Watch {
    pub(super) fn new() -> Self {
        let (sender, heard) = sync_channel(BACKLOG);
        let lost = Arc::new(AtomicBool::new(false));
        let ear = Ear { sender, lost: lost.clone() };
        let watcher = notify::recommended_watcher(move |event| ear.hear(event))
            .inspect_err(
                |error| tracing::warn!(%error, "files cannot be watched; changes are noticed by looking again"),
            )
            .ok();
        Self { watcher, watched: BTreeMap::new(), heard, lost }
    }

    /// The next event, or none by then.
    pub(super) fn next(&mut self, until: Instant) -> Option<(PathBuf, Noise)> {
        let wait = until.saturating_duration_since(Instant::now());
        match self.heard.recv_timeout(wait) {
            Ok((path, noise)) => {
                // With a rename the kernel's watch goes along, and notify drops its own.
                if noise == Noise::Done {
                    self.watched.remove(&path);
                }
                Some((path, noise))
            }
            Err(RecvTimeoutError::Timeout) => None,
            // Without a watcher nobody holds the other end, and it fails at once.
            Err(RecvTimeoutError::Disconnected) => {
                std::thread::sleep(wait);
                None
            }
        }
    }

    /// Whether events were lost since the last call.
    pub(super) fn lost(&self) -> bool {
        self.lost.swap(false, Ordering::Relaxed)
    }

    /// Watches these directories and no others. True if there are new ones: what happened in them before is not
    /// heard, and they have to be looked at once more.
    pub(super) fn set(&mut self, directories: &BTreeMap<PathBuf, Identity>) -> bool {
        let Some(watcher) = &mut self.watcher else { return false };
        self.watched.retain(|path, identity| {
            let stays = directories.get(path) == Some(identity);
            if !stays {
                // It fails for what has gone, whose watch went with it.
                let _ = watcher.unwatch(path);
            }
            stays
        });
        let mut more = false;
        for (path, identity) in directories {
            // One that cannot be watched counts as watched: it is not tried, and complained of, time and again.
            if self.watched.insert(path.clone(), *identity).is_none() {
                more |= watch(watcher, path);
            }
        }
        more
    }
}

fn watch(watcher: &mut RecommendedWatcher, path: &Path) -> bool {
    let watching = watcher.watch(path, RecursiveMode::NonRecursive);
    if let Err(error) = &watching {
        tracing::warn!(%error, path = %path.display(), "a folder cannot be watched; changes in it are noticed by looking again");
    }
    watching.is_ok()
}

/// The end of the channel that notify's thread holds.
struct Ear {
    sender: SyncSender<(PathBuf, Noise)>,
    lost: Arc<AtomicBool>,
}

impl Ear {
    fn hear(&self, event: notify::Result<Event>) {
        let Ok(event) = event else { return self.lost.store(true, Ordering::Relaxed) };
        let Some(noise) = noise(event.kind) else { return };
        if event.need_rescan() {
            self.lost.store(true, Ordering::Relaxed);
        }
        for path in event.paths {
            if self.sender.try_send((path, noise)).is_err() {
                self.lost.store(true, Ordering::Relaxed);
            }
        }
    }
}

/// What an event says; none for those that reading makes, ours included.
fn noise(kind: EventKind) -> Option<Noise> {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => Some(Noise::Done),
        EventKind::Access(_) => None,
        EventKind::Modify(ModifyKind::Data(_)) | EventKind::Create(CreateKind::File) => Some(Noise::Writing),
        EventKind::Modify(ModifyKind::Metadata(_)) => Some(Noise::Touched),
        _ => Some(Noise::Done),
    }
}
