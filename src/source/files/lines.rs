//! On which line of a file a field of an object is.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use super::split::split;
use crate::base::Finding;

/// The documents of a file with the line of every field.
pub struct Lines {
    documents: Vec<(u32, Option<Node>)>,
}

/// A value and the line (from 1, of its document) where it starts.
struct Node {
    line: u32,
    value: Value,
}

enum Value {
    Scalar(String),
    List(Vec<Node>),
    /// Keys, each with its line, and what they stand for.
    Map(Vec<(String, u32, Node)>),
}

/// One step of `spec.http[0].match[1].headers[x-user]`.
#[derive(Debug, PartialEq)]
enum Step<'a> {
    Name(&'a str),
    Index(usize),
}

impl Lines {
    /// Reads the text of a file; documents that cannot be read have no lines but their first.
    pub fn of(text: &str) -> Self {
        let read = |text: &str| serde_saphyr::from_str::<Spanned<Value>>(text).ok().map(Node::from);
        Self { documents: split(text).into_iter().map(|piece| (piece.line, read(piece.text))).collect() }
    }

    /// The line of the field that a finding is about: of the deepest part of its path that is there. `None` where the
    /// finding has no line at all.
    pub fn line(&self, finding: &Finding) -> Option<u32> {
        let start = finding.object.file.as_ref()?.1;
        let Some((first, Some(root))) = self.documents.iter().find(|(line, _)| *line == start) else {
            return Some(start);
        };
        let object = root.item(finding).unwrap_or(root);
        let line = object.find(&steps(&finding.field)).unwrap_or(object.line);
        Some(first + line.saturating_sub(1))
    }
}

impl Node {
    fn get(&self, name: &str) -> Option<(u32, &Node)> {
        let Value::Map(entries) = &self.value else { return None };
        let plain = |name: &str| name.replace('_', "").to_ascii_lowercase();
        let exact = entries.iter().find(|(key, ..)| key == name);
        // Both of protobuf's spellings are read.
        exact
            .or_else(|| entries.iter().find(|(key, ..)| plain(key) == plain(name)))
            .map(|(_, line, node)| (*line, node))
    }

    fn text(&self, path: &[&str]) -> &str {
        let found = path.iter().try_fold(self, |node, name| node.get(name).map(|(_, node)| node));
        match found.map(|node| &node.value) {
            Some(Value::Scalar(text)) => text,
            _ => "",
        }
    }

    /// Of a `List`, the object that the finding is about.
    fn item(&self, finding: &Finding) -> Option<&Node> {
        let (_, items) = self.get("items")?;
        let Value::List(items) = &items.value else { return None };
        let object = &finding.object;
        items.iter().find(|item| {
            let kind = item.text(&["kind"]);
            item.text(&["metadata", "name"]) == object.name.as_str()
                && (kind.is_empty() || kind == object.kind.as_str())
                && ["", object.namespace.as_str()].contains(&item.text(&["metadata", "namespace"]))
        })
    }

    fn find(&self, steps: &[Step<'_>]) -> Option<u32> {
        let (mut node, mut line) = (self, None);
        for step in steps {
            let next = match (step, &node.value) {
                (Step::Name(name), _) => node.get(name),
                (Step::Index(index), Value::List(items)) => items.get(*index).map(|node| (node.line, node)),
                // The key of a map of the user's, which happens to be a number.
                (Step::Index(key), _) => node.get(&key.to_string()),
            };
            let Some((at, next)) = next else { break };
            (node, line) = (next, Some(at));
        }
        line
    }
}

impl From<Spanned<Value>> for Node {
    fn from(spanned: Spanned<Value>) -> Self {
        let line = u32::try_from(spanned.referenced.line()).unwrap_or(1).max(1);
        Self { line, value: spanned.value }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Scalar(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Scalar(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Scalar(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Scalar(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Scalar(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Scalar(String::new()))
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Scalar(String::new()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut out = Vec::new();
        while let Some(item) = list.next_element::<Spanned<Value>>()? {
            out.push(item.into());
        }
        Ok(Value::List(out))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut out = Vec::new();
        while let Some((key, value)) = map.next_entry::<Spanned<Value>, Spanned<Value>>()? {
            let key = Node::from(key);
            let Value::Scalar(name) = key.value else { continue };
            out.push((name, key.line, value.into()));
        }
        Ok(Value::Map(out))
    }
}

/// Takes a path apart as findings have it.
fn steps(path: &str) -> Vec<Step<'_>> {
    let mut out = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(index) = rest.strip_prefix('[') {
            let end = index.find(']').unwrap_or(index.len());
            out.push(index[..end].parse().map_or(Step::Name(&index[..end]), Step::Index));
            rest = index.get(end + 1..).unwrap_or_default();
        } else {
            rest = rest.strip_prefix('.').unwrap_or(rest);
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            out.push(Step::Name(&rest[..end]));
            rest = &rest[end..];
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{ObjectRef, Severity};

    const TEXT: &str = "# a comment\nkind: Service\n---\n\nkind: VirtualService\nspec:\n  hosts: [a,\n    b]\n  http:\n  - match:\n    - headers: {x-user.id: {exact: me}}\n    route:\n    - destination:\n        host: c\n  export_to: ['.']\n---\nkind: List\nitems:\n- kind: Service\n  metadata: {name: one}\n- kind: Service\n  metadata:\n    name: two\n  spec:\n    ports: []\n";

    fn line(start: u32, name: &str, field: &str) -> Option<u32> {
        let object = ObjectRef {
            kind: "Service".into(),
            name: name.into(),
            file: Some(("f".into(), start)),
            ..ObjectRef::default()
        };
        let finding = Finding { object, field: field.into(), severity: Severity::Info, code: "x", text: "".into() };
        Lines::of(TEXT).line(&finding)
    }

    #[test]
    fn a_field_is_found_by_its_path() {
        for (field, expected) in [
            ("", 5),
            ("spec.hosts[1]", 8),
            ("spec.http[0].route[0].destination.host", 14),
            ("spec.http[0].match[0].headers[x-user.id].exact", 11),
            ("spec.exportTo[0]", 15),
        ] {
            assert_eq!(line(5, "", field), Some(expected), "{field}");
        }
    }

    #[test]
    fn of_a_field_that_is_not_there_the_nearest_parent_counts() {
        assert_eq!(line(5, "", "spec.http[0].route[0].weight"), Some(13));
        assert_eq!(line(5, "", "spec.tls[0]"), Some(6));
    }

    #[test]
    fn objects_of_a_list_have_lines_of_their_own() {
        assert_eq!(line(17, "two", "spec.ports"), Some(25));
        assert_eq!(line(17, "one", "metadata.name"), Some(20));
    }

    #[test]
    fn a_document_that_cannot_be_read_has_its_first_line() {
        assert_eq!(line(4, "", "spec"), Some(4));
    }
}
