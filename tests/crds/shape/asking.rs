//! A deserializer that leads down one path and notes what it is asked for at the end.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, Expected, IntoDeserializer, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};
use serde::forward_to_deserialize_any;

use super::{Asked, Shape, Way};

/// The end of a run.
#[derive(Debug)]
pub(super) struct Stop(pub(super) String);

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Stop {}

impl de::Error for Stop {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Stop(text.to_string())
    }
}

/// A value at some place, of which only the path down is known.
#[derive(Clone)]
pub(super) struct Asking<'p> {
    pub(super) path: &'p [Way],
    pub(super) asked: Rc<RefCell<Asked>>,
}

impl<'p> Asking<'p> {
    fn note<T>(&self, asked: Asked) -> Result<T, Stop> {
        *self.asked.borrow_mut() = asked;
        Err(Stop(String::new()))
    }

    /// The next step, and the value behind it.
    fn step(&self) -> Option<(Way, Asking<'p>)> {
        let (way, rest) = self.path.split_first()?;
        Some((*way, Asking { path: rest, asked: self.asked.clone() }))
    }
}

/// The words of "one of A, B".
fn words(expected: &dyn Expected) -> Option<Vec<String>> {
    let text = expected.to_string();
    Some(text.strip_prefix("one of ")?.split(", ").map(str::to_owned).collect())
}

macro_rules! leaf {
    ($($method:ident $shape:expr;)*) => {$(
        fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Stop> {
            self.note(Asked::Leaf($shape))
        }
    )*};
}

impl<'de> Deserializer<'de> for Asking<'_> {
    type Error = Stop;

    leaf! {
        deserialize_bool Shape::Bool;
        deserialize_i8 Shape::Integer(i8::MIN.into(), i8::MAX as u64);
        deserialize_i16 Shape::Integer(i16::MIN.into(), i16::MAX as u64);
        deserialize_i32 Shape::Integer(i32::MIN.into(), i32::MAX as u64);
        deserialize_i64 Shape::Integer(i64::MIN, i64::MAX as u64);
        deserialize_u8 Shape::Integer(0, u8::MAX.into());
        deserialize_u16 Shape::Integer(0, u16::MAX.into());
        deserialize_u32 Shape::Integer(0, u32::MAX.into());
        deserialize_u64 Shape::Integer(0, u64::MAX);
        deserialize_f32 Shape::Number;
        deserialize_f64 Shape::Number;
        deserialize_unit Shape::Any;
        deserialize_ignored_any Shape::Any;
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        self.note(Asked::Leaf(words(&visitor).map_or(Shape::Any, Shape::Word)))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        *self.asked.borrow_mut() = Asked::Leaf(Shape::Text);
        // What is made of the text says more of it.
        visitor.visit_str("~")
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Stop> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, name: &'static str, _: V) -> Result<V::Value, Stop> {
        self.note(Asked::Struct(name, &[]))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        match self.step() {
            Some((_, inner)) => visitor.visit_seq(Inside(Some((Way::Entry, inner)))),
            None => self.note(Asked::List),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Stop> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(self, _: &'static str, _: usize, v: V) -> Result<V::Value, Stop> {
        self.deserialize_seq(v)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        match self.step() {
            Some(step) => visitor.visit_map(Inside(Some(step))),
            None => self.note(Asked::Map),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        match self.step() {
            Some(step) => visitor.visit_map(Inside(Some(step))),
            None => self.note(Asked::Struct(name, fields)),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        match self.step() {
            Some((Way::Variant(variant), inner)) => visitor.visit_enum(Chosen(variant, inner)),
            _ => self.note(Asked::Enum(name, variants)),
        }
    }

    forward_to_deserialize_any! { i128 u128 char bytes byte_buf identifier }
}

/// The one entry that leads on.
struct Inside<'p>(Option<(Way, Asking<'p>)>);

impl<'de> SeqAccess<'de> for Inside<'_> {
    type Error = Stop;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Stop> {
        let Some((_, inner)) = self.0.take() else { return Ok(None) };
        seed.deserialize(inner).map(Some)
    }
}

impl<'de> MapAccess<'de> for Inside<'_> {
    type Error = Stop;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Stop> {
        let name = match &self.0 {
            Some((Way::Field(name) | Way::OneOf(name, _), _)) => name,
            // Keys of maps may be numbers.
            Some(_) => "1",
            None => return Ok(None),
        };
        seed.deserialize(Key(name)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Stop> {
        match self.0.take() {
            Some((Way::OneOf(_, variant), inner)) => seed.deserialize(Chosen(variant, inner)),
            Some((_, inner)) => seed.deserialize(inner),
            None => Err(Stop(String::new())),
        }
    }
}

struct Key(&'static str);

impl<'de> Deserializer<'de> for Key {
    type Error = Stop;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        visitor.visit_str(self.0)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        visitor.visit_u32(self.0.parse().unwrap_or_default())
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// A variant of an enum.
struct Chosen<'p>(&'static str, Asking<'p>);

impl<'de> Deserializer<'de> for Chosen<'_> {
    type Error = Stop;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        visitor.visit_enum(self)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        visitor.visit_some(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> EnumAccess<'de> for Chosen<'_> {
    type Error = Stop;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Stop> {
        let name: de::value::StrDeserializer<'_, Stop> = self.0.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for Chosen<'_> {
    type Error = Stop;

    fn unit_variant(self) -> Result<(), Stop> {
        Err(Stop(String::new()))
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Stop> {
        seed.deserialize(self.1)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Stop> {
        self.1.deserialize_tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], v: V) -> Result<V::Value, Stop> {
        self.1.deserialize_struct(self.0, fields, v)
    }
}
