//! What outlives a restart: the virtual addresses that were given.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::base::{Host, Namespace, Str};
use crate::model::facts::Allocation;
use crate::model::index::Allocations;

const FILE: &str = "addresses.json";

/// One line of the file.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Given {
    namespace: Namespace,
    host: Host,
    object: Str,
    v4: Str,
    v6: Str,
    /// In files of earlier versions the last 16 bits of both addresses, in the place of object and addresses.
    #[serde(skip_serializing)]
    slot: Option<u16>,
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
        Ok(Allocations::restore(given.into_iter().map(|g| {
            let addresses = g.slot.map_or(Allocation { v4: g.v4, v6: g.v6 }, Allocation::of_slot);
            (g.namespace, g.host, g.object, addresses)
        })))
    }

    /// Writes the addresses, whole or not at all.
    pub(super) fn save(&self, allocations: &Allocations) -> io::Result<()> {
        let given: Vec<Given> = allocations
            .iter()
            .map(|(namespace, host, object, addresses)| Given {
                namespace: namespace.clone(),
                host: host.clone(),
                object: object.clone(),
                v4: addresses.v4.clone(),
                v6: addresses.v6.clone(),
                slot: None,
            })
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
        let given = ("shop".into(), "db.example.com".into(), "db".into(), Allocation::of_slot(7));
        let given = Allocations::restore([given]);
        state.save(&given).unwrap();
        assert_eq!(State::load(folder.path()).unwrap(), given);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn slots_of_earlier_versions_are_read_as_the_addresses_they_stood_for() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), r#"[{"namespace":"shop","host":"db.example.com","slot":258}]"#).unwrap();
        let read = State::load(folder.path()).unwrap();
        let given = read.get(&"shop".into(), &"db.example.com".into(), &Str::new()).unwrap();
        assert_eq!((given.v4.as_str(), given.v6.as_str()), ("240.240.1.2", "2001:2::102"));
    }

    #[test]
    fn a_broken_file_is_an_error_and_not_a_beginning() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), "{").unwrap();
        assert!(State::load(folder.path()).is_err());
    }
}
