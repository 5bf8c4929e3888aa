//! Enums of protobuf: read by name or number, written by name.

/// Declares an enum whose first variant has the number 0 and is the default, as in proto3.
macro_rules! proto_enum {
    ($(#[$doc:meta])* pub enum $enum:ident { $($(#[$variant_doc:meta])* $variant:ident = $number:literal $name:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $enum { $($(#[$variant_doc])* $variant = $number,)* }

        impl $enum {
            const ALL: &'static [($enum, &'static str)] = &[$(($enum::$variant, $name)),*];

            /// The name as users write it.
            pub fn as_str(self) -> &'static str {
                match self { $($enum::$variant => $name,)* }
            }
        }

        impl Default for $enum {
            fn default() -> Self {
                Self::ALL[0].0
            }
        }

        impl serde::Serialize for $enum {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_unit_variant(stringify!($enum), *self as u32, self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $enum {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any($crate::api::enumeration::Names($enum::ALL, |variant| *variant as u64))
            }
        }
    };
}

use std::fmt;

use serde::de::{Error, Visitor};

pub(super) use proto_enum;

/// Visits the name or the number of one of these variants.
pub(super) struct Names<T: 'static>(pub(super) &'static [(T, &'static str)], pub(super) fn(&T) -> u64);

impl<'de, T: Copy> Visitor<'de> for Names<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.iter().map(|(_, name)| *name).collect();
        write!(f, "one of {}", names.join(", "))
    }

    fn visit_str<E: Error>(self, written: &str) -> Result<T, E> {
        let found = self.0.iter().find(|(_, name)| *name == written);
        found.map(|(v, _)| *v).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(written), &self))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        let found = self.0.iter().find(|(v, _)| (self.1)(v) == number);
        found.map(|(v, _)| *v).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Unsigned(number), &self))
    }
}
