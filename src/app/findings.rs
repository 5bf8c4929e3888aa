//! What is wrong or odd, looked at again only where something changed, and never on the engine's thread.

use std::sync::Arc;

use tokio::sync::Mutex;

use crate::base::Finding;
use crate::engine::{Engine, Inspection};
use crate::status::Sight;

/// The findings that were asked for last. Cheap to clone; clones share them.
#[derive(Clone, Default)]
pub struct Findings {
    last: Arc<Mutex<Option<Found>>>,
}

/// What was looked at, and what was found in it.
type Found = (Inspection, Arc<[Finding]>);

impl Findings {
    /// All findings of now; `None` when the engine is gone. Who asks while another is answered waits for that answer.
    pub async fn now(&self, engine: &Engine) -> Option<Arc<[Finding]>> {
        self.sight(engine).await.map(|sight| sight.findings)
    }

    /// The same with what was looked at.
    pub(super) async fn sight(&self, engine: &Engine) -> Option<Sight> {
        let sight = |(of, found): &Found| Sight { findings: found.clone(), survey: of.survey().clone() };
        let mut last = self.last.lock().await;
        let inspection = engine.with(|core| core.inspection()).await?;
        if let Some(known) = &*last
            && known.0.is_same(&inspection)
        {
            return Some(sight(known));
        }
        let found = tokio::task::spawn_blocking(move || {
            let found: Arc<[Finding]> = inspection.findings().into();
            (inspection, found)
        })
        .await
        .ok()?;
        Some(sight(last.insert(found)))
    }
}
