//! A value at its place, as a deserializer.

use std::cell::RefCell;

use serde::de::{DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value, map};

use super::error::Error;
use super::path::Path;
use super::variant::{Chosen, Variant};
use super::{UnknownField, nearest};

static NOTHING: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);

/// A value at its place in the document.
#[derive(Clone, Copy)]
pub(super) struct Node<'a> {
    pub(super) value: &'a Value,
    pub(super) path: &'a Path<'a>,
    /// Where to note unknown fields, if anybody asked.
    pub(super) unknown: Option<&'a RefCell<Vec<UnknownField>>>,
}

/// How a key of a document names a field of a struct.
#[derive(Clone, Copy)]
struct Field {
    /// The serde name.
    name: &'static str,
    /// The variant, if the field is a oneof.
    variant: Option<&'static str>,
}

impl<'a> Node<'a> {
    fn must_be<T>(&self, wanted: &str) -> Result<T, Error> {
        Err(Error::must_be(wanted, self.value).at(self.path))
    }

    /// The entries of a mapping.
    pub(super) fn mapping(&self) -> Result<&'a Map<String, Value>, Error> {
        match self.value {
            Value::Object(map) => Ok(map),
            Value::Null => Ok(&NOTHING),
            _ => self.must_be("a mapping"),
        }
    }

    /// Notes a field that the struct with these fields does not have.
    pub(super) fn note_unknown(&self, key: &str, fields: &'static [&'static str]) {
        if let Some(unknown) = self.unknown {
            let names = fields.iter().flat_map(|f| f.split('|'));
            let nearest = nearest(&camel_case(key), names);
            unknown.borrow_mut().push(UnknownField { path: Path::Field(self.path, key).to_string(), nearest });
        }
    }
}

/// `per_try_timeout` → `perTryTimeout`, as protobuf derives JSON names.
fn camel_case(key: &str) -> String {
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

macro_rules! integer {
    ($($method:ident $visit:ident $type:ty),*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            let number = match self.value {
                Value::Null => Some(0),
                Value::Number(n) => whole(n),
                Value::String(s) => match s.parse() {
                    Ok(n) => Some(n),
                    Err(_) => return self.must_be("a number"),
                },
                _ => return self.must_be("a number"),
            };
            match number.and_then(|n| <$type>::try_from(n).ok()) {
                Some(n) => visitor.$visit(n),
                None => self.must_be(&format!("a whole number from {} to {}", <$type>::MIN, <$type>::MAX)),
            }
        }
    )*};
}

/// A number without a fraction; `1.0` is one.
fn whole(number: &serde_json::Number) -> Option<i128> {
    let float = || number.as_f64().filter(|f| f.fract() == 0.0 && f.abs() < 1e18).map(|f| f as i128);
    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from)).or_else(float)
}

impl<'de> Deserializer<'de> for Node<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(b) => visitor.visit_bool(*b),
            Value::Number(n) => match (n.as_u64(), n.as_i64(), n.as_f64()) {
                (Some(n), _, _) => visitor.visit_u64(n),
                (_, Some(n), _) => visitor.visit_i64(n),
                (_, _, n) => visitor.visit_f64(n.unwrap_or_default()),
            },
            Value::String(s) => visitor.visit_str(s),
            Value::Array(_) => self.deserialize_seq(visitor),
            Value::Object(_) => self.deserialize_map(visitor),
        }
        .map_err(|e: Error| e.at(self.path))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.value {
            Value::Null => visitor.visit_bool(false),
            Value::Bool(b) => visitor.visit_bool(*b),
            _ => self.must_be("true or false"),
        }
    }

    integer! {
        deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16, deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64, deserialize_u8 visit_u8 u8, deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32, deserialize_u64 visit_u64 u64
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let number = match self.value {
            Value::Null => Some(0.0),
            Value::Number(n) => n.as_f64(),
            Value::String(s) => s.parse().ok(),
            _ => None,
        };
        number.filter(|n| n.is_finite()).map_or_else(|| self.must_be("a number"), |n| visitor.visit_f64(n))
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.value {
            Value::Null => visitor.visit_str(""),
            Value::String(s) => visitor.visit_str(s),
            Value::Number(_) | Value::Bool(_) => self.must_be("a string (put it in quotes)"),
            _ => self.must_be("a string"),
        }
        .map_err(|e: Error| e.at(self.path))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.value.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_struct(name, &[], visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let list: &[Value] = match self.value {
            Value::Null => &[],
            Value::Array(list) => list,
            _ => return self.must_be("a list"),
        };
        visitor.visit_seq(Elements { node: self, list: list.iter().enumerate() }).map_err(|e| e.at(self.path))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let entries = self.mapping()?.iter();
        visitor.visit_map(Entries { node: self, entries, current: None }).map_err(|e| e.at(self.path))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let entries = self.mapping()?.iter();
        visitor.visit_map(Fields { node: self, fields, entries, current: None }).map_err(|e| e.at(self.path))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        Chosen::of(self, variants).and_then(|chosen| visitor.visit_enum(chosen)).map_err(|e| e.at(self.path))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }
}

/// The elements of a list.
struct Elements<'a> {
    node: Node<'a>,
    list: std::iter::Enumerate<std::slice::Iter<'a, Value>>,
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
struct Entries<'a> {
    node: Node<'a>,
    entries: map::Iter<'a>,
    current: Option<(&'a str, &'a Value)>,
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
struct Fields<'a> {
    node: Node<'a>,
    fields: &'static [&'static str],
    entries: map::Iter<'a>,
    current: Option<(Field, &'a str, &'a Value)>,
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
