//! wip
mod split;
mod text;
mod walk;
