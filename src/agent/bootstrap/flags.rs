//! The flags of `mizzen bootstrap` and how they become [`Options`].

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use super::{Discovery, Mesh, Options, PodError, Ports, Workload};

/// Print the Envoy bootstrap with which a stock Envoy joins the mesh.
///
/// Whom the proxy stands beside is read from a Pod document (--pod) or said by flags; in a Kubernetes pod the
/// environment that Istio's injector sets will do.
#[derive(clap::Args, Clone, Debug)]
#[command(
    after_help = "Example:\n  mizzen bootstrap --pod pod.yaml --discovery-address 10.0.0.1:15010 >envoy.json\n  \
                        envoy -c envoy.json"
)]
pub struct BootstrapArgs {
    /// Where to write it; standard output without. For containers without a shell.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Pod document, YAML or JSON: name, namespace, labels, service account, owner, ports and addresses are read
    /// from it. Other documents in the file are passed over; of several Pods, --name chooses.
    #[arg(long, value_name = "FILE")]
    pub pod: Option<PathBuf>,
    /// Name of the Pod or machine.
    #[arg(long, env = "POD_NAME")]
    pub name: Option<String>,
    /// Namespace of the workload [default: that of the Pod document, else `default`].
    #[arg(long, env = "POD_NAMESPACE")]
    pub namespace: Option<String>,
    /// Address of the workload; repeat for several, the primary one first.
    #[arg(long = "ip", env = "INSTANCE_IP", value_name = "IP", value_delimiter = ',')]
    pub ips: Vec<IpAddr>,
    /// Label of the workload, by which Services and policies select it; repeatable.
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = key_value)]
    pub labels: Vec<(String, String)>,
    /// Service account of the workload.
    #[arg(long, env = "SERVICE_ACCOUNT")]
    pub service_account: Option<String>,
    /// Object that made the Pod, e.g. kubernetes://apis/apps/v1/namespaces/shop/deployments/client.
    #[arg(long)]
    pub owner: Option<String>,
    /// Kubernetes node of the workload, which tells its locality.
    #[arg(long)]
    pub node_name: Option<String>,
    /// Control plane's plain-text gRPC server: a host and a port, or unix:PATH for a socket of this machine.
    #[arg(long, value_name = "ADDRESS", default_value = "istiod.istio-system.svc:15010", value_parser = discovery)]
    pub discovery_address: Discovery,
    /// DNS domain of the cluster.
    #[arg(long, default_value = "cluster.local")]
    pub domain: String,
    /// Name of the cluster.
    #[arg(long, default_value = "Kubernetes")]
    pub cluster_id: String,
    /// Name of the mesh.
    #[arg(long, default_value = "cluster.local")]
    pub mesh_id: String,
    /// Network of the workload, in a mesh of several networks.
    #[arg(long)]
    pub network: Option<String>,
    /// Where Envoy's administration interface listens.
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:15000")]
    pub admin: SocketAddr,
    /// Port of /stats/prometheus; 0 for none.
    #[arg(long, value_name = "PORT", default_value_t = 15090)]
    pub prometheus_port: u16,
    /// Port of /stats/prometheus and /healthz/ready, where Istio's agent has them; 0 for none.
    #[arg(long, value_name = "PORT", default_value_t = 15020)]
    pub status_port: u16,
    /// Port of /healthz/ready; 0 for none.
    #[arg(long, value_name = "PORT", default_value_t = 15021)]
    pub health_port: u16,
    /// The proxy is a gateway: it stands beside no application, and Gateways that select its labels say what it does.
    #[arg(long, conflicts_with = "dns_capture")]
    pub gateway: bool,
    /// Ask for DNS capture: the control plane then sends a DNS listener on 15053 which knows every name of the mesh,
    /// and hosts without an address get one.
    #[arg(long)]
    pub dns_capture: bool,
    /// Name server to which names outside the mesh are forwarded; repeatable [default: those of /etc/resolv.conf].
    #[arg(long = "dns-resolver", value_name = "IP[:PORT]", value_parser = resolver)]
    pub dns_resolvers: Vec<SocketAddr>,
    /// UNIX socket of an agent that serves secrets; with one the proxy is sent mutual TLS.
    #[arg(long, value_name = "PATH")]
    pub sds_socket: Option<PathBuf>,
    /// Further Node metadata, as ISTIO_META_KEY would set it; repeatable.
    #[arg(long = "metadata", value_name = "KEY=VALUE", value_parser = key_value)]
    pub metadata: Vec<(String, String)>,
}

/// Why flags and files do not say enough for a bootstrap.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file that --pod names cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file that --pod names does not tell the workload.
    #[error("{}: {source}", path.display())]
    Pod {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<PodError>,
    },
    /// Neither --pod nor --name.
    #[error("whose proxy is it? Give --pod FILE, or --name with --ip")]
    NoName,
    /// No address in the Pod document and none by flag.
    #[error("the workload has no address: give --ip, or a Pod document with status.podIP")]
    NoAddress,
    /// DNS capture without a name server to forward to.
    #[error("no name server for --dns-capture: give --dns-resolver ({0} names none)")]
    NoResolver(&'static str),
}

const RESOLV_CONF: &str = "/etc/resolv.conf";

impl BootstrapArgs {
    /// The options that these flags say, read together with the files they name.
    pub fn options(self) -> Result<Options, Error> {
        let described = self.pod.as_deref().map(|path| pod_in(path, self.name.as_deref())).transpose()?;
        let dns = if self.dns_capture { Some(self.resolvers()?) } else { None };
        let open = |port: u16| (port != 0).then_some(port);
        Ok(Options {
            mesh: Mesh {
                domain: self.domain.clone(),
                cluster_id: self.cluster_id.clone(),
                mesh_id: self.mesh_id.clone(),
                network: self.network.clone(),
            },
            discovery: self.discovery_address.clone(),
            admin: self.admin,
            ports: Ports {
                prometheus: open(self.prometheus_port),
                status: open(self.status_port),
                health: open(self.health_port),
            },
            gateway: self.gateway,
            dns,
            sds_socket: self.sds_socket.clone(),
            metadata: self.metadata.iter().cloned().collect(),
            workload: self.workload(described)?,
        })
    }

    /// What flags say wins over what the Pod document says.
    fn workload(self, described: Option<Workload>) -> Result<Workload, Error> {
        let mut workload = match described {
            Some(workload) => workload,
            None => unnamed(self.name.ok_or(Error::NoName)?),
        };
        if let Some(namespace) = self.namespace {
            workload.namespace = namespace;
        }
        if let Some(account) = self.service_account {
            workload.service_account = account;
        }
        if !self.ips.is_empty() {
            workload.ips = self.ips;
        }
        workload.labels.extend(self.labels);
        workload.owner = self.owner.or(workload.owner);
        workload.node_name = self.node_name.or(workload.node_name);
        if workload.ips.is_empty() { Err(Error::NoAddress) } else { Ok(workload) }
    }

    fn resolvers(&self) -> Result<Vec<SocketAddr>, Error> {
        let mut resolvers = self.dns_resolvers.clone();
        if resolvers.is_empty() {
            resolvers = name_servers(&std::fs::read_to_string(RESOLV_CONF).unwrap_or_default());
        }
        if resolvers.is_empty() { Err(Error::NoResolver(RESOLV_CONF)) } else { Ok(resolvers) }
    }
}

fn unnamed(name: String) -> Workload {
    Workload {
        name,
        namespace: "default".to_owned(),
        ips: Vec::new(),
        labels: BTreeMap::new(),
        service_account: "default".to_owned(),
        owner: None,
        node_name: None,
        containers: Vec::new(),
        ports: Vec::new(),
    }
}

fn pod_in(path: &Path, name: Option<&str>) -> Result<Workload, Error> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
    super::read_pod(&text, name).map_err(|source| Error::Pod { path: path.to_owned(), source: Box::new(source) })
}

/// The `nameserver` lines of a resolver configuration; a line that is none is passed over, as resolvers do.
pub(super) fn name_servers(resolv_conf: &str) -> Vec<SocketAddr> {
    let addresses = resolv_conf.lines().filter_map(|line| line.trim().strip_prefix("nameserver"));
    addresses.filter_map(|rest| resolver(rest.trim()).ok()).collect()
}

fn resolver(text: &str) -> Result<SocketAddr, String> {
    let address = text.parse::<SocketAddr>().or_else(|_| text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 53)));
    address.map_err(|_| "expected an address such as 10.0.0.10 or 10.0.0.10:53".to_owned())
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

fn discovery(text: &str) -> Result<Discovery, String> {
    if let Some(path) = text.strip_prefix("unix:") {
        return Ok(Discovery::Socket(path.into()));
    }
    let (host, port) = text.rsplit_once(':').ok_or("expected HOST:PORT or unix:PATH")?;
    let port = port.parse().map_err(|_| format!("`{port}` is no port"))?;
    Ok(Discovery::Port { host: host.trim_start_matches('[').trim_end_matches(']').to_owned(), port })
}
