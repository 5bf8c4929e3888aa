#![doc = include_str!("ARCHITECTURE.md")]

pub mod api;
pub mod base;
pub mod debug;
pub mod generate;
pub mod model;
pub mod plan;
pub mod proto;
pub mod proxy;
pub mod wire;
