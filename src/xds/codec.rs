//! Requests out of bytes.
//!
//! A decoder of its own, because a request of the generated type would allocate every name and decode the node,
//! some 60 kB with a stock Envoy, each time. Names here share the buffer of the request, the node stays encoded.

use bytes::{Buf, Bytes};
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

use super::request::{ErrorDetail, Face, Request};
use super::text::Text;

/// Why bytes are not a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Garbled {
    /// They are not protobuf.
    #[error("{0}")]
    Wire(#[from] prost::DecodeError),
    /// A field says to be longer than what is left.
    #[error("a field is longer than the message")]
    TooShort,
    /// A text is not UTF-8.
    #[error("a text is not UTF-8")]
    NotText,
}

/// Decodes one request.
///
/// # Errors
/// When the bytes are not protobuf, or a text in them is not UTF-8.
pub fn decode(face: Face, mut bytes: Bytes) -> Result<Request, Garbled> {
    let mut request = Request::default();
    while bytes.has_remaining() {
        let (field, wire) = decode_key(&mut bytes)?;
        let known = match face {
            Face::Delta => (1..=7).contains(&field),
            Face::Sotw => (1..=6).contains(&field),
        };
        if !known || wire != WireType::LengthDelimited {
            skip_field(wire, field, &mut bytes, DecodeContext::default())?;
            continue;
        }
        let value = delimited(&mut bytes)?;
        match face {
            Face::Delta => delta_field(&mut request, field, value)?,
            Face::Sotw => sotw_field(&mut request, field, value)?,
        }
    }
    Ok(request)
}

/// A field of `DeltaDiscoveryRequest`.
fn delta_field(request: &mut Request, field: u32, value: Bytes) -> Result<(), Garbled> {
    match field {
        1 => request.node = Some(value),
        2 => request.type_url = text(value)?,
        3 => request.subscribe.push(text(value)?),
        4 => request.unsubscribe.push(text(value)?),
        5 => request.stated.push(map_entry(value)?),
        6 => request.nonce = text(value)?,
        _ => request.error = Some(error_detail(value)?),
    }
    Ok(())
}

/// A field of `DiscoveryRequest`. Its version (1) says nothing that the nonce does not.
fn sotw_field(request: &mut Request, field: u32, value: Bytes) -> Result<(), Garbled> {
    match field {
        1 => {}
        2 => request.node = Some(value),
        3 => request.subscribe.push(text(value)?),
        4 => request.type_url = text(value)?,
        5 => request.nonce = text(value)?,
        _ => request.error = Some(error_detail(value)?),
    }
    Ok(())
}

/// An entry of a `map<string, string>`.
fn map_entry(mut bytes: Bytes) -> Result<(Text, Text), Garbled> {
    let (mut key, mut value) = (Text::default(), Text::default());
    while bytes.has_remaining() {
        match decode_key(&mut bytes)? {
            (1, WireType::LengthDelimited) => key = text(delimited(&mut bytes)?)?,
            (2, WireType::LengthDelimited) => value = text(delimited(&mut bytes)?)?,
            (field, wire) => skip_field(wire, field, &mut bytes, DecodeContext::default())?,
        }
    }
    Ok((key, value))
}

/// A `google.rpc.Status`.
fn error_detail(mut bytes: Bytes) -> Result<ErrorDetail, Garbled> {
    let mut error = ErrorDetail::default();
    while bytes.has_remaining() {
        match decode_key(&mut bytes)? {
            // An int32 is written as the 64 bits of its value; what is above it is not a code.
            (1, WireType::Varint) => error.code = i32::try_from(decode_varint(&mut bytes)? as i64).unwrap_or(i32::MAX),
            (2, WireType::LengthDelimited) => error.message = text(delimited(&mut bytes)?)?,
            (field, wire) => skip_field(wire, field, &mut bytes, DecodeContext::default())?,
        }
    }
    Ok(error)
}

fn delimited(bytes: &mut Bytes) -> Result<Bytes, Garbled> {
    let len = usize::try_from(decode_varint(bytes)?).unwrap_or(usize::MAX);
    if len > bytes.remaining() {
        return Err(Garbled::TooShort);
    }
    Ok(bytes.split_to(len))
}

fn text(bytes: Bytes) -> Result<Text, Garbled> {
    Text::new(bytes).ok_or(Garbled::NotText)
}
