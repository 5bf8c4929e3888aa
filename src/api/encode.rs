//! Writes the types of this room as proto-JSON prints them: the way back from [`mod@super::decode`].
//!
//! What has the value that absence means (false, 0, empty, an enum's first variant) is left out unless it is
//! inside an `Option`, which stands for a field with presence; oneofs (`a|b`) become one of their fields.
//! 64-bit integers are strings where their field asks for it by [`as_string`].

use std::fmt;

use serde::ser::{
    Error as _, Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple,
    SerializeTupleStruct, Serializer,
};
use serde_json::{Map, Value};

/// The JSON form of a value.
pub(super) fn to_value<T: Serialize>(value: &T) -> Value {
    value.serialize(Encoder).expect("the types of this room have maps keyed by strings and numbers only").value
}

/// Serializes a 64-bit integer as proto-JSON does, because JavaScript's numbers are too short for it.
pub(super) fn as_string<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    if *number == 0 { serializer.serialize_u64(0) } else { serializer.collect_str(number) }
}

/// A value that cannot be JSON.
#[derive(Debug)]
pub(super) struct Error(String);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

impl serde::ser::Error for Error {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self(text.to_string())
    }
}

/// A value, and whether a message that lacks it would mean the same.
struct Encoded {
    value: Value,
    zero: bool,
}

fn plain(value: impl Into<Value>, zero: bool) -> Result<Encoded, Error> {
    Ok(Encoded { value: value.into(), zero })
}

struct Encoder;

impl Serializer for Encoder {
    type Ok = Encoded;
    type Error = Error;
    type SerializeSeq = List;
    type SerializeTuple = List;
    type SerializeTupleStruct = List;
    type SerializeTupleVariant = Impossible<Encoded, Error>;
    type SerializeMap = Mapping;
    type SerializeStruct = Mapping;
    type SerializeStructVariant = Impossible<Encoded, Error>;

    fn serialize_bool(self, v: bool) -> Result<Encoded, Error> {
        plain(v, !v)
    }
    fn serialize_i8(self, v: i8) -> Result<Encoded, Error> {
        plain(v, v == 0)
    }
    fn serialize_i16(self, v: i16) -> Result<Encoded, Error> {
        plain(v, v == 0)
    }
    fn serialize_i32(self, v: i32) -> Result<Encoded, Error> {
        plain(v, v == 0)
    }
    fn serialize_i64(self, v: i64) -> Result<Encoded, Error> {
        plain(v, v == 0)
    }
    fn serialize_u8(self, v: u8) -> Result<Encoded, Error> {
        plain(v, v == 0)
    }
    fn serialize_u16(self, v: u16) -> Result<Encoded, Error> {
        plain(v, v == 0)
    }
    fn serialize_u32(self, v: u32) -> Result<Encoded, Error> {
        plain(v, v == 0)
    }
    fn serialize_u64(self, v: u64) -> Result<Encoded, Error> {
        plain(v, v == 0)
    }
    fn serialize_f32(self, v: f32) -> Result<Encoded, Error> {
        plain(v, v == 0.0)
    }
    /// A whole number is printed without a fraction.
    fn serialize_f64(self, v: f64) -> Result<Encoded, Error> {
        if v.fract() == 0.0 && v.abs() < 1e15 { plain(v as i64, v == 0.0) } else { plain(v, false) }
    }
    fn serialize_char(self, v: char) -> Result<Encoded, Error> {
        plain(v.to_string(), false)
    }
    fn serialize_str(self, v: &str) -> Result<Encoded, Error> {
        plain(v, v.is_empty())
    }
    fn serialize_bytes(self, v: &[u8]) -> Result<Encoded, Error> {
        plain(v, v.is_empty())
    }
    fn serialize_none(self) -> Result<Encoded, Error> {
        plain(Value::Null, true)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, v: &T) -> Result<Encoded, Error> {
        plain(v.serialize(Self)?.value, false)
    }
    fn serialize_unit(self) -> Result<Encoded, Error> {
        plain(Value::Null, true)
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<Encoded, Error> {
        plain(Map::new(), false)
    }
    fn serialize_unit_variant(self, _: &'static str, index: u32, name: &'static str) -> Result<Encoded, Error> {
        if name.is_empty() { plain(Map::new(), false) } else { plain(name, index == 0) }
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, v: &T) -> Result<Encoded, Error> {
        v.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        v: &T,
    ) -> Result<Encoded, Error> {
        plain(Map::from_iter([(name.to_owned(), v.serialize(self)?.value)]), false)
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<List, Error> {
        Ok(List::default())
    }
    fn serialize_tuple(self, _: usize) -> Result<List, Error> {
        Ok(List::default())
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<List, Error> {
        Ok(List::default())
    }
    fn serialize_tuple_variant(
        self,
        name: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Error> {
        Err(Error::custom(format_args!("{name} has a variant that proto-JSON does not know")))
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Mapping, Error> {
        Ok(Mapping::default())
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Mapping, Error> {
        Ok(Mapping::default())
    }
    fn serialize_struct_variant(
        self,
        name: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Error> {
        Err(Error::custom(format_args!("{name} has a variant that proto-JSON does not know")))
    }
}

#[derive(Default)]
struct List(Vec<Value>);

impl SerializeSeq for List {
    type Ok = Encoded;
    type Error = Error;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, v: &T) -> Result<(), Error> {
        self.0.push(v.serialize(Encoder)?.value);
        Ok(())
    }
    fn end(self) -> Result<Encoded, Error> {
        let empty = self.0.is_empty();
        plain(self.0, empty)
    }
}

impl SerializeTuple for List {
    type Ok = Encoded;
    type Error = Error;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, v: &T) -> Result<(), Error> {
        SerializeSeq::serialize_element(self, v)
    }
    fn end(self) -> Result<Encoded, Error> {
        SerializeSeq::end(self)
    }
}

impl SerializeTupleStruct for List {
    type Ok = Encoded;
    type Error = Error;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, v: &T) -> Result<(), Error> {
        SerializeSeq::serialize_element(self, v)
    }
    fn end(self) -> Result<Encoded, Error> {
        SerializeSeq::end(self)
    }
}

#[derive(Default)]
struct Mapping {
    entries: Map<String, Value>,
    key: String,
}

impl SerializeMap for Mapping {
    type Ok = Encoded;
    type Error = Error;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.key = match key.serialize(Encoder)?.value {
            Value::String(key) => key,
            Value::Number(key) => key.to_string(),
            other => return Err(Error::custom(format_args!("{other} cannot be the key of a mapping"))),
        };
        Ok(())
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, v: &T) -> Result<(), Error> {
        self.entries.insert(std::mem::take(&mut self.key), v.serialize(Encoder)?.value);
        Ok(())
    }
    fn end(self) -> Result<Encoded, Error> {
        let empty = self.entries.is_empty();
        plain(self.entries, empty)
    }
}

impl SerializeStruct for Mapping {
    type Ok = Encoded;
    type Error = Error;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, v: &T) -> Result<(), Error> {
        match v.serialize(Encoder)? {
            Encoded { zero: true, .. } => {}
            Encoded { value: Value::Object(oneof), .. } if name.contains('|') => self.entries.extend(oneof),
            Encoded { value, .. } => {
                self.entries.insert(name.to_owned(), value);
            }
        }
        Ok(())
    }
    fn end(self) -> Result<Encoded, Error> {
        plain(self.entries, false)
    }
}
