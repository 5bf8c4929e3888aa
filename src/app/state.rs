//! What outlives a restart: the virtual addresses that were given.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::base::{Host, Namespace};
use crate::model::index::Allocations;

const FILE: &str = "addresses.json";

/// One line of the file.
#[derive(Debug, Serialize, Deserialize)]
struct Given {
    namespace: Namespace,
    host: Host,
    /// The last 16 bits of both addresses.
    slot: u16,
}

/// A folder in which state is kept.
#[derive(Debug, Clone)]
pub(super) struct State {
    file: PathBuf,
}

impl State {
    /// The folder, made if it is not there and writable.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let file = folder.join(FILE);
        // Find out now, and not at the first change, whether anything can be written.
        let probe = beside(&file);
        fs::File::create(&probe)?;
        fs::remove_file(&probe)?;
        Ok(Self { file })
    }

    /// The addresses given before. A file that cannot be read is an error; none at all is a beginning.
    pub(super) fn load(folder: &Path) -> io::Result<Allocations> {
        let text = match fs::read(folder.join(FILE)) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Allocations::default()),
            Err(e) => return Err(e),
        };
        let given: Vec<Given> = serde_json::from_slice(&text)?;
        Ok(Allocations::restore(given.into_iter().map(|g| (g.namespace, g.host, g.slot))))
    }

    /// Writes the addresses, whole or not at all.
    pub(super) fn save(&self, allocations: &Allocations) -> io::Result<()> {
        let given: Vec<Given> = allocations
            .iter()
            .map(|(namespace, host, slot)| Given { namespace: namespace.clone(), host: host.clone(), slot })
            .collect();
        let path = beside(&self.file);
        let mut file = fs::File::create(&path)?;
        file.write_all(&serde_json::to_vec(&given)?)?;
        file.sync_all()?;
        fs::rename(path, &self.file)
    }
}

/// The name of a file beside another, on the same file system, to be renamed over it.
fn beside(file: &Path) -> PathBuf {
    file.with_extension(format!("{}.tmp", std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_outlive_a_restart_and_leave_no_litter() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(folder.path()).unwrap();
        let given = Allocations::restore([("shop".into(), "db.example.com".into(), 7)]);
        state.save(&given).unwrap();
        assert_eq!(State::load(folder.path()).unwrap(), given);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_broken_file_is_an_error_and_not_a_beginning() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), "{").unwrap();
        assert!(State::load(folder.path()).is_err());
    }
}
