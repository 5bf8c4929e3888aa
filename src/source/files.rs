//! A folder of YAML and JSON as the source, and the files of the mesh config.
//!
//! Comes in: paths, and the kernel's word that something happened there. Goes out: [`Delivery`], the difference a
//! change of files makes, from one thread of its own; or a [`Scan`], everything at once.
//!
//! Any number of documents a file (`---`), YAML or JSON, `List`s, subfolders, links. Invariants:
//! - A delivery carries the whole difference; files that are saved together come in one.
//! - Only what changed is read again, and of that only the documents that changed.
//! - Nothing is lost by what is merely broken: of a document that is wrong, or a file that cannot be read, what was
//!   last good stays in force, and a finding says so.
//! - Nothing is lost by what is merely unfinished. A file is read when its writer closes it; one that is empty,
//!   gone or, written over in place, without objects that it had is obeyed once it has been left alone for 300 ms.
//!   A folder that vanishes takes nothing with it until it is back.
//! - What nobody says is found out all the same, by looking again every few seconds.
//!
//! Absent: what objects mean and whether they agree with each other, which is for `api` and `model`.
//!
//! `walk` says what lies where, `watch` what happens, `reader` when to read which file and how far to believe it;
//! `split`, `text` and `document` turn text into objects; `catalog` and `settings` are given each `content` and keep
//! what is in force; `task` runs them.

mod catalog;
mod content;
mod document;
mod lines;
mod reader;
mod settings;
mod split;
mod task;
mod text;
pub(super) mod walk;
mod watch;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use tokio::sync::mpsc::{Receiver, channel};

use super::{Delivery, MeshUpdate};
use crate::api::{Key, Object};
use crate::base::{Finding, ObjectRef, Severity, Str};
use task::Task;

pub use lines::Lines;

/// What to read.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The folder of objects (`--configDir`); a single file will do.
    pub folder: Option<PathBuf>,
    /// The mesh config (`--meshConfig`). Until there is such a file, the defaults apply.
    pub mesh: Option<PathBuf>,
    /// The mesh networks (`--networksConfig`), likewise.
    pub networks: Option<PathBuf>,
}

/// Everything there is, read once.
#[derive(Clone, Debug)]
pub struct Scan {
    /// The objects in force.
    pub objects: BTreeMap<Key, Arc<Object>>,
    /// The mesh config and its companions.
    pub mesh: MeshUpdate,
    /// All that is wrong, sorted.
    pub findings: Vec<Finding>,
}

/// Why there is nothing to read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A path that was asked for is not there, or may not be looked at: for who named it to mend.
    #[error("{}: {why}", path.display())]
    Missing {
        /// The path.
        path: PathBuf,
        /// What the system says.
        why: String,
    },
}

/// Reads everything once. Every path given must be there.
pub fn read(options: Options) -> Result<Scan, Error> {
    Task::new(options).scan()
}

/// Reads several folders and files once, as if they were one folder, and the mesh config. Every path must be there.
pub fn read_all(paths: &[PathBuf], mesh: Option<PathBuf>) -> Result<Scan, Error> {
    Task::new(Options { mesh, ..Options::default() }).scan_all(paths)
}

/// Reads everything, and goes on delivering what changes until the receiver is dropped.
///
/// The first delivery comes at once and has the mesh config, and the objects and [`super::Event::Synced`] if the
/// folder is there; without it, they follow when it appears. Fails if the system has no more threads.
pub fn spawn(options: Options) -> std::io::Result<Receiver<Delivery>> {
    // One delivery waits while one is worked on; what happens meanwhile is in the one after.
    let (sender, receiver) = channel(1);
    thread::Builder::new().name("files".to_owned()).spawn(move || Task::new(options).run(&sender))?;
    Ok(receiver)
}

/// The value of a text that holds one document, as YAML or JSON. The error is a sentence without a place.
pub(super) fn document(text: &str) -> Result<serde_json::Value, String> {
    settings::document(text).map_err(|unreadable| unreadable.why)
}

/// A path as objects and findings carry it.
fn name(path: &Path) -> Str {
    Str::from(path.to_string_lossy())
}

/// A finding about a whole file.
fn finding(path: &Path, code: &'static str, text: &str) -> Finding {
    Finding {
        object: ObjectRef { file: Some((name(path), 1)), ..ObjectRef::default() },
        field: Str::new(),
        severity: Severity::Error,
        code,
        text: Str::from(text),
    }
}

#[cfg(test)]
mod tests;
