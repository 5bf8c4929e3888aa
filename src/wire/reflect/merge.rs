//! One message merged into another, as Istio does it (`pkg/proto/merge`): as protobuf says, but for spans of time,
//! which are replaced and not added up part by part.

use prost_reflect::prost::Message as _;
use prost_reflect::{DynamicMessage, FieldDescriptor, ReflectMessage as _, Value};

use super::{Error, descriptor};

/// What becomes of lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lists {
    /// They get longer.
    Append,
    /// The new one takes the place of the old one.
    Replace,
}

/// The message `into` with `from` merged into it, both encoded and of the named type.
///
/// Fields with the default value of their type are not merged, entries of maps are replaced as a whole, and of an
/// `Any` its type and its content are two fields like any others.
///
/// # Errors
/// Where one of the two is no message of that type, or the type is unknown.
pub fn merge(type_url: &str, into: &[u8], from: &[u8], lists: Lists) -> Result<Vec<u8>, Error> {
    let descriptor = descriptor(type_url)?;
    let mut message = DynamicMessage::decode(descriptor.clone(), into)?;
    merge_message(&mut message, &DynamicMessage::decode(descriptor, from)?, lists);
    Ok(message.encode_to_vec())
}

fn merge_message(into: &mut DynamicMessage, from: &DynamicMessage, lists: Lists) {
    for (field, value) in from.fields() {
        merge_field(into, &field, value, lists);
    }
}

fn merge_field(into: &mut DynamicMessage, field: &FieldDescriptor, value: &Value, lists: Lists) {
    match value {
        Value::List(_) if lists == Lists::Replace => into.set_field(field, value.clone()),
        Value::List(new) => {
            if let Some(old) = into.get_field_mut(field).as_list_mut() {
                old.extend(new.iter().cloned());
            }
        }
        Value::Map(new) => {
            if let Some(old) = into.get_field_mut(field).as_map_mut() {
                old.extend(new.iter().map(|(key, value)| (key.clone(), value.clone())));
            }
        }
        Value::Message(new) if new.descriptor().full_name() != "google.protobuf.Duration" => {
            if let Some(old) = into.get_field_mut(field).as_message_mut() {
                merge_message(old, new, lists);
            }
        }
        _ => into.set_field(field, value.clone()),
    }
}
