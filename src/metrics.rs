//! What is counted and timed, under istiod's names where istiod has one, and as Prometheus reads it.
//!
//! Comes in: calls of [`Delivery`] and [`Intake`] as things happen, and the sizes of everything ([`State`]) when
//! somebody asks. Goes out: [`Metrics::text`]. Dashboards and alerts for istiod read these names, so names, labels and
//! bucket boundaries are istiod's (`pilot/pkg/xds/monitoring.go`, `pkg/xds/monitoring.go`); what only mizzen has
//! begins with `mizzen_`.
//!
//! Invariants: a counter has the name it was given, without `_total` behind it; a family without a value is not
//! printed; what is labelled by a proxy goes with that proxy, so that the number of series is bounded by what is
//! connected and configured.
//!
//! Absent: who counts. The rooms are told what to call, or are asked, by `app`.

mod clusters;
mod delivery;
mod family;
mod intake;
mod process;
mod runtime;
mod state;
mod writing;

#[cfg(test)]
mod tests;

use std::time::Instant;

use prometheus::{Gauge, Registry, TextEncoder};

use family::Families;

pub use clusters::Clusters;
pub use delivery::{Delivery, Presence};
pub use intake::Intake;
pub use state::{CacheCounts, ClassCount, State};
pub use writing::Writing;

/// The content type of [`Metrics::text`]: Prometheus' text format.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Every metric of the process.
pub struct Metrics {
    /// What proxies are sent, and what they say to it.
    pub delivery: Delivery,
    /// What comes in from the sources, and what becomes of it.
    pub intake: Intake,
    /// What is written back to a cluster.
    pub writing: Writing,
    /// The clusters that are read.
    pub clusters: Clusters,
    registry: Registry,
    state: state::Families,
    runtime: runtime::Runtime,
    uptime: Gauge,
    started: Instant,
}

impl Metrics {
    /// Nothing counted yet, on behalf of a build: `tag` is the version of Istio it stands for, `version` the whole
    /// text of `/version`.
    pub fn new(tag: &str, version: &str) -> Self {
        let registry = Registry::new();
        let families = Families::new(&registry);
        let uptime = families.gauge("istiod_uptime_seconds", "Seconds since this process started");
        families.gauges("pilot_info", "The version of this build", &["version"]).with_label_values(&[version]).set(1.0);
        let build = families.gauges("istio_build", "The version of each component", &["component", "tag"]);
        build.with_label_values(&["pilot", tag]).set(1.0);
        families.register(process::Process::default());
        Self {
            delivery: Delivery::new(&families),
            intake: Intake::new(&families),
            writing: Writing::new(&families),
            clusters: Clusters::new(&families),
            state: state::Families::new(&families),
            runtime: runtime::Runtime::new(&families),
            uptime,
            started: Instant::now(),
            registry,
        }
    }

    /// Takes in how large everything is now.
    pub fn set_state(&self, state: &State) {
        self.state.set(state);
    }

    /// Everything that has a value, in the order of the names.
    pub fn text(&self) -> String {
        self.runtime.read();
        self.uptime.set(self.started.elapsed().as_secs_f64());
        let mut text = String::new();
        // Fails only for a family without a value, and the registry gathers none.
        let _ = TextEncoder::new().encode_utf8(&self.registry.gather(), &mut text);
        text
    }
}
