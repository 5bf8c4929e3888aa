//! The configuration with which a stock Envoy starts: who it is, where its control plane is, what it opens itself.
//!
//! [`bootstrap`] is pure; [`BootstrapArgs`] are the flags of `mizzen bootstrap`, which turn into [`Options`].

mod flags;
mod node;
mod pod;
mod server;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde_json::{Value, json};

pub use flags::{BootstrapArgs, Error};
pub use node::RESOLVERS_KEY;
pub use pod::{PodError, read_pod};

/// The workload that the Envoy stands beside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    /// Name of the Pod (or of the machine).
    pub name: String,
    /// Namespace of the workload.
    pub namespace: String,
    /// Its addresses, the primary one first; never empty.
    pub ips: Vec<IpAddr>,
    /// Labels of the Pod.
    pub labels: BTreeMap<String, String>,
    /// The service account it runs as.
    pub service_account: String,
    /// The object that made the Pod, as Istio's injector writes it:
    /// `kubernetes://apis/apps/v1/namespaces/NS/deployments/NAME`.
    pub owner: Option<String>,
    /// The Kubernetes node that it runs on.
    pub node_name: Option<String>,
    /// Names of the application's containers.
    pub containers: Vec<String>,
    /// Ports that the containers declare.
    pub ports: Vec<ContainerPort>,
}

/// A port that a container declares; an element of the metadata key `POD_PORTS`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerPort {
    /// The port's name, by which a Service's `targetPort` may call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The number.
    pub container_port: u16,
    /// `TCP`, `UDP` or `SCTP`.
    #[serde(default = "tcp")]
    pub protocol: String,
}

fn tcp() -> String {
    "TCP".to_owned()
}

/// Which mesh the workload belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mesh {
    /// DNS domain of the cluster's services, `cluster.local` by default.
    pub domain: String,
    /// Name of the cluster, `Kubernetes` by default.
    pub cluster_id: String,
    /// Name of the mesh; Istio's default is the trust domain.
    pub mesh_id: String,
    /// The network the workload's addresses belong to, if the mesh has several.
    pub network: Option<String>,
}

impl Default for Mesh {
    fn default() -> Self {
        Mesh {
            domain: "cluster.local".to_owned(),
            cluster_id: "Kubernetes".to_owned(),
            mesh_id: "cluster.local".to_owned(),
            network: None,
        }
    }
}

/// Where the control plane's plain-text gRPC server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Discovery {
    /// Somewhere on the network.
    Port {
        /// A name or an address.
        host: String,
        /// The port, 15010 as a rule.
        port: u16,
    },
    /// On this machine, at a UNIX socket: gateways get private keys over it.
    Socket(PathBuf),
}

impl std::fmt::Display for Discovery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Port { host, port } => write!(f, "{host}:{port}"),
            Self::Socket(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Ports that the Envoy opens itself, on every address; `None` leaves one closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// `/stats/prometheus` for a scraper of Envoy's own statistics; 15090.
    pub prometheus: Option<u16>,
    /// `/stats/prometheus` where Istio's agent merges statistics, and `/healthz/ready`; 15020.
    pub status: Option<u16>,
    /// `/healthz/ready` for the readiness probe; 15021.
    pub health: Option<u16>,
}

impl Default for Ports {
    fn default() -> Self {
        Ports { prometheus: Some(15090), status: Some(15020), health: Some(15021) }
    }
}

/// Everything that a bootstrap depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Who the proxy stands beside.
    pub workload: Workload,
    /// Which mesh it joins.
    pub mesh: Mesh,
    /// Where the control plane is.
    pub discovery: Discovery,
    /// Where Envoy's administration interface listens.
    pub admin: SocketAddr,
    /// What else the proxy opens.
    pub ports: Ports,
    /// Whether the proxy is a gateway, which stands beside no application.
    pub gateway: bool,
    /// DNS capture, with the name servers that unknown names are forwarded to.
    pub dns: Option<Vec<SocketAddr>>,
    /// UNIX socket of an agent's secret service. With one, the Node carries `PROXY_CONFIG`, by which the control
    /// plane knows that the proxy has an identity and sends mutual TLS.
    pub sds_socket: Option<PathBuf>,
    /// Further metadata, each key as `ISTIO_META_key` would set it; these win over what is derived.
    pub metadata: BTreeMap<String, String>,
}

impl Options {
    /// Options for `workload` with the control plane at `discovery` and everything else as in an injected pod.
    pub fn new(workload: Workload, discovery: Discovery) -> Self {
        Options {
            workload,
            mesh: Mesh::default(),
            discovery,
            admin: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 15000),
            ports: Ports::default(),
            gateway: false,
            dns: None,
            sds_socket: None,
            metadata: BTreeMap::new(),
        }
    }
}

/// The Envoy bootstrap for `options`, in the JSON form of `envoy.config.bootstrap.v3.Bootstrap`.
///
/// The proxy subscribes to clusters and listeners by incremental ADS and sends its Node once per stream: a stock
/// Envoy's Node lists more than five hundred extensions, 60 kB with every message otherwise.
pub fn bootstrap(options: &Options) -> Value {
    json!({
        "node": node::node(options),
        "admin": {
            "address": server::socket_address(options.admin),
            // Silence the "no access log" warning without keeping a log of scrapes.
            "access_log": [{"name": "envoy.access_loggers.file", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
                "path": "/dev/null"}}],
        },
        "dynamic_resources": dynamic_resources(),
        "static_resources": {
            "clusters": server::clusters(options),
            "listeners": server::listeners(options),
        },
        "bootstrap_extensions": [metric_namespace()],
        "stats_config": stats_config(),
        "stats_flush_interval": "5s",
        "layered_runtime": layered_runtime(),
        "overload_manager": overload_manager(),
        // As Istio's proxies: thousands of clusters that a workload never calls cost it next to nothing.
        "cluster_manager": {"enable_deferred_cluster_creation": true},
        "deferred_stat_options": {"enable_deferred_creation_stats": true},
    })
}

/// Clusters and listeners by incremental ADS. Without a fetch timeout the proxy does not call itself ready before
/// the control plane has answered, however long that takes.
fn dynamic_resources() -> Value {
    let by_ads = json!({"ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": "0s"});
    json!({
        "ads_config": {
            "api_type": "DELTA_GRPC",
            "transport_api_version": "V3",
            "set_node_on_first_message_only": true,
            "grpc_services": [{"envoy_grpc": {
                "cluster_name": server::XDS_CLUSTER,
                // Reconnect soon after a control plane comes back; Envoy adds jitter.
                "retry_policy": {"retry_back_off": {"base_interval": "0.5s", "max_interval": "5s"}},
            }}],
        },
        "cds_config": by_ads,
        "lds_config": by_ads,
    })
}

/// Loads a Wasm module that does nothing, which registers the metric namespace `wasmcustom.`: a statistic with that
/// prefix is exported without `envoy_` before its name, so that it can be called `istio_requests_total`. The module
/// exports `proxy_on_memory_allocate`, `memory` and the ABI version 0.2.1, without which Envoy refuses to load it.
fn metric_namespace() -> Value {
    const MODULE: &str = "AGFzbQEAAAABCQJgAABgAX8BfwMDAgABBQMBAAEHPwMYcHJveHlfb25fbWVtb3J5X2FsbG9jYXRl\
                          AAEGbWVtb3J5AgAXcHJveHlfYWJpX3ZlcnNpb25fMF8yXzEAAAoJAgIACwQAQQAL";
    json!({"name": "envoy.bootstrap.wasm", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.wasm.v3.WasmService",
        "singleton": true,
        "config": {"name": "metric_namespace", "vm_config": {
            "vm_id": "metric_namespace",
            "runtime": "envoy.wasm.runtime.v8",
            "code": {"local": {"inline_bytes": MODULE}},
        }},
    }})
}

/// Tags under the names that Istio's dashboards use. Envoy's own pattern for a cluster's name ends at its first dot;
/// the control plane ends the statistics' name of each cluster and connection manager in a semicolon instead.
fn stats_config() -> Value {
    let tags = [
        ("cluster_name", r"^cluster\.((.+?);\.)"),
        ("http_conn_manager_prefix", r"^http\.((.+?);\.)"),
        ("tcp_prefix", r"^tcp\.((.+)\.)\w+$"),
        ("listener_address", r"^listener\.(([0-9.]+_\d+|\[[0-9a-fA-F.:_]+\]_\d+)\.)"),
        ("response_code", r"_rq(_(\d{3}))$"),
        ("response_code_class", r"_rq(_(\dxx))$"),
    ];
    let tags: Vec<Value> = tags.iter().map(|(name, regex)| json!({"tag_name": name, "regex": regex})).collect();
    json!({"use_all_default_tags": false, "stats_tags": tags})
}

/// A route's regular expression may be as large as istiod lets it be; the upper layer is the admin interface's.
fn layered_runtime() -> Value {
    json!({"layers": [
        {"name": "bootstrap", "static_layer": {"re2.max_program_size.error_level": 32768}},
        {"name": "admin", "admin_layer": {}},
    ]})
}

/// States that the number of connections is not limited, which Envoy otherwise warns about.
fn overload_manager() -> Value {
    json!({"resource_monitors": [{
        "name": "envoy.resource_monitors.global_downstream_max_connections",
        "typed_config": {
            "@type":
                "type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
            "max_active_downstream_connections": i32::MAX,
        },
    }]})
}
