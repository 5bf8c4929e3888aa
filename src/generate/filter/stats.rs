//! Istio's metrics, counted by a filter that only Istio's build of Envoy has (istio `pilot/pkg/model/telemetry.go`,
//! `generateStatsConfig`).

use envoy_types::pb::google::protobuf::Any;

use crate::base::{Duration, Str};
use crate::generate::proto;
use crate::proto::stats::{MetricConfig, PluginConfig};
use crate::wire::any;

/// A filter that counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stats {
    /// Its place among several.
    pub place: usize,
    /// Whether the Host header never tells the service that was meant: for calls in it says nothing about that.
    pub no_host_header: bool,
    /// How often an open TCP connection is reported.
    pub interval: Option<Duration>,
    /// Changes to metrics, by name.
    pub changes: Vec<MetricChange>,
}

/// A change to a metric.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MetricChange {
    /// Its name without `istio_`.
    pub name: Str,
    /// Whether it is not counted.
    pub dropped: bool,
    /// Labels that are added or replaced, each with the CEL expression that gives its value.
    pub added: Vec<(Str, Str)>,
    /// Labels that are left out.
    pub removed: Vec<Str>,
}

impl Stats {
    pub(super) fn build(&self) -> Any {
        let metric = |change: &MetricChange| MetricConfig {
            dimensions: change.added.iter().map(|(name, cel)| (name.to_string(), cel.to_string())).collect(),
            name: change.name.to_string(),
            tags_to_remove: change.removed.iter().map(Str::to_string).collect(),
            drop: change.dropped,
            ..MetricConfig::default()
        };
        any(&PluginConfig {
            disable_host_header_fallback: self.no_host_header,
            tcp_reporting_duration: self.interval.map(proto::duration),
            metrics: self.changes.iter().map(metric).collect(),
            ..PluginConfig::default()
        })
    }
}
