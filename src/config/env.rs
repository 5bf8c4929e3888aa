//! The environment, in istiod's names.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::{Ipv4Net, Ipv6Net};

use crate::base::{Double, Features as Generation};

/// Everything that is read from the environment.
#[derive(Debug, Clone, PartialEq)]
pub struct Environment {
    /// `POD_NAME`, the name of this replica; the host's otherwise, or one of this process's own.
    pub pod_name: String,
    /// `POD_NAMESPACE`.
    pub pod_namespace: String,
    /// `XDG_STATE_HOME`, or `.local/state` under `HOME`.
    pub state_home: Option<PathBuf>,
    /// `REVISION`: which of several control planes this is; empty if nothing is said.
    pub revision: String,
    /// `SHARED_MESH_CONFIG`: a ConfigMap that is applied before our own; empty for none.
    pub shared_mesh: String,
    /// `PILOT_REMOTE_CLUSTER_TIMEOUT`: how long the start waits for remote clusters.
    pub remote_timeout: Duration,
    /// `PILOT_INSECURE_MULTICLUSTER_KUBECONFIG_OPTIONS`, a list.
    pub insecure_kubeconfigs: BTreeSet<String>,
    /// `PILOT_MULTICLUSTER_KUBECONFIG_PATH`: a folder that leads to remote clusters in place of Secrets.
    pub remote_kubeconfigs: Option<PathBuf>,
    /// Where a cluster may be.
    pub cluster: Cluster,
    /// Settings by which istiod's behaviour is changed.
    pub features: Features,
}

/// What the environment says about where the API server is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cluster {
    /// `KUBECONFIG`, a list of files.
    pub kubeconfig: Vec<PathBuf>,
    /// `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT`: we run in a Pod.
    pub pod: bool,
    /// `.kube/config` under `HOME`.
    pub home: Option<PathBuf>,
}

/// istiod's feature variables that mizzen honours, with istiod's defaults (`pilot/pkg/features`), and one of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Features {
    /// `PILOT_DEBOUNCE_AFTER`, 100ms.
    pub debounce_after: Duration,
    /// `PILOT_DEBOUNCE_MAX`, 10s.
    pub debounce_max: Duration,
    /// `PILOT_MAX_REQUESTS_PER_SECOND`, new streams a second; 0 is by the number of cores.
    pub max_requests_per_second: f64,
    /// `ISTIO_GPRC_MAXRECVMSGSIZE`, bytes.
    pub max_recv_size: usize,
    /// `ENABLE_DEBUG_ON_HTTP`.
    pub debug_on_http: bool,
    /// `ENABLE_DEBUG_ENDPOINT_AUTH`: whether service accounts of other namespaces see their own proxies only; true.
    pub debug_by_namespace: bool,
    /// `DEBUG_ENDPOINT_AUTH_ALLOWED_NAMESPACES`, a list: namespaces whose service accounts see everything.
    pub debug_namespaces: BTreeSet<String>,
    /// `TOKEN_AUDIENCES`, a list: for whom tokens have to be; `istio-ca`.
    pub token_audiences: Vec<String>,
    /// `ENABLE_LEADER_ELECTION`: whether other control planes may write to the cluster too; true.
    pub leader_election: bool,
    /// `PILOT_ENABLE_IP_AUTOALLOCATE`: whether virtual addresses are written to ServiceEntries; true.
    pub allocate: bool,
    /// `PILOT_ENABLE_CROSS_CLUSTER_WORKLOAD_ENTRY`: WorkloadEntries of remote clusters count; true.
    pub remote_workload_entries: bool,
    /// `UNSAFE_ENABLE_ADMIN_ENDPOINTS`: debug pages that change something.
    pub unsafe_admin: bool,
    /// `PILOT_XDS_CACHE_STATS`: metrics of the cache in istiod's names.
    pub cache_stats: bool,
    /// `PILOT_ENVOY_FILTER_STATS`: metrics of patches that are left out in istiod's names.
    pub filter_stats: bool,
    /// `MIZZEN_BALANCE_CONNECTIONS`: whether a replica with far more proxies than others sends some away; true.
    pub balance: bool,
    /// `METRICS_LOCALHOST_ACCESS_ONLY`.
    pub local_metrics: bool,
    /// Those that change what proxies are sent.
    pub generation: Generation,
}

impl Default for Features {
    fn default() -> Self {
        Self {
            debounce_after: Duration::from_millis(100),
            debounce_max: Duration::from_secs(10),
            max_requests_per_second: 0.0,
            max_recv_size: 4 << 20,
            debug_on_http: true,
            debug_by_namespace: true,
            debug_namespaces: BTreeSet::new(),
            token_audiences: vec!["istio-ca".to_owned()],
            leader_election: true,
            allocate: true,
            remote_workload_entries: true,
            unsafe_admin: false,
            cache_stats: false,
            filter_stats: false,
            balance: true,
            local_metrics: false,
            generation: Generation::default(),
        }
    }
}

impl Environment {
    /// Reads the process's environment. Values that cannot be read are named in the second part, and the default
    /// holds.
    #[expect(clippy::disallowed_methods, reason = "the one place where the environment is read")]
    pub fn read() -> (Self, Vec<String>) {
        Self::from_lookup(|name| std::env::var(name).ok().filter(|v| !v.is_empty()))
    }

    /// The same from any source of variables.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> (Self, Vec<String>) {
        let mut reader = Reader { lookup: &lookup, problems: Vec::new() };
        let defaults = Features::default();
        let features = Features {
            debounce_after: reader.duration("PILOT_DEBOUNCE_AFTER", defaults.debounce_after),
            debounce_max: reader.duration("PILOT_DEBOUNCE_MAX", defaults.debounce_max),
            max_requests_per_second: reader.parsed("PILOT_MAX_REQUESTS_PER_SECOND", defaults.max_requests_per_second),
            max_recv_size: reader.parsed("ISTIO_GPRC_MAXRECVMSGSIZE", defaults.max_recv_size),
            debug_on_http: reader.boolean("ENABLE_DEBUG_ON_HTTP", defaults.debug_on_http),
            debug_by_namespace: reader.boolean("ENABLE_DEBUG_ENDPOINT_AUTH", defaults.debug_by_namespace),
            debug_namespaces: reader.list("DEBUG_ENDPOINT_AUTH_ALLOWED_NAMESPACES").collect(),
            token_audiences: Some(reader.list("TOKEN_AUDIENCES").collect())
                .filter(|list: &Vec<String>| !list.is_empty())
                .unwrap_or(defaults.token_audiences),
            leader_election: reader.boolean("ENABLE_LEADER_ELECTION", defaults.leader_election),
            allocate: reader.boolean("PILOT_ENABLE_IP_AUTOALLOCATE", defaults.allocate),
            remote_workload_entries: reader
                .boolean("PILOT_ENABLE_CROSS_CLUSTER_WORKLOAD_ENTRY", defaults.remote_workload_entries),
            unsafe_admin: reader.boolean("UNSAFE_ENABLE_ADMIN_ENDPOINTS", defaults.unsafe_admin),
            cache_stats: reader.boolean("PILOT_XDS_CACHE_STATS", defaults.cache_stats),
            filter_stats: reader.boolean("PILOT_ENVOY_FILTER_STATS", defaults.filter_stats),
            balance: reader.boolean("MIZZEN_BALANCE_CONNECTIONS", defaults.balance),
            local_metrics: reader.boolean("METRICS_LOCALHOST_ACCESS_ONLY", defaults.local_metrics),
            generation: generation(&mut reader, defaults.generation),
        };
        let remote_timeout = reader.duration("PILOT_REMOTE_CLUSTER_TIMEOUT", Duration::from_secs(30));
        let home = || lookup("HOME").map(|h| PathBuf::from(h).join(".local/state"));
        let environment = Self {
            pod_name: lookup("POD_NAME")
                .or_else(|| lookup("HOSTNAME"))
                .unwrap_or_else(|| format!("mizzen-{}", std::process::id())),
            pod_namespace: lookup("POD_NAMESPACE").unwrap_or_else(|| "istio-system".to_owned()),
            state_home: lookup("XDG_STATE_HOME").map(PathBuf::from).or_else(home),
            revision: lookup("REVISION").unwrap_or_default(),
            shared_mesh: lookup("SHARED_MESH_CONFIG").unwrap_or_default(),
            remote_timeout,
            insecure_kubeconfigs: reader.list("PILOT_INSECURE_MULTICLUSTER_KUBECONFIG_OPTIONS").collect(),
            remote_kubeconfigs: lookup("PILOT_MULTICLUSTER_KUBECONFIG_PATH").map(PathBuf::from),
            cluster: Cluster {
                kubeconfig: lookup("KUBECONFIG")
                    .map(|list| list.split(':').map(PathBuf::from).collect())
                    .unwrap_or_default(),
                pod: ["KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"]
                    .into_iter()
                    .all(|name| lookup(name).is_some()),
                home: lookup("HOME").map(|h| PathBuf::from(h).join(".kube/config")),
            },
            features,
        };
        (environment, reader.problems)
    }
}

fn generation(reader: &mut Reader<'_>, defaults: Generation) -> Generation {
    let mut flag = |name, default| reader.boolean(name, default);
    let flags = Generation {
        http10: flag("PILOT_HTTP10", defaults.http10),
        alpn_filter: flag("PILOT_ENABLE_ALPN_FILTER", defaults.alpn_filter),
        remote_address: flag("PILOT_SIDECAR_USE_REMOTE_ADDRESS", defaults.remote_address),
        internal_networks: flag("ENABLE_HCM_INTERNAL_NETWORKS", defaults.internal_networks),
        cluster_labels: flag("PILOT_ENABLE_TELEMETRY_LABEL", defaults.cluster_labels),
        endpoint_labels: flag("PILOT_ENDPOINT_TELEMETRY_LABEL", defaults.endpoint_labels),
        mongo_filter: flag("PILOT_ENABLE_MONGO_FILTER", defaults.mongo_filter),
        redis_filter: flag("PILOT_ENABLE_REDIS_FILTER", defaults.redis_filter),
        mysql_filter: flag("PILOT_ENABLE_MYSQL_FILTER", defaults.mysql_filter),
        continue_headers: flag("ENABLE_100_CONTINUE_HEADERS", defaults.continue_headers),
        plain_shadows: flag("DISABLE_SHADOW_HOST_SUFFIX", defaults.plain_shadows),
        uncounted_limits: flag("DISABLE_TRACK_REMAINING_CB_METRICS", defaults.uncounted_limits),
        gateways_at_home: flag("PILOT_SCOPE_GATEWAY_TO_NAMESPACE", defaults.gateways_at_home),
        absolute_names: flag("PILOT_ENABLE_ABSOLUTE_FQDN_VHOST_DOMAIN", defaults.absolute_names),
        collapsed_routes: flag("PILOT_ENABLE_ROUTE_COLLAPSE_OPTIMIZATION", defaults.collapsed_routes),
        locality_weights: flag("ENABLE_LOCALITY_WEIGHTED_LB_CONFIG", defaults.locality_weights),
        balanced_headless: flag("PILOT_ENABLE_EDS_FOR_HEADLESS_SERVICES", defaults.balanced_headless),
        external_by_rule: flag("PREFER_DESTINATIONRULE_TLS_FOR_EXTERNAL_SERVICES", defaults.external_by_rule),
        remote_credentials: flag("PILOT_ENABLE_REMOTE_CREDENTIALS_CONTROLLER", defaults.remote_credentials),
        ..defaults
    };
    let sampling = reader.parsed("PILOT_TRACE_SAMPLING", flags.trace_sampling.get());
    let jitter = |text: &str| crate::base::Duration::parse(text);
    Generation {
        // As istiod, whose default holds for a share that is none.
        trace_sampling: Double::new(if (0.0..=100.0).contains(&sampling) { sampling } else { 1.0 }),
        accepts: reader.parsed("MAX_CONNECTIONS_PER_SOCKET_EVENT_LOOP", flags.accepts),
        dns_queries: reader.parsed("PILOT_DNS_CARES_UDP_MAX_QUERIES", flags.dns_queries),
        dns_jitter: reader.read("PILOT_DNS_JITTER_DURATION", flags.dns_jitter, "a duration such as 100ms", jitter),
        allocate_v4: reader.read(
            "PILOT_IP_AUTOALLOCATE_IPV4_PREFIX",
            flags.allocate_v4,
            "a range of IPv4 such as 240.240.0.0/16 (/30 at least)",
            |text| text.parse::<Ipv4Net>().ok().map(|range| range.trunc()).filter(|range| range.prefix_len() <= 30),
        ),
        allocate_v6: reader.read(
            "PILOT_IP_AUTOALLOCATE_IPV6_PREFIX",
            flags.allocate_v6,
            "a range of IPv6 such as 2001:2::/48 (/126 at least)",
            |text| text.parse::<Ipv6Net>().ok().map(|range| range.trunc()).filter(|range| range.prefix_len() <= 126),
        ),
        ..flags
    }
}

struct Reader<'l> {
    lookup: &'l dyn Fn(&str) -> Option<String>,
    problems: Vec<String>,
}

impl Reader<'_> {
    fn read<T>(&mut self, name: &str, default: T, what: &str, parse: impl Fn(&str) -> Option<T>) -> T {
        let Some(text) = (self.lookup)(name) else { return default };
        parse(&text).unwrap_or_else(|| {
            self.problems.push(format!("{name}={text} is not {what}; the default holds"));
            default
        })
    }

    fn duration(&mut self, name: &str, default: Duration) -> Duration {
        self.read(name, default, "a duration such as 100ms", |t| super::parse_duration(t).ok())
    }

    fn boolean(&mut self, name: &str, default: bool) -> bool {
        self.read(name, default, "true or false", |t| match t {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
            _ => None,
        })
    }

    /// What is between commas.
    fn list(&self, name: &str) -> impl Iterator<Item = String> + use<> {
        let text = (self.lookup)(name).unwrap_or_default();
        let items: Vec<String> = text.split(',').map(|item| item.trim().to_owned()).collect();
        items.into_iter().filter(|item| !item.is_empty())
    }

    fn parsed<T: std::str::FromStr>(&mut self, name: &str, default: T) -> T {
        self.read(name, default, "a number", |t| t.parse().ok())
    }
}
