//! Families of metrics, each with its name to the letter.

use prometheus::core::Collector;
use prometheus::{Gauge, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};

/// Makes families and registers them. Names are constants of this room and differ, so nothing here can fail.
///
/// Everything that may have no value yet is a vector, even without labels: of a plain counter the registry would print
/// a 0 before anything was counted.
pub(super) struct Families<'r> {
    registry: &'r Registry,
}

impl<'r> Families<'r> {
    pub(super) fn new(registry: &'r Registry) -> Self {
        Self { registry }
    }

    pub(super) fn register(&self, collector: impl Collector + 'static) {
        self.registry.register(Box::new(collector)).expect("metrics have distinct names");
    }

    fn registered<C: Collector + Clone + 'static>(&self, collector: prometheus::Result<C>) -> C {
        let collector = collector.expect("names and labels of metrics are well formed");
        self.register(collector.clone());
        collector
    }

    pub(super) fn counters(&self, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
        self.registered(IntCounterVec::new(Opts::new(name, help), labels))
    }

    pub(super) fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> GaugeVec {
        self.registered(GaugeVec::new(Opts::new(name, help), labels))
    }

    /// One that has a value from the start.
    pub(super) fn gauge(&self, name: &str, help: &str) -> Gauge {
        self.registered(Gauge::new(name, help))
    }

    pub(super) fn histograms(&self, name: &str, help: &str, buckets: &[f64], labels: &[&str]) -> HistogramVec {
        self.registered(HistogramVec::new(HistogramOpts::new(name, help).buckets(buckets.to_vec()), labels))
    }
}
