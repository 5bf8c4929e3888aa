//! YAML files as JSON values.

use std::fs;
use std::path::Path;

use serde_json::Value;

/// All documents of a file.
pub(crate) fn read(path: &Path) -> Vec<Value> {
    parse(&fs::read_to_string(path).unwrap())
}

/// All documents of a text.
pub(crate) fn parse(text: &str) -> Vec<Value> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(text).unwrap();
    documents.into_iter().filter(|d| !d.is_null()).collect()
}
