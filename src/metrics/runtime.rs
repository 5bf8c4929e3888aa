//! What the runtime of the streams and pages has to do, in the place of what Go's runtime says of itself.

use prometheus::GaugeVec;
use tokio::runtime::Handle;

use super::family::Families;

pub(super) struct Runtime {
    workers: GaugeVec,
    tasks: GaugeVec,
    waiting: GaugeVec,
}

impl Runtime {
    pub(super) fn new(f: &Families) -> Self {
        Self {
            workers: f.gauges("mizzen_runtime_workers", "Threads that run tasks", &[]),
            tasks: f.gauges("mizzen_runtime_tasks", "Tasks that have not ended: streams, connections, pages", &[]),
            waiting: f.gauges(
                "mizzen_runtime_queue",
                "Tasks that wait for a thread outside of all threads' own queues",
                &[],
            ),
        }
    }

    /// Takes note of how it is now, if it is asked from within.
    pub(super) fn read(&self) {
        let Ok(handle) = Handle::try_current() else { return };
        let metrics = handle.metrics();
        for (gauge, value) in [
            (&self.workers, metrics.num_workers()),
            (&self.tasks, metrics.num_alive_tasks()),
            (&self.waiting, metrics.global_queue_depth()),
        ] {
            gauge.with_label_values::<&str>(&[]).set(value as f64);
        }
    }
}
