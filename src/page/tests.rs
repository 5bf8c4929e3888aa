//! What is shown of a mesh of YAML, and of clients on real sessions of the protocol.

mod clients;
mod mesh;

use std::fs;

use crate::app::render::load;
use crate::engine::Core;
use crate::model::index::{Allocations, Options};

use super::Ask;

/// A mesh of some documents.
fn core(yaml: &str) -> Core {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("all.yaml"), yaml).unwrap();
    load(folder.path(), None, Options::default(), Allocations::default()).unwrap()
}

/// The part of a list that some parameters ask for.
fn ask(query: &[(&str, &str)]) -> Ask {
    Ask::read(|name| query.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned()))
}

/// What is printed.
fn printed<T: serde::Serialize>(value: T) -> serde_json::Value {
    serde_json::to_value(value).unwrap()
}
