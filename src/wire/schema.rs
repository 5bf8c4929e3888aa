//! What Envoy demands of a resource, checked on its encoded bytes; and the one order of map entries.
//!
//! Comes in: a type URL and an encoded message, ours or one from a user's patch. Goes out: the same bytes, with
//! the entries of every map ordered by key, or the first [`Violation`] of one of Envoy's validation rules
//! (protoc-gen-validate, as Envoy itself enforces them when it receives the resource).
//!
//! One pass does both, without building messages, because both are due for every resource before it is sent: a
//! violation would be rejected by every proxy, and prost writes `HashMap`s in an order that differs from run to
//! run, so that equal resources would look changed.
//!
//! Invariants: no byte is added or removed, so that offsets into the buffer and sizes stay right. A message that
//! prost has encoded comes out equal to any other encoding by prost of an equal message. Every rule that Envoy's
//! protos declare is enforced: the build fails on one of an unknown kind. Never panics, whatever the bytes.
//!
//! Absent: what Envoy checks beyond the rules in its protos (does a route's cluster exist, is a filter linked);
//! the messages that a `TypedStruct` carries as JSON.
//!
//! The files: `table` is the form of the tables in the binary, `catalog` that in memory, `encoding` reads
//! bytes, `walk` goes through a message, `rule` judges one value, `failure` says where, `order` sorts map entries.

mod catalog;
mod encoding;
mod failure;
mod order;
mod rule;
mod table;
mod walk;

#[cfg(test)]
mod tests;

use catalog::CATALOG;

/// Why Envoy would reject a message: the first rule it violates.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{path}: {why}")]
pub struct Violation {
    /// Where, in names of the proto, e.g. `filter_chains[0].filters[1].typed_config(HttpConnectionManager).stat_prefix`.
    /// Entries of maps by key: `metadata.filter_metadata["istio"]`. Empty for the message as a whole.
    pub path: String,
    /// What is wrong there, to be read after the path: "must be set", "is 70000, must be at most 65535".
    pub why: String,
}

/// Validates an encoded message, and orders the entries of all its maps by key, in place.
///
/// Descends into every `Any` whose type is known. Unknown types, at the top as well as in an `Any`, and unknown
/// fields are skipped: their bytes stay as they are. Takes time linear in the length (some 300 MB/s), but for maps
/// that are out of order.
///
/// # Errors
///
/// The first violation. Also where the bytes are no message of the type, where a field that is not repeated is
/// written more than once (legal protobuf, but no encoder of ours does so, and the parts could only be judged
/// together), and where a type URL names no type. The order of the maps is then left half done.
pub fn check(type_url: &str, bytes: &mut [u8]) -> Result<(), Violation> {
    walk::resource(&CATALOG, type_url, bytes)
}
