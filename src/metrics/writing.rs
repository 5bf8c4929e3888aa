//! What is written back to a cluster.

use prometheus::{GaugeVec, IntCounterVec};

use super::family::Families;

/// Metrics of writing back.
pub struct Writing {
    leads: GaugeVec,
    writes: IntCounterVec,
}

impl Writing {
    pub(super) fn new(f: &Families) -> Self {
        Self {
            leads: f.gauges("mizzen_leader", "Whether this replica holds a lock, and writes what it is for", &["lock"]),
            writes: f.counters(
                "mizzen_status_writes",
                "What was written to the cluster: addresses, conditions, events",
                &["what", "result"],
            ),
        }
    }

    /// This replica holds a lock, or does not.
    pub fn leads(&self, lock: &str, leads: bool) {
        self.leads.with_label_values(&[lock]).set(f64::from(u8::from(leads)));
    }

    /// A write was done, or went wrong.
    pub fn wrote(&self, what: &str, done: bool) {
        self.writes.with_label_values(&[what, if done { "done" } else { "failed" }]).inc();
    }
}
