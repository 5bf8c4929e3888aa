//! Filters of connections whose content the proxy does not read (istio `pilot/pkg/networking/core/networkfilter.go`).

use envoy_types::pb::envoy::config::listener::v3::Filter;
use envoy_types::pb::envoy::config::listener::v3::filter::ConfigType;
use envoy_types::pb::envoy::extensions::filters::network::mongo_proxy::v3::MongoProxy;
use envoy_types::pb::envoy::extensions::filters::network::redis_proxy::v3::RedisProxy;
use envoy_types::pb::envoy::extensions::filters::network::redis_proxy::v3::redis_proxy::prefix_routes::Route;
use envoy_types::pb::envoy::extensions::filters::network::redis_proxy::v3::redis_proxy::{
    ConnPoolSettings, PrefixRoutes,
};
use envoy_types::pb::envoy::extensions::filters::network::sni_dynamic_forward_proxy::v3::FilterConfig as SniFilter;
use envoy_types::pb::envoy::extensions::filters::network::sni_dynamic_forward_proxy::v3::filter_config::PortSpecifier;
use envoy_types::pb::envoy::extensions::filters::network::tcp_proxy::v3::tcp_proxy::weighted_cluster::ClusterWeight;
use envoy_types::pb::envoy::extensions::filters::network::tcp_proxy::v3::tcp_proxy::{
    ClusterSpecifier, TcpAccessLogOptions, TunnelingConfig, WeightedCluster,
};
use envoy_types::pb::envoy::extensions::filters::network::tcp_proxy::v3::{
    TcpProxy as EnvoyTcpProxy, UpstreamConnectMode,
};
use envoy_types::pb::envoy::r#type::v3::HashPolicy;
use envoy_types::pb::envoy::r#type::v3::hash_policy::{PolicySpecifier, SourceIp};
use envoy_types::pb::google::protobuf::Any;

use crate::base::{Duration, Host, Str};
use crate::generate::cluster::Family;
use crate::generate::dns::cache_under;
use crate::generate::proto;
use crate::model::facts::Handle;
use crate::proto::envoy::extensions::filters::network::mysql_proxy::v3::MySqlProxy;
use crate::wire::any;

use super::access::Access;
use super::access_log::AccessLog;
use super::standard::{Called, Standard};
use super::stats::Stats;
use super::typed::typed_struct;

/// How long a command of Redis may take.
const REDIS_TIMEOUT: Duration = Duration::from_secs(5);

/// What all chains for bytes of one direction share.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct BytesSettings {
    /// Whether peers tell each other who they are, for metrics.
    pub exchange: bool,
    /// The steps that decide whether a connection is let in.
    pub access: Vec<Handle<Access>>,
    /// Filters of Istio's metrics.
    pub stats: Vec<Stats>,
    /// Logs of connections.
    pub logs: Vec<AccessLog>,
    /// Istio's metrics, for others than Istio's proxies.
    pub metrics: Option<Standard>,
}

/// A chain for bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Bytes {
    /// What it shares with others.
    pub settings: Handle<BytesSettings>,
    /// The name is read from the ClientHello and resolved by the proxy.
    pub resolution: Option<SniResolution>,
    /// What the proxy reads along for statistics.
    pub protocol: Option<Protocol>,
    /// Where the bytes go.
    pub proxy: TcpProxy,
}

/// A protocol that the proxy understands well enough to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// MongoDB's.
    Mongo,
    /// Redis'; the proxy itself passes the commands on, each to the server of its key.
    Redis,
    /// MySQL's.
    MySql,
}

/// A name that is read from the ClientHello and resolved by the proxy (istio `buildSNIDFPFilter`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SniResolution {
    /// The wildcard host whose names are resolved.
    pub host: Host,
    /// The port to connect to.
    pub port: u16,
    /// The families of addresses.
    pub family: Family,
}

/// Where bytes go.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TcpProxy {
    /// The name in statistics.
    pub stat_prefix: Str,
    /// The clusters.
    pub destination: Destination,
    /// The service that they are of, if it is one, whoever asks.
    pub service: Option<Called>,
    /// How long a connection may be silent.
    pub idle_timeout: Option<Duration>,
    /// How long a connection may last.
    pub max_duration: Option<Duration>,
    /// Whether connections of one address go to one endpoint.
    pub by_source: bool,
    /// A tunnel through a proxy.
    pub tunnel: Option<Tunnel>,
    /// Whether the logs tell of it.
    pub logged: bool,
    /// Whether TLS ends before it.
    pub after_handshake: bool,
}

/// The clusters that get the bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Destination {
    /// This one.
    Cluster(Str),
    /// These, each with its share of the connections.
    Weighted(Vec<(Str, u32)>),
}

/// A tunnel through a proxy.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tunnel {
    /// Where it leads, with the port.
    pub target: Str,
    /// Whether it is opened by `POST` and not by `CONNECT`.
    pub post: bool,
}

impl Bytes {
    pub(crate) fn build(&self) -> Vec<Filter> {
        let settings = &*self.settings;
        let mut filters: Vec<Filter> = settings.exchange.then(exchange).into_iter().collect();
        filters.extend(settings.access.iter().map(|step| step.build_for_bytes()));
        filters.extend(settings.stats.iter().map(|stats| filter("istio.stats", stats.build())));
        filters.extend(self.resolution.as_ref().map(SniResolution::build));
        let stat_prefix = self.proxy.stat_prefix.to_string();
        match self.protocol {
            // It takes the place of what passes bytes on.
            Some(Protocol::Redis) => {
                filters.push(filter("envoy.filters.network.redis_proxy", any(&self.proxy.redis())));
                return filters;
            }
            Some(Protocol::Mongo) => {
                let mongo = MongoProxy { stat_prefix, ..MongoProxy::default() };
                filters.push(filter("envoy.filters.network.mongo_proxy", any(&mongo)));
            }
            Some(Protocol::MySql) => {
                filters.push(filter("envoy.filters.network.mysql_proxy", any(&MySqlProxy { stat_prefix })));
            }
            None => {}
        }
        filters.push(filter("envoy.filters.network.tcp_proxy", any(&self.proxy.build(settings))));
        filters
    }
}

impl TcpProxy {
    /// Everything to one cluster, under its name in statistics.
    pub fn to(cluster: impl Into<Str>) -> Self {
        let cluster = cluster.into();
        Self {
            stat_prefix: cluster.clone(),
            destination: Destination::Cluster(cluster),
            service: None,
            idle_timeout: None,
            max_duration: None,
            by_source: false,
            tunnel: None,
            logged: true,
            after_handshake: false,
        }
    }

    /// Commands go to one cluster: of several the first, as in istiod.
    fn redis(&self) -> RedisProxy {
        let cluster = match &self.destination {
            Destination::Cluster(name) => name,
            Destination::Weighted(shares) => shares.first().map_or(&self.stat_prefix, |(name, _)| name),
        };
        let route = Route { cluster: cluster.to_string(), ..Route::default() };
        RedisProxy {
            stat_prefix: self.stat_prefix.to_string(),
            settings: Some(ConnPoolSettings {
                op_timeout: Some(proto::duration(REDIS_TIMEOUT)),
                ..ConnPoolSettings::default()
            }),
            latency_in_micros: true,
            prefix_routes: Some(PrefixRoutes { catch_all_route: Some(route), ..PrefixRoutes::default() }),
            ..RedisProxy::default()
        }
    }

    fn build(&self, settings: &BytesSettings) -> EnvoyTcpProxy {
        let logs: &[AccessLog] = if self.logged { &settings.logs } else { &[] };
        let metrics = settings.metrics.as_ref().filter(|_| self.logged);
        let metrics = metrics.map(|metrics| metrics.of_bytes(self.service.as_ref())).unwrap_or_default();
        // Whoever calls is known only after the handshake.
        let wait = self.after_handshake && !metrics.is_empty();
        let entries = TcpAccessLogOptions { flush_access_log_on_connected: true, ..TcpAccessLogOptions::default() };
        let access_log_options = (!metrics.is_empty()).then_some(entries);
        let build = if metrics.is_empty() { AccessLog::build } else { AccessLog::build_once };
        let source = HashPolicy { policy_specifier: Some(PolicySpecifier::SourceIp(SourceIp {})) };
        EnvoyTcpProxy {
            stat_prefix: self.stat_prefix.to_string(),
            cluster_specifier: Some(self.destination.build()),
            idle_timeout: self.idle_timeout.map(proto::duration),
            max_downstream_connection_duration: self.max_duration.map(proto::duration),
            hash_policy: self.by_source.then_some(source).into_iter().collect(),
            tunneling_config: self.tunnel.as_ref().map(Tunnel::build),
            access_log: logs.iter().map(build).chain(metrics).collect(),
            access_log_options,
            upstream_connect_mode: if wait { UpstreamConnectMode::OnDownstreamTlsHandshake.into() } else { 0 },
            max_early_data_bytes: wait.then(|| proto::u32_value(0)),
            ..EnvoyTcpProxy::default()
        }
    }
}

impl Destination {
    fn build(&self) -> ClusterSpecifier {
        let share = |(name, weight): &(Str, u32)| ClusterWeight {
            name: name.to_string(),
            weight: *weight,
            ..ClusterWeight::default()
        };
        match self {
            Self::Cluster(name) => ClusterSpecifier::Cluster(name.to_string()),
            Self::Weighted(clusters) => {
                let clusters = clusters.iter().map(share).collect();
                ClusterSpecifier::WeightedClusters(WeightedCluster { clusters })
            }
        }
    }
}

impl Tunnel {
    fn build(&self) -> TunnelingConfig {
        TunnelingConfig { hostname: self.target.to_string(), use_post: self.post, ..TunnelingConfig::default() }
    }
}

impl SniResolution {
    fn build(&self) -> Filter {
        let config = SniFilter {
            dns_cache_config: Some(cache_under(&self.host, self.family)),
            port_specifier: Some(PortSpecifier::PortValue(self.port.into())),
            ..SniFilter::default()
        };
        filter("envoy.extensions.filters.network.sni_dynamic_forward_proxy", any(&config))
    }
}

/// Peers tell each other who they are before the first byte.
pub(crate) fn exchange() -> Filter {
    const TYPE: &str = "type.googleapis.com/envoy.tcp.metadataexchange.config.MetadataExchange";
    let value = serde_json::json!({"protocol": "istio-peer-exchange", "enable_discovery": true});
    filter("istio.metadata_exchange", typed_struct(TYPE, &value))
}

pub(super) fn filter(name: &str, config: Any) -> Filter {
    Filter { name: name.to_owned(), config_type: Some(ConfigType::TypedConfig(config)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(protocol: Option<Protocol>, destination: Destination) -> Vec<String> {
        let proxy = TcpProxy { destination, ..TcpProxy::to("outbound|6379||cache.example.com") };
        let bytes = Bytes { settings: Handle::new(BytesSettings::default()), resolution: None, protocol, proxy };
        bytes.build().into_iter().map(|filter| filter.name).collect()
    }

    #[test]
    fn what_reads_redis_passes_commands_on_itself_and_others_read_along() {
        let one = || Destination::Cluster("a".into());
        let passed_on = "envoy.filters.network.tcp_proxy";
        assert_eq!(names(None, one()), [passed_on]);
        assert_eq!(names(Some(Protocol::Redis), one()), ["envoy.filters.network.redis_proxy"]);
        assert_eq!(names(Some(Protocol::MySql), one()), ["envoy.filters.network.mysql_proxy", passed_on]);
    }

    #[test]
    fn commands_of_redis_go_to_the_first_of_several_clusters() {
        let several = Destination::Weighted(vec![("a".into(), 1), ("b".into(), 99)]);
        let redis = TcpProxy { destination: several, ..TcpProxy::to("name") }.redis();
        assert_eq!((redis.stat_prefix.as_str(), redis.latency_in_micros), ("name", true));
        assert_eq!(redis.prefix_routes.unwrap().catch_all_route.unwrap().cluster, "a");
        assert_eq!(redis.settings.unwrap().op_timeout.unwrap().seconds, 5);
    }
}
