//! Limits of connections, requests and retries.

use envoy_types::pb::envoy::config::cluster::v3::circuit_breakers::Thresholds;
use envoy_types::pb::envoy::config::cluster::v3::circuit_breakers::thresholds::RetryBudget as EnvoyRetryBudget;
use envoy_types::pb::envoy::config::cluster::v3::{CircuitBreakers, UpstreamConnectionOptions};
use envoy_types::pb::envoy::config::core::v3::{
    HttpProtocolOptions, KeepaliveSettings, TcpKeepalive as EnvoyKeepalive,
};
use envoy_types::pb::envoy::extensions::upstreams::http::v3::http_protocol_options::explicit_http_config::ProtocolConfig;
use envoy_types::pb::envoy::extensions::upstreams::http::v3::http_protocol_options::{
    ExplicitHttpConfig, UpstreamProtocolOptions,
};
use envoy_types::pb::envoy::r#type::v3::Percent;

use crate::api::destination_rule::{ConnectionPool, HttpPool, RetryBudget, TcpKeepalive, TcpPool};
use crate::base::Duration;
use crate::generate::proto::{duration, u32_value};
use crate::model::facts::ClusterDefaults;

use super::draft::Draft;
use super::protocol;

/// Sets limits. What is not limited has the highest number and not Envoy's own low ones: these cut off calls where
/// many endpoints come and go at once (istio `cluster_traffic_policy.go`, `getDefaultCircuitBreakerThresholds`).
pub(super) fn set(draft: &mut Draft, pool: &ConnectionPool, budget: Option<&RetryBudget>, mesh: &ClusterDefaults) {
    let tcp = pool.tcp.unwrap_or_default();
    let http = pool.http.unwrap_or_default();
    draft.cluster.connect_timeout = Some(duration(tcp.connect_timeout.unwrap_or(mesh.connect_timeout)));
    draft.cluster.circuit_breakers = Some(CircuitBreakers {
        thresholds: vec![thresholds(&tcp, &http, budget, mesh.counts_remaining)],
        ..Default::default()
    });
    for keepalive in [mesh.tcp_keepalive, tcp.tcp_keepalive].into_iter().flatten() {
        set_keepalive(draft, &keepalive);
    }
    set_http_limits(draft, &tcp, &http);
    if http.use_client_protocol {
        protocol::as_called(draft);
    }
}

fn thresholds(tcp: &TcpPool, http: &HttpPool, budget: Option<&RetryBudget>, counted: bool) -> Thresholds {
    let limit = |said: i32| Some(u32_value(positive(said).unwrap_or(u32::MAX)));
    Thresholds {
        max_connections: limit(tcp.max_connections),
        max_pending_requests: limit(http.http1_max_pending_requests),
        max_requests: limit(http.http2_max_requests),
        max_retries: limit(http.max_retries),
        retry_budget: budget.map(retry_budget),
        track_remaining: counted,
        ..Default::default()
    }
}

fn retry_budget(budget: &RetryBudget) -> EnvoyRetryBudget {
    let least = if budget.min_retry_concurrency == 0 { 3 } else { budget.min_retry_concurrency };
    EnvoyRetryBudget {
        budget_percent: Some(Percent { value: budget.percent.map_or(20.0, |p| p.get()) }),
        budget_interval: budget.budget_interval.map(duration),
        min_retry_concurrency: Some(u32_value(least)),
    }
}

/// Zero says nothing, in all limits of Istio's.
fn positive(said: i32) -> Option<u32> {
    u32::try_from(said).ok().filter(|n| *n > 0)
}

/// Field by field, so that the rule's keepalive completes the mesh's.
fn set_keepalive(draft: &mut Draft, keepalive: &TcpKeepalive) {
    let options = draft.cluster.upstream_connection_options.get_or_insert_with(UpstreamConnectionOptions::default);
    let set = options.tcp_keepalive.get_or_insert_with(EnvoyKeepalive::default);
    let seconds = |span: Duration| u32_value(u32::try_from(span.split().0).unwrap_or_default());
    if keepalive.probes > 0 {
        set.keepalive_probes = Some(u32_value(keepalive.probes));
    }
    if let Some(time) = keepalive.time {
        set.keepalive_time = Some(seconds(time));
    }
    if let Some(interval) = keepalive.interval {
        set.keepalive_interval = Some(seconds(interval));
    }
}

/// Limits that Envoy keeps with HTTP, though those of `tcp` hold without HTTP too.
fn set_http_limits(draft: &mut Draft, tcp: &TcpPool, http: &HttpPool) {
    let idle = http.idle_timeout.or(tcp.idle_timeout);
    let requests = positive(http.max_requests_per_connection);
    let streams = positive(http.max_concurrent_streams);
    let pings = http.http2_keep_alive;
    let lifetime = tcp.max_connection_duration;
    if idle.is_none() && requests.is_none() && streams.is_none() && pings.is_none() && lifetime.is_none() {
        return;
    }
    let options = draft.http();
    let common = options.common_http_protocol_options.get_or_insert_with(HttpProtocolOptions::default);
    common.idle_timeout = idle.map(duration).or(common.idle_timeout);
    common.max_requests_per_connection = requests.map(u32_value).or(common.max_requests_per_connection);
    common.max_connection_duration = lifetime.map(duration).or(common.max_connection_duration);
    let Some(UpstreamProtocolOptions::ExplicitHttpConfig(ExplicitHttpConfig {
        protocol_config: Some(ProtocolConfig::Http2ProtocolOptions(http2)),
    })) = &mut options.upstream_protocol_options
    else {
        return;
    };
    http2.max_concurrent_streams = streams.map(u32_value);
    http2.connection_keepalive = pings.map(|p| KeepaliveSettings {
        interval: p.interval.map(duration),
        timeout: p.timeout.map(duration),
        ..Default::default()
    });
}
