//! What lies in a folder: the files to read, how each looks from outside, and where it really is.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Endings of the files of a folder that are read.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// How a file looks without being read: equal stamps mean equal content, save within one tick of the clock of
/// the file system (see `Known::settled`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::source) struct Stamp {
    pub(super) identity: Identity,
    pub(super) len: u64,
    /// Nanoseconds since 1970 of the last write, as the file says.
    pub(super) modified: i128,
    /// Nanoseconds since 1970 of the last change of any kind, which no tool can set back.
    pub(super) changed: i128,
}

/// Which file or directory it is, whatever it is called: device and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::source) struct Identity(u64, u64);

impl Identity {
    pub(super) fn of(meta: &Metadata) -> Self {
        Self(meta.dev(), meta.ino())
    }
}

impl Stamp {
    pub(super) fn of(meta: &Metadata) -> Self {
        let nanos = |seconds: i64, nanos: i64| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
        Self {
            identity: Identity::of(meta),
            len: meta.len(),
            modified: nanos(meta.mtime(), meta.mtime_nsec()),
            changed: nanos(meta.ctime(), meta.ctime_nsec()),
        }
    }
}

impl Stamp {
    /// Whether the file was last written so long ago; false if its time lies ahead.
    pub(super) fn is_older_than(&self, age: Duration) -> bool {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        now.as_nanos().cast_signed() - self.modified.max(self.changed) > age.as_nanos().cast_signed()
    }
}

/// One look at a folder.
#[derive(Debug, Default)]
pub(in crate::source) struct Tree {
    /// The files to read, by the path they are seen under.
    pub(in crate::source) files: BTreeMap<PathBuf, Stamp>,
    /// Each folder by its real path, with the paths it is seen under.
    pub(super) folders: BTreeMap<PathBuf, BTreeSet<PathBuf>>,
    /// The same for files that are seen through a link, and for a root that is a file.
    pub(super) links: BTreeMap<PathBuf, BTreeSet<PathBuf>>,
    /// The real path of the root's own entry in the directory that holds it.
    pub(super) entry: Option<PathBuf>,
    /// The directories, by real path, in which something may happen that matters: folders, those of the targets of
    /// links, and the one that holds the root.
    pub(super) directories: BTreeMap<PathBuf, Identity>,
    /// What could not be looked at, and why. Files below such a path are not known to be gone.
    pub(in crate::source) problems: BTreeMap<PathBuf, io::Error>,
}

/// Walks a folder, following links; a `root` that is a file is a tree of that one file, whatever its name.
///
/// Hidden names are passed over, and with them what editors leave beside a file, and the `..data` and
/// `..2024_…` directories behind the visible links of a mounted ConfigMap, which would be read twice.
/// One `stat` per file. Fails if there is nothing at `root`, or nothing that can be looked at.
pub(in crate::source) fn walk(root: &Path) -> io::Result<Tree> {
    let meta = fs::metadata(root)?;
    let real = fs::canonicalize(root)?;
    let mut tree = Tree::default();
    if meta.is_file() {
        tree.see(root.to_owned(), &meta, Some(real));
    } else {
        Walk { tree: &mut tree, above: Vec::new() }.directory(root, real, Identity::of(&meta))?;
    }
    tree.watch_above(root);
    Ok(tree)
}

/// Whether a file of that name in a folder is read.
pub(super) fn is_source(name: &Path) -> bool {
    !is_hidden(name) && name.extension().is_some_and(|ending| ENDINGS.iter().any(|e| ending == *e))
}

/// Whether an entry of that name is one that a mounted ConfigMap is swapped by (`..data`).
pub(super) fn is_swapped(name: &Path) -> bool {
    name.as_os_str().as_encoded_bytes().starts_with(b"..")
}

/// Whether a name starts with a dot.
pub(super) fn is_hidden(name: &Path) -> bool {
    name.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

impl Tree {
    /// Where to look for a root that is not there: its parent, if that exists.
    pub(super) fn absent(root: &Path) -> Self {
        let mut tree = Self::default();
        tree.watch_above(root);
        tree
    }

    /// Whether a folder is seen under that path.
    pub(super) fn has_folder(&self, path: &Path) -> bool {
        self.folders.values().any(|seen| seen.contains(path))
    }

    /// Whether a file that is not among `files` may still exist.
    pub(super) fn hides(&self, path: &Path) -> bool {
        path.ancestors().any(|above| self.problems.contains_key(above))
    }

    fn see(&mut self, path: PathBuf, meta: &Metadata, link_to: Option<PathBuf>) {
        if let Some(real) = link_to {
            if let Some((directory, meta)) = real.parent().and_then(|d| Some((d, fs::metadata(d).ok()?))) {
                self.directories.insert(directory.to_owned(), Identity::of(&meta));
            }
            self.links.entry(real).or_default().insert(path.clone());
        }
        self.files.insert(path, Stamp::of(meta));
    }

    /// The directory that holds `root` tells when it is swapped, vanishes or comes back.
    fn watch_above(&mut self, root: &Path) {
        let parent = match root.parent() {
            Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
            Some(parent) => parent,
            None => return,
        };
        if let (Ok(real), Ok(meta), Some(name)) = (fs::canonicalize(parent), fs::metadata(parent), root.file_name()) {
            self.entry = Some(real.join(name));
            self.directories.insert(real, Identity::of(&meta));
        }
    }
}

struct Walk<'t> {
    tree: &'t mut Tree,
    /// The directories that are being walked, so that a link to one of them ends there.
    above: Vec<Identity>,
}

impl Walk<'_> {
    fn directory(&mut self, path: &Path, real: PathBuf, identity: Identity) -> io::Result<()> {
        self.above.push(identity);
        let listed = self.entries(path, &real);
        self.above.pop();
        self.tree.directories.insert(real.clone(), identity);
        self.tree.folders.entry(real).or_default().insert(path.to_owned());
        listed
    }

    fn entries(&mut self, directory: &Path, real: &Path) -> io::Result<()> {
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            if is_hidden(entry.file_name().as_ref()) {
                continue;
            }
            if let Err(error) = self.entry(&entry, real) {
                self.tree.problems.insert(entry.path(), error);
            }
        }
        Ok(())
    }

    fn entry(&mut self, entry: &fs::DirEntry, real_parent: &Path) -> io::Result<()> {
        let kind = entry.file_type()?;
        let path = entry.path();
        let of_concern = kind.is_dir() || kind.is_symlink() || (kind.is_file() && is_source(&path));
        if !of_concern {
            return Ok(());
        }
        let meta = match fs::metadata(&path) {
            Ok(meta) => meta,
            // Gone since it was listed; or a link to nothing, which is worth a word if it should be a file.
            Err(error) if error.kind() == io::ErrorKind::NotFound && !(kind.is_symlink() && is_source(&path)) => {
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let real = match kind.is_symlink() {
            true => fs::canonicalize(&path)?,
            false => real_parent.join(entry.file_name()),
        };
        if meta.is_dir() {
            let identity = Identity::of(&meta);
            if self.above.contains(&identity) {
                return Ok(());
            }
            return self.directory(&path, real, identity);
        }
        if meta.is_file() && is_source(&path) {
            self.tree.see(path, &meta, kind.is_symlink().then_some(real));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn files(root: &Path) -> Vec<String> {
        let tree = walk(root).unwrap();
        assert!(tree.problems.is_empty(), "{:?}", tree.problems);
        tree.files.keys().map(|f| f.strip_prefix(root).unwrap().to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn only_visible_yaml_and_json_files_are_seen_in_all_subfolders() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("b/.git")).unwrap();
        for name in
            ["z.yml", "a.yaml", "a.yaml~", ".a.yaml.swp", "#a.yaml#", "4913", "notes.txt", "b/c.json", "b/.git/x.yaml"]
        {
            fs::write(dir.path().join(name), "").unwrap();
        }
        assert_eq!(files(dir.path()), ["a.yaml", "b/c.json", "z.yml"]);
    }

    #[test]
    fn a_mounted_config_map_is_seen_once_and_its_directories_are_watched() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("..2024_1")).unwrap();
        fs::write(dir.path().join("..2024_1/a.yaml"), "").unwrap();
        symlink("..2024_1", dir.path().join("..data")).unwrap();
        symlink("..data/a.yaml", dir.path().join("a.yaml")).unwrap();
        assert_eq!(files(dir.path()), ["a.yaml"]);
        let tree = walk(dir.path()).unwrap();
        let real = fs::canonicalize(dir.path()).unwrap();
        assert_eq!(
            tree.directories.into_keys().collect::<Vec<_>>(),
            [real.parent().unwrap().to_owned(), real.clone(), real.join("..2024_1")]
        );
        assert_eq!(tree.links[&real.join("..2024_1/a.yaml")], BTreeSet::from([dir.path().join("a.yaml")]));
    }

    #[test]
    fn a_link_to_a_folder_above_is_not_followed_for_ever_and_one_to_nothing_is_a_problem() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("b")).unwrap();
        fs::write(dir.path().join("b/a.yaml"), "").unwrap();
        symlink("..", dir.path().join("b/up")).unwrap();
        assert_eq!(files(dir.path()), ["b/a.yaml"]);
        symlink("nowhere", dir.path().join("c.yaml")).unwrap();
        symlink("nowhere", dir.path().join("c")).unwrap();
        let problems = walk(dir.path()).unwrap().problems;
        assert_eq!(problems.into_keys().collect::<Vec<_>>(), [dir.path().join("c.yaml")]);
    }
}
