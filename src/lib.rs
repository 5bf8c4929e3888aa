#![doc = include_str!("ARCHITECTURE.md")]

pub mod api;
pub mod base;
pub mod source;
pub mod store;
