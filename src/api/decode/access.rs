//! How lists, maps and structs hand out what is in them.

use serde::de::{DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess};
use serde_json::Value;

use super::error::Error;
use super::node::{Node, Pairs};
use super::variant::Variant;
use crate::api::path::Path;

/// How a key of a document names a field of a struct.
#[derive(Clone, Copy)]
pub(super) struct Field {
    /// The serde name.
    name: &'static str,
    /// The variant, if the field is a oneof.
    variant: Option<&'static str>,
}

/// `per_try_timeout` → `perTryTimeout`, as protobuf derives JSON names.
pub(in crate::api) fn camel_case(key: &str) -> String {
    let mut upper = false;
    let mut out = String::with_capacity(key.len());
    for c in key.chars() {
        match c {
            '_' => upper = true,
            c if upper => {
                out.push(c.to_ascii_uppercase());
                upper = false;
            }
            c => out.push(c),
        }
    }
    out
}

fn find_exactly(fields: &'static [&'static str], key: &str) -> Option<Field> {
    fields.iter().find_map(|name| {
        if *name == key {
            return Some(Field { name, variant: None });
        }
        let variant = name.contains('|').then(|| name.split('|').find(|v| *v == key))??;
        Some(Field { name, variant: Some(variant) })
    })
}

fn find(fields: &'static [&'static str], key: &str) -> Option<Field> {
    find_exactly(fields, key).or_else(|| key.contains('_').then(|| find_exactly(fields, &camel_case(key)))?)
}

/// The name among `names` that a key means, in either spelling.
pub(super) fn find_name(names: &'static [&'static str], key: &str) -> Option<&'static str> {
    find(names, key).map(|f| f.name)
}

/// The elements of a list.
pub(super) struct Elements<'a> {
    pub(super) node: Node<'a>,
    pub(super) list: std::iter::Enumerate<std::slice::Iter<'a, Value>>,
}

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        let Some((index, value)) = self.list.next() else { return Ok(None) };
        let path = Path::Index(self.node.path, index);
        seed.deserialize(Node { value, path: &path, ..self.node }).map(Some).map_err(|e| e.at(&path))
    }
}

/// The entries of a map whose keys are the user's.
pub(super) struct Entries<'a> {
    pub(super) node: Node<'a>,
    pub(super) entries: Pairs<'a>,
    pub(super) current: Option<(&'a str, &'a Value)>,
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        let Some((key, value)) = self.entries.next() else { return Ok(None) };
        self.current = Some((key, value));
        let path = Path::Key(self.node.path, key);
        let key = Value::String(key.clone());
        seed.deserialize(Node { value: &key, path: &path, unknown: None }).map(Some).map_err(|e| e.at(&path))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        let (key, value) = self.current.take().expect("serde asks for a key before its value");
        let path = Path::Key(self.node.path, key);
        seed.deserialize(Node { value, path: &path, ..self.node }).map_err(|e| e.at(&path))
    }
}

/// The fields of a struct.
pub(super) struct Fields<'a> {
    pub(super) node: Node<'a>,
    pub(super) fields: &'static [&'static str],
    pub(super) entries: Pairs<'a>,
    pub(super) current: Option<(Field, &'a str, &'a Value)>,
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        for (key, value) in self.entries.by_ref().filter(|(_, value)| !value.is_null()) {
            match find(self.fields, key) {
                Some(field) => {
                    self.current = Some((field, key, value));
                    return seed.deserialize(field.name.into_deserializer()).map(Some);
                }
                None => self.node.note_unknown(key, self.fields),
            }
        }
        Ok(None)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        let (field, key, value) = self.current.take().expect("serde asks for a key before its value");
        let path = Path::Field(self.node.path, key);
        let node = Node { value, path: &path, ..self.node };
        match field.variant {
            Some(name) => seed.deserialize(Variant { name, node }),
            None => seed.deserialize(node),
        }
        .map_err(|e| e.at(&path))
    }
}
