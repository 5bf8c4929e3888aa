//! Enums with content: messages that are one oneof, and oneofs among the other fields of a message.

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, VariantAccess, Visitor, value::StrDeserializer,
};
use serde::forward_to_deserialize_any;
use serde_json::Value;

use super::access::find_name;
use super::error::{Error, alternatives};
use super::node::Node;
use crate::api::path::Path;

/// Which variant a value selects.
pub(super) struct Chosen<'a> {
    name: &'static str,
    /// Its content; none where nothing is set.
    content: Option<(&'a str, Node<'a>)>,
}

impl<'a> Chosen<'a> {
    /// A string is the name of a variant; a mapping has the name of one variant as key. A mapping in which nothing
    /// is set selects the variant `""`, if there is one.
    pub(super) fn of(node: Node<'a>, variants: &'static [&'static str]) -> Result<Self, Error> {
        let named: Vec<&str> = variants.iter().copied().filter(|v| !v.is_empty()).collect();
        if let Value::String(written) = node.value {
            let wanted = || Error::must_be(&format!("one of {}", named.join(", ")), node.value);
            let name = find_name(variants, written).ok_or_else(wanted)?;
            return Ok(Self { name, content: None });
        }
        let mut chosen = None;
        for (key, value) in node.mapping()?.filter(|(_, value)| !value.is_null()) {
            match find_name(variants, key) {
                None => node.note_unknown(key, variants),
                Some(name) if chosen.is_none() => {
                    chosen = Some(Self { name, content: Some((key, Node { value, ..node })) });
                }
                Some(_) => return Err(Error::new(format!("may have only one of {}", alternatives(&named)))),
            }
        }
        let unset = || variants.iter().find(|v| v.is_empty()).map(|name| Self { name, content: None });
        chosen.or_else(unset).ok_or_else(|| Error::new(format!("must have {}", alternatives(&named))))
    }
}

impl<'de, 'a> EnumAccess<'de> for Chosen<'a> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Error> {
        let name: StrDeserializer<'_, Error> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for Chosen<'_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Error> {
        let Some((key, node)) = self.content else {
            return Err(Error::new(format!("must be a mapping with {}", self.name)));
        };
        let path = Path::Field(node.path, key);
        seed.deserialize(Node { path: &path, ..node }).map_err(|e| e.at(&path))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Error> {
        Err(Error::new(format!("{} cannot be read from JSON", self.name)))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, Error> {
        Err(Error::new(format!("{} cannot be read from JSON", self.name)))
    }
}

/// One field of a oneof, seen as the enum of the whole oneof.
pub(super) struct Variant<'a> {
    pub(super) name: &'static str,
    pub(super) node: Node<'a>,
}

impl<'de> Deserializer<'de> for Variant<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_enum(self)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de, 'a> EnumAccess<'de> for Variant<'a> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Error> {
        let name: StrDeserializer<'_, Error> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(self.node)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Error> {
        self.node.deserialize_tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        self.node.deserialize_struct(self.name, fields, visitor)
    }
}
