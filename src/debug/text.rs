//! JSON as text.

use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};

/// Prints a value, with four spaces of indentation if it is for people.
///
/// # Errors
/// When the value is no JSON: a map with keys that are neither strings nor numbers.
pub fn print<T: Serialize + ?Sized>(value: &T, pretty: bool) -> serde_json::Result<Vec<u8>> {
    let mut text = Vec::new();
    if pretty {
        value.serialize(&mut Serializer::with_formatter(&mut text, PrettyFormatter::with_indent(b"    ")))?;
    } else {
        serde_json::to_writer(&mut text, value)?;
    }
    Ok(text)
}
