//! Pages compared with what istiod's said (`tests/debug`) of the same mesh (`tests/corpus/users-mesh`).

mod clients;
mod json;
mod mesh;
mod shapes;

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// What istiod said.
fn sample(page: &str) -> Value {
    let file = tests().join("debug").join(page).with_extension("json");
    serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

/// What is printed.
fn printed<T: Serialize>(page: T) -> Value {
    serde_json::from_slice(&super::print(&page, false).unwrap()).unwrap()
}

#[test]
fn pretty_is_four_spaces() {
    let text = super::print(&serde_json::json!({"a": [1]}), true).unwrap();
    assert_eq!(String::from_utf8(text).unwrap(), "{\n    \"a\": [\n        1\n    ]\n}");
}

#[test]
fn pages_are_listed_by_name_and_lead_from_the_index() {
    let names: Vec<&str> = super::PAGES.iter().map(|(name, _)| *name).collect();
    assert!(names.is_sorted_by_key(|n| n.to_lowercase()));
    assert!(super::index_page().contains("<a href=\"/debug/syncz\">"));
    assert!(super::list().contains(&"config_dump") && !super::list().contains(&"list"));
}
