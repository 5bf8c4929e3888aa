//! Messages whose type is known by name only: read from JSON, merged, looked through.
//!
//! Comes in: what users wrote in Envoy's own terms, and encoded messages that it is merged into. Goes out: encoded
//! messages. Nothing here is needed, and the descriptors are not even decoded, before somebody does so.

mod merge;
mod types;

use std::sync::LazyLock;

use prost_reflect::prost::Message as _;
use prost_reflect::{DescriptorPool, DeserializeOptions, DynamicMessage, MessageDescriptor};
use serde_json::Value;

pub use merge::{Lists, merge};
pub use types::extension_types;

/// The descriptors of every message Envoy and Istio's proxy understand, Envoy's and our own.
///
/// A constant of the program, decoded at first use because that takes tens of milliseconds and most processes never
/// print or patch a resource.
static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    let descriptors = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
    DescriptorPool::decode(&descriptors[..]).expect("the build script wrote these descriptors")
});

/// Why something is no message of a type.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Neither Envoy nor we know a message of that name. Holds the type URL.
    #[error("no message type is known as {0:?}")]
    UnknownType(String),
    /// The bytes are not an encoding of that type, or not of one that some `Any` inside claims.
    #[error("not an encoded message of its type")]
    Decode(#[from] prost::DecodeError),
    /// The JSON does not fit the message type, or an `Any` in it is of an unknown type.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// Two messages of different types cannot be merged. Holds what is there and what was to be merged.
    #[error("there is a {0}, and a {1} cannot be merged into it")]
    Mismatch(String, String),
}

/// The type that a URL names, with or without a host before the slash.
pub fn descriptor(type_url: &str) -> Result<MessageDescriptor, Error> {
    let name = type_url.rsplit_once('/').map_or(type_url, |(_, name)| name);
    POOL.get_message_by_name(name).ok_or_else(|| Error::UnknownType(type_url.to_owned()))
}

/// A message that was written as JSON, encoded, and what in it is no field of Envoy's as far as we know it. Such
/// fields are passed over, because they may be those of a newer Envoy (istio `pkg/config/xds`,
/// `BuildXDSObjectFromStruct`).
///
/// # Errors
/// Where the JSON does not fit the type.
pub fn from_json(type_url: &str, value: &Value) -> Result<(Vec<u8>, Option<String>), Error> {
    let read = |strictly: bool| {
        let options = DeserializeOptions::new().deny_unknown_fields(strictly);
        DynamicMessage::deserialize_with_options(descriptor(type_url)?, value, &options).map_err(Error::from)
    };
    match read(true) {
        Ok(message) => Ok((message.encode_to_vec(), None)),
        Err(unknown) => Ok((read(false)?.encode_to_vec(), Some(unknown.to_string()))),
    }
}
