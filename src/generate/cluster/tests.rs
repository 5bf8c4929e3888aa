//! Clusters as recipes, and what comes of them.

mod inbound;
mod limits;
mod security;

use std::collections::BTreeSet;

use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use envoy_types::pb::envoy::config::cluster::v3::cluster::{ClusterDiscoveryType, DiscoveryType, LbConfig, LbPolicy};
use envoy_types::pb::envoy::extensions::upstreams::http::v3::HttpProtocolOptions;
use envoy_types::pb::envoy::extensions::upstreams::http::v3::http_protocol_options::UpstreamProtocolOptions;
use envoy_types::pb::envoy::extensions::upstreams::http::v3::http_protocol_options::explicit_http_config::ProtocolConfig;
use envoy_types::pb::google::protobuf::value::Kind;
use prost::Message;

use super::*;
use crate::api::destination_rule::{
    ConsistentHash, HashAlgorithm, LoadBalancer, LocalityBalancing, Maglev, Policy, SimpleBalancing, TrafficPolicy,
    Warmup, ZoneAwareBalancing,
};
use crate::api::mesh::MeshConfig;
use crate::base::Duration;
use crate::model::facts::{ClusterDefaults, Distribution, Handle, Port, Protocol, Registry, Target, TargetPort};
use crate::wire::Recipe;

fn traits() -> Traits {
    Traits {
        gateway: false,
        exchange: true,
        identity: true,
        keep_case: false,
        certificates: None,
        external_secrets: false,
        file_secrets: false,
    }
}

fn mesh(change: impl FnOnce(&mut MeshConfig)) -> Handle<ClusterDefaults> {
    let mut config = MeshConfig::default();
    change(&mut config);
    Handle::new(ClusterDefaults::new(&config, &Default::default()))
}

/// The cluster of a port that speaks HTTP, in a mesh without settings, without a rule.
fn plain() -> OutboundCluster {
    OutboundCluster {
        service: ServicePort {
            host: "cart.shop.svc.cluster.local".into(),
            name: "cart".into(),
            namespace: "shop".into(),
            registry: Registry::Kubernetes,
            external: false,
            number: 80,
            port_name: "http".into(),
            protocol: Protocol::Http,
            distribution: Distribution::Any,
            sticky: false,
        },
        discovery: Discovery::Sent,
        rule: None,
        subset: None,
        accounts: Accounts { found: None, stated: BTreeSet::new() },
        passing: false,
        mutual: false,
        traits: traits(),
        mesh: mesh(|_| {}),
    }
}

/// The same under a rule.
fn under(change: impl FnOnce(&mut TrafficPolicy)) -> OutboundCluster {
    let mut policy = TrafficPolicy::default();
    change(&mut policy);
    let rule =
        RuleRef { name: "cart".into(), namespace: "shop".into(), policy: Some(Handle::new(policy)), selective: false };
    OutboundCluster { rule: Some(rule), ..plain() }
}

fn balanced(policy: Policy) -> Cluster {
    let balancer = LoadBalancer { policy: Some(policy), ..LoadBalancer::default() };
    under(|p| p.load_balancer = Some(balancer)).build().unwrap()
}

fn http(cluster: &Cluster) -> Option<HttpProtocolOptions> {
    let options = cluster.typed_extension_protocol_options.values().next()?;
    Some(HttpProtocolOptions::decode(&options.value[..]).unwrap())
}

fn is(cluster: &Cluster, kind: DiscoveryType) -> bool {
    cluster.cluster_discovery_type == Some(ClusterDiscoveryType::Type(kind.into()))
}

/// Istio's metadata of a string, or `None`.
fn metadata_text(cluster: &Cluster, key: &str) -> Option<String> {
    match cluster.metadata.as_ref()?.filter_metadata["istio"].fields.get(key)?.kind.clone()? {
        Kind::StringValue(text) => Some(text),
        _ => None,
    }
}

#[test]
fn a_cluster_is_named_after_direction_port_subset_and_host() {
    let subset = SubsetRef { name: "v1".into(), policy: None };
    let cluster = OutboundCluster { subset: Some(subset), ..under(|_| {}) };
    assert_eq!(cluster.name(), "outbound|80|v1|cart.shop.svc.cluster.local");
    let built = cluster.build().unwrap();
    assert_eq!(built.alt_stat_name, "outbound|80|v1|cart.shop.svc.cluster.local;");
    assert_eq!(built.eds_cluster_config.as_ref().unwrap().service_name, built.name);
    assert_eq!(metadata_text(&built, "subset").as_deref(), Some("v1"));
    let rule = "/apis/networking.istio.io/v1/namespaces/shop/destination-rule/cart";
    assert_eq!(metadata_text(&built, "config").as_deref(), Some(rule));
}

#[test]
fn the_meshs_pattern_names_clusters_in_statistics() {
    let mesh = mesh(|m| m.outbound_cluster_stat_name = "%SERVICE%_%SERVICE_PORT_NAME%_%SUBSET_NAME%".into());
    let cluster = OutboundCluster { mesh, ..plain() };
    assert_eq!(cluster.build().unwrap().alt_stat_name, "cart.shop_http_;");
}

#[test]
fn only_a_proxy_with_the_filter_exchanges_metadata() {
    let stock = OutboundCluster { traits: Traits { exchange: false, ..traits() }, ..plain() };
    assert_eq!(plain().build().unwrap().filters[0].name, "istio.metadata_exchange");
    assert!(stock.build().unwrap().filters.is_empty());
}

#[test]
fn a_detected_protocol_is_that_of_the_caller_except_at_gateways() {
    let detected = || {
        let mut cluster = plain();
        cluster.service.protocol = Protocol::Unsupported;
        cluster
    };
    let options = http(&detected().build().unwrap()).unwrap().upstream_protocol_options;
    assert!(matches!(options, Some(UpstreamProtocolOptions::UseDownstreamProtocolConfig(_))));
    let gateway = OutboundCluster { traits: Traits { gateway: true, ..traits() }, ..detected() };
    assert!(http(&gateway.build().unwrap()).is_none());
}

#[test]
fn the_case_of_headers_is_kept_for_http_1_alone() {
    let with = |protocol| {
        let mut cluster = OutboundCluster { traits: Traits { keep_case: true, ..traits() }, ..plain() };
        cluster.service.protocol = protocol;
        http(&cluster.build().unwrap()).and_then(|h| h.upstream_protocol_options)
    };
    let Some(UpstreamProtocolOptions::ExplicitHttpConfig(explicit)) = with(Protocol::Http) else { panic!() };
    let Some(ProtocolConfig::HttpProtocolOptions(http1)) = explicit.protocol_config else { panic!() };
    assert!(http1.header_key_format.is_some());
    let Some(UpstreamProtocolOptions::UseDownstreamProtocolConfig(both)) = with(Protocol::Unsupported) else {
        panic!()
    };
    assert!(both.http_protocol_options.unwrap().header_key_format.is_some());
    assert!(matches!(with(Protocol::Grpc), Some(UpstreamProtocolOptions::ExplicitHttpConfig(_))));
    assert!(with(Protocol::Tcp).is_none());
}

#[test]
fn the_least_loaded_endpoint_is_chosen_where_nothing_is_said() {
    assert_eq!(plain().build().unwrap().lb_policy(), LbPolicy::LeastRequest);
    assert_eq!(balanced(Policy::Simple(SimpleBalancing::Random)).lb_policy(), LbPolicy::Random);
    assert_eq!(balanced(Policy::Simple(SimpleBalancing::RoundRobin)).lb_policy(), LbPolicy::RoundRobin);
}

#[test]
fn a_ring_has_1024_entries_unless_users_name_the_algorithm() {
    let hashed = |algorithm| {
        let hash = ConsistentHash { algorithm, ..ConsistentHash::default() };
        let built = balanced(Policy::ConsistentHash(Box::new(hash)));
        (built.lb_policy(), built.lb_config)
    };
    let (policy, config) = hashed(None);
    let Some(LbConfig::RingHashLbConfig(ring)) = config else { panic!() };
    assert_eq!((policy, ring.minimum_ring_size.unwrap().value), (LbPolicy::RingHash, 1024));
    assert_eq!(hashed(Some(HashAlgorithm::RingHash(Default::default()))), (LbPolicy::RingHash, None));
    assert_eq!(hashed(Some(HashAlgorithm::Maglev(Maglev { table_size: 0 }))), (LbPolicy::Maglev, None));
}

#[test]
fn warm_up_goes_with_the_policies_that_can_do_it() {
    let with = |simple| {
        let warmup = Some(Warmup { duration: Some(Duration::from_secs(30)), ..Warmup::default() });
        let balancer = LoadBalancer { policy: Some(Policy::Simple(simple)), warmup, ..LoadBalancer::default() };
        under(|p| p.load_balancer = Some(balancer)).build().unwrap().lb_config
    };
    let Some(LbConfig::RoundRobinLbConfig(config)) = with(SimpleBalancing::RoundRobin) else { panic!() };
    let slow = config.slow_start_config.unwrap();
    assert_eq!(slow.min_weight_percent.unwrap().value, 10.0);
    assert_eq!(slow.aggression.unwrap().default_value, 1.0);
    assert!(matches!(with(SimpleBalancing::LeastRequest), Some(LbConfig::LeastRequestLbConfig(_))));
    assert!(with(SimpleBalancing::Random).is_none());
}

#[test]
fn passthrough_sends_calls_where_the_caller_was_going() {
    let built = balanced(Policy::Simple(SimpleBalancing::Passthrough));
    assert!(is(&built, DiscoveryType::OriginalDst) && built.eds_cluster_config.is_none());
    assert_eq!(built.lb_policy(), LbPolicy::ClusterProvided);
    let entry = OutboundCluster { discovery: Discovery::Original { port: Some(8443) }, ..plain() };
    let Some(LbConfig::OriginalDstLbConfig(config)) = entry.build().unwrap().lb_config else { panic!() };
    assert_eq!(config.upstream_port_override.unwrap().value, 8443);
}

#[test]
fn weights_of_localities_count_only_where_somebody_set_them() {
    let weighted = |cluster: OutboundCluster| {
        cluster.build().unwrap().common_lb_config.unwrap().locality_config_specifier.is_some()
    };
    let setting = LocalityBalancing { failover_priority: vec!["rack".into()], ..LocalityBalancing::default() };
    let balancer = || LoadBalancer { locality_lb_setting: Some(setting.clone()), ..LoadBalancer::default() };
    assert!(!weighted(plain()));
    assert!(!weighted(under(|p| p.load_balancer = Some(balancer()))));
    assert!(weighted(under(|p| {
        p.load_balancer = Some(balancer());
        p.outlier_detection = Some(Default::default());
    })));
    let mut near = plain();
    near.service.distribution = Distribution::SameZone;
    assert!(weighted(near));
}

#[test]
fn envoy_is_told_where_zones_are_switched_off() {
    use envoy_types::pb::envoy::config::cluster::v3::cluster::common_lb_config::LocalityConfigSpecifier;
    let setting = ZoneAwareBalancing { enabled: Some(false), ..ZoneAwareBalancing::default() };
    let balancer = LoadBalancer { zone_aware_lb_setting: Some(setting), ..LoadBalancer::default() };
    let built = under(|p| p.load_balancer = Some(balancer)).build().unwrap();
    let specifier = built.common_lb_config.unwrap().locality_config_specifier;
    let Some(LocalityConfigSpecifier::ZoneAwareLbConfig(config)) = specifier else { panic!() };
    assert_eq!(config.routing_enabled.unwrap().value, 0.0);
}

#[test]
fn names_of_calls_are_resolved_by_a_cache_of_their_own() {
    let mut cluster = OutboundCluster { discovery: Discovery::Forwarded { family: Family::V4 }, ..plain() };
    cluster.service.external = true;
    let built = cluster.build().unwrap();
    let Some(ClusterDiscoveryType::ClusterType(kind)) = &built.cluster_discovery_type else { panic!() };
    assert_eq!(kind.name, "envoy.clusters.dynamic_forward_proxy");
    assert_eq!(built.lb_policy(), LbPolicy::ClusterProvided);
    assert!(built.metadata.unwrap().filter_metadata["istio"].fields.contains_key("external"));
}

#[test]
fn fixed_clusters_have_their_known_names() {
    let passthrough = |kind| Passthrough { kind, traits: traits(), mesh: mesh(|_| {}) };
    let both = passthrough(PassthroughKind::Inbound { v4: true, v6: true }).build().unwrap();
    assert_eq!(both.name, "InboundPassthroughCluster");
    assert_eq!(both.upstream_bind_config.unwrap().extra_source_addresses.len(), 1);
    let out = passthrough(PassthroughKind::Outbound).build().unwrap();
    assert_eq!((out.name.as_str(), out.filters.len()), ("PassthroughCluster", 1));
    let hole = BlackHole { connect_timeout: Duration::from_secs(10) }.build().unwrap();
    assert!(is(&hole, DiscoveryType::Static) && hole.load_assignment.is_none());
}
