//! Writes down what is found about one object.

use std::fmt::Display;

use crate::api::Object;
use crate::base::{Finding, Namespace, Severity};

/// The findings about an object; the texts are whole sentences.
pub(super) struct Notes<'a> {
    pub(super) object: &'a Object,
    out: &'a mut Vec<Finding>,
}

impl<'a> Notes<'a> {
    /// Notes about this object, among others.
    pub(super) fn new(object: &'a Object, out: &'a mut Vec<Finding>) -> Self {
        Self { object, out }
    }

    /// The object's namespace.
    pub(super) fn namespace(&self) -> &'a Namespace {
        &self.object.meta.namespace
    }

    /// Part of the object is not in force, or calls that follow it fail.
    pub(super) fn error(&mut self, code: &'static str, field: impl Display, text: impl Display) {
        self.add(Severity::Error, code, field, text);
    }

    /// Will not do what it seems to.
    pub(super) fn warning(&mut self, code: &'static str, field: impl Display, text: impl Display) {
        self.add(Severity::Warning, code, field, text);
    }

    /// Odd, and works as written.
    pub(super) fn info(&mut self, code: &'static str, field: impl Display, text: impl Display) {
        self.add(Severity::Info, code, field, text);
    }

    fn add(&mut self, severity: Severity, code: &'static str, field: impl Display, text: impl Display) {
        self.out.push(Finding {
            object: self.object.object_ref(),
            field: field.to_string().into(),
            severity,
            code,
            text: text.to_string().into(),
        });
    }
}
