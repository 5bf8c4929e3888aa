//! What the parts do together; each part's own tests are beside it.

mod folder;
mod live;
mod unfinished;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::time::Instant;

use super::catalog::Catalog;
use super::reader::{Noise, QUIET, Reader};
use super::*;
use crate::api::Kind;
use crate::store::Event;

/// A folder, its reader and a clock that is set by hand.
struct Folder {
    dir: tempfile::TempDir,
    reader: Reader,
    catalog: Catalog,
    now: Instant,
}

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let reader = Reader::new(dir.path().to_owned());
        let folder = Self { dir, reader, catalog: Catalog::default(), now: Instant::now() };
        files.iter().for_each(|(name, text)| folder.write(name, text));
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), text).unwrap();
    }

    /// Puts another file in its place, as editors do.
    fn replace(&self, name: &str, text: &str) {
        self.write(".new", text);
        fs::rename(self.path(".new"), self.path(name)).unwrap();
    }

    /// Reads what has changed.
    fn look(&mut self) -> Vec<String> {
        self.reader.walk_soon();
        self.work()
    }

    /// Goes on after that long.
    fn after(&mut self, pause: std::time::Duration) -> Vec<String> {
        self.now += pause;
        self.work()
    }

    fn hear(&mut self, name: &str, noise: Noise) -> Vec<String> {
        let real = fs::canonicalize(self.dir.path()).unwrap().join(name);
        self.reader.hear(&real, noise, self.now);
        self.work()
    }

    fn work(&mut self) -> Vec<String> {
        self.reader.work(&mut self.catalog, self.now);
        self.catalog.take().iter().map(told).collect()
    }

    fn findings(&self) -> Vec<String> {
        self.catalog
            .findings()
            .iter()
            .map(|f| format!("{} {f}", f.code).replace(self.dir.path().to_str().unwrap(), ""))
            .collect()
    }
}

/// `+ a 80` for an upsert of the service or entry `a` with port 80, `- a` for its deletion.
fn told(event: &Event) -> String {
    match event {
        Event::Upsert(object) => format!("+ {} {}", object.meta.name, says(object)),
        Event::Delete(key) => format!("- {}", key.name),
        Event::Synced => "synced".to_owned(),
    }
}

fn says(object: &Object) -> String {
    object.meta.labels.get("v").map_or_else(|| "?".to_owned(), |v| v.to_string())
}

/// A service whose label `v` says what version of it this is.
fn service(name: &str, version: u32) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: {name}\n  labels: {{v: '{version}'}}\nspec:\n  ports:\n  - port: 80\n"
    )
}

fn documents(documents: &[String]) -> String {
    documents.join("---\n")
}
