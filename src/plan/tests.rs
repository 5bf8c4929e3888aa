//! What tests of planners share, and tests of what concerns all planners.

mod origins;
mod sidecars;
pub(crate) mod world;
