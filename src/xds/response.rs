//! A response as a list of shared slices.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len};
use smallvec::SmallVec;

use crate::base::Str;
use crate::wire::{Assembly, Encoded, ResourceType};

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
    /// The clusters that the client has been sent.
    pub(super) clusters: Assembly,
}

/// The slices of one resource: rarely more than its head and its body.
type Entry = SmallVec<[Bytes; 2]>;

/// Field numbers of `DeltaDiscoveryResponse`; all but the last are those of `DiscoveryResponse` too.
mod field {
    pub(super) const VERSION: u32 = 1;
    pub(super) const RESOURCES: u32 = 2;
    pub(super) const TYPE_URL: u32 = 4;
    pub(super) const NONCE: u32 = 5;
    pub(super) const REMOVED: u32 = 6;
    /// Of `Resource`, an entry of `RESOURCES`.
    pub(super) const RESOURCE_VERSION: u32 = 1;
    pub(super) const RESOURCE_NAME: u32 = 3;
}

impl Response {
    /// The exact length of the message in bytes.
    pub fn encoded_len(&self) -> usize {
        let resources: usize = self.resources.iter().map(|e| self.entry_len(e)).sum();
        self.envelope_len() + resources
    }

    /// The message as slices whose concatenation it is, after `prefix`.
    ///
    /// Only the envelope is copied; the slices of resources are those that every other proxy is sent.
    pub fn into_slices(mut self, prefix: &[u8]) -> impl Iterator<Item = Bytes> + Send + 'static {
        let mut head = BytesMut::with_capacity(prefix.len() + self.envelope_len());
        head.put_slice(prefix);
        put_text(&mut head, field::VERSION, self.version.as_bytes());
        put_text(&mut head, field::TYPE_URL, self.kind.type_url().as_bytes());
        put_text(&mut head, field::NONCE, self.nonce.as_bytes());
        self.removed.iter().for_each(|name| put_text(&mut head, field::REMOVED, name.as_bytes()));
        let resources = std::mem::take(&mut self.resources);
        std::iter::once(head.freeze()).chain(resources.into_iter().flat_map(move |e| self.entry(&e)))
    }

    fn envelope_len(&self) -> usize {
        text_len(field::VERSION, self.version.len())
            + text_len(field::TYPE_URL, self.kind.type_url().len())
            + text_len(field::NONCE, self.nonce.len())
            + self.removed.iter().map(|name| text_len(field::REMOVED, name.len())).sum::<usize>()
    }

    fn entry_len(&self, resource: &Encoded) -> usize {
        match self.face {
            Face::Sotw => resource.sotw_len(),
            Face::Delta if self.kind == ResourceType::Endpoint => {
                text_len(field::RESOURCES, endpoint_len(resource, &self.clusters))
            }
            Face::Delta => resource.delta_len(),
        }
    }

    fn entry(&self, resource: &Encoded) -> Entry {
        match self.face {
            Face::Sotw => resource.sotw().collect(),
            Face::Delta if self.kind == ResourceType::Endpoint => endpoint(resource, &self.clusters),
            Face::Delta => resource.delta().collect(),
        }
    }
}

/// The version of a resource as it stands in an incremental response.
type VersionText = SmallVec<[u8; 32]>;

/// How many characters of a cluster's version go into that of its endpoints.
const CLUSTER_VERSION: usize = 10;

/// The version of a resource as a client is told it, and states it when it comes back.
///
/// That of endpoints tells as well for which form of their cluster they were sent. When a stream breaks between a
/// changed cluster and its endpoints, Envoy goes on waiting for them, and on the next stream states the version
/// that it had before: that must not be the one it waits for.
pub(super) fn version_of(kind: ResourceType, resource: &Encoded, clusters: &Assembly) -> VersionText {
    let mut text = VersionText::from_slice(&resource.version().text());
    if kind == ResourceType::Endpoint
        && let Some(cluster) = clusters.get(resource.name())
    {
        text.extend_from_slice(&cluster.version().text()[..CLUSTER_VERSION]);
    }
    text
}

/// Endpoints with a head of their own, for the sake of their version. What follows the head is, in the same buffer,
/// what the state-of-the-world variant sends.
fn endpoint(resource: &Encoded, clusters: &Assembly) -> Entry {
    let len = endpoint_len(resource, clusters);
    let version = version_of(ResourceType::Endpoint, resource, clusters);
    let mut head = BytesMut::with_capacity(text_len(field::RESOURCES, len) - resource.sotw_len());
    encode_key(field::RESOURCES, WireType::LengthDelimited, &mut head);
    encode_varint(len as u64, &mut head);
    put_text(&mut head, field::RESOURCE_VERSION, &version);
    put_text(&mut head, field::RESOURCE_NAME, resource.name().as_bytes());
    std::iter::once(head.freeze()).chain(resource.sotw()).collect()
}

fn endpoint_len(resource: &Encoded, clusters: &Assembly) -> usize {
    let version = version_of(ResourceType::Endpoint, resource, clusters);
    text_len(field::RESOURCE_VERSION, version.len())
        + text_len(field::RESOURCE_NAME, resource.name().len())
        + resource.sotw_len()
}

fn put_text(out: &mut BytesMut, field: u32, text: &[u8]) {
    encode_key(field, WireType::LengthDelimited, out);
    encode_varint(text.len() as u64, out);
    out.put_slice(text);
}

fn text_len(field: u32, len: usize) -> usize {
    key_len(field) + encoded_len_varint(len as u64) + len
}
