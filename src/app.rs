//! The wiring: everything else as one program.
//!
//! Comes in: options. Goes out: servers that answer, or text that is printed. Absent: logic of the mesh.

mod difference;
pub mod log;
pub mod node;
pub mod render;
mod state;
