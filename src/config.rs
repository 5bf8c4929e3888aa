//! Flags and environment, read once.
//!
//! Comes in: the command line and the environment. Goes out: plain options for `app`. Flags, their spelling and their
//! defaults are istiod's (`pilot/cmd/pilot-discovery/app/cmd.go`), so that its container arguments start mizzen; what
//! istiod has and mizzen does not need is taken and ignored.

mod analyze;
mod args;
mod env;

#[cfg(test)]
mod tests;

pub use analyze::{AnalyzeArgs, AnalyzeFormat, Level};
pub use args::{Cli, Command, DiscoveryArgs, LogLevel, RenderArgs, RequestArgs, VersionArgs, known, parse_duration};
pub use env::{Environment, Features};
