//! Where in a document the reader is.

use std::fmt;

/// A path through a document, as a list on the stack: it costs nothing until it is printed.
#[derive(Clone, Copy)]
pub(super) enum Path<'a> {
    /// Where the reading began; empty for a whole document.
    Root(&'a str),
    /// A field of a message.
    Field(&'a Path<'a>, &'a str),
    /// An element of a list.
    Index(&'a Path<'a>, usize),
    /// An entry of a map whose keys are the user's.
    Key(&'a Path<'a>, &'a str),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Root(at) => f.write_str(at),
            Path::Field(Path::Root(""), name) => f.write_str(name),
            Path::Field(parent, name) => write!(f, "{parent}.{name}"),
            Path::Index(parent, index) => write!(f, "{parent}[{index}]"),
            Path::Key(parent, key) => write!(f, "{parent}[{key}]"),
        }
    }
}
