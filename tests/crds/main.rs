//! `crds/`: every kind of Istio that mizzen reads, made of mizzen's own types.
//!
//! `cargo test --test crds` fails where the files are out of date; `cargo test --test crds -- --write` writes them.
//! The schema of a type is what its `Deserialize` asks for (`shape`); descriptions are the doc comments of its fields
//! (`docs`); `kinds` has the rest, and `rules` what CEL checks.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod docs;
mod kinds;
mod rules;
mod schema;
mod shape;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|a| a == "--list") {
        return ExitCode::SUCCESS;
    }
    let write = arguments.iter().any(|a| a == "--write");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("crds");
    let docs = docs::Docs::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/api"));
    let (mut passed, mut failed) = (0, 0);
    let mut expected = Vec::new();
    for definition in kinds::all(&docs) {
        let name = format!("{}.yaml", definition["metadata"]["name"].as_str().unwrap());
        let path = folder.join(&name);
        let text = format!("# Made by `cargo test --test crds -- --write`.\n{}", schema::yaml(&definition));
        if write {
            fs::write(&path, &text).unwrap();
        }
        match fs::read_to_string(&path).is_ok_and(|found| found == text) {
            true => passed += 1,
            false => {
                println!("crds/{name} is out of date: cargo test --test crds -- --write");
                failed += 1;
            }
        }
        expected.push(name);
    }
    for entry in fs::read_dir(&folder).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        if !expected.contains(&name) {
            println!("crds/{name} is of no kind");
            failed += 1;
        }
    }
    println!("crds: {passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
