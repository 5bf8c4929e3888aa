//! What is heard of paths, and which files it is about.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::source::files::walk;

use super::{QUIET, Reader};

/// What was heard of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::source::files) enum Noise {
    /// It is being written, by someone who will close it.
    Writing,
    /// It was closed, renamed, linked or removed.
    Done,
    /// Its permissions or times changed.
    Touched,
}

impl Reader {
    /// Hears that something happened at a real path. True if it matters here.
    pub(in crate::source::files) fn hear(&mut self, path: &Path, noise: Noise, now: Instant) -> bool {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name().map(Path::new)) else { return false };
        let tree = &self.tree;
        let through_links = tree.links.get(path).cloned().unwrap_or_default();
        let swapped = walk::is_swapped(name) && tree.directories.contains_key(parent);
        let root = tree.entry.as_deref() == Some(path) && through_links.is_empty();
        if root && noise == Noise::Writing {
            self.busy.insert(self.root.clone(), now + QUIET);
        }
        if swapped || root || tree.folders.contains_key(path) {
            self.walk = true;
            return true;
        }
        let folders = tree.folders.get(parent).filter(|_| !walk::is_hidden(name)).cloned().unwrap_or_default();
        let mut matters = !through_links.is_empty();
        through_links.into_iter().for_each(|file| self.hear_of_file(file, noise, now));
        for path in folders.into_iter().map(|folder| folder.join(name)) {
            let is_file = fs::symlink_metadata(&path).map_or(true, |meta| meta.is_file());
            if is_file && walk::is_source(name) {
                self.hear_of_file(path, noise, now);
                matters = true;
            } else if !is_file || self.tree.has_folder(&path) {
                self.walk = true;
                matters = true;
            }
        }
        matters
    }

    fn hear_of_file(&mut self, path: PathBuf, noise: Noise, now: Instant) {
        match noise {
            Noise::Writing => {
                self.busy.insert(path, now + QUIET);
            }
            Noise::Done => {
                self.busy.remove(&path);
                self.touched.insert(path);
            }
            Noise::Touched => {
                self.touched.insert(path);
            }
        }
    }
}
