//! From findings to one judgement for each object.

use std::collections::BTreeMap;

use crate::api::{Key, Kind};
use crate::base::{Finding, Namespace, Severity};

/// How many findings a message names.
const NAMED: usize = 8;

/// What is said of an object as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Whether all of it is in force.
    pub(super) accepted: bool,
    /// `Invalid`: this version of it is not used. `Errors`: part of it is not in force, or calls fail that follow it.
    /// `Warnings`: something in it is ignored, or does not do what it seems to.
    pub(super) reason: String,
    /// The findings, the worst first.
    pub(super) message: String,
}

/// A judgement for each object with which something is wrong, and the findings that are about no object.
pub(super) fn verdicts(findings: &[Finding]) -> (BTreeMap<Key, Verdict>, Vec<&Finding>) {
    let mut objects: BTreeMap<Key, Vec<&Finding>> = BTreeMap::new();
    let mut others = Vec::new();
    for finding in findings.iter().filter(|f| f.severity >= Severity::Warning) {
        match key(finding) {
            Some(key) => objects.entry(key).or_default().push(finding),
            None => others.push(finding),
        }
    }
    (objects.into_iter().map(|(key, all)| (key, verdict(all))).collect(), others)
}

fn key(finding: &Finding) -> Option<Key> {
    let about = &finding.object;
    let kind = Kind::all().find(|kind| kind.as_str() == about.kind.as_str())?;
    let named = !about.name.is_empty() && (!kind.namespaced() || !about.namespace.is_empty());
    named.then(|| Key::new(kind, Namespace::new(about.namespace.clone()), about.name.clone()))
}

fn verdict(mut findings: Vec<&Finding>) -> Verdict {
    findings.sort_by_key(|f| std::cmp::Reverse(f.severity));
    let errors = findings.iter().any(|f| f.severity == Severity::Error);
    let reason = match errors {
        true if findings.iter().any(|f| f.code == "invalid") => "Invalid",
        true => "Errors",
        false => "Warnings",
    };
    let sentence = |f: &&Finding| match f.field.is_empty() {
        true => f.text.to_string(),
        false => format!("{}: {}", f.field, f.text),
    };
    let mut sentences: Vec<String> = findings.iter().take(NAMED).map(sentence).collect();
    if sentences.len() > 1 {
        for (at, sentence) in sentences.iter_mut().enumerate() {
            *sentence = format!("({}) {sentence}", at + 1);
        }
    }
    if findings.len() > NAMED {
        sentences.push(format!("and {} more", findings.len() - NAMED));
    }
    Verdict { accepted: !errors, reason: reason.to_owned(), message: sentences.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ObjectRef;

    fn finding(name: &str, severity: Severity, code: &'static str, field: &str) -> Finding {
        let object =
            ObjectRef { kind: "VirtualService".into(), namespace: "shop".into(), name: name.into(), file: None };
        Finding { object, field: field.into(), severity, code, text: format!("{code} is wrong").into() }
    }

    fn of(findings: &[Finding]) -> Verdict {
        let (verdicts, others) = verdicts(findings);
        assert!(verdicts.len() == 1 && others.is_empty(), "{verdicts:?} {others:?}");
        verdicts.into_values().next().unwrap()
    }

    #[test]
    fn the_worst_comes_first_and_decides() {
        let (warning, error) =
            (finding("a", Severity::Warning, "odd", "spec.a"), finding("a", Severity::Error, "bad", ""));
        let verdict = of(&[warning.clone(), error.clone()]);
        assert_eq!((verdict.accepted, verdict.reason.as_str()), (false, "Errors"));
        assert_eq!(verdict.message, "(1) bad is wrong (2) spec.a: odd is wrong");
        let verdict = of(&[finding("a", Severity::Error, "invalid", "spec"), warning.clone(), error]);
        assert_eq!((verdict.accepted, verdict.reason.as_str()), (false, "Invalid"));
        let verdict = of(&[warning]);
        assert_eq!((verdict.accepted, verdict.reason.as_str()), (true, "Warnings"));
        assert_eq!(verdict.message, "spec.a: odd is wrong");
    }

    #[test]
    fn of_many_findings_the_first_are_named_and_the_rest_counted() {
        let all: Vec<Finding> =
            (0..30).map(|n| finding("a", Severity::Warning, "odd", &format!("spec.f{n:02}"))).collect();
        let verdict = of(&all);
        assert!(verdict.message.ends_with("(8) spec.f07: odd is wrong and 22 more"), "{}", verdict.message);
    }

    #[test]
    fn what_only_informs_is_no_reason_and_what_is_about_no_object_is_kept_apart() {
        let mut list = finding("", Severity::Warning, "held-list", "");
        list.object.namespace = "".into();
        let findings = [finding("a", Severity::Info, "odd", "spec"), list.clone()];
        assert_eq!(verdicts(&findings), (BTreeMap::new(), vec![&list]));
    }
}
