//! Limits, and endpoints taken out.

use envoy_types::pb::envoy::config::cluster::v3::cluster::LbPolicy;
use envoy_types::pb::envoy::config::common::matcher::v3::match_predicate::Rule;

use super::*;
use crate::api::destination_rule::{
    ConnectionKeepalive, ConnectionPool, H2UpgradePolicy, HttpPool, OutlierDetection, RetryBudget, TcpKeepalive,
    TcpPool,
};
use crate::api::mesh::DefaultTrafficPolicy;
use crate::base::Double;

fn with_http(change: impl FnOnce(&mut HttpPool)) -> OutboundCluster {
    let mut http = HttpPool::default();
    change(&mut http);
    under(|p| p.connection_pool = Some(ConnectionPool { tcp: None, http: Some(http) }))
}

fn with_tcp(change: impl FnOnce(&mut TcpPool)) -> OutboundCluster {
    let mut tcp = TcpPool::default();
    change(&mut tcp);
    under(|p| p.connection_pool = Some(ConnectionPool { tcp: Some(tcp), http: None }))
}

#[test]
fn what_is_not_limited_has_the_highest_number() {
    let built = with_tcp(|t| t.max_connections = 7).build().unwrap();
    let limits = &built.circuit_breakers.unwrap().thresholds[0];
    assert_eq!(limits.max_connections.unwrap().value, 7);
    assert_eq!(limits.max_requests.unwrap().value, u32::MAX);
    assert_eq!(limits.max_retries.unwrap().value, u32::MAX);
}

#[test]
fn a_retry_budget_has_istios_defaults_for_what_it_leaves_out() {
    let budget = RetryBudget { percent: Some(Double::new(5.0)), ..RetryBudget::default() };
    let built = under(|p| p.retry_budget = Some(budget)).build().unwrap();
    let budget = built.circuit_breakers.unwrap().thresholds[0].retry_budget.unwrap();
    assert_eq!(budget.budget_percent.unwrap().value, 5.0);
    assert_eq!(budget.min_retry_concurrency.unwrap().value, 3);
}

#[test]
fn a_rules_keepalive_completes_the_meshs() {
    let probes = |probes| TcpKeepalive { probes, ..TcpKeepalive::default() };
    let mut cluster = with_tcp(|t| t.tcp_keepalive = Some(probes(9)));
    cluster.mesh = mesh(|m| {
        m.tcp_keepalive = Some(TcpKeepalive { time: Some(Duration::from_secs(60)), ..probes(3) });
    });
    let keepalive = cluster.build().unwrap().upstream_connection_options.unwrap().tcp_keepalive.unwrap();
    assert_eq!(keepalive.keepalive_probes.unwrap().value, 9);
    assert_eq!(keepalive.keepalive_time.unwrap().value, 60);
}

#[test]
fn limits_of_tcp_are_kept_with_http_though_nothing_speaks_it() {
    let mut cluster = with_tcp(|t| t.idle_timeout = Some(Duration::from_secs(5)));
    cluster.service.protocol = Protocol::Tcp;
    let options = http(&cluster.build().unwrap()).unwrap();
    assert_eq!(options.common_http_protocol_options.unwrap().idle_timeout.unwrap().seconds, 5);
    let Some(UpstreamProtocolOptions::ExplicitHttpConfig(explicit)) = options.upstream_protocol_options else {
        panic!()
    };
    assert!(matches!(explicit.protocol_config, Some(ProtocolConfig::HttpProtocolOptions(_))));
}

#[test]
fn limits_of_streams_are_for_http_2_alone() {
    let limited = |protocol| {
        let mut cluster = with_http(|h| {
            h.max_concurrent_streams = 4;
            h.http2_keep_alive = Some(ConnectionKeepalive::default());
        });
        cluster.service.protocol = protocol;
        http(&cluster.build().unwrap()).unwrap().upstream_protocol_options
    };
    let Some(UpstreamProtocolOptions::ExplicitHttpConfig(grpc)) = limited(Protocol::Grpc) else { panic!() };
    let Some(ProtocolConfig::Http2ProtocolOptions(http2)) = grpc.protocol_config else { panic!() };
    assert_eq!(http2.max_concurrent_streams.unwrap().value, 4);
    assert!(http2.connection_keepalive.is_some());
    let Some(UpstreamProtocolOptions::ExplicitHttpConfig(plain)) = limited(Protocol::Http) else { panic!() };
    assert!(matches!(plain.protocol_config, Some(ProtocolConfig::HttpProtocolOptions(_))));
}

#[test]
fn http_becomes_http_2_as_the_rule_says_or_else_the_mesh() {
    let is_http2 = |policy, mesh_upgrades: bool, protocol| {
        let mut cluster = with_http(|h| h.h2_upgrade_policy = policy);
        cluster.service.protocol = protocol;
        if mesh_upgrades {
            cluster.mesh = mesh(|m| m.h2_upgrade_policy = crate::api::mesh::H2UpgradePolicy::Upgrade);
        }
        let options = http(&cluster.build().unwrap()).and_then(|h| h.upstream_protocol_options);
        let Some(UpstreamProtocolOptions::ExplicitHttpConfig(explicit)) = options else { return false };
        matches!(explicit.protocol_config, Some(ProtocolConfig::Http2ProtocolOptions(_)))
    };
    use H2UpgradePolicy::{Default, DoNotUpgrade, Upgrade};
    assert!(is_http2(Upgrade, false, Protocol::Http));
    assert!(is_http2(Upgrade, false, Protocol::Tcp));
    assert!(is_http2(Default, true, Protocol::Http));
    assert!(!is_http2(Default, true, Protocol::Tcp));
    assert!(!is_http2(DoNotUpgrade, true, Protocol::Http));
}

#[test]
fn the_callers_protocol_is_kept_where_the_rule_says_so() {
    let cluster = with_http(|h| {
        h.use_client_protocol = true;
        h.h2_upgrade_policy = H2UpgradePolicy::Upgrade;
    });
    let options = http(&cluster.build().unwrap()).unwrap().upstream_protocol_options;
    assert!(matches!(options, Some(UpstreamProtocolOptions::UseDownstreamProtocolConfig(_))));
}

#[test]
fn errors_of_zero_switch_a_detection_off() {
    let outlier = OutlierDetection {
        consecutive_5xx_errors: Some(0),
        consecutive_gateway_errors: Some(3),
        ..OutlierDetection::default()
    };
    let out = under(|p| p.outlier_detection = Some(outlier)).build().unwrap().outlier_detection.unwrap();
    assert_eq!(out.enforcing_consecutive_5xx.unwrap().value, 0);
    assert_eq!(out.enforcing_consecutive_gateway_failure.unwrap().value, 100);
    assert_eq!(out.enforcing_success_rate.unwrap().value, 0);
    assert!(out.interval.is_none() && out.max_ejection_percent.is_none());
}

#[test]
fn panic_starts_where_the_rule_says_unless_unready_endpoints_are_among_them() {
    let panic = |distribution| {
        let outlier = OutlierDetection { min_health_percent: 40, ..OutlierDetection::default() };
        let mut cluster = under(|p| p.outlier_detection = Some(outlier));
        cluster.service.distribution = distribution;
        cluster.build().unwrap().common_lb_config.unwrap().healthy_panic_threshold.unwrap().value
    };
    assert_eq!(panic(Distribution::Any), 40.0);
    assert_eq!(panic(Distribution::SameNode), 0.0);
}

#[test]
fn status_codes_replace_what_counts_as_an_error() {
    let matched = |codes: &[u32]| {
        let outlier =
            OutlierDetection { outlier_detection_http_error_codes: codes.to_vec(), ..OutlierDetection::default() };
        let built = under(|p| p.outlier_detection = Some(outlier)).build().unwrap();
        http(&built).unwrap().outlier_detection.unwrap().error_matcher.unwrap().rule
    };
    assert!(matches!(matched(&[418]), Some(Rule::HttpResponseHeadersMatch(_))));
    assert!(matches!(matched(&[418, 429]), Some(Rule::OrMatch(set)) if set.rules.len() == 2));
}

#[test]
fn the_meshs_limits_hold_where_a_rule_has_none_and_for_all_unknown_hosts() {
    let pool = ConnectionPool { tcp: Some(TcpPool { max_connections: 3, ..TcpPool::default() }), http: None };
    let policy = DefaultTrafficPolicy { connection_pool: Some(pool), outlier_detection: None };
    let mesh = mesh(|m| m.default_traffic_policy = Some(Box::new(policy)));
    let limit = |built: Cluster| built.circuit_breakers.unwrap().thresholds[0].max_connections.unwrap().value;
    assert_eq!(limit(OutboundCluster { mesh: mesh.clone(), ..plain() }.build().unwrap()), 3);
    let own = OutboundCluster { mesh: mesh.clone(), ..with_tcp(|t| t.max_connections = 8) };
    assert_eq!(limit(own.build().unwrap()), 8);
    let unknown = Passthrough { kind: PassthroughKind::Outbound, traits: traits(), mesh };
    assert_eq!(limit(unknown.build().unwrap()), 3);
}

#[test]
fn keys_of_redis_tell_the_server_where_its_filter_is_switched_on() {
    let policy = |sharded, protocol| {
        let mut cluster = plain();
        cluster.service.protocol = protocol;
        cluster.mesh = Handle::new(ClusterDefaults { sharded_redis: sharded, ..(*cluster.mesh).clone() });
        cluster.build().unwrap().lb_policy()
    };
    assert_eq!(policy(true, Protocol::Redis), LbPolicy::Maglev);
    assert_eq!(policy(false, Protocol::Redis), LbPolicy::LeastRequest);
    assert_eq!(policy(true, Protocol::Tcp), LbPolicy::LeastRequest);
}
