//! Reading protobuf's encoding. `None` always means that the bytes are malformed.

use std::ops::Range;

/// How a field's content is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wire {
    Varint,
    Fixed64,
    Length,
    Fixed32,
}

/// What precedes a field's content.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tag {
    pub(super) number: u32,
    pub(super) wire: Wire,
}

/// Reads the tag at `at`, and moves past it. Groups are malformed: proto3 has none.
pub(super) fn tag(bytes: &[u8], at: &mut usize) -> Option<Tag> {
    let raw = u32::try_from(varint(bytes, at)?).ok()?;
    let wire = match raw & 7 {
        0 => Wire::Varint,
        1 => Wire::Fixed64,
        2 => Wire::Length,
        5 => Wire::Fixed32,
        _ => return None,
    };
    let number = raw >> 3;
    (number != 0).then_some(Tag { number, wire })
}

/// Reads a number; of four-byte ones, the upper half is zero.
pub(super) fn number(bytes: &[u8], at: &mut usize, wire: Wire) -> Option<u64> {
    match wire {
        Wire::Varint => varint(bytes, at),
        Wire::Fixed64 => fixed(bytes, at).map(u64::from_le_bytes),
        Wire::Fixed32 => fixed(bytes, at).map(|bytes| u64::from(u32::from_le_bytes(bytes))),
        Wire::Length => None,
    }
}

/// Reads a length, and moves past as many bytes: those of the returned range.
pub(super) fn delimited(bytes: &[u8], at: &mut usize) -> Option<Range<usize>> {
    let length = usize::try_from(varint(bytes, at)?).ok()?;
    let start = *at;
    let end = start.checked_add(length).filter(|end| *end <= bytes.len())?;
    *at = end;
    Some(start..end)
}

/// Moves past a field's content. Returns where it is, without the length that may precede it.
pub(super) fn content(bytes: &[u8], at: &mut usize, wire: Wire) -> Option<Range<usize>> {
    if wire == Wire::Length {
        return delimited(bytes, at);
    }
    let start = *at;
    number(bytes, at, wire)?;
    Some(start..*at)
}

/// The fields of a message that is known to be well-formed (otherwise it ends early): number and content.
pub(super) fn fields(bytes: &[u8]) -> impl Iterator<Item = (Tag, &[u8])> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let tag = tag(bytes, &mut at)?;
        let content = content(bytes, &mut at, tag.wire)?;
        Some((tag, &bytes[content]))
    })
}

fn fixed<const N: usize>(bytes: &[u8], at: &mut usize) -> Option<[u8; N]> {
    let content = *bytes.get(*at..)?.first_chunk()?;
    *at += N;
    Some(content)
}

#[inline]
fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let first = *bytes.get(*at)?;
    if first < 0x80 {
        *at += 1;
        return Some(u64::from(first));
    }
    long_varint(bytes, at)
}

fn long_varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0;
    for (i, byte) in bytes.get(*at..)?.iter().take(10).enumerate() {
        // The tenth byte holds the last of 64 bits.
        if i == 9 && *byte > 1 {
            return None;
        }
        value |= u64::from(byte & 0x7f) << (7 * i);
        if *byte < 0x80 {
            *at += i + 1;
            return Some(value);
        }
    }
    None
}
