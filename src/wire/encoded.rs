//! One resource as the bytes that both protocol variants send.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len};

use crate::base::{Digest, Digester, Str};

use super::cache::Failure;
use super::names::NameId;
use super::recipe::Part;

/// The version of a resource: the digest of its canonical bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub(crate) Digest);

impl Version {
    /// Length of the version in a response: 22 characters.
    const TEXT: usize = 22;

    /// The version of several resources in this order.
    pub fn of_all<'e>(resources: impl Iterator<Item = &'e Arc<Encoded>>) -> Self {
        let mut digester = Digester::default();
        resources.for_each(|resource| resource.version().hash(&mut digester));
        Self(digester.digest())
    }

    /// The version as it stands in a response: 22 characters of unpadded URL-safe base 64.
    pub fn text(&self) -> [u8; Self::TEXT] {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let bits = u128::from_be_bytes(self.0.0);
        let mut out = [0; Self::TEXT];
        for (i, c) in out.iter_mut().enumerate() {
            let shift = 122_i32 - 6 * i as i32;
            let six = if shift >= 0 { bits >> shift } else { bits << -shift };
            *c = ALPHABET[(six & 63) as usize];
        }
        out
    }

    /// Whether `text`, as a proxy states it, is this version.
    pub fn is(&self, text: &str) -> bool {
        text.as_bytes() == self.text()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.text()).unwrap_or_default())
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A resource: its name, its version, and the finished entry of a response's `resources`.
///
/// The entry is that of an incremental response, field 2 of `DeltaDiscoveryResponse`, a `Resource { version, name,
/// resource }` with `resource` last. That inner field is number 2 as well, like `resources` of a state-of-the-world
/// `DiscoveryResponse`: so the tail of the same bytes serves both.
pub struct Encoded {
    name: Str,
    id: NameId,
    version: Version,
    /// Entry up to the fragments.
    head: Bytes,
    /// Where the text of the version starts in `head`.
    version_at: usize,
    /// Where the inner `Any` field starts in `head`.
    any: usize,
    /// Where the message itself starts in `head`.
    message: usize,
    parts: Box<[Arc<Part>]>,
    parts_len: usize,
    left_out: Box<[Failure]>,
}

impl Encoded {
    /// Puts a resource together from its message's bytes and fragments.
    pub(crate) fn new(name: Str, id: NameId, type_url: &str, message: &[u8], parts: Vec<Arc<Part>>) -> Self {
        let parts_len: usize = parts.iter().map(|p| p.bytes.len()).sum();
        let version = version(message, &parts);
        let message_len = message.len() + parts_len;
        let any_len = field_len(1, type_url.len()) + field_len(2, message_len);
        let version_text = version.text();
        let entry_len = field_len(1, version_text.len()) + field_len(3, name.len()) + field_len(2, any_len);
        let mut head = BytesMut::with_capacity(field_len(2, entry_len) - parts_len);
        open(&mut head, 2, entry_len);
        open(&mut head, 1, version_text.len());
        let version_at = head.len();
        head.put_slice(&version_text);
        open(&mut head, 3, name.len());
        head.put_slice(name.as_bytes());
        let any = head.len();
        open(&mut head, 2, any_len);
        open(&mut head, 1, type_url.len());
        head.put_slice(type_url.as_bytes());
        open(&mut head, 2, message_len);
        let start = head.len();
        head.put_slice(message);
        Self {
            name,
            id,
            version,
            head: head.freeze(),
            version_at,
            any,
            message: start,
            parts: parts.into(),
            parts_len,
            left_out: Box::default(),
        }
    }

    /// The same, of which something was left out.
    pub(crate) fn without(self, left_out: Vec<Failure>) -> Self {
        Self { left_out: left_out.into(), ..self }
    }

    /// What could not be done to it, though users asked for it.
    pub fn left_out(&self) -> &[Failure] {
        &self.left_out
    }

    /// The encoded message without its fragments.
    pub fn head(&self) -> &[u8] {
        &self.head[self.message..]
    }

    /// Its fragments.
    pub fn parts(&self) -> &[Arc<Part>] {
        &self.parts
    }

    /// The resource's name.
    pub fn name(&self) -> &Str {
        &self.name
    }

    /// The number of the name.
    pub fn id(&self) -> NameId {
        self.id
    }

    /// The version.
    pub fn version(&self) -> Version {
        self.version
    }

    /// [`Version::text`], without working it out again.
    pub fn version_text(&self) -> &[u8] {
        &self.head[self.version_at..self.version_at + Version::TEXT]
    }

    /// The entry of a response before its fragments, and where in it the inner `Any` field starts: all of it begins
    /// the entry of an incremental response, what follows from there that of a state-of-the-world response.
    pub fn entry(&self) -> (&Bytes, usize) {
        (&self.head, self.any)
    }

    /// Length of the entry of an incremental response, in bytes.
    pub fn delta_len(&self) -> usize {
        self.head.len() + self.parts_len
    }

    /// Length of the entry of a state-of-the-world response, in bytes.
    pub fn sotw_len(&self) -> usize {
        self.head.len() - self.any + self.parts_len
    }

    /// The message itself, copied together.
    pub fn message(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(self.head.len() - self.message + self.parts_len);
        out.put_slice(&self.head[self.message..]);
        self.parts.iter().for_each(|p| out.put_slice(&p.bytes));
        out.freeze()
    }
}

impl PartialEq for Encoded {
    fn eq(&self, other: &Self) -> bool {
        self.version == other.version && self.name == other.name
    }
}

impl Eq for Encoded {}

impl fmt::Debug for Encoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.version)
    }
}

/// The version of a message with fragments: each fragment was digested when it was built, so that a change of one
/// costs the sum of their number and not of their bytes.
fn version(message: &[u8], parts: &[Arc<Part>]) -> Version {
    if parts.is_empty() {
        return Version(Digest::of_bytes(message));
    }
    let mut hash = Vec::with_capacity(16 * (parts.len() + 1));
    hash.extend_from_slice(&Digest::of_bytes(message).0);
    parts.iter().for_each(|p| hash.extend_from_slice(&p.digest.0));
    Version(Digest::of_bytes(&hash))
}

/// Writes the key and length of a length-delimited field.
pub(crate) fn open(out: &mut impl BufMut, field: u32, len: usize) {
    encode_key(field, WireType::LengthDelimited, out);
    encode_varint(len as u64, out);
}

/// Length of a length-delimited field with its key and length.
pub(crate) fn field_len(field: u32, len: usize) -> usize {
    key_len(field) + encoded_len_varint(len as u64) + len
}
