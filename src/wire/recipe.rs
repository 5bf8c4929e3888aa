//! What a resource is made from: a value that holds all inputs and can do nothing but build.

use std::hash::Hash;

use prost::{Message, Name};

use crate::base::{Digest, Str};

use super::cache::Failure;

/// Why a builder gives no resource: what is wrong, and in which part of the users' configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub String);

/// All inputs of one xDS resource. Key and dependency list are this one value.
///
/// Two recipes that are equal build the same message. The compiler keeps out what would falsify the key: what
/// has no `Hash` (a `HashMap`, a lock, an `f64`), and what is borrowed.
///
/// ```compile_fail
/// # use mizzen::wire::{Recipe, Refusal};
/// #[derive(PartialEq, Eq, Hash)]
/// struct Peeks<'a> { everything: &'a str }
/// impl Recipe for Peeks<'_> {
///     type Message = envoy_types::pb::envoy::config::cluster::v3::Cluster;
///     fn name(&self) -> mizzen::base::Str { "peeks".into() }
///     fn build(&self) -> Result<Self::Message, Refusal> { Ok(Default::default()) }
/// }
/// ```
///
/// ```compile_fail
/// # use mizzen::wire::{Recipe, Refusal};
/// #[derive(PartialEq, Eq, Hash)]
/// struct Unordered { labels: std::collections::HashMap<String, String> }
/// ```
pub trait Recipe: Hash + Eq + Send + Sync + 'static {
    /// The resource's message.
    type Message: Message + Name + Default;

    /// The resource's name, unique within its type for one proxy.
    fn name(&self) -> Str;

    /// Builds the message from `self` and nothing else.
    fn build(&self) -> Result<Self::Message, Refusal>;
}

/// All inputs of one entry of a large repeated field: a virtual host, a row of a name table.
///
/// Concatenated entries are valid protobuf, so that an edit re-encodes one entry and not its thousand siblings.
pub trait Fragment: Hash + Eq + Send + Sync + 'static {
    /// The entry's message.
    type Message: Message + Name + Default;

    /// The number of the repeated field in the message around it.
    const FIELD: u32;

    /// Builds the entry from `self` and nothing else.
    fn build(&self) -> Result<Self::Message, Refusal>;
}

/// A resource made of a head and a list of encoded fragments, in that order.
pub struct Rope<M> {
    /// The resource's name.
    pub name: Str,
    /// Every field but the fragments.
    pub head: M,
    /// The fragments, each with its own tag and length.
    pub parts: Vec<std::sync::Arc<Part>>,
}

/// An encoded fragment: tag, length and message.
#[derive(Debug)]
pub struct Part {
    /// The finished bytes.
    pub(crate) bytes: bytes::Bytes,
    /// The digest of the bytes.
    pub(crate) digest: Digest,
    /// What could not be done to it.
    pub(crate) left_out: Box<[Failure]>,
}

impl Part {
    /// The finished bytes: tag, length and message.
    pub fn bytes(&self) -> &bytes::Bytes {
        &self.bytes
    }

    /// What could not be done to it.
    pub fn left_out(&self) -> &[Failure] {
        &self.left_out
    }

    /// The digest of the bytes: fragments with equal ones are equal.
    pub fn digest(&self) -> Digest {
        self.digest
    }
}

/// Wraps a message into an `Any`, with the type URL that Envoy expects.
pub fn any<M: Message + Name>(message: &M) -> envoy_types::pb::google::protobuf::Any {
    envoy_types::pb::google::protobuf::Any { type_url: M::type_url(), value: message.encode_to_vec() }
}
