//! Whether the control plane can serve.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

/// Ready when nothing is waited for any more. Copies share their state.
#[derive(Clone, Default)]
pub struct Readiness(Arc<Mutex<Waits>>);

#[derive(Default)]
struct Waits {
    next: u64,
    pending: BTreeMap<u64, &'static str>,
}

/// One thing that is waited for; dropped, it has come.
pub struct Pending {
    readiness: Readiness,
    id: u64,
}

impl Readiness {
    /// From now on this is waited for too. Everything that is needed has to be named before the servers start, since
    /// a readiness that waits for nothing is ready.
    pub fn wait_for(&self, what: &'static str) -> Pending {
        let mut waits = self.0.lock();
        let id = waits.next;
        waits.next += 1;
        waits.pending.insert(id, what);
        Pending { readiness: self.clone(), id }
    }

    /// What is still waited for.
    pub fn missing(&self) -> Vec<&'static str> {
        self.0.lock().pending.values().copied().collect()
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.readiness.0.lock().pending.remove(&self.id);
    }
}
