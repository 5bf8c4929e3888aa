//! What every room may use: names of the domain as types of their own, digests, findings, time.
//!
//! Comes in: nothing. Goes out: plain values with `Eq`, `Ord` and `Hash`, so that they can be part of a
//! recipe. Absent on purpose: anything that knows Kubernetes, Envoy or a file.

mod digest;
mod extensions;
mod features;
mod finding;
mod locality;
mod name;
mod number;

pub use digest::{Digest, Digester};
pub use extensions::Extensions;
pub use features::Features;
pub use finding::{Finding, ObjectRef, Severity};
pub use locality::Locality;
pub use name::{Host, Labels, Namespace, Str};
pub use number::{Double, Duration};
