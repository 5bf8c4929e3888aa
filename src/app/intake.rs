//! From the source to the engine, and what is wrong to the log.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::Receiver;
use tokio::sync::watch;
use tracing::{error, info, warn};

use crate::base::{Finding, Severity, Str};
use crate::engine::{Engine, Input};
use crate::source::Delivery;
use crate::status::Sight;

use super::findings::Findings;

/// How long the mesh must be quiet before it is looked at as a whole,
const QUIET: Duration = Duration::from_secs(1);
/// and how long it is waited for that: in a large cluster something always changes.
const LONGEST: Duration = Duration::from_secs(10);

/// Passes on what a source delivers. What is wrong is logged once, when it is first seen, and again when it is gone;
/// `sights` are told of it.
pub(super) fn start(
    mut deliveries: Receiver<Delivery>,
    engine: &Engine,
    findings: Findings,
    sights: watch::Sender<Option<Sight>>,
) {
    let engine = engine.clone();
    tokio::spawn(async move {
        let mut log = Log::default();
        // Since when there is something to be looked at.
        let mut since = Some(Instant::now());
        loop {
            let delivery = match since {
                None => deliveries.recv().await,
                // The engine may still wait for a quiet moment itself; it is longer here.
                Some(at) => {
                    let wait = QUIET.min(LONGEST.saturating_sub(at.elapsed()));
                    match tokio::time::timeout(wait, deliveries.recv()).await {
                        Ok(delivery) => delivery,
                        Err(_) => {
                            // Before everything was read, what is missing is not known to be wrong.
                            let synced = engine.with(|core| core.synced()).await.unwrap_or_default();
                            if let Some(sight) = findings.sight(&engine).await {
                                log.take(&sight.findings);
                                if synced {
                                    sights.send_replace(Some(sight));
                                }
                            }
                            since = None;
                            continue;
                        }
                    }
                }
            };
            let Some(delivery) = delivery else { return };
            since.get_or_insert_with(Instant::now);
            let mesh = delivery.mesh.map(|m| (*m.mesh).clone());
            engine.input(Input { events: delivery.events, mesh, findings: delivery.findings });
        }
    });
}

/// A finding but for the line of its object, which moves with every edit above it.
type Said = (Str, Str, Str, Str, Str, &'static str, Str);

/// What was said already.
#[derive(Default)]
struct Log {
    known: BTreeMap<Said, Finding>,
}

impl Log {
    fn take(&mut self, findings: &[Finding]) {
        let now: BTreeMap<Said, Finding> = findings.iter().map(|f| (said(f), f.clone())).collect();
        for (_, finding) in now.iter().filter(|(said, _)| !self.known.contains_key(*said)) {
            match finding.severity {
                Severity::Error => error!(code = finding.code, "{finding}"),
                Severity::Warning => warn!(code = finding.code, "{finding}"),
                Severity::Info => info!(code = finding.code, "{finding}"),
            }
        }
        for (_, finding) in self.known.iter().filter(|(said, _)| !now.contains_key(*said)) {
            info!(code = finding.code, "mended: {finding}");
        }
        self.known = now;
    }
}

fn said(finding: &Finding) -> Said {
    let object = finding.object.clone();
    let file = object.file.map(|(file, _)| file).unwrap_or_default();
    (object.kind, object.namespace, object.name, file, finding.field.clone(), finding.code, finding.text.clone())
}
