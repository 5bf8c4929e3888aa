//! Istio's metrics for an Envoy that is not Istio's build: counted by its access logger for statistics.
//!
//! Names and labels are Istio's. Envoy exports names under the prefix `wasmcustom.` as they are, if its bootstrap has
//! registered that (`agent::bootstrap`). What has no value is the empty string here, which Prometheus takes for an
//! absent label and Kiali for a reason to skip the series: a rule makes `unknown` of it. Rules are long, so only metrics
//! that graphs are drawn from have them.
//!
//! Absent: `istio_build`. Bytes of a connection are counted when it ends: what Envoy says before that is a sum, which would count twice.

mod labels;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use envoy_types::pb::envoy::config::accesslog::v3::access_log::ConfigType;
use envoy_types::pb::envoy::config::accesslog::v3::access_log_filter::FilterSpecifier;
use envoy_types::pb::envoy::config::accesslog::v3::{AccessLog, AccessLogFilter, HeaderFilter, LogTypeFilter};
use envoy_types::pb::envoy::config::route::v3::HeaderMatcher;
use envoy_types::pb::envoy::config::route::v3::header_matcher::HeaderMatchSpecifier;
use envoy_types::pb::envoy::data::accesslog::v3::AccessLogType;
use envoy_types::pb::envoy::extensions::access_loggers::stats::v3::Config;
use envoy_types::pb::envoy::extensions::access_loggers::stats::v3::config::histogram::Unit;
use envoy_types::pb::envoy::extensions::access_loggers::stats::v3::config::{Counter, Histogram, Stat, Tag};
use envoy_types::pb::envoy::extensions::matching::actions::transform_stat::v3::TransformStat;
use envoy_types::pb::envoy::extensions::matching::actions::transform_stat::v3::transform_stat::UpdateTag;
use envoy_types::pb::envoy::extensions::matching::common_inputs::stats::v3::StatTagValueInput;
use envoy_types::pb::envoy::r#type::matcher::v3::StringMatcher;
use envoy_types::pb::envoy::r#type::matcher::v3::string_matcher::MatchPattern;
use envoy_types::pb::envoy::r#type::v3::Scope;
use envoy_types::pb::google::protobuf::UInt64Value;
use envoy_types::pb::xds::core::v3::TypedExtensionConfig;
use envoy_types::pb::xds::r#type::matcher::v3::Matcher;
use envoy_types::pb::xds::r#type::matcher::v3::matcher::matcher_tree::{MatchMap, TreeType};
use envoy_types::pb::xds::r#type::matcher::v3::matcher::{MatcherTree, MatcherType, OnMatch, on_match};

use crate::base::Str;
use crate::wire::any;

use super::messages;
use super::stats::MetricChange;
use labels::Label;

/// Istio's metrics of calls or connections of one direction.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Standard {
    /// Whether they come in.
    pub inbound: bool,
    /// The workload that the proxy is beside; read from the proxy's Node if absent, so that listeners can be shared.
    pub own: Option<Own>,
    /// Whether messages of gRPC can be counted (`HttpFilter::Messages`).
    pub messages: bool,
    /// Changes to metrics, by name.
    pub changes: Vec<MetricChange>,
}

/// A workload, as labels name it. Nothing is empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Own {
    /// Its name.
    pub workload: Str,
    /// Its namespace.
    pub namespace: Str,
    /// The service that it is, whatever it is called by.
    pub canonical: Str,
    /// Its revision of that.
    pub revision: Str,
    /// Its label `app`.
    pub app: Str,
    /// Its label `version`.
    pub version: Str,
    /// Its cluster.
    pub cluster: Str,
}

impl Own {
    /// All in one, as it is told to servers.
    pub(super) fn joined(&self) -> String {
        let Self { workload, namespace, canonical, revision, app, version, cluster } = self;
        format!("{workload};{namespace};{canonical};{revision};{app};{version};{cluster}")
    }
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
        let labels = labels::of_calls(self.inbound, self.own.as_ref());
        let calls = logger(&self.config(&labels, &CALLS), None);
        let messages = self.counts_messages().then(|| self.config(&labels::of_messages(labels), &MESSAGES));
        calls.into_iter().chain(messages.and_then(|config| logger(&config, Some(of_grpc())))).collect()
    }

    /// Whether messages of gRPC are counted.
    pub fn counts_messages(&self) -> bool {
        let dropped = |name: &str| self.changes.iter().any(|change| change.name == name && change.dropped);
        self.messages && !MESSAGES.iter().all(|(name, _)| dropped(name))
    }

    /// The loggers of connections: when they are there, and when they end.
    pub(super) fn of_bytes(&self) -> Vec<AccessLog> {
        let labels = labels::of_bytes(self.inbound, self.own.as_ref());
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
fn tags(labels: &[Label], change: Option<&MetricChange>, complete: bool) -> Vec<Tag> {
    let gone = |name: &str| {
        change.is_some_and(|c| c.removed.iter().any(|n| n == name) || c.added.iter().any(|(n, _)| n == name))
    };
    let kept = labels.iter().filter(|label| !gone(label.name)).map(|label| Tag {
        name: label.name.to_owned(),
        value_format: label.format.to_string(),
        rules: label.empty.filter(|_| complete).map(instead_of_nothing),
    });
    let added = change.into_iter().flat_map(|c| &c.added).map(|(name, cel)| Tag {
        name: name.to_string(),
        value_format: format!("%CEL({cel})%"),
        rules: None,
    });
    kept.chain(added).collect()
}

/// What is told where there is no value.
fn instead_of_nothing(value: &str) -> Matcher {
    let update = UpdateTag { new_tag_value: value.to_owned() };
    let action = any(&TransformStat { update_tag: Some(update), ..TransformStat::default() });
    let extension = |name: &str, config| TypedExtensionConfig { name: name.to_owned(), typed_config: Some(config) };
    let on_match = OnMatch { on_match: Some(on_match::OnMatch::Action(extension("a", action))), ..OnMatch::default() };
    let tree = MatcherTree {
        input: Some(extension("v", any(&StatTagValueInput {}))),
        tree_type: Some(TreeType::ExactMatchMap(MatchMap { map: HashMap::from([(String::new(), on_match)]) })),
    };
    Matcher { matcher_type: Some(MatcherType::MatcherTree(tree)), ..Matcher::default() }
}
