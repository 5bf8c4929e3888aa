//! What an operator can look at: resources as text.
//!
//! Comes in: encoded resources. Goes out: JSON. Absent: anything that changes what proxies receive.

pub mod json;

#[cfg(test)]
mod tests;
