//! What the users' objects mean together: facts, and the one way to read them.
//!
//! Comes in: a `store::Batch`. Goes out: a [`Snapshot`] and the [`Changes`] since the one before. Facts are plain
//! values with a digest ([`facts::Handle`]); an equal fact keeps its handle, so that an edit without effect ends here.
//!
//! Invariants: a snapshot is immutable and of one revision; everything outside `index` reads it through a [`View`],
//! which records each key it was asked for; precedence (who wins where two objects speak of one host) is decided
//! here and nowhere else.
//!
//! Absent: Envoy, proxies' connections, IO, clocks.

pub mod facts;
pub mod index;
mod inventory;
pub mod reads;
mod snapshot;
mod survey;
mod view;

pub use snapshot::{Changes, FactKey, Scope, Snapshot};
pub use survey::Survey;
pub use view::{Origin, View};
