//! A value at its place, as a deserializer.

use std::cell::RefCell;

use serde::de::{Deserializer, Visitor};
use serde_json::{Map, Value};

use super::access::{Elements, Entries, Fields, camel_case};
use super::error::Error;
use super::variant::Chosen;
use super::{UnknownField, nearest};
use crate::api::path::Path;

/// The entries of a mapping, or of none.
pub(super) type Pairs<'a> = std::iter::Flatten<std::option::IntoIter<&'a Map<String, Value>>>;

/// A value at its place in the document.
#[derive(Clone, Copy)]
pub(super) struct Node<'a> {
    pub(super) value: &'a Value,
    pub(super) path: &'a Path<'a>,
    /// Where to note unknown fields, if anybody asked.
    pub(super) unknown: Option<&'a RefCell<Vec<UnknownField>>>,
}

impl<'a> Node<'a> {
    fn must_be<T>(&self, wanted: &str) -> Result<T, Error> {
        Err(Error::must_be(wanted, self.value).at(self.path))
    }

    /// The entries of a mapping.
    pub(super) fn mapping(&self) -> Result<Pairs<'a>, Error> {
        match self.value {
            Value::Object(map) => Ok(Some(map).into_iter().flatten()),
            Value::Null => Ok(None.into_iter().flatten()),
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
        let entries = self.mapping()?;
        visitor.visit_map(Entries { node: self, entries, current: None }).map_err(|e| e.at(self.path))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let entries = self.mapping()?;
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
