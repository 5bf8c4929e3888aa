//! What is wrong or odd, looked at again only where something changed, and never on the engine's thread.

use std::sync::Arc;

use tokio::sync::Mutex;

use crate::base::Finding;
use crate::engine::{Engine, Inspection};

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
        let mut last = self.last.lock().await;
        let inspection = engine.with(|core| core.inspection()).await?;
        if let Some((of, found)) = &*last
            && of.is_same(&inspection)
        {
            return Some(found.clone());
        }
        let (inspection, found) = tokio::task::spawn_blocking(move || {
            let found: Arc<[Finding]> = inspection.findings().into();
            (inspection, found)
        })
        .await
        .ok()?;
        *last = Some((inspection, found.clone()));
        Some(found)
    }
}
