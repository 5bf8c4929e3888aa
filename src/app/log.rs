//! Logs: to standard error, as text for people or as JSON, one object a line.

use std::io::IsTerminal;

use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;
use tracing_subscriber::{Layer, fmt, registry};

use crate::config::LogLevel;

/// Sets up the log of the process. `levels` is istiod's `--log_output_level`; one that cannot be read is info.
pub fn start(levels: &str, as_json: bool) {
    let level = LogLevel::parse(levels).map_or(tracing::Level::INFO, |l| l.0);
    let lines = fmt::layer().with_writer(std::io::stderr).with_target(false);
    // What a library says of itself below a warning tells an operator nothing. `notify` warns that what has gone can
    // be watched no longer, for which there is a finding.
    let levels_of_all = Targets::new()
        .with_default(level.min(tracing::Level::WARN))
        .with_targets([("mizzen", level), ("notify", tracing::Level::ERROR)]);
    let lines = if as_json {
        lines.json().flatten_event(true).boxed()
    } else {
        lines.with_ansi(std::io::stderr().is_terminal()).boxed()
    };
    if registry().with(lines.with_filter(levels_of_all)).try_init().is_err() {
        // Another part of the process, a test perhaps, has set one up already; its log serves as well.
        tracing::debug!("a log is set up already");
    }
    if LogLevel::parse(levels).is_none() {
        tracing::warn!("--log_output_level={levels} is not understood; info is used");
    }
}
