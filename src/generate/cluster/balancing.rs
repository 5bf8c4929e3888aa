//! How an endpoint is chosen.

use envoy_types::pb::envoy::config::cluster::v3::cluster::common_lb_config::{
    LocalityConfigSpecifier, LocalityWeightedLbConfig, ZoneAwareLbConfig,
};
use envoy_types::pb::envoy::config::cluster::v3::cluster::{
    DiscoveryType, LbConfig, LbPolicy, LeastRequestLbConfig, MaglevLbConfig, RingHashLbConfig, RoundRobinLbConfig,
    SlowStartConfig,
};
use envoy_types::pb::envoy::config::core::v3::RuntimeDouble;
use envoy_types::pb::envoy::r#type::v3::Percent;
use envoy_types::pb::google::protobuf::UInt64Value;

use crate::api::destination_rule::{
    ConsistentHash, HashAlgorithm, LoadBalancer, LocalityBalancing, Policy, SimpleBalancing, Warmup, ZoneAwareBalancing,
};
use crate::generate::proto::duration;
use crate::model::facts::Preference;

use super::draft::Draft;

/// Sets how an endpoint is chosen, once it is known how endpoints are found and when they are taken out.
///
/// `weighted` says that weights of localities count wherever there is a preference by locality.
pub(super) fn set(
    draft: &mut Draft,
    balancer: Option<&LoadBalancer>,
    preference: Option<&Preference<'_>>,
    weighted: bool,
) {
    if draft.is_forward() {
        return;
    }
    // Endpoints that are not ready are sent too; in a panic, Envoy would call them.
    draft.common_lb().healthy_panic_threshold.get_or_insert(Percent { value: 0.0 });
    draft.common_lb().locality_config_specifier = preference.and_then(|p| {
        let fails_over = draft.cluster.outlier_detection.is_some();
        locality(p, fails_over, weighted)
    });
    if draft.is_original() {
        draft.cluster.lb_policy = LbPolicy::ClusterProvided.into();
        return;
    }
    match balancer.and_then(|b| b.policy.as_ref()) {
        Some(Policy::Simple(simple)) => set_simple(draft, *simple, balancer),
        Some(Policy::ConsistentHash(hash)) => {
            set_simple(draft, SimpleBalancing::Unspecified, balancer);
            set_hash(draft, hash);
        }
        None => set_simple(draft, SimpleBalancing::Unspecified, balancer),
    }
}

/// One server for each key, whatever a rule says: so the filter for Redis finds what it has stored.
pub(super) fn shard(draft: &mut Draft) {
    if !draft.is_forward() && !draft.is_original() {
        draft.cluster.lb_policy = LbPolicy::Maglev.into();
        draft.cluster.lb_config = None;
    }
}

/// Weights of localities count only where somebody set them: they get in the way of the least loaded endpoint.
fn locality(preference: &Preference<'_>, fails_over: bool, always: bool) -> Option<LocalityConfigSpecifier> {
    let weighted = || Some(LocalityConfigSpecifier::LocalityWeightedLbConfig(LocalityWeightedLbConfig {}));
    match preference {
        Preference::Distribution(_) => weighted(),
        Preference::Locality(setting) if always || is_weighted(setting, fails_over) => weighted(),
        Preference::Locality(_) => None,
        Preference::Zone(setting) => Some(LocalityConfigSpecifier::ZoneAwareLbConfig(zone_aware(setting))),
    }
}

fn is_weighted(setting: &LocalityBalancing, fails_over: bool) -> bool {
    let ordered = !setting.failover.is_empty() || !setting.failover_priority.is_empty();
    !setting.distribute.is_empty() || (fails_over && ordered)
}

fn zone_aware(setting: &ZoneAwareBalancing) -> ZoneAwareLbConfig {
    let enabled = setting.enabled.unwrap_or(true);
    ZoneAwareLbConfig {
        // Envoy prefers zones by itself unless it is told not to.
        routing_enabled: (!enabled).then_some(Percent { value: 0.0 }),
        min_cluster_size: setting.min_cluster_size.map(|value| UInt64Value { value }),
        ..Default::default()
    }
}

fn set_simple(draft: &mut Draft, simple: SimpleBalancing, balancer: Option<&LoadBalancer>) {
    let cluster = &mut draft.cluster;
    match simple {
        SimpleBalancing::Random => cluster.lb_policy = LbPolicy::Random.into(),
        SimpleBalancing::Passthrough => {
            cluster.lb_policy = LbPolicy::ClusterProvided.into();
            cluster.load_assignment = None;
            draft.set_type(DiscoveryType::OriginalDst);
        }
        SimpleBalancing::RoundRobin => {
            cluster.lb_policy = LbPolicy::RoundRobin.into();
            cluster.lb_config = slow_start(balancer).map(|slow_start_config| {
                LbConfig::RoundRobinLbConfig(RoundRobinLbConfig { slow_start_config: Some(slow_start_config) })
            });
        }
        SimpleBalancing::LeastConn | SimpleBalancing::LeastRequest | SimpleBalancing::Unspecified => {
            cluster.lb_policy = LbPolicy::LeastRequest.into();
            cluster.lb_config = slow_start(balancer).map(|slow_start_config| {
                let slow_start_config = Some(slow_start_config);
                LbConfig::LeastRequestLbConfig(LeastRequestLbConfig { slow_start_config, ..Default::default() })
            });
        }
    }
}

fn slow_start(balancer: Option<&LoadBalancer>) -> Option<SlowStartConfig> {
    let balancer = balancer?;
    let old = || {
        balancer
            .warmup_duration_secs
            .map(|window| SlowStartConfig { slow_start_window: Some(duration(window)), ..Default::default() })
    };
    balancer.warmup.as_ref().map(warmup).or_else(old)
}

fn warmup(warmup: &Warmup) -> SlowStartConfig {
    let aggression = warmup.aggression.map_or(1.0, |a| a.get());
    SlowStartConfig {
        slow_start_window: warmup.duration.map(duration),
        // Envoy demands a runtime key; istiod sends one that nobody can set.
        aggression: Some(RuntimeDouble { default_value: aggression, runtime_key: "(".to_owned() }),
        min_weight_percent: Some(Percent { value: warmup.minimum_percent.map_or(10.0, |p| p.get()) }),
    }
}

/// The same endpoint for calls that are alike; routes say what makes them so.
fn set_hash(draft: &mut Draft, hash: &ConsistentHash) {
    let size = |value: u64| Some(UInt64Value { value });
    let ring = |minimum: u64| {
        LbConfig::RingHashLbConfig(RingHashLbConfig { minimum_ring_size: size(minimum), ..Default::default() })
    };
    let cluster = &mut draft.cluster;
    match &hash.algorithm {
        Some(HashAlgorithm::Maglev(maglev)) => {
            cluster.lb_policy = LbPolicy::Maglev.into();
            if maglev.table_size != 0 {
                let config = MaglevLbConfig { table_size: size(maglev.table_size) };
                cluster.lb_config = Some(LbConfig::MaglevLbConfig(config));
            }
        }
        Some(HashAlgorithm::RingHash(said)) => {
            cluster.lb_policy = LbPolicy::RingHash.into();
            if said.minimum_ring_size != 0 {
                cluster.lb_config = Some(ring(said.minimum_ring_size));
            }
        }
        None => {
            cluster.lb_policy = LbPolicy::RingHash.into();
            cluster.lb_config = Some(ring(if hash.minimum_ring_size == 0 { 1024 } else { hash.minimum_ring_size }));
        }
    }
}
