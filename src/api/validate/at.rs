//! A place in an object, at which things can be found wrong.

use std::collections::BTreeMap;
use std::fmt::Display;

use crate::api::path::Path;
use crate::api::report::Report;
use crate::base::{Severity, Str};

/// A place in the object that is being validated. The checks of single values are methods of it, in the files of
/// this folder; they report under its path.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    path: Path<'a>,
    report: &'a Report,
}

impl<'a> At<'a> {
    /// The root of the validation.
    pub(super) fn new(root: &'a str, report: &'a Report) -> Self {
        Self { path: Path::Root(root), report }
    }

    /// A field of this message.
    pub(super) fn field<'b>(&'b self, name: &'b str) -> At<'b> {
        At { path: Path::Field(&self.path, name), report: self.report }
    }

    /// An element of this list.
    pub(super) fn index(&self, index: usize) -> At<'_> {
        At { path: Path::Index(&self.path, index), report: self.report }
    }

    /// An entry of this map.
    pub(super) fn key<'b>(&'b self, key: &'b str) -> At<'b> {
        At { path: Path::Key(&self.path, key), report: self.report }
    }

    /// Checks every element of this list.
    pub(super) fn each<T>(&self, list: &[T], check: impl Fn(&T, &At<'_>)) {
        list.iter().enumerate().for_each(|(index, item)| check(item, &self.index(index)));
    }

    /// Checks every entry of this map.
    pub(super) fn entries<T>(&self, map: &BTreeMap<Str, T>, check: impl Fn(&str, &T, &At<'_>)) {
        map.iter().for_each(|(key, value)| check(key, value, &self.key(key)));
    }

    /// Reports what makes the object unusable; the text continues a sentence that begins with the field.
    pub(super) fn invalid(&self, text: impl Display) {
        self.report.invalid(self.path, text);
    }

    /// Reports that the object is unusable unless this holds.
    pub(super) fn require(&self, holds: bool, text: impl Display) {
        if !holds {
            self.invalid(text);
        }
    }

    /// Reports something that has no effect or not the one that it seems to have.
    pub(super) fn ineffective(&self, text: impl Display) {
        self.report.add(Severity::Warning, "ineffective", self.path, text);
    }

    /// Reports a field that has a successor.
    pub(super) fn deprecated(&self, text: impl Display) {
        self.report.add(Severity::Warning, "deprecated", self.path, text);
    }

    /// Reports something that Istio's webhook would refuse and istiod itself does as it is told.
    pub(super) fn risky(&self, text: impl Display) {
        self.report.add(Severity::Warning, "risky", self.path, text);
    }
}
