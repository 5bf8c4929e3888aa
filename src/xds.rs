//! Delivery: what a client should hold, told over ADS, incrementally or as the state of the world.
//!
//! Comes in: requests of clients, and for each client a sequence of [`Publication`](crate::wire::Publication)s of
//! which the latest wins; both through the port [`Directory`], which `app` implements. Goes out: responses made of
//! shared slices, numbers through [`Metrics`], and the state of each stream in [`Connections`].
//!
//! The parts: [`protocol`] decides what is said, without IO; `codec`, `response` and `body` are its bytes; a task per
//! stream (`stream`) moves them; [`Service`] is ADS over HTTP, and [`serve`] a port.
//!
//! Invariants: no response is copied for a client, and no stream holds more than a few chunks of one; what a client
//! does costs it and nobody else.
//!
//! Absent: what the resources mean, and who should hold which.

mod address;
mod body;
mod codec;
mod connections;
mod directory;
mod incoming;
mod limit;
mod node;
pub mod protocol;
mod request;
mod response;
mod server;
mod service;
mod share;
mod stream;
mod text;

#[cfg(test)]
mod tests;

pub use address::Address;
pub use body::{Body, Chunk, Chunks};
pub use codec::{Garbled, decode};
pub use connections::{Connection, Connections, TypeStatus};
pub use directory::{Directory, Guard, Metrics, Peer, Subscription, Times};
pub use limit::Rate;
pub use node::{Malformed, Node, NodeId};
pub use protocol::Rejection;
pub use request::{ErrorDetail, Face, Request};
pub use response::Response;
pub use server::{Listener, Transport, listen, serve};
pub use service::{Options, Service};
pub use share::Share;
pub use text::Text;
