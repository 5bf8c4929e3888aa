//! The tables of the schema, in the form in which the walk looks things up.

use std::sync::LazyLock;

use prost::Message as _;
use rustc_hash::FxHashMap;

use super::encoding::{self, Wire};
use super::rule::{Rule, Value};
use super::table;

/// The schema of every message that Envoy and Istio's proxy understand.
///
/// A static is in order here although `wire` has none otherwise: this is a constant of the program, made of bytes
/// in the binary and of nothing else, that merely cannot be computed at compile time (it holds compiled regular
/// expressions). Decoding takes some milliseconds, once.
pub(super) static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    let table = include_bytes!(concat!(env!("OUT_DIR"), "/schema.bin"));
    Catalog::new(table::Table::decode(&table[..]).expect("the build script wrote this table"))
});

/// Message types, by position and by name.
pub(super) struct Catalog {
    messages: Vec<Message>,
    /// Keyed by full name.
    positions: FxHashMap<String, u32>,
}

/// One message type.
pub(super) struct Message {
    /// Fully qualified.
    pub(super) name: String,
    pub(super) fields: Vec<Field>,
    /// By field number: the position of the field plus one. Envoy's numbers are small, so that this is short.
    positions: Vec<u8>,
    oneofs: Vec<Oneof>,
    /// The slots that must be seen.
    pub(super) required: u128,
    /// Whether some field's entries must be counted, beyond that there is one.
    pub(super) has_counts: bool,
    pub(super) is_map_entry: bool,
}

struct Oneof {
    name: String,
    slot: u128,
}

/// One field.
pub(super) struct Field {
    pub(super) number: u32,
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) repeated: bool,
    /// The bit that says whether the field was seen. Members of a oneof share one.
    pub(super) slot: u128,
    /// Of repeated fields: for each value.
    pub(super) rule: Option<Box<Rule>>,
    pub(super) count: Option<Count>,
}

/// How many entries a repeated field or map must have.
pub(super) struct Count {
    min: u64,
    max: Option<u64>,
    pub(super) unique: bool,
}

/// What a field holds.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Number(Number),
    Text,
    Blob,
    Any,
    /// A message; its own rules do not matter if `skip` is set. `boxed` says what the field's rule is about.
    Message {
        index: u32,
        skip: bool,
        boxed: Boxed,
    },
    /// An entry of a map.
    Entry {
        index: u32,
    },
}

/// A message that stands for one value, to which the rule of the field applies.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Boxed {
    Nothing,
    /// One of Google's wrappers.
    Wrapped,
    Duration,
}

/// How a number is written, and how its value is had from the raw bits.
#[derive(Clone, Copy)]
pub(super) struct Number {
    pub(super) wire: Wire,
    value: fn(u64) -> Value<'static>,
}

impl Catalog {
    fn new(table: table::Table) -> Self {
        let messages: Vec<_> = table.messages.iter().map(|message| Message::new(message, &table)).collect();
        let names = table.messages.into_iter().map(|message| message.name);
        Catalog { positions: names.zip(0..).collect(), messages }
    }

    /// Where a message type is, by its full name.
    pub(super) fn find(&self, name: &str) -> Option<u32> {
        self.positions.get(name).copied()
    }

    pub(super) fn message(&self, index: u32) -> &Message {
        &self.messages[index as usize]
    }
}

impl Message {
    fn new(message: &table::Message, table: &table::Table) -> Self {
        let mut slots = (0..u128::BITS).map(|bit| 1 << bit);
        let mut next_slot = || slots.next().expect("no message of Envoy's has 128 fields");
        let oneofs: Vec<Oneof> =
            message.oneofs.iter().map(|oneof| Oneof { name: oneof.name.clone(), slot: next_slot() }).collect();
        let mut required = 0;
        for (oneof, declared) in oneofs.iter().zip(&message.oneofs) {
            required |= if declared.required { oneof.slot } else { 0 };
        }
        let mut fields = Vec::with_capacity(message.fields.len());
        let mut positions = Vec::new();
        for declared in &message.fields {
            let oneof = declared.oneof.map(|oneof| oneofs[oneof as usize].slot);
            let field = Field::new(declared, oneof.unwrap_or_else(&mut next_slot), table);
            required |= if field.must_be_seen(declared) { field.slot } else { 0 };
            positions.resize(field.number as usize + 1, 0);
            fields.push(field);
            positions[declared.number as usize] =
                u8::try_from(fields.len()).expect("no message of Envoy's has 256 fields");
        }
        Message {
            name: message.name.clone(),
            has_counts: fields.iter().any(|field| field.count.as_ref().is_some_and(Count::must_be_counted)),
            fields,
            positions,
            oneofs,
            required,
            is_map_entry: message.is_map_entry,
        }
    }

    /// The field of a number, if there is one.
    pub(super) fn field(&self, number: u32) -> Option<&Field> {
        let position = *self.positions.get(number as usize)?;
        self.fields.get(usize::from(position).checked_sub(1)?)
    }

    /// What a slot stands for that must be seen but is not: its name, and what is wrong.
    pub(super) fn missing(&self, slot: u128) -> (String, String) {
        let mut fields = self.fields.iter().filter(|field| field.slot == slot);
        if let Some(oneof) = self.oneofs.iter().find(|oneof| oneof.slot == slot) {
            let names: Vec<&str> = fields.map(|field| field.name.as_str()).collect();
            return (oneof.name.clone(), format!("one of {} must be set", names.join(", ")));
        }
        let field = fields.next().expect("every slot is of a oneof or of a field");
        let why = field.count.as_ref().and_then(|count| count.broken_by(0)).or_else(|| field.default_is_wrong());
        (field.name.clone(), why.unwrap_or_else(|| "must be set".to_owned()))
    }
}

impl Field {
    fn new(field: &table::Field, slot: u128, table: &table::Table) -> Self {
        let rules = field.rules.clone().unwrap_or_default();
        let kind = Kind::of(field, &rules, table);
        let of_duration = matches!(kind, Kind::Message { boxed: Boxed::Duration, .. });
        Field {
            number: field.number,
            name: field.name.clone(),
            kind,
            repeated: field.cardinality() == table::Cardinality::Repeated,
            slot,
            rule: rules.value.map(|rule| Box::new(Rule::new(rule, rules.ignore_empty, of_duration))),
            count: rules.count.map(|count| Count { min: count.min(), max: count.max, unique: count.unique }),
        }
    }

    /// Whether a message is invalid in which the field, or the oneof it belongs to, does not occur.
    fn must_be_seen(&self, declared: &table::Field) -> bool {
        let required = declared.rules.as_ref().is_some_and(|rules| rules.required);
        let absence_is_default = declared.cardinality() == table::Cardinality::Implicit;
        required && declared.oneof.is_none()
            || self.count.as_ref().is_some_and(|count| count.min > 0)
            || absence_is_default && self.default_is_wrong().is_some()
    }

    /// What is wrong with the default value, if anything is.
    fn default_is_wrong(&self) -> Option<String> {
        let default = match self.kind {
            Kind::Number(number) => number.read(&[]),
            Kind::Text => Value::Text(""),
            Kind::Blob => Value::Blob(&[]),
            Kind::Any | Kind::Message { .. } | Kind::Entry { .. } => return None,
        };
        self.rule.as_ref()?.broken_by(default)
    }
}

impl Kind {
    fn of(field: &table::Field, rules: &table::Rules, table: &table::Table) -> Self {
        let Some(index) = field.message else {
            return match field.kind() {
                table::Kind::String => Kind::Text,
                table::Kind::Bytes => Kind::Blob,
                number => Kind::Number(Number::of(number)),
            };
        };
        let message = &table.messages[index as usize];
        let boxed = match message.name.as_str() {
            "google.protobuf.Any" => return Kind::Any,
            _ if message.is_map_entry => return Kind::Entry { index },
            _ if rules.value.is_none() => Boxed::Nothing,
            "google.protobuf.Duration" => Boxed::Duration,
            _ => Boxed::Wrapped,
        };
        Kind::Message { index, skip: rules.skip, boxed }
    }
}

impl Number {
    fn of(kind: table::Kind) -> Self {
        let (wire, value): (_, fn(u64) -> Value<'static>) = match kind {
            table::Kind::Double => (Wire::Fixed64, |raw| Value::Float(f64::from_bits(raw))),
            table::Kind::Float => (Wire::Fixed32, |raw| Value::Float(f32::from_bits(raw as u32).into())),
            table::Kind::Fixed64 => (Wire::Fixed64, |raw| Value::Integer(raw.into())),
            table::Kind::Fixed32 => (Wire::Fixed32, |raw| Value::Integer(raw.into())),
            table::Kind::Sfixed64 => (Wire::Fixed64, |raw| Value::Integer((raw as i64).into())),
            table::Kind::Sfixed32 => (Wire::Fixed32, |raw| Value::Integer((raw as i32).into())),
            table::Kind::Int64 => (Wire::Varint, |raw| Value::Integer((raw as i64).into())),
            table::Kind::Int32 | table::Kind::Enum => (Wire::Varint, |raw| Value::Integer((raw as i32).into())),
            table::Kind::Uint32 => (Wire::Varint, |raw| Value::Integer((raw as u32).into())),
            table::Kind::Sint64 => (Wire::Varint, |raw| Value::Integer(zigzag(raw).into())),
            table::Kind::Sint32 => (Wire::Varint, |raw| Value::Integer((zigzag(raw) as i32).into())),
            table::Kind::Bool => (Wire::Varint, |raw| Value::Integer((raw != 0).into())),
            _ => (Wire::Varint, |raw| Value::Integer(raw.into())),
        };
        Number { wire, value }
    }

    /// The value that an encoding holds; the default where it is empty.
    #[inline]
    pub(super) fn read(self, content: &[u8]) -> Value<'static> {
        (self.value)(encoding::number(content, &mut 0, self.wire).unwrap_or_default())
    }
}

/// Undoes protobuf's mapping of signed numbers to small unsigned ones.
fn zigzag(raw: u64) -> i64 {
    (raw >> 1) as i64 ^ -((raw & 1) as i64)
}

impl Count {
    /// Whether it matters how many entries there are beyond the first.
    pub(super) fn must_be_counted(&self) -> bool {
        self.min > 1 || self.max.is_some() || self.unique
    }

    /// What is wrong with a number of entries, if anything is.
    pub(super) fn broken_by(&self, entries: u64) -> Option<String> {
        if entries < self.min {
            return Some(match self.min {
                1 => "must not be empty".to_owned(),
                min => format!("must have at least {min} entries, has {entries}"),
            });
        }
        let max = self.max.filter(|max| entries > *max)?;
        Some(format!("must have no more entries than {max}, has {entries}"))
    }
}
