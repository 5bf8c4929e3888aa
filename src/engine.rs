//! The one owner of everything that changes: store, model and plan.
//!
//! Comes in: events of a source, proxies that join and leave. Goes out: a publication for each proxy whose resources
//! changed. [`Core`] is the state and knows no time; [`Engine`] is the thread around it, which waits for a quiet
//! moment before it takes in what has come.
//!
//! Invariant: every publication is of one revision of all objects.
//! Absent: files, Kubernetes, gRPC.

mod core;
mod inspection;
mod thread;

pub use self::core::{Changed, Core, Settled};
pub use inspection::Inspection;
pub use thread::{Debounce, Engine, Input};
