//! A response as a list of shared slices.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use smallvec::SmallVec;

use crate::base::Str;
use crate::wire::{Encoded, ResourceType};

use super::request::Face;

/// One response, ready to be written: its length is known before its first byte.
#[derive(Clone, Debug)]
pub struct Response {
    /// The variant it is written in.
    pub face: Face,
    /// The type of all its resources.
    pub kind: ResourceType,
    /// What an answer to this response must quote.
    pub nonce: Str,
    /// `system_version_info` or `version_info`: the revision, for people.
    pub version: Str,
    /// What is set. In the state-of-the-world variant, for clusters, listeners and the name table: everything.
    pub resources: Vec<Arc<Encoded>>,
    /// What is gone; incremental only.
    pub removed: Vec<Str>,
}

/// Field numbers of `DeltaDiscoveryResponse`; the first four are those of `DiscoveryResponse` too.
mod field {
    pub(super) const VERSION: u32 = 1;
    pub(super) const TYPE_URL: u32 = 4;
    pub(super) const NONCE: u32 = 5;
    pub(super) const REMOVED: u32 = 6;
}

impl Response {
    /// The exact length of the message in bytes.
    pub fn encoded_len(&self) -> usize {
        let resources: usize = match self.face {
            Face::Delta => self.resources.iter().map(|e| e.delta_len()).sum(),
            Face::Sotw => self.resources.iter().map(|e| e.sotw_len()).sum(),
        };
        self.text_len() + resources
    }

    /// The message as slices whose concatenation it is. `prefix` is written before it.
    ///
    /// Only the envelope is copied; the slices of resources are those that every other proxy is sent.
    pub fn into_slices(self, prefix: &[u8]) -> impl Iterator<Item = Bytes> + Send + 'static {
        let mut head = BytesMut::with_capacity(prefix.len() + self.text_len());
        head.put_slice(prefix);
        put_text(&mut head, field::VERSION, &self.version);
        put_text(&mut head, field::TYPE_URL, self.kind.type_url());
        put_text(&mut head, field::NONCE, &self.nonce);
        self.removed.iter().for_each(|name| put_text(&mut head, field::REMOVED, name));
        std::iter::once(head.freeze()).chain(Slices {
            face: self.face,
            resources: self.resources.into_iter(),
            current: SmallVec::new().into_iter(),
        })
    }

    fn text_len(&self) -> usize {
        text_len(field::VERSION, &self.version)
            + text_len(field::TYPE_URL, self.kind.type_url())
            + text_len(field::NONCE, &self.nonce)
            + self.removed.iter().map(|name| text_len(field::REMOVED, name)).sum::<usize>()
    }
}

/// The slices of one resource after the other.
struct Slices {
    face: Face,
    resources: std::vec::IntoIter<Arc<Encoded>>,
    current: smallvec::IntoIter<[Bytes; 2]>,
}

impl Iterator for Slices {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(slice) = self.current.next() {
                return Some(slice);
            }
            let resource = self.resources.next()?;
            let slices: SmallVec<[Bytes; 2]> = match self.face {
                Face::Delta => resource.delta().collect(),
                Face::Sotw => resource.sotw().collect(),
            };
            self.current = slices.into_iter();
        }
    }
}

fn put_text(out: &mut BytesMut, field: u32, text: &str) {
    prost::encoding::encode_key(field, prost::encoding::WireType::LengthDelimited, out);
    prost::encoding::encode_varint(text.len() as u64, out);
    out.put_slice(text.as_bytes());
}

fn text_len(field: u32, text: &str) -> usize {
    prost::encoding::key_len(field) + prost::encoding::encoded_len_varint(text.len() as u64) + text.len()
}
