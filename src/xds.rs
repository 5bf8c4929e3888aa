//! Delivery: what a client should hold, told over ADS, incrementally or as the state of the world.
//!
//! Comes in: requests of clients, and for each client a sequence of [`Publication`](crate::wire::Publication)s of
//! which the latest wins. Goes out: responses made of shared slices.
//!
//! Absent: what the resources mean and who should hold which.

pub mod protocol;
mod request;
mod response;
mod text;

pub use request::{ErrorDetail, Face, Request};
pub use response::Response;
pub use text::Text;
