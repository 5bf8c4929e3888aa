//! What is found in a file, and who makes something of it.

use std::fs::{self, File};
use std::io::ErrorKind::{IsADirectory, NotFound};
use std::io::{self, Read};
use std::path::Path;

use super::walk::Stamp;
use crate::base::Digest;

/// What became of a file.
#[derive(Debug)]
pub(super) enum Content {
    /// Its text.
    Text(String),
    /// It exists, and why it cannot be read.
    Unreadable(String),
    /// It does not exist.
    Gone,
}

/// How likely it is that the content is what its author means it to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// The file that was known, written over: it may be half done.
    InPlace,
    /// Another file put in its place, or a new one.
    Replaced,
    /// It has been left alone for long enough.
    Final,
}

/// Whether the content was taken as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It was.
    Taken,
    /// It looks half done; to be offered again as [`Trust::Final`] if it stays so.
    Doubtful,
}

/// Who makes something of the files.
pub(super) trait Sink {
    /// Takes what became of a file; must take it if it is final.
    fn offer(&mut self, path: &Path, content: Content, trust: Trust) -> Verdict;
}

/// How a file looks, and what it says. Fails if there is nothing, or no file.
pub(super) fn read(path: &Path) -> io::Result<(Stamp, Content)> {
    let meta = fs::metadata(path)?;
    if !meta.is_file() {
        return Err(IsADirectory.into());
    }
    let read = File::open(path).and_then(|mut file| {
        // Of the file that was opened: another may have taken its place meanwhile.
        let meta = file.metadata()?;
        let mut bytes = Vec::with_capacity(usize::try_from(meta.len()).unwrap_or_default());
        file.read_to_end(&mut bytes)?;
        Ok((Stamp::of(&meta), bytes))
    });
    match read {
        Ok((stamp, bytes)) => Ok((stamp, Content::of(bytes))),
        Err(error) if error.kind() == NotFound => Err(error),
        Err(error) => Ok((Stamp::of(&meta), Content::Unreadable(error.to_string()))),
    }
}

impl Content {
    fn of(bytes: Vec<u8>) -> Self {
        String::from_utf8(bytes).map_or_else(|error| Self::Unreadable(error.utf8_error().to_string()), Self::Text)
    }

    /// Of the text, or of why there is none.
    pub(super) fn digest(&self) -> Digest {
        match self {
            Self::Text(text) => Digest::of_bytes(text.as_bytes()),
            Self::Unreadable(why) => Digest::of(&("unreadable", why)),
            Self::Gone => Digest::default(),
        }
    }
}
