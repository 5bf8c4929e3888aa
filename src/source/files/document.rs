//! One document: from text to objects.

use std::sync::Arc;

use serde_json::Value;

use super::split::Piece;
use super::text::{self, Unreadable};
use crate::api::{self, Decoded, Key, Kind, Object, Recognised};
use crate::base::{Digest, Finding, Namespace, ObjectRef, Severity, Str};

/// What one document of a file says.
#[derive(Clone, Debug)]
pub(super) struct Document {
    /// Of its text.
    pub(super) digest: Digest,
    /// Where it starts in its file.
    pub(super) line: u32,
    /// One for most documents, several for a `List`, none for kinds of no concern here.
    pub(super) items: Vec<Item>,
    /// What is wrong with it.
    pub(super) findings: Vec<Finding>,
}

/// One object of a document.
#[derive(Clone, Debug)]
pub(super) enum Item {
    /// As written.
    Good(Arc<Object>),
    /// Written so that it cannot be in force; which object it is meant to be, where that can be told.
    Broken(Option<Key>),
}

/// Reads a document; `file` is the name that findings and objects carry.
pub(super) fn read(piece: Piece<'_>, digest: Digest, file: &Str) -> Document {
    let mut document = Document { digest, line: piece.line, items: Vec::new(), findings: Vec::new() };
    match text::values(piece) {
        Ok(values) => values.into_iter().for_each(|value| document.add(value, file)),
        Err(unreadable) => {
            document.items.push(Item::Broken(None));
            document.findings.push(syntax(unreadable, file));
        }
    }
    document
}

/// The same document at another line of its file.
pub(super) fn moved(document: &Document, line: u32) -> Document {
    let mut document = document.clone();
    let (old, new) = (std::mem::replace(&mut document.line, line), line);
    let shift = |file: &mut Option<(Str, u32)>| {
        if let Some((_, line)) = file {
            *line = (*line - old.min(*line)).saturating_add(new);
        }
    };
    for item in &mut document.items {
        if let Item::Good(object) = item {
            shift(&mut Arc::make_mut(object).file);
        }
    }
    document.findings.iter_mut().for_each(|finding| shift(&mut finding.object.file));
    document
}

impl Document {
    fn add(&mut self, mut value: Value, file: &Str) {
        if let Some(items) = list(&mut value) {
            items.into_iter().for_each(|item| self.add(item, file));
            return;
        }
        if value.is_null() {
            return;
        }
        let key = key(&value);
        let Decoded { object, findings } = api::decode(value, Some((file.clone(), self.line)));
        match object {
            Some(object) => self.items.push(Item::Good(Arc::new(object))),
            None if findings.iter().any(|f| f.severity == Severity::Error) => self.items.push(Item::Broken(key)),
            None => {}
        }
        self.findings.extend(findings);
    }
}

/// The objects of a `List`, or of a typed one such as `ServiceList`, whose items need not repeat their kind.
fn list(value: &mut Value) -> Option<Vec<Value>> {
    let of = value.get("kind")?.as_str()?.strip_suffix("List")?.to_owned();
    let version = value.get("apiVersion").cloned();
    let mut items = match value.get_mut("items")? {
        Value::Array(items) => std::mem::take(items),
        _ => return None,
    };
    for item in
        items.iter_mut().filter_map(Value::as_object_mut).filter(|item| !of.is_empty() && !item.contains_key("kind"))
    {
        item.insert("kind".to_owned(), Value::from(of.as_str()));
        item.entry("apiVersion").or_insert_with(|| version.clone().unwrap_or_default());
    }
    Some(items)
}

/// Which object a value is meant to be, even if the rest of it is wrong.
fn key(value: &Value) -> Option<Key> {
    let Recognised::Kind(kind) = Kind::recognise(value.get("apiVersion")?.as_str()?, value.get("kind")?.as_str()?)
    else {
        return None;
    };
    let meta = value.get("metadata")?;
    let namespace = match meta.get("namespace").and_then(Value::as_str).filter(|n| !n.is_empty()) {
        _ if !kind.namespaced() => Namespace::default(),
        Some(namespace) => Namespace::from(namespace),
        None => Namespace::from("default"),
    };
    Some(Key::new(kind, namespace, Str::from(meta.get("name")?.as_str()?)))
}

fn syntax(Unreadable { line, why }: Unreadable, file: &Str) -> Finding {
    Finding {
        object: ObjectRef { file: Some((file.clone(), line)), ..ObjectRef::default() },
        field: Str::new(),
        severity: Severity::Error,
        code: "syntax",
        text: Str::from(format!(
            "the document cannot be read: {why}; until that is mended, what was last read from this file stays in force"
        )),
    }
}
