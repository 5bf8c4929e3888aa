//! Who writes, to be looked at.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde::Serialize;

/// What is known of a lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// Its name.
    pub lock: &'static str,
    /// `ConfigMap` or `Lease`.
    pub form: &'static str,
    /// Who holds it, as far as is known; empty for nobody.
    pub holder: String,
    /// Whether that is this replica.
    pub leading: bool,
}

/// What is known of all locks. Copies are the same.
#[derive(Clone, Debug, Default)]
pub struct Standings(Arc<Mutex<BTreeMap<&'static str, Standing>>>);

impl Standings {
    /// All locks, by name.
    pub fn list(&self) -> Vec<Standing> {
        self.0.lock().map(|all| all.values().cloned().collect()).unwrap_or_default()
    }

    pub(super) fn set(&self, standing: Standing) {
        if let Ok(mut all) = self.0.lock() {
            all.insert(standing.lock, standing);
        }
    }
}
