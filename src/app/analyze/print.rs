//! Findings for people, and for programs.

use std::io::{self, Write};

use serde_json::json;

use crate::base::{Finding, Severity};

use super::Report;

/// Findings from a severity on, grouped by file; at the end how many there are, in how much.
pub(super) fn text(report: &Report, from: Severity, coloured: bool, out: &mut impl Write) -> io::Result<()> {
    let paint = Paint(coloured);
    let mut last = None;
    for finding in report.findings.iter().filter(|f| f.severity >= from) {
        let file = finding.object.file.as_ref().map(|(file, _)| file.as_str());
        if last != Some(file) {
            writeln!(out, "{}", paint.bold(file.unwrap_or("of the whole mesh")))?;
            last = Some(file);
        }
        one(finding, paint, out)?;
    }
    if last.is_some() {
        writeln!(out)?;
    }
    writeln!(out, "{}", summary(report))
}

fn one(finding: &Finding, paint: Paint, out: &mut impl Write) -> io::Result<()> {
    let line = finding.object.file.as_ref().map(|(_, line)| format!("{line}:")).unwrap_or_default();
    let object = &finding.object;
    let name = match (object.kind.is_empty(), object.namespace.is_empty()) {
        (true, _) => String::new(),
        (false, true) => format!(" {} {}", object.kind, object.name),
        (false, false) => format!(" {} {}/{}", object.kind, object.namespace, object.name),
    };
    let field = if finding.field.is_empty() { String::new() } else { format!(" {}", finding.field) };
    writeln!(out, "  {line:<5} {}{name}{}", paint.severity(finding.severity), paint.dim(&field))?;
    writeln!(out, "        {} {}", finding.text, paint.dim(&format!("[{}]", finding.code)))
}

fn summary(report: &Report) -> String {
    let count = |severity| report.findings.iter().filter(|f| f.severity == severity).count();
    let counted = |number: usize, one: &str, many: &str| match number {
        1 => format!("1 {one}"),
        number => format!("{number} {many}"),
    };
    let objects = counted(report.objects, "object", "objects");
    if report.findings.is_empty() {
        return format!("Nothing found wrong or odd: {objects} looked at.");
    }
    format!(
        "{}, {}, {}: {objects} looked at.",
        counted(count(Severity::Error), "error", "errors"),
        counted(count(Severity::Warning), "warning", "warnings"),
        counted(count(Severity::Info), "note", "notes"),
    )
}

/// One object: the findings with a stable set of fields, and how many there are.
pub(super) fn json(report: &Report, from: Severity, out: &mut impl Write) -> anyhow::Result<()> {
    let count = |severity| report.findings.iter().filter(|f| f.severity == severity).count();
    let shown: Vec<&Finding> = report.findings.iter().filter(|f| f.severity >= from).collect();
    let value = json!({
        "findings": shown,
        "objects": report.objects,
        "errors": count(Severity::Error),
        "warnings": count(Severity::Warning),
        "infos": count(Severity::Info),
    });
    serde_json::to_writer_pretty(&mut *out, &value)?;
    writeln!(out)?;
    Ok(())
}

/// Colours of a terminal, or none.
#[derive(Clone, Copy)]
struct Paint(bool);

impl Paint {
    fn severity(self, severity: Severity) -> String {
        match severity {
            Severity::Error => self.wrap("31;1", "error"),
            Severity::Warning => self.wrap("33", "warning"),
            Severity::Info => self.wrap("36", "info"),
        }
    }

    fn bold(self, text: &str) -> String {
        self.wrap("1", text)
    }

    fn dim(self, text: &str) -> String {
        self.wrap("2", text)
    }

    fn wrap(self, code: &str, text: &str) -> String {
        if self.0 && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}
