//! What users wrote wrongly: data for the log, the debug pages and the metrics, never an error of the program.

use std::fmt;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::Str;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Odd, and works as written.
    Info,
    /// Something is ignored or will not do what it says.
    Warning,
    /// The object, or part of it, is not in force.
    Error,
}

/// Which object a finding is about, and where it was read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ObjectRef {
    /// `VirtualService`, `Service`, …; empty when the document was not even readable.
    pub kind: Str,
    /// The namespace, empty for objects of the cluster.
    pub namespace: Str,
    /// The name.
    pub name: Str,
    /// The file it was read from, and the line (from 1) where its document starts.
    pub file: Option<(Str, u32)>,
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((file, line)) = &self.file {
            write!(f, "{file}:{line}")?;
            if self.kind.is_empty() {
                return Ok(());
            }
            f.write_str(" ")?;
        }
        write!(f, "{} ", self.kind)?;
        if !self.namespace.is_empty() {
            write!(f, "{}/", self.namespace)?;
        }
        f.write_str(&self.name)
    }
}

/// One thing that is wrong or odd in what users wrote.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Finding {
    /// The object it is about.
    pub object: ObjectRef,
    /// The field, as a path from the object's root (`spec.http[0].route[1].weight`); empty for the whole object.
    pub field: Str,
    /// How much it matters.
    pub severity: Severity,
    /// The sort of finding, kebab-case; the label of the metric.
    pub code: &'static str,
    /// A sentence that says what is wrong, and what happens now.
    pub text: Str,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.object)?;
        if !self.field.is_empty() {
            write!(f, " {}", self.field)?;
        }
        write!(f, ": {}", self.text)
    }
}

/// One flat object, always with the same fields; those that are not known are empty, or 0 for the line.
impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (file, line) = self.object.file.as_ref().map_or(("", 0), |(file, line)| (file.as_str(), *line));
        let mut out = serializer.serialize_struct("Finding", 9)?;
        out.serialize_field("severity", &self.severity)?;
        out.serialize_field("code", self.code)?;
        out.serialize_field("kind", &self.object.kind)?;
        out.serialize_field("namespace", &self.object.namespace)?;
        out.serialize_field("name", &self.object.name)?;
        out.serialize_field("field", &self.field)?;
        out.serialize_field("file", file)?;
        out.serialize_field("line", &line)?;
        out.serialize_field("text", &self.text)?;
        out.end()
    }
}
