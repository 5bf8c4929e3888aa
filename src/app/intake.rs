//! From the source to the engine, and what is wrong to the log.

use std::collections::BTreeSet;
use std::time::Duration;

use tracing::{error, info, warn};

use crate::base::{Finding, Severity};
use crate::engine::{Engine, Input};
use crate::source::files;

/// How long the mesh must be quiet before it is looked at as a whole.
const QUIET: Duration = Duration::from_secs(1);

/// Starts to read and watch files. What is wrong is logged once, when it is first seen, and again when it is gone.
///
/// # Errors
/// When the system gives no thread.
pub(super) fn start(options: files::Options, engine: &Engine) -> std::io::Result<()> {
    let mut deliveries = files::spawn(options)?;
    let engine = engine.clone();
    tokio::spawn(async move {
        let mut log = Log::default();
        let mut quiet = false;
        loop {
            let delivery = match quiet {
                true => deliveries.recv().await,
                // The engine may still wait for a quiet moment itself; it is longer here.
                false => match tokio::time::timeout(QUIET, deliveries.recv()).await {
                    Ok(delivery) => delivery,
                    Err(_) => {
                        log.take(engine.with(|core| core.findings()).await.unwrap_or_default());
                        quiet = true;
                        continue;
                    }
                },
            };
            let Some(delivery) = delivery else { return };
            quiet = false;
            let mesh = delivery.mesh.map(|m| (*m.mesh).clone());
            engine.input(Input { events: delivery.events, mesh, findings: delivery.findings });
        }
    });
    Ok(())
}

/// What was said already.
#[derive(Default)]
struct Log {
    known: BTreeSet<Finding>,
}

impl Log {
    fn take(&mut self, findings: Vec<Finding>) {
        let now: BTreeSet<Finding> = findings.into_iter().collect();
        for finding in now.difference(&self.known) {
            match finding.severity {
                Severity::Error => error!(code = finding.code, "{finding}"),
                Severity::Warning => warn!(code = finding.code, "{finding}"),
                Severity::Info => info!(code = finding.code, "{finding}"),
            }
        }
        for finding in self.known.difference(&now) {
            info!(code = finding.code, "mended: {finding}");
        }
        self.known = now;
    }
}
