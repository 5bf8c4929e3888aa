//! A mesh of the test's own: a network with a name server, a folder of configuration, a control plane, workloads.

use std::fs::File;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use serde_json::Value;
use tempfile::TempDir;

use super::capture::PROXY_ID;
use super::envoy::Sidecar;
use super::netns::{Namespace, remove_leftovers};
use super::process::{Process, eventually, run};
use super::{capture, dns, http, require};

/// The network's own address: name server, control plane, default route.
pub(crate) const CENTRE: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
const GRPC: u16 = 15010;
const HTTP: u16 = 8080;
/// Where the control plane tells its metrics.
pub(crate) const MONITORING: u16 = 15014;

/// A network `10.77.0.0/24`, a folder that the control plane reads, and the control plane while it runs.
///
/// Meshes exist one at a time on a machine: their tests measure time.
pub(crate) struct Mesh {
    control_plane: Option<Process>,
    /// Where proxies find the control plane.
    grpc: String,
    /// As whom they run.
    user: Option<u32>,
    /// The mesh config.
    pub(crate) settings: String,
    centre: Namespace,
    directory: TempDir,
    _alone: File,
}

impl Mesh {
    /// An empty mesh whose name server knows `names`. Their addresses, where servers outside the mesh may listen,
    /// belong to the centre.
    pub(crate) fn new(names: &[(&str, Ipv4Addr)]) -> Mesh {
        require::root();
        let alone = wait_for_turn();
        remove_leftovers();
        let centre = Namespace::new("centre");
        centre.ip(&["link", "add", "br0", "type", "bridge"]);
        centre.ip(&["addr", "add", &format!("{CENTRE}/24"), "dev", "br0"]);
        centre.ip(&["link", "set", "br0", "up"]);
        for (_, address) in names {
            centre.ip(&["addr", "add", &format!("{address}/24"), "dev", "br0"]);
        }
        dns::serve(&centre, CENTRE, names);
        let directory = tempfile::Builder::new().prefix("mizzen-e2e-").tempdir().expect("a temporary directory");
        // The sidecars read their bootstrap as another user.
        std::fs::set_permissions(directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("ours");
        std::fs::create_dir(directory.path().join("config")).expect("a directory of our own");
        Mesh {
            control_plane: None,
            grpc: format!("{CENTRE}:{GRPC}"),
            user: Some(PROXY_ID),
            settings: "{}\n".to_owned(),
            centre,
            directory,
            _alone: alone,
        }
    }

    /// Where servers outside the mesh run.
    pub(crate) fn centre(&self) -> &Namespace {
        &self.centre
    }

    /// A directory for whatever the test's programs write.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Keeps that directory when the mesh ends; where it is.
    pub(crate) fn keep(&mut self) -> PathBuf {
        self.directory.disable_cleanup(true);
        self.directory.path().to_owned()
    }

    /// Puts `yaml` into the folder as `file`, in one step as an editor does; returns when that was.
    pub(crate) fn configure(&self, file: &str, yaml: &str) -> Instant {
        let scratch = self.directory.path().join("new.yaml");
        std::fs::write(&scratch, yaml).expect("a file of our own");
        let start = Instant::now();
        std::fs::rename(scratch, self.folder().join(file)).expect("the same file system");
        start
    }

    fn folder(&self) -> PathBuf {
        self.directory.path().join("config")
    }

    /// Lets proxies find the control plane at a UNIX socket, over which gateways get private keys. It is root's, as the
    /// control plane, and so must the proxies be.
    pub(crate) fn speak_over_a_socket(&mut self) {
        self.grpc = format!("unix:{}", self.directory.path().join("xds").display());
        self.user = None;
    }

    /// Starts `mizzen discovery` on the folder and waits until it is ready.
    pub(crate) fn start_control_plane(&mut self) {
        let mut command = self.centre.command(env!("CARGO_BIN_EXE_mizzen"));
        let mesh_config = self.directory.path().join("mesh.yaml");
        std::fs::write(&mesh_config, &self.settings).expect("a file of our own");
        command.args(["discovery", "--registries=", "--secureGRPCAddr=", "--httpsAddr="]);
        command.arg("--configDir").arg(self.folder()).arg("--meshConfig").arg(&mesh_config);
        command.arg("--stateDir").arg(self.directory.path().join("state"));
        let address = |port: u16| format!("{CENTRE}:{port}");
        command.args(["--grpcAddr", &self.grpc, "--httpAddr", &address(HTTP)]);
        command.args(["--monitoringAddr", &address(MONITORING)]);
        let mut process = Process::start("mizzen", command, self.directory.path().join("mizzen.log"));
        eventually(Duration::from_secs(20), "the control plane to be ready", || {
            process.assert_alive();
            let (status, _) = self.centre.inside(|| http::get(SocketAddr::from((CENTRE, HTTP)), "/ready"))?;
            (status == 200).then_some(())
        });
        self.control_plane = Some(process);
    }

    /// Ends the control plane as a rollout does.
    pub(crate) fn stop_control_plane(&mut self) {
        self.control_plane.take().expect("it was started").terminate();
    }

    /// The sidecar of the Pod called `name` in `yaml`, in a namespace with the Pod's address and captured traffic.
    pub(crate) fn sidecar(&self, yaml: &str, name: &str) -> Sidecar {
        let dns = ["--dns-capture", "--dns-resolver", &CENTRE.to_string()];
        self.proxy(yaml, name, &dns, |namespace| capture::install(namespace, &CENTRE.to_string()))
    }

    /// The gateway that is the Pod called `name` in `yaml`; it listens itself, and nothing is captured.
    pub(crate) fn gateway(&self, yaml: &str, name: &str) -> Sidecar {
        self.proxy(yaml, name, &["--gateway"], |_| {})
    }

    /// An Envoy with the bootstrap that `mizzen bootstrap` prints with some flags, in a prepared namespace.
    fn proxy(&self, yaml: &str, name: &str, flags: &[&str], prepare: impl FnOnce(&Namespace)) -> Sidecar {
        let document = self.directory.path().join(format!("{name}.pod.yaml"));
        std::fs::write(&document, yaml).expect("a file of our own");
        let bootstrap = self.bootstrap(&document, name, flags);
        let address = bootstrap["node"]["metadata"]["INSTANCE_IPS"].as_str().expect("a Pod has an address");
        let namespace = self.attach(name, address.parse().expect("one address"));
        prepare(&namespace);
        let mut proxy = Sidecar::start(namespace, self.user, name, &bootstrap, self.directory.path());
        proxy.wait_until_ready();
        proxy
    }

    /// What `mizzen bootstrap` prints for the Pod called `name` in `document`.
    fn bootstrap(&self, document: &Path, name: &str, flags: &[&str]) -> Value {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mizzen"));
        // In a Kubernetes pod the environment would tell of that pod.
        command.env_clear().arg("bootstrap").arg("--pod").arg(document).args(["--name", name]);
        command.args(["--discovery-address", &self.grpc]);
        command.args(flags);
        serde_json::from_str(&run(&mut command)).expect("a JSON document")
    }

    /// A namespace on the network, with everything that is not there routed to the centre and names asked of it.
    pub(crate) fn attach(&self, name: &str, address: IpAddr) -> Namespace {
        let namespace = Namespace::new(name);
        // Interface names have at most 15 characters; the address is unique and short.
        let port = format!("v{}", address.to_string().replace('.', "-").trim_start_matches("10-77-"));
        self.centre.connect(&port, &namespace, "eth0");
        self.centre.ip(&["link", "set", &port, "master", "br0"]);
        namespace.ip(&["addr", "add", &format!("{address}/24"), "dev", "eth0"]);
        namespace.ip(&["route", "add", "default", "via", &CENTRE.to_string()]);
        namespace.resolve_by(&format!(
            "nameserver {CENTRE}\nsearch shop.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n"
        ));
        namespace
    }
}

/// Waits until no other test of this machine has a mesh.
pub(crate) fn wait_for_turn() -> File {
    let path = std::env::temp_dir().join("mizzen-e2e.lock");
    let file = File::options().create(true).append(true).open(path).expect("a temporary directory");
    flock(&file, FlockOperation::LockExclusive).expect("locks work");
    file
}
