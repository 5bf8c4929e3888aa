#![doc = include_str!("ARCHITECTURE.md")]

pub mod agent;
pub mod api;
pub mod app;
pub mod base;
pub mod config;
pub mod debug;
pub mod engine;
pub mod generate;
pub mod metrics;
pub mod model;
pub mod plan;
pub mod proto;
pub mod proxy;
pub mod source;
pub mod store;
pub mod wire;
