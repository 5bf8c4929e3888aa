//! A network of the test's own, with a name server, and Envoys that stand on it beside workloads.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::envoy::Sidecar;
use super::netns::{Namespace, remove_leftovers};
use super::process::run;
use super::{capture, dns};

/// The network's own address: name server, control plane, default route.
pub(crate) const CENTRE: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);

/// A network `10.77.0.0/24`, and a directory for whatever runs on it.
pub(crate) struct Network {
    centre: Namespace,
    directory: TempDir,
}

impl Network {
    /// A network whose name server knows `names`. Their addresses, where servers outside the mesh may listen, belong to
    /// the centre.
    pub(crate) fn new(names: &[(&str, Ipv4Addr)]) -> Network {
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
        Network { centre, directory }
    }

    /// Where servers outside the mesh run.
    pub(crate) fn centre(&self) -> &Namespace {
        &self.centre
    }

    /// A directory for whatever the test's programs write.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Keeps that directory when the network ends; where it is.
    #[allow(dead_code, reason = "only the tests of the users' mesh do")]
    pub(crate) fn keep(&mut self) -> PathBuf {
        self.directory.disable_cleanup(true);
        self.directory.path().to_owned()
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

    /// The sidecar of the Pod called `name` in `yaml`, in a namespace with the Pod's address and captured traffic, with its
    /// control plane at `discovery`; as a user whose own traffic is not captured, or as root.
    pub(crate) fn sidecar(&self, yaml: &str, name: &str, discovery: &str, user: Option<u32>) -> Sidecar {
        let centre = CENTRE.to_string();
        let flags = ["--discovery-address", discovery, "--dns-capture", "--dns-resolver", &centre];
        self.proxy(yaml, name, &flags, user, |namespace| capture::install(namespace, &centre))
    }

    /// An Envoy with the bootstrap that `mizzen bootstrap` prints with some flags, in a prepared namespace.
    pub(crate) fn proxy(
        &self,
        yaml: &str,
        name: &str,
        flags: &[&str],
        user: Option<u32>,
        prepare: impl FnOnce(&Namespace),
    ) -> Sidecar {
        let document = self.directory().join(format!("{name}.pod.yaml"));
        std::fs::write(&document, yaml).expect("a file of our own");
        let bootstrap = bootstrap(document, name, flags);
        let address = bootstrap["node"]["metadata"]["INSTANCE_IPS"].as_str().expect("a Pod has an address");
        let namespace = self.attach(name, address.parse().expect("one address"));
        prepare(&namespace);
        let mut proxy = Sidecar::start(namespace, user, name, &bootstrap, self.directory());
        proxy.wait_until_ready();
        proxy
    }
}

/// What `mizzen bootstrap` prints for the Pod called `name` in `document`.
fn bootstrap(document: PathBuf, name: &str, flags: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mizzen"));
    // In a Kubernetes pod the environment would tell of that pod.
    command.env_clear().arg("bootstrap").arg("--pod").arg(document).args(["--name", name]).args(flags);
    serde_json::from_str(&run(&mut command)).expect("a JSON document")
}
