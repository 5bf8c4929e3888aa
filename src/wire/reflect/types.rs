//! Which extensions of Envoy a message needs.

use std::collections::BTreeSet;

use prost_reflect::{DynamicMessage, Value};

use super::{Error, descriptor};

/// Types that stand in an `Any` without being those of an extension: they only carry others.
const CARRIERS: [&str; 4] = [
    "envoy.config.route.v3.FilterConfig",
    "udpa.type.v1.TypedStruct",
    "xds.type.v3.TypedStruct",
    "google.protobuf.Struct",
];

/// The full names of all types by which extensions are configured anywhere in an encoded message; those that a
/// `TypedStruct` names too.
///
/// # Errors
/// Where the bytes are no message of that type, or the type is unknown.
pub fn extension_types(type_url: &str, bytes: &[u8]) -> Result<BTreeSet<String>, Error> {
    let mut found = BTreeSet::new();
    look_through(&DynamicMessage::decode(descriptor(type_url)?, bytes)?, &mut found);
    Ok(found)
}

fn look_through(message: &DynamicMessage, found: &mut BTreeSet<String>) {
    let named = message.get_field_by_name("type_url");
    if let Some(url) = named.as_deref().and_then(Value::as_str) {
        let name = url.rsplit('/').next().unwrap_or(url);
        if !name.is_empty() && !CARRIERS.contains(&name) {
            found.insert(name.to_owned());
        }
        let content = message.get_field_by_name("value");
        if let (Some(Value::Bytes(content)), Ok(inner)) = (content.as_deref(), descriptor(name)) {
            DynamicMessage::decode(inner, content.clone()).iter().for_each(|inner| look_through(inner, found));
        }
        return;
    }
    message.fields().for_each(|(_, value)| look_at(value, found));
}

fn look_at(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Message(message) => look_through(message, found),
        Value::List(values) => values.iter().for_each(|value| look_at(value, found)),
        Value::Map(entries) => {
            let mut values: Vec<&Value> = entries.values().collect();
            values.iter_mut().for_each(|value| look_at(value, found));
        }
        _ => {}
    }
}
