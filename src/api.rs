//! What users write: the kinds of Kubernetes and Istio and the mesh config, as plain types, decoded and validated.
//!
//! Comes in: documents as JSON values ([`decode()`], [`mesh::MeshConfig::parse`]). Goes out: an [`Object`] whose spec
//! has passed validation, and findings about what is wrong; a document with an error gives no object.
//!
//! Invariants: all types are values with `Eq` and `Hash`; Istio's kinds have every field of `istio/api` under its
//! name; Kubernetes' kinds have what istiod uses of them, with Kubernetes' defaults applied. Numbers are in the ranges
//! that validation checks, so nobody has to check again.
//!
//! Absent on purpose: YAML and files (`source` turns them into JSON), precedence between objects and what a name
//! refers to (`model` knows), Envoy.

pub mod authorization_policy;
pub mod bytes;
pub mod cel;
pub mod destination_rule;
pub mod endpoint_slice;
pub mod envoy_filter;
pub mod gateway;
pub mod ingress;
pub mod mesh;
pub mod namespace;
pub mod node;
pub mod peer_authentication;
pub mod pod;
pub mod request_authentication;
pub mod secret;
pub mod selector;
pub mod server_tls;
pub mod service;
pub mod service_entry;
pub mod sidecar;
pub mod telemetry;
pub mod virtual_service;
pub mod workload_entry;

mod decode;
mod document;
mod encode;
mod enumeration;
mod kind;
mod meta;
mod object;
mod path;
mod report;
mod validate;

pub(crate) use decode::nearest;
pub use document::{Decoded, decode};
pub use kind::{Kind, Recognised};
pub use meta::{Key, Meta, Owner, Timestamp};
pub use object::{Json, Object, Spec};
pub use validate::{is_header_format, is_log_format, is_log_object, is_tag_header};

#[cfg(test)]
mod tests;
