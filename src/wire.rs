//! Bytes, built once: recipes become encoded resources, resources become assemblies that can be diffed.
//!
//! Comes in: a [`Recipe`] or a [`Rope`] of [`Fragment`]s. Goes out: [`Encoded`] resources, shared by every proxy
//! that holds them, in [`Assembly`]s which a [`Publication`] bundles per revision.
//!
//! Invariants: a name, its version and its bytes are one value and never change; the version is the digest of the
//! bytes, which are canonical (map entries sorted), so equal results have equal versions in every process;
//! nothing leaves that Envoy's own validation rules would refuse.
//!
//! Absent: what the messages mean, and who asks for them.

mod assembly;
mod cache;
mod encoded;
mod finish;
mod layer;
mod names;
mod recipe;
pub mod reflect;
pub mod schema;

#[cfg(test)]
mod tests;

pub use assembly::{Assembly, Change, Publication, ResourceType};
pub use cache::{Cache, CacheStats, Failure};
pub use encoded::{Encoded, Version};
pub use finish::{Finish, Finished};
pub use layer::{Layer, Listing, Resources, id_set};
pub use names::{NameId, Names};
pub use recipe::{Fragment, Part, Recipe, Refusal, Rope, any};
