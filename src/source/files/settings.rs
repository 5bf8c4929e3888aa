//! A file that holds one value: the mesh config, the mesh networks.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::content::{Content, Sink, Trust, Verdict};
use super::split::{Piece, split};
use super::text::{self, Unreadable};
use super::{finding, name};
use crate::base::{Finding, Severity};

/// Makes the value of a document; what is wrong with it is told beside.
pub(super) type Parse<T> = fn(Value) -> (T, Vec<Finding>);

/// The last good version of such a file.
#[derive(Debug)]
pub(super) struct Settings<T> {
    parse: Parse<T>,
    current: Arc<T>,
    /// What `current` was read from.
    written: Arc<Value>,
    /// Whether `current` is out of a file that was without an error.
    good: bool,
    changed: bool,
    findings: Vec<Finding>,
}

impl<T: PartialEq> Settings<T> {
    /// As if the file were empty.
    pub(super) fn new(parse: Parse<T>) -> Self {
        let (current, findings) = parse(nothing());
        let (current, written) = (Arc::new(current), Arc::new(nothing()));
        Self { parse, current, written, good: false, changed: true, findings }
    }

    /// The value in force.
    pub(super) fn current(&self) -> &Arc<T> {
        &self.current
    }

    /// What it was read from.
    pub(super) fn written(&self) -> &Arc<Value> {
        &self.written
    }

    /// All that is wrong now.
    pub(super) fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Whether the value is another since the last call; true at the first.
    pub(super) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    fn read(&mut self, path: &Path, text: &str) {
        let (written, (value, mut findings)) = match document(text) {
            Ok(document) => (document.clone(), (self.parse)(document)),
            Err(Unreadable { line, why }) => {
                let mut finding =
                    finding(path, "syntax", &format!("the file cannot be read: {why}; {}", self.instead()));
                finding.object.file = Some((name(path), line));
                self.findings = vec![finding];
                return;
            }
        };
        for finding in &mut findings {
            finding.object.file.get_or_insert_with(|| (name(path), 1));
        }
        let bad = findings.iter().any(|f| f.severity == Severity::Error);
        self.findings = findings;
        if bad && self.good {
            self.findings.push(finding(path, "last-good", "of the whole file, the last good version stays in force"));
            return;
        }
        self.good = !bad;
        if *self.current != value || *self.written != written {
            (self.current, self.written) = (Arc::new(value), Arc::new(written));
            self.changed = true;
        }
    }

    fn instead(&self) -> &'static str {
        if self.good { "its last good version stays in force" } else { "the defaults are in force" }
    }
}

impl<T: PartialEq> Sink for Settings<T> {
    fn offer(&mut self, path: &Path, content: Content, trust: Trust) -> Verdict {
        let doubtful = self.good && trust != Trust::Final;
        match content {
            Content::Text(text) if doubtful && text.trim().is_empty() => return Verdict::Doubtful,
            // It stays in force until there is another.
            Content::Gone => {}
            Content::Unreadable(why) => {
                self.findings = vec![finding(path, "unreadable-file", &format!("{why}; {}", self.instead()))];
            }
            Content::Text(text) => self.read(path, &text),
        }
        Verdict::Taken
    }
}

fn nothing() -> Value {
    Value::Object(Map::new())
}

/// The one document of a text; an empty mapping if there is none.
pub(super) fn document(text: &str) -> Result<Value, Unreadable> {
    let value = match split(text).as_slice() {
        [] => Value::Null,
        [piece] => text::values(*piece)?.swap_remove(0),
        [_, Piece { line, .. }, ..] => {
            return Err(Unreadable {
                line: *line,
                why: "a second document begins here, there must be one only".to_owned(),
            });
        }
    };
    Ok(if value.is_null() { nothing() } else { value })
}
