//! Reads JSON values into the types of this room: as lenient as proto-JSON, with errors for newcomers.
//!
//! The types say what they are by deriving `Deserialize`; this deserializer adds what serde does not know:
//! - A struct's fields are read under their `camelCase` and their `snake_case` name; keys of users' maps are left alone.
//! - `null` is the same as absent.
//! - Numbers may be written as strings; enums (see [`proto_enum`](super::enumeration)) as name or number.
//! - A field whose serde name joins several names by `|` is a oneof: each name selects that variant of its enum.
//!   A variant named `""` stands for a message in which nothing is set.
//! - Errors and unknown fields carry the path of their field, as `spec.http[0].route[1].weight`.
//!
//! [`super::encode`] is the way back.

mod access;
mod error;
mod node;
mod suggest;
mod variant;

use std::cell::RefCell;

use serde::de::DeserializeOwned;
use serde_json::Value;

pub(in crate::api) use access::camel_case;
pub(super) use error::Error;
pub(crate) use suggest::nearest;

use super::path::Path;
use node::Node;

/// A field that the type being read does not have.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct UnknownField {
    /// Where it was found.
    pub(super) path: String,
    /// A field that it may be a misspelling of.
    pub(super) nearest: Option<&'static str>,
}

/// Reads a value that sits at `at` of its document; unknown fields are passed over.
pub(super) fn read<T: DeserializeOwned>(value: &Value, at: &str) -> Result<T, Error> {
    let path = Path::Root(at);
    T::deserialize(Node { value, path: &path, unknown: None }).map_err(|e| e.at(&path))
}

/// Reads a value that sits at `at` of its document, and collects the fields that the type does not know.
pub(super) fn read_strictly<T: DeserializeOwned>(value: &Value, at: &str) -> (Result<T, Error>, Vec<UnknownField>) {
    let path = Path::Root(at);
    let unknown = RefCell::default();
    let read = T::deserialize(Node { value, path: &path, unknown: Some(&unknown) }).map_err(|e| e.at(&path));
    (read, unknown.into_inner())
}

#[cfg(test)]
mod tests;
