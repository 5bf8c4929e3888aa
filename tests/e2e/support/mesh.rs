//! A mesh of the test's own: a network, a folder of configuration, a control plane, workloads.

use std::fs::File;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Instant;

use rustix::fs::{FlockOperation, flock};

use super::capture::PROXY_ID;
use super::envoy::Sidecar;
use super::netns::Namespace;
use super::network::Network;
use super::process::{PATIENCE, Process, eventually};
use super::{capture, http, require};

pub(crate) use super::network::CENTRE;

const GRPC: u16 = 15010;
const HTTP: u16 = 8080;
/// Where the control plane tells its metrics.
pub(crate) const MONITORING: u16 = 15014;

/// A network, a folder that the control plane reads, and the control plane while it runs.
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
    /// istiod's variables that the control plane is started with.
    pub(crate) variables: Vec<(&'static str, &'static str)>,
    network: Network,
    _alone: File,
}

impl Mesh {
    /// An empty mesh whose name server knows `names`. Their addresses, where servers outside the mesh may listen,
    /// belong to the centre.
    pub(crate) fn new(names: &[(&str, Ipv4Addr)]) -> Mesh {
        require::root();
        let alone = wait_for_turn();
        let network = Network::new(names);
        std::fs::create_dir(network.directory().join("config")).expect("a directory of our own");
        Mesh {
            control_plane: None,
            grpc: format!("{CENTRE}:{GRPC}"),
            user: Some(PROXY_ID),
            settings: "{}\n".to_owned(),
            variables: Vec::new(),
            network,
            _alone: alone,
        }
    }

    /// Where servers outside the mesh run.
    pub(crate) fn centre(&self) -> &Namespace {
        self.network.centre()
    }

    /// A directory for whatever the test's programs write.
    pub(crate) fn directory(&self) -> &Path {
        self.network.directory()
    }

    /// Keeps that directory when the mesh ends; where it is.
    #[allow(dead_code, reason = "only the tests of the users' mesh do")]
    pub(crate) fn keep(&mut self) -> PathBuf {
        self.network.keep()
    }

    /// Puts `yaml` into the folder as `file`, in one step as an editor does; returns when that was.
    pub(crate) fn configure(&self, file: &str, yaml: &str) -> Instant {
        let scratch = self.directory().join("new.yaml");
        std::fs::write(&scratch, yaml).expect("a file of our own");
        let start = Instant::now();
        std::fs::rename(scratch, self.folder().join(file)).expect("the same file system");
        start
    }

    fn folder(&self) -> PathBuf {
        self.directory().join("config")
    }

    /// Lets proxies find the control plane at a UNIX socket, over which gateways get private keys. It is root's, as the
    /// control plane, and so must the proxies be.
    pub(crate) fn speak_over_a_socket(&mut self) {
        self.grpc = format!("unix:{}", self.directory().join("xds").display());
        self.user = None;
    }

    /// Starts `mizzen discovery` on the folder and waits until it is ready.
    pub(crate) fn start_control_plane(&mut self) {
        let mut command = self.centre().command(env!("CARGO_BIN_EXE_mizzen"));
        let mesh_config = self.directory().join("mesh.yaml");
        std::fs::write(&mesh_config, &self.settings).expect("a file of our own");
        command.args(["discovery", "--registries=", "--secureGRPCAddr=", "--httpsAddr="]);
        command.arg("--configDir").arg(self.folder()).arg("--meshConfig").arg(&mesh_config);
        command.arg("--stateDir").arg(self.directory().join("state"));
        let address = |port: u16| format!("{CENTRE}:{port}");
        command.args(["--grpcAddr", &self.grpc, "--httpAddr", &address(HTTP)]);
        command.args(["--monitoringAddr", &address(MONITORING)]);
        // What was sent when is of use only where a test fails.
        command.args(["--log_output_level", "default:debug"]);
        command.envs(self.variables.iter().copied());
        let mut process = Process::start("mizzen", command, self.directory().join("mizzen.log"));
        eventually(PATIENCE, "the control plane to be ready", || {
            process.assert_alive();
            let (status, _) = self.centre().inside(|| http::get(SocketAddr::from((CENTRE, HTTP)), "/ready"))?;
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
        self.network.sidecar(yaml, name, &self.grpc, self.user)
    }

    /// The same beside an agent that serves secrets at a socket.
    #[allow(dead_code, reason = "only the tests of identities do")]
    pub(crate) fn identified_sidecar(&self, yaml: &str, name: &str, secrets: &Path) -> Sidecar {
        let (centre, socket) = (CENTRE.to_string(), secrets.display().to_string());
        let mut flags = vec!["--discovery-address", &self.grpc, "--dns-capture", "--dns-resolver", &centre];
        flags.extend(["--sds-socket", &socket]);
        self.network.proxy(yaml, name, &flags, self.user, |namespace| capture::install(namespace, &centre))
    }

    /// A namespace on the network, with everything that is not there routed to the centre and names asked of it.
    pub(crate) fn attach(&self, name: &str, address: IpAddr) -> Namespace {
        self.network.attach(name, address)
    }

    /// The gateway that is the Pod called `name` in `yaml`; it listens itself, and nothing is captured.
    pub(crate) fn gateway(&self, yaml: &str, name: &str) -> Sidecar {
        self.network.proxy(yaml, name, &["--discovery-address", &self.grpc, "--gateway"], self.user, |_| {})
    }
}

/// Waits until no other test of this machine has a mesh.
pub(crate) fn wait_for_turn() -> File {
    let path = std::env::temp_dir().join("mizzen-e2e.lock");
    let file = File::options().create(true).append(true).open(path).expect("a temporary directory");
    flock(&file, FlockOperation::LockExclusive).expect("locks work");
    file
}
