//! Gathers what is wrong with one object.

use std::cell::RefCell;
use std::fmt::Display;

use crate::base::{Finding, ObjectRef, Severity};

/// The code of what makes a whole object unusable.
const INVALID: &str = "invalid";

/// The findings about one object.
pub(super) struct Report {
    object: ObjectRef,
    findings: RefCell<Vec<Finding>>,
}

impl Report {
    /// Nothing found yet about this object.
    pub(super) fn new(object: ObjectRef) -> Self {
        Self { object, findings: RefCell::default() }
    }

    /// Says which object it is, once that is known.
    pub(super) fn name(&mut self, kind: &str, namespace: &str, name: &str) {
        self.object.kind = kind.into();
        self.object.namespace = namespace.into();
        self.object.name = name.into();
    }

    /// Something that makes the whole object unusable.
    pub(super) fn invalid(&self, field: impl Display, text: impl Display) {
        self.add(Severity::Error, INVALID, field, format_args!("{text}; this version of the object is not used"));
    }

    /// A field that does not exist.
    pub(super) fn unknown_field(&self, field: impl Display, nearest: Option<&str>) {
        let hint = nearest.map(|n| format!(" (perhaps {n} is meant)")).unwrap_or_default();
        self.add(
            Severity::Warning,
            "unknown-field",
            field,
            format_args!("there is no such field{hint}; it is ignored"),
        );
    }

    /// A finding of any sort.
    pub(super) fn add(&self, severity: Severity, code: &'static str, field: impl Display, text: impl Display) {
        self.findings.borrow_mut().push(Finding {
            object: self.object.clone(),
            field: field.to_string().into(),
            severity,
            code,
            text: text.to_string().into(),
        });
    }

    /// Whether something makes the object unusable.
    pub(super) fn is_fatal(&self) -> bool {
        self.findings.borrow().iter().any(|f| f.code == INVALID)
    }

    /// All that was found.
    pub(super) fn into_findings(self) -> Vec<Finding> {
        self.findings.into_inner()
    }
}
