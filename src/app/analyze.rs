//! `mizzen analyze`: what is wrong or odd in YAML, without a server.
//!
//! Takes the files in as a control plane would on its start, and prints its findings with the line of each field.

mod print;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::{Finding, Severity, Str};
use crate::config::{AnalyzeArgs, AnalyzeFormat};
use crate::engine::Core;
use crate::model::index::{Allocations, Options};
use crate::source::files::{self, Lines, Scan};
use crate::store::Event;
use crate::wire::Cache;

/// What was found, and in how much.
#[derive(Debug)]
pub struct Report {
    /// The findings, by file and line.
    pub findings: Vec<Finding>,
    /// How many objects were looked at.
    pub objects: usize,
}

/// What came of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Whether something is at or above the severity asked for.
    pub fails: bool,
}

/// Looks at folders and files as one mesh.
///
/// # Errors
/// When a path, or the mesh config, is not there.
pub fn analyze(paths: &[PathBuf], mesh: Option<&Path>, domain: &str) -> Result<Report, files::Error> {
    let scan = files::read_all(paths, mesh.map(Path::to_owned))?;
    let objects = scan.objects.len() + broken(&scan);
    let options = Options { domain: domain.into(), ..Options::default() };
    let mut core = Core::new(options, (*scan.mesh.mesh).clone(), Allocations::default(), Arc::new(Cache::default()));
    let events = scan.objects.into_values().map(Event::Upsert).chain([Event::Synced]).collect();
    core.note(events, None, scan.findings.into());
    core.settle();
    let mut findings = core.inspection().findings();
    place(&mut findings);
    findings.sort_by(|a, b| (&a.object.file, a).cmp(&(&b.object.file, b)));
    Ok(Report { findings, objects })
}

/// How many objects there are that can be told by name and are not in force.
fn broken(scan: &Scan) -> usize {
    let named = |f: &&Finding| f.severity == Severity::Error && !f.object.name.is_empty();
    let there: BTreeSet<_> =
        scan.objects.values().map(|o| o.object_ref()).map(|o| (o.kind, o.namespace, o.name)).collect();
    let wrong = scan.findings.iter().filter(named).map(|f| &f.object);
    let wrong: BTreeSet<_> = wrong.map(|o| (o.kind.clone(), o.namespace.clone(), o.name.clone())).collect();
    wrong.difference(&there).count()
}

/// Gives findings the line of their field in the place of that of their document.
fn place(findings: &mut [Finding]) {
    let mut known: BTreeMap<Str, Option<Lines>> = BTreeMap::new();
    for finding in findings {
        let Some((file, _)) = finding.object.file.clone() else { continue };
        let read = || std::fs::read_to_string(file.as_str()).ok().map(|text| Lines::of(&text));
        let lines = known.entry(file.clone()).or_insert_with(read);
        if let Some(line) = lines.as_ref().and_then(|lines| lines.line(finding)) {
            finding.object.file = Some((file, line));
        }
    }
}

/// Runs `mizzen analyze` and prints what it finds.
///
/// # Errors
/// When a path is not there, or nothing can be printed.
pub fn run(args: &AnalyzeArgs, coloured: bool, out: &mut impl Write) -> anyhow::Result<Outcome> {
    let report = analyze(&args.paths, args.mesh_config.as_deref(), &args.domain)?;
    let threshold = Severity::from(args.failure_threshold);
    let fails = report.findings.iter().any(|f| f.severity >= threshold);
    let shown = Severity::from(args.output_threshold);
    match args.output {
        AnalyzeFormat::Text => print::text(&report, shown, coloured, out)?,
        AnalyzeFormat::Json => print::json(&report, shown, out)?,
    }
    Ok(Outcome { fails })
}
