//! Logs: to standard error, as text for people or as JSON, one object a line.

use tracing_subscriber::fmt;

use crate::config::LogLevel;

/// Sets up the log of the process. `levels` is istiod's `--log_output_level`; one that cannot be read is info.
pub fn start(levels: &str, as_json: bool) {
    let level = LogLevel::parse(levels).map_or(tracing::Level::INFO, |l| l.0);
    let builder = fmt().with_max_level(level).with_writer(std::io::stderr).with_target(false);
    let result = if as_json { builder.json().flatten_event(true).try_init() } else { builder.try_init() };
    if result.is_err() {
        // Another part of the process, a test perhaps, has set one up already; its log serves as well.
        tracing::debug!("a log is set up already");
    }
    if LogLevel::parse(levels).is_none() {
        tracing::warn!("--log_output_level={levels} is not understood; info is used");
    }
}
