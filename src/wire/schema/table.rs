//! The form in which the build script hands the schema to the program: written there, read in `catalog`.
//!
//! This file is compiled into both, so it may use nothing but `prost`.

/// Every message type there is.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Table {
    #[prost(message, repeated, tag = "1")]
    pub messages: Vec<Message>,
}

/// One message type. Entries of map fields are message types too.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Message {
    /// Fully qualified, without a leading dot.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Ordered by number.
    #[prost(message, repeated, tag = "2")]
    pub fields: Vec<Field>,
    /// Without those that the compiler makes up for `optional` fields.
    #[prost(message, repeated, tag = "3")]
    pub oneofs: Vec<Oneof>,
    #[prost(bool, tag = "4")]
    pub is_map_entry: bool,
}

/// A group of fields of which at most one is set.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Oneof {
    #[prost(string, tag = "1")]
    pub name: String,
    /// One of them must be set.
    #[prost(bool, tag = "2")]
    pub required: bool,
}

/// One field.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Field {
    #[prost(uint32, tag = "1")]
    pub number: u32,
    #[prost(string, tag = "2")]
    pub name: String,
    #[prost(enumeration = "Kind", tag = "3")]
    pub kind: i32,
    #[prost(enumeration = "Cardinality", tag = "4")]
    pub cardinality: i32,
    /// For messages: which, as an index into the table.
    #[prost(uint32, optional, tag = "5")]
    pub message: Option<u32>,
    /// The group it belongs to, as an index into the message's.
    #[prost(uint32, optional, tag = "6")]
    pub oneof: Option<u32>,
    #[prost(message, optional, tag = "7")]
    pub rules: Option<Rules>,
}

/// How a value is encoded, numbered like `google.protobuf.FieldDescriptorProto.Type`. Groups do not occur.
#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
pub(crate) enum Kind {
    Unknown = 0,
    Double = 1,
    Float = 2,
    Int64 = 3,
    Uint64 = 4,
    Int32 = 5,
    Fixed64 = 6,
    Fixed32 = 7,
    Bool = 8,
    String = 9,
    Message = 11,
    Bytes = 12,
    Uint32 = 13,
    Enum = 14,
    Sfixed32 = 15,
    Sfixed64 = 16,
    Sint32 = 17,
    Sint64 = 18,
}

/// How often a field can occur, and what its absence means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
pub(crate) enum Cardinality {
    /// At most once; absent means the default value.
    Implicit = 0,
    /// At most once; absent means not set.
    Explicit = 1,
    /// Any number of times. Map fields too.
    Repeated = 2,
}

/// What Envoy demands of a field (protoc-gen-validate).
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Rules {
    /// A message must be there.
    #[prost(bool, tag = "1")]
    pub required: bool,
    /// The message's own rules are not looked at.
    #[prost(bool, tag = "2")]
    pub skip: bool,
    /// `value` does not apply to the default value.
    #[prost(bool, tag = "3")]
    pub ignore_empty: bool,
    /// For repeated fields and maps.
    #[prost(message, optional, tag = "4")]
    pub count: Option<Count>,
    /// For the value; of repeated fields, for each. Rules on a map's keys and values are on its entry's fields.
    #[prost(oneof = "ValueRule", tags = "5, 6, 7, 8, 9")]
    pub value: Option<ValueRule>,
}

/// How many entries there must be.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Count {
    #[prost(uint64, optional, tag = "1")]
    pub min: Option<u64>,
    #[prost(uint64, optional, tag = "2")]
    pub max: Option<u64>,
    #[prost(bool, tag = "3")]
    pub unique: bool,
}

/// A rule on a value, by the kind of value.
#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum ValueRule {
    /// Integers, `bool` (as 0 and 1), and `google.protobuf.Duration` (in nanoseconds).
    #[prost(message, tag = "5")]
    Integer(IntegerRule),
    #[prost(message, tag = "6")]
    Float(FloatRule),
    #[prost(message, tag = "7")]
    Text(TextRule),
    #[prost(message, tag = "8")]
    Blob(BlobRule),
    #[prost(message, tag = "9")]
    Choice(ChoiceRule),
}

/// Bounds, both inclusive.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct IntegerRule {
    #[prost(sint64, optional, tag = "1")]
    pub min: Option<i64>,
    #[prost(sint64, optional, tag = "2")]
    pub max: Option<i64>,
}

/// Bounds.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct FloatRule {
    #[prost(double, optional, tag = "1")]
    pub min: Option<f64>,
    #[prost(double, optional, tag = "2")]
    pub max: Option<f64>,
    /// The lower bound itself is too low.
    #[prost(bool, tag = "3")]
    pub above: bool,
    /// The upper bound itself is too high.
    #[prost(bool, tag = "4")]
    pub below: bool,
}

/// For strings. Empty and zero mean no restriction.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct TextRule {
    /// In characters.
    #[prost(uint64, tag = "1")]
    pub min_chars: u64,
    /// In characters.
    #[prost(uint64, optional, tag = "2")]
    pub max_chars: Option<u64>,
    #[prost(uint64, optional, tag = "3")]
    pub max_bytes: Option<u64>,
    #[prost(string, tag = "4")]
    pub prefix: String,
    #[prost(string, tag = "5")]
    pub suffix: String,
    /// A regular expression for the whole text.
    #[prost(string, tag = "6")]
    pub pattern: String,
    #[prost(string, repeated, tag = "7")]
    pub one_of: Vec<String>,
    #[prost(enumeration = "Charset", tag = "8")]
    pub charset: i32,
}

/// Which characters a string may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
pub(crate) enum Charset {
    All = 0,
    /// Those of an HTTP header's name, maybe after a colon; at least one.
    HeaderName = 1,
    /// No control characters but tabs.
    HeaderValue = 2,
    /// Neither NUL nor line breaks.
    OneLine = 3,
}

/// For byte strings, in bytes.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct BlobRule {
    #[prost(uint64, tag = "1")]
    pub min: u64,
    #[prost(uint64, optional, tag = "2")]
    pub max: Option<u64>,
}

/// The enum values that are allowed, ascending.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ChoiceRule {
    #[prost(int32, repeated, tag = "1")]
    pub allowed: Vec<i32>,
}
