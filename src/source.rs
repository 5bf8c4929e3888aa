//! wip
pub mod files;
