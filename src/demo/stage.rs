//! Everything that runs for the demonstration: control plane, sidecars, backends.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tonic::transport::server::TcpIncoming;

use super::dns::resolve;
use super::files::{Folder, Pod};
use super::greeter::Greeter;
use super::load::{Target, block_on};
use super::network::{CENTRE, make_cell, make_centre};
use super::place::Place;
use super::process::Process;
use super::{mysql, network};
use crate::agent::bootstrap::{Discovery, Options, Ports, bootstrap, read_pod};

/// The greeter as its callers know it.
pub(super) const GREETER: (&str, u16) = ("greeter.shop.svc.cluster.local", 7000);
/// The database servers: host, last byte of the address, `server_id`.
pub(super) const DATABASES: [(&str, u8, u32); 2] =
    [("orders-db.mysql.example.com", 21, 21), ("users-db.mysql.example.com", 22, 22)];
const GREETER_PORT: u16 = 50051;
const MYSQL_PORT: u16 = 3306;

/// How the client reaches the others.
#[derive(Clone, Debug)]
enum Reach {
    /// It calls them by name, and its sidecar captures that.
    Captured,
    /// It calls ports of its sidecar's: one for the greeter, one for each database server.
    Ports(u16, [u16; 2]),
}

/// The running mesh, ended when dropped.
#[derive(Debug)]
pub(super) struct Stage {
    /// The folder that the control plane reads.
    pub(super) folder: Folder,
    /// Where the client is.
    pub(super) client: Place,
    reach: Reach,
    _processes: Vec<Process>,
}

/// What both kinds of stage need.
#[derive(Debug)]
pub(super) struct Parts {
    /// Where configuration and logs go.
    pub(super) directory: PathBuf,
    /// The Envoy to run.
    pub(super) envoy: PathBuf,
    /// This program.
    pub(super) mizzen: PathBuf,
}

impl Stage {
    /// Every workload beside a sidecar of its own, all traffic captured. To be called inside the sandbox.
    pub(super) fn captured(parts: &Parts) -> io::Result<Stage> {
        let folder = Folder::write(&parts.directory.join("config"), "10.77.0.")?;
        let outside = DATABASES.map(|(_, byte, _)| Ipv4Addr::new(10, 77, 0, byte));
        make_centre(&outside)?;
        serve_databases(outside)?;
        let discovery = SocketAddr::from((CENTRE, 15010));
        let mut processes = vec![parts.start_control_plane(&folder, discovery, 8080, 15014)?];
        let mut client = Place::Here;
        for pod in folder.pods()? {
            let cell = make_cell(&pod.name, pod.address)?;
            let mut options = options(&pod, discovery)?;
            options.dns = Some(vec![SocketAddr::from((network::CENTRE, 53))]);
            processes.push(parts.start_envoy(&cell.sidecar, &pod.name, options.admin, &bootstrap(&options))?);
            if pod.name == "client" {
                client = cell.application;
            } else {
                serve_greeter(&cell.application, SocketAddr::from((Ipv4Addr::UNSPECIFIED, GREETER_PORT)), &pod.name)?;
            }
        }
        Ok(Stage { folder, client, reach: Reach::Captured, _processes: processes })
    }

    /// Everything on loopback addresses of this machine, with one sidecar, the client's, which opens a port for each
    /// thing that the client calls. Clusters, endpoints and routes come from the control plane all the same.
    pub(super) fn on_ports(parts: &Parts) -> io::Result<Stage> {
        let folder = Folder::write(&parts.directory.join("config"), "127.77.0.")?;
        serve_databases(DATABASES.map(|(_, byte, _)| Ipv4Addr::new(127, 77, 0, byte)))?;
        let [grpc, http, monitoring, admin, greeter, orders, users] = free_ports()?;
        let discovery = SocketAddr::from((Ipv4Addr::LOCALHOST, grpc));
        let mut processes = vec![parts.start_control_plane(&folder, discovery, http, monitoring)?];
        for pod in folder.pods()? {
            if pod.name != "client" {
                serve_greeter(&Place::Here, SocketAddr::from((pod.address, GREETER_PORT)), &pod.name)?;
                continue;
            }
            let mut options = options(&pod, discovery)?;
            options.admin.set_port(admin);
            options.ports = Ports { prometheus: None, status: None, health: None };
            let document = with_ports(bootstrap(&options), greeter, [orders, users]);
            processes.push(parts.start_envoy(&Place::Here, &pod.name, options.admin, &document)?);
        }
        Ok(Stage { folder, client: Place::Here, reach: Reach::Ports(greeter, [orders, users]), _processes: processes })
    }

    /// The greeter as the client reaches it.
    pub(super) fn greeter(&self) -> Result<Target, String> {
        let address = match self.reach {
            Reach::Captured => SocketAddr::from((self.resolve(GREETER.0)?, GREETER.1)),
            Reach::Ports(port, _) => SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        };
        Ok(Target { address, authority: format!("{}:{}", GREETER.0, GREETER.1) })
    }

    /// A database server as the client reaches it, and whether that was by its name.
    pub(super) fn database(&self, index: usize) -> Result<(SocketAddr, bool), String> {
        match self.reach {
            Reach::Captured => Ok((SocketAddr::from((self.resolve(DATABASES[index].0)?, MYSQL_PORT)), true)),
            Reach::Ports(_, ports) => Ok((SocketAddr::from((Ipv4Addr::LOCALHOST, ports[index])), false)),
        }
    }

    /// Asks as the client's resolver would. Nobody serves DNS at that address: its sidecar answers.
    fn resolve(&self, name: &str) -> Result<Ipv4Addr, String> {
        let answer = self.client.run(|| resolve(IpAddr::V4(CENTRE), name)).and_then(|answer| answer);
        let answer = answer.map_err(|error| format!("{name}: the sidecar does not answer ({error})"))?;
        answer.ok_or_else(|| format!("{name}: the sidecar knows no address"))
    }
}

impl Parts {
    fn start_control_plane(
        &self,
        folder: &Folder,
        grpc: SocketAddr,
        http: u16,
        monitoring: u16,
    ) -> io::Result<Process> {
        let mesh_config = self.directory.join("mesh.yaml");
        std::fs::write(&mesh_config, "{}\n")?;
        let at = |port: u16| SocketAddr::new(grpc.ip(), port).to_string();
        let mut command = Command::new(&self.mizzen);
        command.args(["discovery", "--registries=", "--secureGRPCAddr=", "--httpsAddr="]);
        command.arg("--configDir").arg(folder.path()).arg("--meshConfig").arg(mesh_config);
        command.arg("--stateDir").arg(self.directory.join("state"));
        command.args(["--grpcAddr", &grpc.to_string(), "--httpAddr", &at(http), "--monitoringAddr", &at(monitoring)]);
        let mut process =
            Process::start("the control plane", &Place::Here, command, self.directory.join("control-plane.log"))?;
        process.wait_until_ready(&Place::Here, SocketAddr::new(grpc.ip(), http), "/ready")?;
        Ok(process)
    }

    fn start_envoy(&self, place: &Place, name: &str, admin: SocketAddr, document: &Value) -> io::Result<Process> {
        let file = self.directory.join(format!("{name}.envoy.json"));
        std::fs::write(&file, document.to_string())?;
        let mut command = Command::new(&self.envoy);
        command.arg("-c").arg(file).args(["--concurrency", "1", "--disable-hot-restart", "-l", "warning"]);
        command.args(["--drain-time-s", "45", "--drain-strategy", "immediate"]);
        let log = self.directory.join(format!("{name}.envoy.log"));
        let mut process = Process::start(&format!("{name}'s Envoy"), place, command, log)?;
        process.wait_until_ready(place, admin, "/ready")?;
        Ok(process)
    }
}

fn options(pod: &Pod, discovery: SocketAddr) -> io::Result<Options> {
    let text = std::fs::read_to_string(&pod.file)?;
    let workload = read_pod(&text, Some(&pod.name)).map_err(io::Error::other)?;
    Ok(Options::new(workload, Discovery::Port { host: discovery.ip().to_string(), port: discovery.port() }))
}

/// Listeners of the bootstrap's own in place of the control plane's, which expect captured traffic. The routes behind
/// the greeter's are the control plane's.
fn with_ports(mut document: Value, greeter: u16, databases: [u16; 2]) -> Value {
    if let Some(dynamic) = document["dynamic_resources"].as_object_mut() {
        dynamic.remove("lds_config");
    }
    let manager = json!({
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": {
            "@type":
                "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "greeter;",
            "rds": {
                "route_config_name": GREETER.1.to_string(),
                "config_source": {"ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": "0s"},
            },
            "http_filters": [{"name": "envoy.filters.http.router", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}],
        },
    });
    let mut listeners = vec![listener(greeter, manager)];
    for ((host, ..), port) in DATABASES.iter().zip(databases) {
        let cluster = format!("outbound|{MYSQL_PORT}||{host}");
        let proxy = json!({
            "name": "envoy.filters.network.tcp_proxy",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
                "stat_prefix": cluster, "cluster": cluster,
            },
        });
        listeners.push(listener(port, proxy));
    }
    document["static_resources"]["listeners"] = Value::Array(listeners);
    document
}

fn listener(port: u16, filter: Value) -> Value {
    json!({
        "name": format!("port_{port}"),
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [{"filters": [filter]}],
    })
}

fn serve_databases(addresses: [Ipv4Addr; 2]) -> io::Result<()> {
    for ((host, _, id), address) in DATABASES.iter().zip(addresses) {
        let listener = TcpListener::bind((address, MYSQL_PORT));
        let listener =
            listener.map_err(|error| io::Error::other(format!("{host} at {address}:{MYSQL_PORT}: {error}")))?;
        mysql::serve(listener, *id);
    }
    Ok(())
}

/// Serves the greeter `name` at `address` of `place`, on a thread of its own, until the process ends.
fn serve_greeter(place: &Place, address: SocketAddr, name: &str) -> io::Result<()> {
    let listener = place.run(|| TcpListener::bind(address))?;
    let listener = listener.map_err(|error| io::Error::other(format!("{name} at {address}: {error}")))?;
    listener.set_nonblocking(true)?;
    let service = Greeter::new(name);
    std::thread::spawn(move || {
        let served = block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            let connections = TcpIncoming::from(listener).with_nodelay(Some(true));
            let server = tonic::transport::Server::builder().add_service(service);
            server.serve_with_incoming(connections).await.map_err(io::Error::other)
        });
        // Nobody hears a backend's end but its callers, and their failed calls are shown.
        drop(served);
    });
    Ok(())
}

/// Ports that nobody uses now. All are held until all are found, so that they differ.
fn free_ports<const N: usize>() -> io::Result<[u16; N]> {
    let mut listeners = Vec::new();
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        *port = listener.local_addr()?.port();
        listeners.push(listener);
    }
    Ok(ports)
}

/// Where a stage's parts are kept, for the account.
pub(super) fn describe(parts: &Parts) -> String {
    let path = |name: &str| Path::new(&parts.directory).join(name).display().to_string();
    format!("configuration {}\n  logs          {}", path("config"), parts.directory.display())
}
