//! Resources as proto-JSON and back, by reflection: no message type is named here.

use prost_reflect::prost::Message as _;
use prost_reflect::{DeserializeOptions, DynamicMessage};
use serde_json::{Number, Value};

pub use crate::wire::reflect::Error;
use crate::wire::reflect::descriptor;

/// The JSON form of an encoded message, with every `Any` inside opened.
///
/// Equal to what Go's `protojson` prints (default options), which is what istiod's debug pages and its golden
/// files hold: camelCase, 64-bit integers as strings, durations as `"10s"`, enums by name, defaults omitted,
/// bytes in base64, wrappers as plain values. `type_url` may come with or without a host before the slash.
///
/// # Errors
///
/// Where the type is unknown, the bytes are no message of it, or the message has no JSON form.
pub fn to_json(type_url: &str, bytes: &[u8]) -> Result<Value, Error> {
    let message = DynamicMessage::decode(descriptor(type_url)?, bytes)?;
    // By way of text: a `float` must be printed as the shortest decimal that reads back as that `float`, and
    // `serde_json::Value` would widen it to a `double` first.
    let mut value = serde_json::from_slice(&serde_json::to_vec(&message)?)?;
    print_whole_numbers_as_integers(&mut value);
    Ok(value)
}

/// The encoded message that a JSON form describes. Accepts both spellings of a field, and enums by number too.
///
/// # Errors
///
/// Where the type is unknown or the JSON does not fit it; an unknown field is an error.
pub fn from_json(type_url: &str, value: Value) -> Result<Vec<u8>, Error> {
    let options = DeserializeOptions::new().deny_unknown_fields(true);
    let message = DynamicMessage::deserialize_with_options(descriptor(type_url)?, value, &options)?;
    Ok(message.encode_to_vec())
}

/// Go prints a `double` without a fraction as `5`, serde as `5.0`; those are different JSON values to us.
fn print_whole_numbers_as_integers(value: &mut Value) {
    match value {
        Value::Number(number) => {
            // Beyond 2^53 the integer would claim digits that the double does not have.
            if let Some(double) = number.as_f64().filter(|_| number.is_f64())
                && double.fract() == 0.0
                && double.abs() <= 9_007_199_254_740_992.0
                && !(double == 0.0 && double.is_sign_negative())
            {
                *number = Number::from(double as i64);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(print_whole_numbers_as_integers),
        Value::Object(fields) => fields.values_mut().for_each(print_whole_numbers_as_integers),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}
