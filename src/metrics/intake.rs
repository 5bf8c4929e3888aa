//! What comes in from the sources, and what becomes of it.

use std::time::Duration;

use prometheus::{GaugeVec, HistogramVec, IntCounterVec};

use super::family::Families;

/// Metrics of taking in changes.
pub struct Intake {
    debounce: HistogramVec,
    init: HistogramVec,
    lists: IntCounterVec,
    failures: IntCounterVec,
    held: GaugeVec,
}

impl Intake {
    pub(super) fn new(f: &Families) -> Self {
        Self {
            debounce: f.histograms(
                "pilot_debounce_time",
                "Seconds from the first change of a batch to the batch being planned",
                &[0.01, 0.1, 0.5, 1.0, 3.0, 5.0, 10.0, 20.0, 30.0],
                &[],
            ),
            init: f.histograms(
                "pilot_pushcontext_init_seconds",
                "Seconds to take in and plan a batch of changes",
                &[0.01, 0.1, 0.5, 1.0, 3.0, 5.0],
                &[],
            ),
            lists: f.counters(
                "mizzen_source_lists",
                "How often a kind was read as a whole from the API server",
                &["kind"],
            ),
            failures: f.counters(
                "mizzen_source_failures",
                "How often reading a kind from the API server failed",
                &["kind"],
            ),
            held: f.gauges(
                "mizzen_source_held",
                "Objects that stay in force although the API server's last list says nothing of them",
                &["kind"],
            ),
        }
    }

    /// A kind was read as a whole.
    pub fn listed(&self, kind: &str) {
        self.lists.with_label_values(&[kind]).inc();
    }

    /// A kind could not be read.
    pub fn unheard(&self, kind: &str) {
        self.failures.with_label_values(&[kind]).inc();
    }

    /// So many objects of a kind stay in force in doubt.
    pub fn held(&self, kind: &str, objects: usize) {
        self.held.with_label_values(&[kind]).set(objects as f64);
    }

    /// A batch was planned, `since` its first change came, and `took` of that were spent on taking it in.
    pub fn settled(&self, since: Duration, took: Duration) {
        self.debounce.with_label_values::<&str>(&[]).observe(since.as_secs_f64());
        self.init.with_label_values::<&str>(&[]).observe(took.as_secs_f64());
    }
}
