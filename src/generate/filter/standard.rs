//! Istio's metrics for an Envoy that is not Istio's build: counted by its access logger for statistics.
//!
//! Names and labels are Istio's. Envoy exports names under the prefix `wasmcustom.` as they are, if its bootstrap has
//! registered that (`agent::bootstrap`). What has no value is the empty string here, which Prometheus takes for an
//! absent label and Kiali for a reason to skip the series. Expressions that never are empty are long, so only metrics
//! that graphs are drawn from have them.
//!
//! Absent: `istio_build`. Bytes of a connection are counted when it ends: what Envoy says before that is a sum, which would count twice.

mod labels;
mod own;
#[cfg(test)]
mod tests;

use envoy_types::pb::envoy::config::accesslog::v3::access_log::ConfigType;
use envoy_types::pb::envoy::config::accesslog::v3::access_log_filter::FilterSpecifier;
use envoy_types::pb::envoy::config::accesslog::v3::{AccessLog, AccessLogFilter, HeaderFilter, LogTypeFilter};
use envoy_types::pb::envoy::config::route::v3::HeaderMatcher;
use envoy_types::pb::envoy::config::route::v3::header_matcher::HeaderMatchSpecifier;
use envoy_types::pb::envoy::data::accesslog::v3::AccessLogType;
use envoy_types::pb::envoy::extensions::access_loggers::stats::v3::Config;
use envoy_types::pb::envoy::extensions::access_loggers::stats::v3::config::histogram::Unit;
use envoy_types::pb::envoy::extensions::access_loggers::stats::v3::config::{Counter, Histogram, Stat, Tag};
use envoy_types::pb::envoy::r#type::matcher::v3::StringMatcher;
use envoy_types::pb::envoy::r#type::matcher::v3::string_matcher::MatchPattern;
use envoy_types::pb::envoy::r#type::v3::Scope;
use envoy_types::pb::google::protobuf::UInt64Value;

use crate::base::Str;
use crate::wire::any;

use super::messages;
use super::stats::MetricChange;
use labels::Label;

pub use own::{Fact, Own};

/// Istio's metrics of calls or connections of one direction.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Standard {
    /// Whether they come in.
    pub inbound: bool,
    /// The workload that the proxy is beside.
    pub own: Own,
    /// Whether the proxy can have a certificate, and its peers.
    pub identity: bool,
    /// Whether messages of gRPC can be counted (`HttpFilter::Messages`).
    pub messages: bool,
    /// Changes to metrics, by name.
    pub changes: Vec<MetricChange>,
}

/// A service, as labels name it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Called {
    /// Its host.
    pub host: Str,
    /// Its name.
    pub name: Str,
    /// Its namespace.
    pub namespace: Str,
}

/// What a metric takes from an entry of the log.
enum Value {
    /// One.
    One,
    /// This number.
    Sum(&'static str),
    /// How this number is distributed.
    Spread(Unit, &'static str),
}

/// Metrics from which graphs are drawn, so that none of their labels may be absent.
const DRAWN: [&str; 3] = ["requests_total", "tcp_sent_bytes_total", "tcp_received_bytes_total"];

const CALLS: [(&str, Value); 4] = [
    ("requests_total", Value::One),
    ("request_duration_milliseconds", Value::Spread(Unit::Milliseconds, "%DURATION%")),
    ("request_bytes", Value::Spread(Unit::Bytes, "%CEL(request.total_size)%")),
    ("response_bytes", Value::Spread(Unit::Bytes, "%CEL(response.total_size)%")),
];
const MESSAGES: [(&str, Value); 2] = [
    ("request_messages_total", Value::Sum(messages::ASKED)),
    ("response_messages_total", Value::Sum(messages::ANSWERED)),
];
const OPENED: [(&str, Value); 1] = [("tcp_connections_opened_total", Value::One)];
const CLOSED: [(&str, Value); 3] = [
    ("tcp_connections_closed_total", Value::One),
    ("tcp_sent_bytes_total", Value::Sum("%BYTES_SENT%")),
    ("tcp_received_bytes_total", Value::Sum("%BYTES_RECEIVED%")),
];

impl Standard {
    /// The loggers of calls, and of messages: none of which every metric is dropped.
    pub(super) fn of_calls(&self) -> Vec<AccessLog> {
        let labels = labels::of_calls(self);
        let calls = logger(&self.config(&labels, &CALLS), None);
        let messages = self.counts_messages().then(|| self.config(&labels::of_messages(labels), &MESSAGES));
        calls.into_iter().chain(messages.and_then(|config| logger(&config, Some(of_grpc())))).collect()
    }

    /// Whether messages of gRPC are counted.
    pub fn counts_messages(&self) -> bool {
        let dropped = |name: &str| self.changes.iter().any(|change| change.name == name && change.dropped);
        self.messages && !MESSAGES.iter().all(|(name, _)| dropped(name))
    }

    /// The loggers of connections: when they are there, and when they end. They may all lead to one service.
    pub(super) fn of_bytes(&self, to: Option<&Called>) -> Vec<AccessLog> {
        let labels = labels::of_bytes(self, to);
        let only = |kind| Some(of_type(kind, false));
        let opened = logger(&self.config(&labels, &OPENED), only(AccessLogType::TcpUpstreamConnected));
        let closed = logger(&self.config(&labels, &CLOSED), only(AccessLogType::TcpConnectionEnd));
        opened.into_iter().chain(closed).collect()
    }

    fn config(&self, labels: &[Label], metrics: &[(&str, Value)]) -> Config {
        let scope = Scope { prefix: "wasmcustom.".to_owned(), ..Scope::default() };
        let mut config = Config { stats_scope: Some(scope), ..Config::default() };
        for (name, value) in metrics {
            let change = self.changes.iter().find(|change| change.name == *name);
            if change.is_some_and(|change| change.dropped) {
                continue;
            }
            let stat = Some(Stat { name: format!("istio_{name}"), tags: tags(labels, change, DRAWN.contains(name)) });
            match value {
                Value::One => {
                    let value_fixed = Some(UInt64Value { value: 1 });
                    config.counters.push(Counter { stat, value_fixed, ..Counter::default() });
                }
                Value::Sum(format) => {
                    config.counters.push(Counter { stat, value_format: (*format).to_owned(), ..Counter::default() });
                }
                Value::Spread(unit, format) => {
                    let value_format = (*format).to_owned();
                    config.histograms.push(Histogram { stat, unit: (*unit).into(), value_format });
                }
            }
        }
        config
    }
}

/// The logger, if anything is counted.
fn logger(config: &Config, filter: Option<AccessLogFilter>) -> Option<AccessLog> {
    (!config.counters.is_empty() || !config.histograms.is_empty()).then(|| AccessLog {
        name: "envoy.access_loggers.stats".to_owned(),
        filter,
        config_type: Some(ConfigType::TypedConfig(any(config))),
    })
}

/// Entries of calls that say they are gRPC.
fn of_grpc() -> AccessLogFilter {
    let grpc = StringMatcher {
        match_pattern: Some(MatchPattern::Prefix("application/grpc".to_owned())),
        ..StringMatcher::default()
    };
    let header = HeaderMatcher {
        name: "content-type".to_owned(),
        header_match_specifier: Some(HeaderMatchSpecifier::StringMatch(grpc)),
        ..HeaderMatcher::default()
    };
    AccessLogFilter { filter_specifier: Some(FilterSpecifier::HeaderFilter(HeaderFilter { header: Some(header) })) }
}

/// Entries of a type, or all others.
pub(super) fn of_type(kind: AccessLogType, others: bool) -> AccessLogFilter {
    let filter = LogTypeFilter { types: vec![kind.into()], exclude: others };
    AccessLogFilter { filter_specifier: Some(FilterSpecifier::LogTypeFilter(filter)) }
}

/// The labels, without those that are taken out, and with those that are put in.
fn tags(labels: &[Label], change: Option<&MetricChange>, drawn: bool) -> Vec<Tag> {
    let gone = |name: &str| {
        change.is_some_and(|c| c.removed.iter().any(|n| n == name) || c.added.iter().any(|(n, _)| n == name))
    };
    let tag = |name: &str, value_format: String| Tag { name: name.to_owned(), value_format, rules: None };
    let format = |label: &Label| label.sure.as_deref().filter(|_| drawn).unwrap_or(&label.format).to_owned();
    let kept = labels.iter().filter(|label| !gone(label.name)).map(|label| tag(label.name, format(label)));
    let added = change.into_iter().flat_map(|c| &c.added).map(|(name, cel)| tag(name, format!("%CEL({cel})%")));
    kept.chain(added).collect()
}
