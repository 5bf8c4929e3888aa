#![doc = include_str!("ARCHITECTURE.md")]

pub mod base;
pub mod debug;
pub mod proto;
pub mod wire;
