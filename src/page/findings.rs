//! `findings`: what is wrong or odd.

use std::collections::BTreeMap;

use serde::Serialize;

use super::list::{Ask, Key, Part};
use crate::base::{Finding, Severity, Str};

/// How many findings there are of each severity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Something is not in force.
    pub error: usize,
    /// Something does not do what it says.
    pub warning: usize,
    /// Odd, and works as written.
    pub info: usize,
}

/// `GET /ui/api/findings?namespace=&severity=` with the parameters of a list; sorted by `severity` (worst last),
/// `object`, `field` or `text`.
#[derive(Debug, Serialize)]
pub struct Findings {
    /// The rows, in the shape of `/debug/findings`.
    #[serde(flatten)]
    pub part: Part<Finding>,
    /// By severity, of the namespace asked for.
    pub counts: Counts,
    /// How many there are in each namespace; those of no namespace are under an empty name.
    pub namespaces: BTreeMap<Str, usize>,
}

/// Findings, of one namespace and one severity if they are named; the worst first where no order is asked for.
pub fn findings(all: &[Finding], namespace: Option<&str>, severity: Option<&str>, ask: &Ask) -> Findings {
    let mut namespaces = BTreeMap::new();
    for finding in all {
        *namespaces.entry(finding.object.namespace.clone()).or_default() += 1;
    }
    let within = || all.iter().filter(|f| namespace.is_none_or(|n| f.object.namespace == n));
    let wanted = |f: &&Finding| severity.is_none_or(|s| word(f.severity) == s) && ask.finds(&texts(f));
    let mut found: Vec<&Finding> = within().filter(wanted).collect();
    found.sort_by_key(|f| std::cmp::Reverse(f.severity));
    ask.sort(&mut found, |column, f| match column {
        "severity" => Some(Key::Number(f.severity as u64)),
        "object" => Some(Key::Text(format!("{} {} {}", f.object.kind, f.object.namespace, f.object.name).into())),
        "field" => Some(Key::Text(f.field.clone())),
        "text" => Some(Key::Text(f.text.clone())),
        _ => None,
    });
    Findings { part: ask.cut(all.len(), found, Clone::clone), counts: Counts::of(within()), namespaces }
}

fn texts(finding: &Finding) -> [&str; 6] {
    let object = &finding.object;
    [&object.kind, &object.namespace, &object.name, &finding.field, finding.code, &finding.text]
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

impl Counts {
    /// Counts them.
    pub(super) fn of<'f>(findings: impl Iterator<Item = &'f Finding>) -> Self {
        let mut counts = Self::default();
        for finding in findings {
            match finding.severity {
                Severity::Error => counts.error += 1,
                Severity::Warning => counts.warning += 1,
                Severity::Info => counts.info += 1,
            }
        }
        counts
    }
}
