//! Istio's metrics (istio `pilot/pkg/model/telemetry.go`, `telemetryFilters`).

use crate::api::mesh::Observer;
use crate::api::telemetry::IstioMetric;
use crate::base::Str;
use crate::generate::filter::{MetricChange, Stats};

use super::merge::{self, Counting};
use super::{Telemetries, side};

impl Telemetries<'_> {
    /// The filters that count, one for each provider that is Prometheus. At the edge counts what is said for calls out.
    pub(in crate::plan) fn stats(&self, inbound: bool, edge: bool) -> Vec<Stats> {
        let counting = self.counting(inbound);
        let filter = |(place, counting): (usize, &Counting)| Stats {
            place,
            no_host_header: inbound || edge,
            interval: counting.interval,
            changes: changes(counting),
        };
        counting.iter().filter(|c| !c.disabled).enumerate().map(filter).collect()
    }

    pub(super) fn counting(&self, inbound: bool) -> Vec<Counting> {
        let defaults = &self.view.mesh().config.default_providers.metrics;
        let merged = merge::metrics(self.metrics(), defaults, side(inbound));
        let prometheus = |name: &Str| matches!(self.observer(name), Some((_, Observer::Prometheus)));
        merged.into_iter().filter(|(name, _)| prometheus(name)).map(|(_, counting)| counting).collect()
    }
}

/// In the order of the names that Telemetries have for the metrics.
pub(super) fn changes(counting: &Counting) -> Vec<MetricChange> {
    let one = |(name, change): (&Str, &merge::Change)| MetricChange {
        name: metric(name).map_or_else(|| name.clone(), |metric| series(metric).into()),
        dropped: change.dropped(),
        added: change.added().map(|(name, cel)| (name.clone(), cel.clone())).collect(),
        removed: change.removed().cloned().collect(),
    };
    counting.changes.iter().map(one).collect()
}

fn metric(name: &str) -> Option<IstioMetric> {
    IstioMetric::EACH.into_iter().find(|metric| metric.as_str() == name)
}

/// The name of a metric in Prometheus, without `istio_`.
fn series(metric: IstioMetric) -> &'static str {
    match metric {
        IstioMetric::AllMetrics => "",
        IstioMetric::RequestCount => "requests_total",
        IstioMetric::RequestDuration => "request_duration_milliseconds",
        IstioMetric::RequestSize => "request_bytes",
        IstioMetric::ResponseSize => "response_bytes",
        IstioMetric::TcpOpenedConnections => "tcp_connections_opened_total",
        IstioMetric::TcpClosedConnections => "tcp_connections_closed_total",
        IstioMetric::TcpSentBytes => "tcp_sent_bytes_total",
        IstioMetric::TcpReceivedBytes => "tcp_received_bytes_total",
        IstioMetric::GrpcRequestMessages => "request_messages_total",
        IstioMetric::GrpcResponseMessages => "response_messages_total",
    }
}
