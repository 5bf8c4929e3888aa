//! Extracts the tables of `wire::schema` from descriptors: fields, and Envoy's validation rules on them.
//!
//! A rule of a kind that has not occurred before stops the build, so that an update of `envoy-types` cannot
//! bring rules that are silently not enforced.

use std::collections::BTreeMap;

use protox::prost_reflect::{
    DescriptorPool, DynamicMessage, ExtensionDescriptor, FieldDescriptor, Kind, MessageDescriptor, Value,
};

use crate::Result;
use crate::table::{
    BlobRule, Cardinality, Charset, ChoiceRule, Count, Field, FloatRule, IntegerRule, Message, Oneof, Rules, Table,
    TextRule, ValueRule,
};

pub(crate) fn table(pool: &DescriptorPool) -> Result<Table> {
    let mut all: Vec<MessageDescriptor> = pool.all_messages().collect();
    all.sort_by(|a, b| a.full_name().cmp(b.full_name()));
    let index = (0..).zip(&all).map(|(i, message)| (message.full_name().to_owned(), i)).collect();
    let extraction = Extraction { options: Options::find(pool)?, index };
    let mut messages = all.iter().map(|message| extraction.message(message)).collect::<Result<Vec<_>>>()?;
    for message in &all {
        for field in message.fields().filter(FieldDescriptor::is_map) {
            let (key, value) = extraction.entry_rules(&field)?;
            let entry = &mut messages[extraction.index_of(&field)? as usize];
            entry.fields[0].rules = key;
            entry.fields[1].rules = value;
        }
    }
    Ok(Table { messages })
}

/// The options of protoc-gen-validate.
struct Options {
    rules: ExtensionDescriptor,
    oneof_required: ExtensionDescriptor,
    off: [ExtensionDescriptor; 2],
}

impl Options {
    fn find(pool: &DescriptorPool) -> Result<Self> {
        let get = |name: &str| pool.get_extension_by_name(name).ok_or_else(|| format!("no option {name}"));
        Ok(Options {
            rules: get("validate.rules")?,
            oneof_required: get("validate.required")?,
            off: [get("validate.disabled")?, get("validate.ignored")?],
        })
    }
}

struct Extraction {
    options: Options,
    /// Position in the table, by full name.
    index: BTreeMap<String, u32>,
}

impl Extraction {
    fn message(&self, message: &MessageDescriptor) -> Result<Message> {
        if self.options.off.iter().any(|option| message.options().has_extension(option)) {
            return Err(format!("{} switches its validation off", message.full_name()).into());
        }
        let oneofs = message.oneofs().filter(|oneof| !oneof.is_synthetic()).map(|oneof| Oneof {
            name: oneof.name().to_owned(),
            required: oneof.options().get_extension(&self.options.oneof_required).as_bool() == Some(true),
        });
        let mut fields = message.fields().map(|field| self.field(&field)).collect::<Result<Vec<_>>>()?;
        fields.sort_by_key(|field| field.number);
        Ok(Message {
            name: message.full_name().to_owned(),
            oneofs: oneofs.collect(),
            fields,
            is_map_entry: message.is_map_entry(),
        })
    }

    fn field(&self, field: &FieldDescriptor) -> Result<Field> {
        let cardinality = if field.is_list() || field.is_map() {
            Cardinality::Repeated
        } else if field.supports_presence() {
            Cardinality::Explicit
        } else {
            Cardinality::Implicit
        };
        // Synthetic oneofs come after all others, so positions of real ones need no adjustment.
        let oneof = field.containing_oneof().filter(|oneof| !oneof.is_synthetic());
        let position = |name: &str| field.parent_message().oneofs().position(|other| other.name() == name);
        Ok(Field {
            number: field.number(),
            name: field.name().to_owned(),
            kind: field.field_descriptor_proto().r#type().into(),
            cardinality: cardinality.into(),
            message: field.kind().as_message().map(|_| self.index_of(field)).transpose()?,
            oneof: oneof.and_then(|oneof| position(oneof.name())).map(|position| position as u32),
            rules: self.declared(field).map(|rules| field_rules(&rules, field)).transpose()?,
        })
    }

    fn index_of(&self, field: &FieldDescriptor) -> Result<u32> {
        let kind = field.kind();
        let name = kind.as_message().map_or("", |message| message.full_name());
        Ok(*self.index.get(name).ok_or_else(|| format!("{} is of an unknown type", field.full_name()))?)
    }

    /// The rules on a map field's keys and on its values.
    fn entry_rules(&self, field: &FieldDescriptor) -> Result<(Option<Rules>, Option<Rules>)> {
        let Some(rules) = self.declared(field) else { return Ok((None, None)) };
        let rules = rules.get_field_by_name("map");
        let Some(map) = rules.as_deref().and_then(Value::as_message) else { return Ok((None, None)) };
        let kind = field.kind();
        let entry = kind.as_message().ok_or("a map of no entries")?;
        let nested = |name: &str, of: FieldDescriptor| match map.get_field_by_name(name).as_deref() {
            Some(Value::Message(rules)) if map.has_field_by_name(name) => field_rules(rules, &of).map(Some),
            _ => Ok(None),
        };
        Ok((nested("keys", entry.map_entry_key_field())?, nested("values", entry.map_entry_value_field())?))
    }

    fn declared(&self, field: &FieldDescriptor) -> Option<DynamicMessage> {
        let options = field.options();
        let rules = options.has_extension(&self.options.rules).then(|| options.get_extension(&self.options.rules))?;
        rules.as_message().cloned()
    }
}

/// Reads a `validate.FieldRules`.
fn field_rules(declared: &DynamicMessage, field: &FieldDescriptor) -> Result<Rules> {
    let mut rules = Rules::default();
    for (kind, body) in declared.fields() {
        let body = body.as_message().ok_or("rules are messages")?;
        for (rule, value) in body.fields() {
            apply(&mut rules, (kind.name(), rule.name()), value, field)
                .map_err(|error| format!("{}: {}.{}: {error}", field.full_name(), kind.name(), rule.name()))?;
        }
    }
    // Which characters are allowed depends on two rules; the stricter reading is the default of the second.
    if let Some(ValueRule::Text(text)) = &mut rules.value
        && text.charset() != Charset::All
        && declared.get_field_by_name("string").is_some_and(|string| !strict(&string))
    {
        text.set_charset(Charset::OneLine);
    }
    Ok(rules)
}

fn strict(string_rules: &Value) -> bool {
    let strict = string_rules.as_message().and_then(|rules| rules.get_field_by_name("strict"));
    strict.is_none_or(|strict| strict.as_bool() != Some(false))
}

/// Adds one rule, named by its kind and itself, as in `string.min_len`.
fn apply(rules: &mut Rules, rule: (&str, &str), value: &Value, field: &FieldDescriptor) -> Result<()> {
    match rule {
        ("message" | "any" | "duration", "required") => rules.required = flag(value)?,
        ("message", "skip") => rules.skip = flag(value)?,
        ("string" | "uint32", "ignore_empty") => rules.ignore_empty = flag(value)?,
        ("repeated", "items") => {
            let items = field_rules(value.as_message().ok_or("not a message")?, field)?;
            *rules = Rules { count: rules.count.take(), ..items };
        }
        ("repeated", "min_items") | ("map", "min_pairs") => count(rules).min = Some(unsigned(value)?),
        ("repeated", "max_items") => count(rules).max = Some(unsigned(value)?),
        ("repeated", "unique") => count(rules).unique = flag(value)?,
        // On the fields of the map's entry: see `entry_rules`.
        ("map", "keys" | "values") => {}
        ("bool", "const") => {
            let only = Some(flag(value)?.into());
            rules.value = Some(ValueRule::Integer(IntegerRule { min: only, max: only }));
        }
        ("enum", name) => choice(rules, name, value, field)?,
        ("string", name) => text(rules, name, value)?,
        ("bytes", name) => blob(rules, name, value)?,
        ("double" | "float", name) => float(rules, name, value)?,
        (_, name) => integer(rules, name, value)?,
    }
    Ok(())
}

fn count(rules: &mut Rules) -> &mut Count {
    rules.count.get_or_insert_default()
}

fn integer(rules: &mut Rules, name: &str, value: &Value) -> Result<()> {
    let bound = whole(value)?;
    let ValueRule::Integer(rule) = rules.value.get_or_insert_with(|| ValueRule::Integer(IntegerRule::default())) else {
        return Err("on a value of another kind".into());
    };
    match name {
        "gt" => rule.min = Some(bound + 1),
        "gte" => rule.min = Some(bound),
        "lt" => rule.max = Some(bound - 1),
        "lte" => rule.max = Some(bound),
        _ => return Err("no such rule is known".into()),
    }
    Ok(())
}

fn float(rules: &mut Rules, name: &str, value: &Value) -> Result<()> {
    let bound = value.as_f64().or_else(|| value.as_f32().map(f64::from)).ok_or("not a number")?;
    let ValueRule::Float(rule) = rules.value.get_or_insert_with(|| ValueRule::Float(FloatRule::default())) else {
        return Err("on a value of another kind".into());
    };
    match name {
        "gt" | "gte" => (rule.min, rule.above) = (Some(bound), name == "gt"),
        "lt" | "lte" => (rule.max, rule.below) = (Some(bound), name == "lt"),
        _ => return Err("no such rule is known".into()),
    }
    Ok(())
}

fn text(rules: &mut Rules, name: &str, value: &Value) -> Result<()> {
    let ValueRule::Text(rule) = rules.value.get_or_insert_with(|| ValueRule::Text(TextRule::default())) else {
        return Err("on a value of another kind".into());
    };
    let string = || value.as_str().map(str::to_owned).ok_or("not a string");
    match name {
        "min_len" => rule.min_chars = unsigned(value)?,
        "max_len" => rule.max_chars = Some(unsigned(value)?),
        "max_bytes" => rule.max_bytes = Some(unsigned(value)?),
        "prefix" => rule.prefix = string()?,
        "suffix" => rule.suffix = string()?,
        "pattern" => rule.pattern = string()?,
        "in" => {
            let list = value.as_list().ok_or("not a list")?;
            rule.one_of = list.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        }
        "well_known_regex" => rule.set_charset(match value.as_enum_number() {
            Some(1) => Charset::HeaderName,
            Some(2) => Charset::HeaderValue,
            _ => return Err("no such character set is known".into()),
        }),
        // Read together with the character set.
        "strict" => {}
        _ => return Err("no such rule is known".into()),
    }
    Ok(())
}

fn blob(rules: &mut Rules, name: &str, value: &Value) -> Result<()> {
    let ValueRule::Blob(rule) = rules.value.get_or_insert_with(|| ValueRule::Blob(BlobRule::default())) else {
        return Err("on a value of another kind".into());
    };
    match name {
        "min_len" => rule.min = unsigned(value)?,
        "max_len" => rule.max = Some(unsigned(value)?),
        _ => return Err("no such rule is known".into()),
    }
    Ok(())
}

/// `defined_only` starts from all values of the enum, `not_in` takes some away.
fn choice(rules: &mut Rules, name: &str, value: &Value, field: &FieldDescriptor) -> Result<()> {
    let Kind::Enum(descriptor) = field.kind() else { return Err("on a field that is no enum".into()) };
    let ValueRule::Choice(rule) = rules.value.get_or_insert_with(|| {
        let mut allowed: Vec<i32> = descriptor.values().map(|value| value.number()).collect();
        allowed.sort_unstable();
        allowed.dedup();
        ValueRule::Choice(ChoiceRule { allowed })
    }) else {
        return Err("on a value of another kind".into());
    };
    match name {
        "defined_only" if flag(value)? => {}
        "not_in" => {
            let list = value.as_list().ok_or("not a list")?;
            rule.allowed.retain(|allowed| !list.iter().any(|value| value.as_i32() == Some(*allowed)));
        }
        _ => return Err("no such rule is known".into()),
    }
    Ok(())
}

fn flag(value: &Value) -> Result<bool> {
    Ok(value.as_bool().ok_or("not a bool")?)
}

fn unsigned(value: &Value) -> Result<u64> {
    Ok(value.as_u64().ok_or("not a length")?)
}

/// An integer of any width; durations in nanoseconds.
fn whole(value: &Value) -> Result<i64> {
    Ok(match value {
        Value::I32(value) => i64::from(*value),
        Value::U32(value) => i64::from(*value),
        Value::I64(value) => *value,
        Value::U64(value) => i64::try_from(*value)?,
        Value::Message(duration) => {
            let part = |name| duration.get_field_by_name(name).map_or(Ok(0), |part| whole(&part));
            let seconds = part("seconds")?.checked_mul(1_000_000_000).ok_or("too long a duration")?;
            seconds.checked_add(part("nanos")?).ok_or("too long a duration")?
        }
        _ => return Err("not an integer".into()),
    })
}
