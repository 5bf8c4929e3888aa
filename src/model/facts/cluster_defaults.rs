//! The settings of the mesh that clusters and endpoints depend on.

use crate::api::destination_rule::{LocalityBalancing, TcpKeepalive, ZoneAwareBalancing};
use crate::api::mesh::{DefaultTrafficPolicy, H2UpgradePolicy, InboundMode, MeshConfig, TlsConfig};
use crate::base::{Duration, Features, Str};

/// The settings of the mesh that clusters and endpoints depend on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClusterDefaults {
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// Keepalive of sockets.
    pub tcp_keepalive: Option<TcpKeepalive>,
    /// Whether HTTP/1.1 becomes HTTP/2 where a rule does not say.
    pub h2_upgrade: bool,
    /// Whether mutual TLS is used wherever the server takes it.
    pub auto_mtls: bool,
    /// How often names are resolved again.
    pub dns_refresh_rate: Duration,
    /// How outbound clusters are named in statistics; empty for their own name.
    pub outbound_stat_name: Str,
    /// How inbound clusters are named in statistics; empty for their own name.
    pub inbound_stat_name: Str,
    /// Limits where no rule says.
    pub policy: Option<Box<DefaultTrafficPolicy>>,
    /// TLS towards servers outside the mesh.
    pub tls: Option<TlsConfig>,
    /// Trust domains that count as the mesh's own.
    pub trust_domain_aliases: Vec<Str>,
    /// Preference by locality where no rule says.
    pub locality: Option<LocalityBalancing>,
    /// Preference by zone where no rule says.
    pub zone_aware: Option<ZoneAwareBalancing>,
    /// Whether inbound calls are handed on to 127.0.0.1 rather than to the address that was called.
    pub inbound_localhost: bool,
    /// How many questions a resolver asks over one socket.
    pub dns_queries: u32,
    /// How far apart names are resolved again.
    pub dns_jitter: Duration,
    /// Whether what is left of limits is counted.
    pub counts_remaining: bool,
    /// Whether clusters tell metrics which services they are for.
    pub labels: bool,
    /// Whether weights of localities count wherever there is a preference by locality.
    pub locality_weights: bool,
    /// Whether keys of Redis tell to which server a command goes.
    pub sharded_redis: bool,
    /// Whether of TLS to others rules say more than the proxy's own files.
    pub external_by_rule: bool,
}

impl ClusterDefaults {
    /// Cuts them out of all settings.
    pub fn new(mesh: &MeshConfig, features: &Features) -> Self {
        Self {
            connect_timeout: mesh.connect_timeout,
            tcp_keepalive: mesh.tcp_keepalive,
            h2_upgrade: mesh.h2_upgrade_policy == H2UpgradePolicy::Upgrade,
            auto_mtls: mesh.enable_auto_mtls.unwrap_or(true),
            dns_refresh_rate: mesh.dns_refresh_rate,
            outbound_stat_name: mesh.outbound_cluster_stat_name.clone(),
            inbound_stat_name: mesh.inbound_cluster_stat_name.clone(),
            policy: mesh.default_traffic_policy.clone(),
            tls: mesh.tls_defaults.clone(),
            trust_domain_aliases: mesh.trust_domain_aliases.clone(),
            locality: mesh.locality_lb_setting.clone(),
            zone_aware: mesh.zone_aware_lb_setting.clone(),
            inbound_localhost: mesh.inbound_traffic_policy.mode == InboundMode::Localhost,
            dns_queries: features.dns_queries,
            dns_jitter: features.dns_jitter,
            counts_remaining: !features.uncounted_limits,
            labels: features.cluster_labels,
            locality_weights: features.locality_weights,
            sharded_redis: features.redis_filter,
            external_by_rule: features.external_by_rule,
        }
    }
}
