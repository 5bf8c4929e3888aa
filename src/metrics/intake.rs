//! What comes in from the sources, and what becomes of it.

use std::time::Duration;

use prometheus::HistogramVec;

use super::family::Families;

/// Metrics of taking in changes.
pub struct Intake {
    debounce: HistogramVec,
    init: HistogramVec,
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
        }
    }

    /// A batch was planned, `since` its first change came, and `took` of that were spent on taking it in.
    pub fn settled(&self, since: Duration, took: Duration) {
        self.debounce.with_label_values::<&str>(&[]).observe(since.as_secs_f64());
        self.init.with_label_values::<&str>(&[]).observe(took.as_secs_f64());
    }
}
