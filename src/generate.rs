//! Pure builders: from a recipe to an Envoy message.
//!
//! Comes in: a recipe, which holds every input. Goes out: the message. Nothing here can name a snapshot, a view, a
//! flag, a clock or a static; what a builder does not find in its recipe it does not know.
//!
//! One generator per file; `proto` holds the few conversions they share.

pub mod cluster;
pub(crate) mod dns;
pub mod endpoint;
pub mod filter;
pub mod gateway;
pub mod inbound;
pub mod listener;
pub mod name;
pub mod patch;
pub(crate) mod proto;
pub mod route;
pub mod secret;
pub(crate) mod tls;
