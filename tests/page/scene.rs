//! A network of its own with mizzen on a folder of YAML, proxies, and a browser.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::browser::Browser;
use crate::support::envoy::Sidecar;
use crate::support::netns::{Namespace, remove_leftovers};
use crate::support::process::{Process, eventually, run};
use crate::support::{http, require};

/// Where the page is, within the scene's network.
pub(crate) const PAGE: &str = "127.0.0.1:15014";
/// An address of the scene that is not loopback, so that who calls it is from elsewhere.
pub(crate) const ELSEWHERE: &str = "10.99.0.1:15014";
/// Where Prometheus is.
pub(crate) const PROMETHEUS: &str = "127.0.0.1:9090";

/// How long anything may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Everything in it ends with it. Scenes of one process exist one at a time: a browser takes a whole core.
pub(crate) struct Scene {
    _mizzen: Option<Process>,
    network: Namespace,
    directory: TempDir,
    _alone: MutexGuard<'static, ()>,
}

impl Scene {
    /// Starts mizzen on some files, by name and content.
    pub(crate) fn open(files: &[(&str, &str)]) -> Scene {
        let mut scene = Scene::empty();
        files.iter().for_each(|(name, yaml)| scene.configure(name, yaml));
        scene._mizzen = Some(scene.serve_folder(&["--prometheusAddr", PROMETHEUS]));
        scene
    }

    /// A network and a folder.
    pub(crate) fn empty() -> Scene {
        static ALONE: Mutex<()> = Mutex::new(());
        require::root();
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        remove_leftovers();
        let network = Namespace::new("page");
        network.ip(&["address", "add", "10.99.0.1/32", "dev", "lo"]);
        let directory = tempfile::Builder::new().prefix("mizzen-page-").tempdir().unwrap();
        std::fs::create_dir(directory.path().join("config")).unwrap();
        Scene { _mizzen: None, network, directory, _alone: alone }
    }

    /// Starts mizzen on the folder, with further arguments.
    pub(crate) fn serve_folder(&self, arguments: &[&str]) -> Process {
        let config = self.directory.path().join("config").display().to_string();
        self.serve(&[&["--registries=", "--configDir", &config], arguments].concat())
    }

    /// Starts mizzen with these arguments, and waits until it is ready.
    pub(crate) fn serve(&self, arguments: &[&str]) -> Process {
        let mut command = self.network.command(env!("CARGO_BIN_EXE_mizzen"));
        command.args(["discovery", "--secureGRPCAddr=", "--httpsAddr=", "--stateDir=", "--meshConfig=/nowhere"]);
        command
            .args(["--httpAddr=127.0.0.1:8080", "--monitoringAddr=:15014", "--grpcAddr"])
            .arg(socket(self.directory.path()));
        command.args(arguments).env("POD_NAME", "istiod-6b4f9c7d5-x2x7q");
        let mut mizzen = Process::start("mizzen", command, self.directory.path().join("mizzen.log"));
        eventually(PATIENCE, "mizzen to be ready", || {
            mizzen.assert_alive();
            let (status, _) = self.network.inside(|| http::get("127.0.0.1:8080".parse().unwrap(), "/ready"))?;
            (status == 200).then_some(())
        });
        mizzen
    }

    /// The mesh of the README: that of `examples/`, with a shop around it, some of which is wrong.
    pub(crate) fn shop() -> Scene {
        let example =
            |name: &str| std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name));
        let read = ["client.yaml", "greeter.yaml", "traffic.yaml", "databases.yaml"]
            .map(|name| (name, example(name).unwrap()));
        let mut files: Vec<(&str, &str)> = read.iter().map(|(name, text)| (*name, text.as_str())).collect();
        files.push(("shop.yaml", include_str!("shop.yaml")));
        Scene::open(&files)
    }

    /// The network.
    pub(crate) fn network(&self) -> &Namespace {
        &self.network
    }

    /// A folder for whatever the test's programs write.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Puts a file into mizzen's folder.
    pub(crate) fn configure(&self, name: &str, yaml: &str) {
        put(self.directory.path(), name, yaml);
    }

    /// The status and the body of a page as somebody at `address` of the scene's network gets it.
    pub(crate) fn get(&self, address: &str, path: &str) -> (u16, String) {
        let address: SocketAddr = address.parse().unwrap();
        self.network.inside(|| http::get(address, path)).expect("mizzen answers")
    }

    /// The Envoy of the Pod called `name` in a file of `examples`, in a network of its own, connected by a UNIX socket.
    pub(crate) fn proxy(&self, file: &str, name: &str) -> Sidecar {
        self.proxy_that(file, name, |_| {})
    }

    /// The same with other words of what it says of itself.
    pub(crate) fn proxy_that(&self, file: &str, name: &str, edit: impl FnOnce(&mut Value)) -> Sidecar {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mizzen"));
        let pod = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(file);
        command.env_clear().arg("bootstrap").arg("--pod").arg(pod).args(["--name", name]);
        command.arg("--discovery-address").arg(socket(self.directory.path()));
        let mut bootstrap: Value = serde_json::from_str(&run(&mut command)).unwrap();
        edit(&mut bootstrap["node"]);
        let mut proxy = Sidecar::start(Namespace::new(name), None, name, &bootstrap, self.directory.path());
        proxy.wait_until_ready();
        proxy
    }

    /// Runs a test with a browser in the scene's network, and fails where its console has an error at the end.
    pub(crate) fn browse(&self, test: impl AsyncFnOnce(&Browser) + Send) {
        let driver = Browser::start(self);
        self.network.inside(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let browser = Browser::connect(driver).await;
                test(&browser).await;
                let errors = browser.console().await;
                browser.close().await;
                assert!(errors.is_empty(), "the console has errors: {errors:#?}");
            });
        });
    }
}

fn put(directory: &Path, name: &str, yaml: &str) {
    let scratch = directory.join("new.yaml");
    std::fs::write(&scratch, yaml).unwrap();
    std::fs::rename(scratch, directory.join("config").join(name)).unwrap();
}

fn socket(directory: &Path) -> PathBuf {
    PathBuf::from(format!("unix:{}", directory.join("xds").display()))
}
