//! A response as a list of shared slices.

use std::sync::Arc;

use bytes::{BufMut, BytesMut};
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len};
use smallvec::SmallVec;

use crate::base::Str;
use crate::wire::{Assembly, Encoded, ResourceType, Resources};

use super::body::Sink;
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
    /// `system_version_info`: the revision, for people; `version_info`: the version of the content.
    pub version: Str,
    /// What is set. In the state-of-the-world variant, for clusters, listeners and the name table: everything.
    pub resources: Resources,
    /// What is gone; incremental only.
    pub removed: Vec<Str>,
    /// For endpoints in the incremental variant, in the order of `resources`: what tells the form of their cluster.
    pub(super) forms: Vec<Option<Form>>,
}

/// How much of a response has been written.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Written {
    envelope: bool,
    resource: usize,
    /// Slices of that resource.
    slices: usize,
}

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
        let resources: usize = self.resources.iter().enumerate().map(|(i, e)| self.entry_len(i, e)).sum();
        self.envelope_len() + resources
    }

    /// Writes what comes next, the envelope first; says whether there was anything. What follows the envelope are the
    /// slices that every other proxy is sent.
    pub(super) fn write_next(&self, written: &mut Written, sink: &mut Sink) -> bool {
        if !written.envelope {
            self.write_envelope(sink.room(self.envelope_len()));
            written.envelope = true;
            return true;
        }
        let Some(resource) = self.resources.get(written.resource) else { return false };
        let (head, any) = resource.entry();
        match (self.face, written.slices.checked_sub(1)) {
            (_, Some(part)) => sink.put(resource.parts()[part].bytes(), 0),
            (Face::Sotw, None) => sink.put(head, any),
            (Face::Delta, None) if self.kind == ResourceType::Endpoint => {
                endpoint_head(resource, self.forms[written.resource].as_ref(), sink);
                sink.put(head, any);
            }
            (Face::Delta, None) => sink.put(head, 0),
        }
        written.slices += 1;
        if written.slices > resource.parts().len() {
            (written.resource, written.slices) = (written.resource + 1, 0);
        }
        true
    }

    fn write_envelope(&self, out: &mut BytesMut) {
        put_text(out, field::VERSION, self.version.as_bytes());
        put_text(out, field::TYPE_URL, self.kind.type_url().as_bytes());
        put_text(out, field::NONCE, self.nonce.as_bytes());
        self.removed.iter().for_each(|name| put_text(out, field::REMOVED, name.as_bytes()));
    }

    fn envelope_len(&self) -> usize {
        text_len(field::VERSION, self.version.len())
            + text_len(field::TYPE_URL, self.kind.type_url().len())
            + text_len(field::NONCE, self.nonce.len())
            + self.removed.iter().map(|name| text_len(field::REMOVED, name.len())).sum::<usize>()
    }

    fn entry_len(&self, index: usize, resource: &Encoded) -> usize {
        match self.face {
            Face::Sotw => resource.sotw_len(),
            Face::Delta if self.kind == ResourceType::Endpoint => {
                text_len(field::RESOURCES, endpoint_len(resource, self.forms[index].as_ref()))
            }
            Face::Delta => resource.delta_len(),
        }
    }
}

/// The version of a resource as it stands in an incremental response.
type VersionText = SmallVec<[u8; 32]>;

/// How many characters of a cluster's version go into that of its endpoints.
const FORM: usize = 10;

/// What tells the form of a cluster: the beginning of its version.
pub(super) type Form = [u8; FORM];

/// How far ahead the cluster of the next endpoints is looked for.
const NEAR: usize = 8;

fn form_of(cluster: &Encoded) -> Form {
    let mut form = Form::default();
    form.copy_from_slice(&cluster.version_text()[..FORM]);
    form
}

/// The forms of the clusters that load assignments are for, in their order. A load assignment has the name of its
/// cluster. O(clusters), or O(resources · log n) if that is less.
pub(super) fn forms(resources: &Resources, clusters: &Assembly) -> Vec<Option<Form>> {
    let find = |e: &Arc<Encoded>| clusters.get(e.name()).map(|c| form_of(c));
    // A look-up by name costs some ten steps of a walk.
    if resources.len() < clusters.len() / 10 {
        return resources.iter().map(find).collect();
    }
    // Both are in the order of names, but for the few clusters that have no endpoints or are of another layer.
    let all: Vec<&Arc<Encoded>> = clusters.listings().flat_map(|listing| listing.resources.iter()).collect();
    let mut at = 0;
    let mut next = |e: &Arc<Encoded>| match all.iter().skip(at).take(NEAR).position(|c| c.id() == e.id()) {
        Some(skipped) => {
            at += skipped + 1;
            Some(form_of(all[at - 1]))
        }
        None => find(e),
    };
    resources.iter().map(&mut next).collect()
}

/// The version of a resource as a client is told it, and states it when it comes back.
///
/// That of endpoints tells as well for which form of their cluster they were sent. When a stream breaks between a
/// changed cluster and its endpoints, Envoy goes on waiting for them, and on the next stream states the version
/// that it had before: that must not be the one it waits for.
pub(super) fn version_of(kind: ResourceType, resource: &Encoded, clusters: &Assembly) -> VersionText {
    let mut text = VersionText::from_slice(resource.version_text());
    if kind == ResourceType::Endpoint
        && let Some(cluster) = clusters.get(resource.name())
    {
        text.extend_from_slice(&form_of(cluster));
    }
    text
}

/// A head for endpoints, for the sake of their version. What follows it is, in the same buffer, what the
/// state-of-the-world variant sends.
fn endpoint_head(resource: &Encoded, form: Option<&Form>, sink: &mut Sink) {
    let len = endpoint_len(resource, form);
    let out = sink.room(text_len(field::RESOURCES, len) - resource.sotw_len());
    encode_key(field::RESOURCES, WireType::LengthDelimited, out);
    encode_varint(len as u64, out);
    encode_key(field::RESOURCE_VERSION, WireType::LengthDelimited, out);
    encode_varint(version_len(resource, form) as u64, out);
    out.put_slice(resource.version_text());
    out.put_slice(form.map_or(&[], |f| f.as_slice()));
    put_text(out, field::RESOURCE_NAME, resource.name().as_bytes());
}

fn endpoint_len(resource: &Encoded, form: Option<&Form>) -> usize {
    text_len(field::RESOURCE_VERSION, version_len(resource, form))
        + text_len(field::RESOURCE_NAME, resource.name().len())
        + resource.sotw_len()
}

fn version_len(resource: &Encoded, form: Option<&Form>) -> usize {
    resource.version_text().len() + form.map_or(0, |f| f.len())
}

fn put_text(out: &mut BytesMut, field: u32, text: &[u8]) {
    encode_key(field, WireType::LengthDelimited, out);
    encode_varint(text.len() as u64, out);
    out.put_slice(text);
}

fn text_len(field: u32, len: usize) -> usize {
    key_len(field) + encoded_len_varint(len as u64) + len
}
