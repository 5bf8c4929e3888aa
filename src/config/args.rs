//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, CommandFactory, Parser, Subcommand};

use super::analyze::AnalyzeArgs;

/// An Istio-compatible service-mesh control plane, for stock Envoy too.
///
/// First try, without Kubernetes:   mizzen demo
/// A cluster as the mesh:            mizzen discovery
/// A folder of YAML as the mesh:     mizzen discovery --registries= --configDir ./mesh
/// What would this proxy hold?       mizzen render --configDir ./mesh --node node.json
/// What is wrong with this YAML?     mizzen analyze ./mesh
#[derive(Debug, Parser)]
#[command(name = "mizzen", verbatim_doc_comment, disable_version_flag = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What mizzen can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the control plane (istiod's flags and environment)
    Discovery(Box<DiscoveryArgs>),
    /// Print what a proxy would hold, without a server; or what a change would change for it
    Render(RenderArgs),
    /// Say what is wrong or odd in YAML, without a server; for people and for CI
    Analyze(AnalyzeArgs),
    /// Print the Envoy bootstrap with which a stock Envoy joins the mesh
    Bootstrap(Box<crate::agent::bootstrap::BootstrapArgs>),
    /// Show a small mesh at work on this machine: control plane, real Envoys, real calls
    Demo(crate::demo::DemoArgs),
    /// Ask a running control plane on this machine: METHOD and PATH as `pilot-discovery request`
    Request(RequestArgs),
    /// Print the version
    Version(VersionArgs),
}

/// Flags of `mizzen discovery`. Those of istiod that mizzen does not need yet are taken and ignored; a flag that
/// neither knows is a warning.
#[derive(Debug, Clone, Args)]
#[command(disable_help_flag = false)]
pub struct DiscoveryArgs {
    /// Where services come from: `Kubernetes`, or nothing (`--registries=`) for a folder alone
    #[arg(long, default_value = "Kubernetes", num_args = 0..=1, value_delimiter = ',', default_missing_value = "")]
    pub registries: Vec<String>,
    /// How to reach the API server; without it KUBECONFIG, the Pod's own, or ~/.kube/config
    #[arg(long, value_name = "FILE", value_parser = maybe_empty)]
    pub kubeconfig: Option<PathBuf>,
    /// The control plane's namespace, where the mesh's ConfigMaps are; by default POD_NAMESPACE, or istio-system
    #[arg(short = 'n', long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,
    /// How many requests a second the API server gets, in the long run
    #[arg(long = "kubernetesApiQPS", default_value_t = 80.0, value_name = "NUMBER")]
    pub kubernetes_qps: f64,
    /// How many requests the API server gets at once
    #[arg(long = "kubernetesApiBurst", default_value_t = 160, value_name = "NUMBER")]
    pub kubernetes_burst: u32,
    /// A folder of YAML or JSON, in the place of a cluster: any Kubernetes or Istio kind; watched
    #[arg(long = "configDir", value_name = "DIR")]
    pub config_dir: Option<PathBuf>,
    /// The mesh's settings, a MeshConfig as YAML; where it is missing, the ConfigMap `istio` has them; watched
    #[arg(long = "meshConfig", value_name = "FILE", default_value = "./etc/istio/config/mesh")]
    pub mesh_config: PathBuf,
    /// The mesh's networks as YAML; may be missing; watched
    #[arg(long = "networksConfig", value_name = "FILE", default_value = "./etc/istio/config/meshNetworks")]
    pub networks_config: PathBuf,
    /// The suffix of Kubernetes' names
    #[arg(long, default_value = "cluster.local")]
    pub domain: String,
    /// The name of this cluster
    #[arg(long = "clusterID", env = "CLUSTER_ID", default_value = "Kubernetes")]
    pub cluster_id: String,
    /// Where virtual addresses are kept over restarts; empty keeps them in memory. By default `mizzen` under
    /// XDG_STATE_HOME, or under ~/.local/state
    #[arg(long = "stateDir", value_name = "DIR", value_parser = maybe_empty)]
    pub state_dir: Option<PathBuf>,
    /// Readiness and debug pages; empty for none
    #[arg(long = "httpAddr", default_value = ":8080", value_name = "ADDR")]
    pub http_addr: String,
    /// Webhooks; not served yet
    #[arg(long = "httpsAddr", default_value = ":15017", value_name = "ADDR")]
    pub https_addr: String,
    /// xDS in clear text: a port, or `unix:PATH` for a socket that only this user can reach. Private keys are sent to
    /// gateways of this machine only
    #[arg(long = "grpcAddr", default_value = ":15010", value_name = "ADDR")]
    pub grpc_addr: String,
    /// xDS over TLS; not served yet
    #[arg(long = "secureGRPCAddr", default_value = ":15012", value_name = "ADDR")]
    pub secure_grpc_addr: String,
    /// Metrics, version and debug pages
    #[arg(long = "monitoringAddr", default_value = ":15014", value_name = "ADDR")]
    pub monitoring_addr: String,
    /// A Prometheus that has Istio's metrics, as http://prometheus:9090 or https://…: the page under /ui/ shows who talks to
    /// whom by them
    #[arg(long = "prometheusAddr", env = "MIZZEN_PROMETHEUS_ADDR", value_name = "ADDR")]
    pub prometheus_addr: Option<String>,
    /// Who has to vouch for that Prometheus at https://, as PEM; by default whom the system trusts
    #[arg(long = "prometheusCA", env = "MIZZEN_PROMETHEUS_CA", value_name = "FILE", value_parser = maybe_empty)]
    pub prometheus_ca: Option<PathBuf>,
    /// A token for that Prometheus, sent as `Authorization: Bearer`; the file may be replaced
    #[arg(long = "prometheusTokenFile", env = "MIZZEN_PROMETHEUS_TOKEN_FILE", value_name = "FILE", value_parser = maybe_empty)]
    pub prometheus_token: Option<PathBuf>,
    /// How long open streams may take to end at shutdown
    #[arg(long = "shutdownDuration", default_value = "10s", value_parser = parse_duration, value_name = "DURATION")]
    pub shutdown_duration: Duration,
    /// After how long a proxy's connection is closed so that it may find another replica; 0s for never
    #[arg(long = "keepaliveMaxServerConnectionAge", default_value = "0s", value_parser = parse_duration, value_name = "DURATION")]
    pub max_connection_age: Duration,
    /// Idle time after which a connection is probed
    #[arg(long = "keepaliveInterval", default_value = "30s", value_parser = parse_duration, value_name = "DURATION")]
    pub keepalive_interval: Duration,
    /// How long a probe may take
    #[arg(long = "keepaliveTimeout", default_value = "10s", value_parser = parse_duration, value_name = "DURATION")]
    pub keepalive_timeout: Duration,
    /// How long a list that suddenly lacks more than half of a kind is doubted; for tests
    #[arg(long = "listDoubt", hide = true, default_value = "60s", value_parser = parse_duration, value_name = "DURATION")]
    pub list_doubt: Duration,
    /// Logs as JSON, one object a line
    #[arg(long = "log_as_json", num_args = 0..=1, default_value_t = false, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub log_as_json: bool,
    /// What to log: `default:info`, `all:debug`, or SCOPE:LEVEL pairs separated by commas
    #[arg(long = "log_output_level", default_value = "default:info", value_name = "LEVELS")]
    pub log_output_level: String,
    #[command(flatten)]
    ignored: Ignored,
}

/// istiod's flags that change nothing here.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Taken and ignored")]
struct Ignored {
    #[arg(long = "cniNamespace", hide = true)]
    cni_namespace: Option<String>,
    #[arg(long = "clusterRegistriesNamespace", hide = true)]
    cluster_registries_namespace: Option<String>,
    #[arg(long = "clusterAliases", hide = true)]
    cluster_aliases: Option<String>,
    #[arg(long = "caCertFile", hide = true)]
    ca_cert_file: Option<String>,
    #[arg(long = "tlsCertFile", hide = true)]
    tls_cert_file: Option<String>,
    #[arg(long = "tlsKeyFile", hide = true)]
    tls_key_file: Option<String>,
    #[arg(long = "tls-min-version", hide = true)]
    tls_min_version: Option<String>,
    #[arg(long = "tls-cipher-suites", hide = true)]
    tls_cipher_suites: Option<String>,
    #[arg(long, hide = true, num_args = 0..=1)]
    profile: Option<String>,
    #[arg(long = "ctrlz_port", hide = true)]
    ctrlz_port: Option<String>,
    #[arg(long = "ctrlz_address", hide = true)]
    ctrlz_address: Option<String>,
    #[arg(long = "log_caller", hide = true)]
    log_caller: Option<String>,
    #[arg(long = "log_stacktrace_level", hide = true)]
    log_stacktrace_level: Option<String>,
    #[arg(long = "log_target", hide = true)]
    log_target: Option<String>,
    #[arg(long = "vklog", hide = true)]
    vklog: Option<String>,
}

/// Flags of `mizzen render`.
#[derive(Debug, Clone, Args)]
pub struct RenderArgs {
    /// A folder of YAML or JSON
    #[arg(long = "configDir", value_name = "DIR")]
    pub config_dir: PathBuf,
    /// The mesh's settings, a MeshConfig as YAML
    #[arg(long = "meshConfig", value_name = "FILE")]
    pub mesh_config: Option<PathBuf>,
    /// The proxy: an xDS Node as JSON
    #[arg(long, value_name = "FILE")]
    pub node: PathBuf,
    /// Print what the proxy would hold differently if the folder were this one; exits 1 where anything differs
    #[arg(long, value_name = "DIR")]
    pub diff: Option<PathBuf>,
    /// The suffix of Kubernetes' names
    #[arg(long, default_value = "cluster.local")]
    pub domain: String,
    /// The name of this cluster
    #[arg(long = "clusterID", env = "CLUSTER_ID", default_value = "Kubernetes")]
    pub cluster_id: String,
    /// Where a control plane keeps virtual addresses, to print those it gave
    #[arg(long = "stateDir", value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
}

/// Arguments of `mizzen request`.
#[derive(Debug, Clone, Args)]
pub struct RequestArgs {
    /// GET, POST, …
    pub method: String,
    /// The path, as /debug/syncz
    pub path: String,
    /// Where the control plane's monitoring port is
    #[arg(long = "monitoringAddr", default_value = "127.0.0.1:15014", value_name = "ADDR")]
    pub address: String,
}

/// Flags of `mizzen version`.
#[derive(Debug, Clone, Args)]
pub struct VersionArgs {
    /// Print only the version
    #[arg(short, long)]
    pub short: bool,
    /// `json` or text
    #[arg(short, long, default_value = "", value_name = "FORMAT")]
    pub output: String,
}

/// How much to log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogLevel(pub tracing::Level);

impl LogLevel {
    /// Reads istiod's `default:info,ads:debug`: the level of `default` or `all`; other scopes do not exist here.
    pub fn parse(levels: &str) -> Option<Self> {
        let mut found = None;
        for pair in levels.split(',').filter(|p| !p.is_empty()) {
            let (scope, level) = pair.split_once(':').unwrap_or(("default", pair));
            if scope == "default" || scope == "all" {
                found = match level {
                    "debug" => Some(tracing::Level::DEBUG),
                    "info" => Some(tracing::Level::INFO),
                    "warn" => Some(tracing::Level::WARN),
                    "error" | "fatal" | "none" => Some(tracing::Level::ERROR),
                    _ => None,
                };
            }
        }
        found.map(LogLevel)
    }
}

/// A path that may be empty, which clap's own parser of paths refuses.
fn maybe_empty(text: &str) -> Result<PathBuf, std::convert::Infallible> {
    Ok(PathBuf::from(text))
}

/// Reads a duration as Go does: `10s`, `1m30s`, `250ms`.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let parsed = crate::base::Duration::parse(text).and_then(|d| u64::try_from(d.nanos()).ok());
    parsed.map(Duration::from_nanos).ok_or_else(|| format!("{text:?} is not a duration such as 10s or 1m30s"))
}

/// Takes flags out of `discovery`'s arguments that it does not know, as istiod does: with `--flag value` the value
/// goes too, unless it looks like a flag. Returns the arguments left and the flags taken out.
pub fn known(arguments: impl IntoIterator<Item = String>) -> (Vec<String>, Vec<String>) {
    let arguments: Vec<String> = arguments.into_iter().collect();
    if arguments.get(1).map(String::as_str) != Some("discovery") {
        return (arguments, Vec::new());
    }
    let cli = Cli::command();
    let command = cli.find_subcommand("discovery").expect("discovery is a subcommand");
    let longs: Vec<&str> = command.get_arguments().filter_map(clap::Arg::get_long).chain(["help"]).collect();
    let mut kept = Vec::new();
    let mut unknown = Vec::new();
    let mut rest = arguments.into_iter().peekable();
    while let Some(argument) = rest.next() {
        let name = argument.strip_prefix("--").map(|f| f.split('=').next().unwrap_or(f));
        match name {
            Some(name) if !name.is_empty() && !longs.contains(&name) => {
                unknown.push(format!("--{name}"));
                if !argument.contains('=') && rest.peek().is_some_and(|next| !next.starts_with('-')) {
                    rest.next();
                }
            }
            _ => kept.push(argument),
        }
    }
    (kept, unknown)
}
