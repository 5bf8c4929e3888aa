//! Why a value could not be read.

use std::fmt;

use serde::de::{self, Expected, Unexpected};
use serde_json::Value;

use crate::api::path::Path;

/// What is wrong, and where. The text continues the sentence that begins with the field's name.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::api) struct Error {
    /// The field, once known.
    pub(in crate::api) path: Option<String>,
    /// What is wrong: `must be a number, found the string "abc"`.
    pub(in crate::api) text: String,
}

impl Error {
    /// An error whose place is added on the way up.
    pub(super) fn new(text: String) -> Self {
        Self { path: None, text }
    }

    /// The value is of the wrong sort.
    pub(in crate::api) fn must_be(wanted: &str, found: &Value) -> Self {
        Self::new(format!("must be {wanted}, found {}", describe(found)))
    }

    /// Puts the error at a place unless a deeper one is known already.
    pub(super) fn at(mut self, path: &Path<'_>) -> Self {
        self.path.get_or_insert_with(|| path.to_string());
        self
    }
}

/// A value in the words of an error message.
pub(super) fn describe(value: &Value) -> String {
    match value {
        Value::Null => "nothing".into(),
        Value::Bool(b) => b.to_string(),
        Value::Number(n) => format!("the number {n}"),
        Value::String(s) => quote(s),
        Value::Array(_) => "a list".into(),
        Value::Object(_) => "a mapping".into(),
    }
}

/// A string, of which only the beginning is shown if it is long.
fn quote(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("a string that begins with {:?}", &text[..end]),
        None => format!("the string {text:?}"),
    }
}

/// The same for what a visitor did not expect.
fn describe_unexpected(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Str(s) => quote(s),
        Unexpected::Unsigned(n) => format!("the number {n}"),
        Unexpected::Signed(n) => format!("the number {n}"),
        Unexpected::Float(n) => format!("the number {n}"),
        Unexpected::Bool(b) => b.to_string(),
        Unexpected::Seq => "a list".into(),
        Unexpected::Map => "a mapping".into(),
        other => other.to_string(),
    }
}

/// `a`, `a or b`, `a, b or c`.
pub(super) fn alternatives(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).into(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = &self.path {
            write!(f, "{path} ")?;
        }
        f.write_str(&self.text)
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::new(text.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self::new(format!("must be {wanted}, found {}", describe_unexpected(found)))
    }

    fn invalid_value(found: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self::invalid_type(found, wanted)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(format!("must have {field}"))
    }

    /// The same field in both spellings, or two fields of a oneof.
    fn duplicate_field(field: &'static str) -> Self {
        if field.contains('|') {
            let names: Vec<_> = field.split('|').collect();
            Self::new(format!("may have only one of {}", alternatives(&names)))
        } else {
            Self::new(format!("has {field} twice, in two spellings"))
        }
    }
}
