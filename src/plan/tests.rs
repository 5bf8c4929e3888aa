//! What tests of planners share.

pub(crate) mod world;
