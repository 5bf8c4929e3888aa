//! Shapes as structural schemas, and those as YAML.

use serde_json::{Map, Value, json};

use crate::docs::Docs;
use crate::rules;
use crate::shape::Shape;

/// The schema of a shape. `path` is `Kind:` and where it stands below `spec`, with `[]` for the entries of lists and `{}` for
/// those of maps.
pub(crate) fn of(shape: &Shape, docs: &Docs, path: &str) -> Map<String, Value> {
    let mut schema = match shape {
        Shape::Bool => object(json!({"type": "boolean"})),
        Shape::Integer(least, greatest) => integer(*least, *greatest),
        Shape::Number => object(json!({"type": "number", "format": "double"})),
        Shape::Text => object(json!({"type": "string"})),
        // The cost of what CEL makes of it must have a bound.
        Shape::Duration => object(json!({"type": "string", "maxLength": 64})),
        Shape::Word(words) => object(json!({"type": "string", "enum": words})),
        Shape::Any => object(json!({"x-kubernetes-preserve-unknown-fields": true})),
        Shape::List(entry) => object(json!({"type": "array", "items": of(entry, docs, &format!("{path}[]"))})),
        Shape::Map(entry) => {
            object(json!({"type": "object", "additionalProperties": of(entry, docs, &format!("{path}{{}}"))}))
        }
        Shape::Fields(name, fields, groups) => fields_of(name, fields, groups, docs, path),
    };
    schema.extend(rules::limits(path).map(|(keyword, limit)| (keyword.to_owned(), limit.into())));
    let mut checks = rules::at(path);
    if *shape == Shape::Duration && rules::must_last(path) {
        checks.push(("duration(self) >= duration('1ms')", "must be a duration of at least 1ms"));
    }
    if !checks.is_empty() {
        let checks: Vec<Value> =
            checks.into_iter().map(|(rule, message)| json!({"rule": rule, "message": message})).collect();
        schema.insert("x-kubernetes-validations".into(), checks.into());
    }
    schema
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

fn integer(least: i64, greatest: u64) -> Map<String, Value> {
    match (least, greatest) {
        (i64::MIN, _) => object(json!({"type": "integer", "format": "int64"})),
        (0, u64::MAX) => object(json!({"type": "integer", "minimum": 0})),
        (least, greatest) => object(json!({"type": "integer", "minimum": least, "maximum": greatest})),
    }
}

fn fields_of(
    name: &str,
    fields: &std::collections::BTreeMap<String, Shape>,
    groups: &[Vec<String>],
    docs: &Docs,
    path: &str,
) -> Map<String, Value> {
    let names: Vec<&str> = fields.keys().map(String::as_str).collect();
    let mut properties = Map::new();
    for (field, shape) in fields {
        let mut schema =
            of(shape, docs, &if path.ends_with(':') { format!("{path}{field}") } else { format!("{path}.{field}") });
        if let Some(text) = docs.field(name, &names, field) {
            schema.insert("description".into(), text.into());
        }
        properties.insert(field.clone(), schema.into());
    }
    for (place, field, other) in rules::OTHER_SPELLINGS.iter().filter(|(place, _, _)| *place == path) {
        let schema = properties.get(*field).cloned().unwrap_or_else(|| panic!("{place} has no {field}"));
        properties.insert((*other).to_owned(), schema);
    }
    let mut schema = object(json!({"type": "object"}));
    if !properties.is_empty() {
        schema.insert("properties".into(), properties.into());
    }
    if let Some(text) = docs.of(name, &names) {
        schema.insert("description".into(), text.into());
    }
    let required: Vec<&str> = rules::required(path).into_iter().filter(|name| fields.contains_key(*name)).collect();
    if !required.is_empty() {
        schema.insert("required".into(), json!(required));
    }
    // At most one of each group, said as schemas without types, as structural schemas ask.
    let exclusive = groups.iter().filter(|g| g.len() > 1).map(|group| {
        let required: Vec<Value> = group.iter().map(|name| json!({"required": [name]})).collect();
        let none = json!({"not": {"anyOf": required}});
        json!({"oneOf": std::iter::once(none).chain(required).collect::<Vec<_>>()})
    });
    let exclusive: Vec<Value> = exclusive.collect();
    if !exclusive.is_empty() {
        schema.insert("allOf".into(), exclusive.into());
    }
    schema
}

/// YAML in the one form that never needs thought: block style, strings in double quotes where they are not plain.
pub(crate) fn yaml(value: &Value) -> String {
    let mut out = String::new();
    write(value, 0, &mut out);
    out
}

fn write(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                out.push_str(&" ".repeat(depth));
                out.push_str(&text(key));
                out.push(':');
                below(value, depth, out);
            }
        }
        Value::Array(list) => {
            for value in list {
                let mut inner = String::new();
                write(value, depth + 2, &mut inner);
                let nested = matches!(value, Value::Object(_) | Value::Array(_));
                let inner = if nested { inner[depth + 2..].to_owned() } else { format!("{}\n", scalar(value)) };
                out.push_str(&format!("{}- {inner}", " ".repeat(depth)));
            }
        }
        _ => {}
    }
}

fn below(value: &Value, depth: usize, out: &mut String) {
    let empty = value.as_object().is_some_and(Map::is_empty) || value.as_array().is_some_and(Vec::is_empty);
    match value {
        Value::Object(_) | Value::Array(_) if !empty => {
            out.push('\n');
            write(value, depth + 2, out);
        }
        Value::Object(_) => out.push_str(" {}\n"),
        _ => out.push_str(&format!(" {}\n", scalar(value))),
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(s) => text(s),
        Value::Array(_) => "[]".to_owned(),
        other => other.to_string(),
    }
}

fn text(s: &str) -> String {
    let word = s.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c));
    let plain = word
        && s.starts_with(|c: char| c.is_ascii_alphabetic())
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&s.to_lowercase().as_str());
    if plain { s.to_owned() } else { Value::from(s).to_string() }
}
