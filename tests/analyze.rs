//! `mizzen analyze` on configurations that are wrong on purpose, and on istiod's corpus.
//!
//! Each folder `tests/analyze/NN-name` has a `config.yaml`, perhaps a `mesh.yaml`, and in `expected` every line that is
//! to be said about it. `expected-of-the-corpus` has what is said about each case of `tests/corpus`: each line of it was
//! judged against what istiod sent. `BLESS=1` writes both anew; read the difference before you believe it.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use mizzen::app::analyze::analyze;
use mizzen::base::Severity;

/// What is said about some files, a line each, without the folder they are in.
fn said(paths: &[PathBuf], mesh: &Path) -> String {
    let mesh = mesh.exists().then_some(mesh);
    let report = analyze(paths, mesh, "cluster.local").expect("the files are there");
    let mut out = String::new();
    // What mizzen does not do yet is no fault of the configuration.
    for finding in report.findings.iter().filter(|f| f.code != "not-supported") {
        let (file, line) = finding.object.file.clone().unwrap_or_default();
        let file = file.rsplit('/').next().unwrap_or_default();
        let object = &finding.object;
        let severity = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "info",
        };
        writeln!(
            out,
            "{file}:{line} {severity} {} {}/{} {} [{}] {}",
            object.kind,
            object.namespace,
            object.name,
            finding.field,
            finding.code,
            finding.text.replace(concat!(env!("CARGO_MANIFEST_DIR"), "/"), "")
        )
        .expect("a string takes everything");
    }
    out
}

fn folders(root: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(root).unwrap_or_else(|e| panic!("{}: {e}", root.display()));
    let mut all: Vec<PathBuf> =
        entries.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_dir()).collect();
    all.sort();
    all
}

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// Compares with a file, or writes it.
#[expect(clippy::disallowed_methods, reason = "whoever runs the test says so in the environment")]
fn settle(file: &Path, got: &str) -> Result<(), String> {
    if std::env::var_os("BLESS").is_some() {
        fs::write(file, got).map_err(|e| format!("{}: {e}", file.display()))?;
    }
    let wanted = fs::read_to_string(file).unwrap_or_default();
    if wanted == got {
        return Ok(());
    }
    let missing = wanted.lines().filter(|line| !got.contains(line)).map(|line| format!("- {line}\n"));
    let new = got.lines().filter(|line| !wanted.contains(line)).map(|line| format!("+ {line}\n"));
    Err(format!("{}\n{}", file.display(), missing.chain(new).collect::<String>()))
}

#[test]
fn every_wrong_configuration_is_named_with_object_field_and_cause() {
    let mut differing = Vec::new();
    let all = folders(&tests().join("analyze"));
    assert!(all.len() >= 40, "there are {} configurations", all.len());
    for folder in all {
        let got = said(&[folder.join("config.yaml")], &folder.join("mesh.yaml"));
        assert!(!got.is_empty(), "nothing is said about {}", folder.display());
        differing.extend(settle(&folder.join("expected"), &got).err());
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn nothing_false_is_said_of_what_istiod_was_given() {
    let mut got = String::new();
    let base = tests().join("corpus/base.yaml");
    for folder in folders(&tests().join("corpus")) {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let lines = said(&[folder.join("config.yaml"), base.clone()], &folder.join("mesh.yaml"));
        lines.lines().for_each(|line| got.push_str(&format!("{name} {line}\n")));
    }
    settle(&tests().join("analyze/expected-of-the-corpus"), &got).expect("what is said is what was judged");
}
