//! The wiring: everything else as one program.
//!
//! Comes in: options. Goes out: servers that answer, or text that is printed. Absent: logic of the mesh.

pub mod analyze;
mod blame;
mod counting;
mod difference;
pub mod discovery;
pub mod findings;
pub mod http;
mod intake;
pub mod log;
mod mesh;
pub mod node;
pub mod render;
mod replicas;
pub mod request;
mod source;
mod state;
#[cfg(test)]
mod tests;
pub mod version;
mod writing;
