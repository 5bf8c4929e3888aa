//! istiod's variables that change what proxies are sent.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

use super::{Double, Duration};

/// istiod's feature variables that change what proxies are sent, with istiod's defaults (`pilot/pkg/features`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Features {
    /// `PILOT_TRACE_SAMPLING`: how many calls are traced where nothing is said, in percent; 1.
    pub trace_sampling: Double,
    /// `PILOT_HTTP10`: HTTP/1.0 is HTTP everywhere.
    pub http10: bool,
    /// `PILOT_ENABLE_ALPN_FILTER`: calls out offer the mesh's protocols; true.
    pub alpn_filter: bool,
    /// `PILOT_SIDECAR_USE_REMOTE_ADDRESS`: sidecars trust nobody's word on where a call comes from.
    pub remote_address: bool,
    /// `ENABLE_HCM_INTERNAL_NETWORKS`: the ranges of the mesh's networks count as its own everywhere, and not only where the
    /// caller's address is that of its connection.
    pub internal_networks: bool,
    /// `MAX_CONNECTIONS_PER_SOCKET_EVENT_LOOP`: how many connections a proxy takes each time it looks at a socket; 0 for all
    /// there are; 1.
    pub accepts: u32,
    /// `PILOT_ENABLE_TELEMETRY_LABEL`: clusters tell metrics which services they are for; true.
    pub cluster_labels: bool,
    /// `PILOT_ENDPOINT_TELEMETRY_LABEL`: endpoints tell metrics who they are, where clusters do; true.
    pub endpoint_labels: bool,
    /// `PILOT_ENABLE_MONGO_FILTER`: MongoDB's messages are counted; true.
    pub mongo_filter: bool,
    /// `PILOT_ENABLE_REDIS_FILTER`: Redis' commands are counted, and spread over servers by their keys.
    pub redis_filter: bool,
    /// `PILOT_ENABLE_MYSQL_FILTER`: what MySQL is asked is counted.
    pub mysql_filter: bool,
    /// `ENABLE_100_CONTINUE_HEADERS`: `100 Continue` is passed on; true.
    pub continue_headers: bool,
    /// `DISABLE_SHADOW_HOST_SUFFIX`: mirrored calls keep their host; true.
    pub plain_shadows: bool,
    /// `DISABLE_TRACK_REMAINING_CB_METRICS`: what is left of limits is not counted; true.
    pub uncounted_limits: bool,
    /// `PILOT_SCOPE_GATEWAY_TO_NAMESPACE`: Gateways are for proxies of their own namespace.
    pub gateways_at_home: bool,
    /// `PILOT_ENABLE_ABSOLUTE_FQDN_VHOST_DOMAIN`: hosts answer to their names with a dot at the end too; true.
    pub absolute_names: bool,
    /// `PILOT_ENABLE_ROUTE_COLLAPSE_OPTIMIZATION`: hosts of a gateway with the same routes share them; true.
    pub collapsed_routes: bool,
    /// `PILOT_DNS_CARES_UDP_MAX_QUERIES`: questions over one socket; 100.
    pub dns_queries: u32,
    /// `PILOT_DNS_JITTER_DURATION`: how far apart names are resolved again; 100ms.
    pub dns_jitter: Duration,
    /// `ENABLE_LOCALITY_WEIGHTED_LB_CONFIG`: weights of localities count wherever there is a preference by locality.
    pub locality_weights: bool,
    /// `PILOT_ENABLE_EDS_FOR_HEADLESS_SERVICES`: calls to headless Services are balanced.
    pub balanced_headless: bool,
    /// `PREFER_DESTINATIONRULE_TLS_FOR_EXTERNAL_SERVICES`: of TLS to others, rules say more than the proxy's own files;
    /// true.
    pub external_by_rule: bool,
    /// `PILOT_ENABLE_REMOTE_CREDENTIALS_CONTROLLER`: gateways of remote clusters are sent private keys; true.
    pub remote_credentials: bool,
    /// `PILOT_IP_AUTOALLOCATE_IPV4_PREFIX`: from where hosts of ServiceEntries are given addresses; 240.240.0.0/16.
    pub allocate_v4: Ipv4Net,
    /// `PILOT_IP_AUTOALLOCATE_IPV6_PREFIX`, likewise; 2001:2::/48.
    pub allocate_v6: Ipv6Net,
}

impl Features {
    /// istiod's range of virtual addresses.
    pub const ALLOCATE_V4: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(240, 240, 0, 0), 16);
    /// The same of IPv6.
    pub const ALLOCATE_V6: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0x2001, 2, 0, 0, 0, 0, 0, 0), 48);
}

impl Default for Features {
    fn default() -> Self {
        Self {
            trace_sampling: Double::new(1.0),
            http10: false,
            alpn_filter: true,
            remote_address: false,
            internal_networks: false,
            accepts: 1,
            cluster_labels: true,
            endpoint_labels: true,
            mongo_filter: true,
            redis_filter: false,
            mysql_filter: false,
            continue_headers: true,
            plain_shadows: true,
            uncounted_limits: true,
            gateways_at_home: false,
            absolute_names: true,
            collapsed_routes: true,
            dns_queries: 100,
            dns_jitter: Duration::from_millis(100),
            locality_weights: false,
            balanced_headless: false,
            external_by_rule: true,
            remote_credentials: true,
            allocate_v4: Self::ALLOCATE_V4,
            allocate_v6: Self::ALLOCATE_V6,
        }
    }
}
