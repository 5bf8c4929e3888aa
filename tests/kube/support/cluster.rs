//! etcd and the API server, for one test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::api::Api;
use super::ports::free_port;

/// Only the servers of one test run at a time: each takes half a gigabyte.
static TURN: Mutex<()> = Mutex::new(());

const TOKEN: &str = "admin-of-the-tests";

/// How long the API server may take to start on a busy machine.
const START: Duration = Duration::from_secs(240);

/// A cluster without nodes and without controllers. Dropped, it is gone.
pub(crate) struct Cluster {
    folder: TempDir,
    port: u16,
    etcd: Server,
    server: Option<Server>,
    api: Api,
    _turn: Option<MutexGuard<'static, ()>>,
}

/// A child that ends with its owner.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A program that `tests/setup.sh` has built.
#[expect(clippy::disallowed_methods, reason = "tests read their environment where they need it")]
fn binary(name: &str) -> PathBuf {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home).unwrap();
    let module = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kube/apiserver/go.mod")).unwrap();
    let version = module.lines().find_map(|l| l.trim().strip_prefix("k8s.io/kubernetes v")).unwrap();
    let path = cache.join(format!("mizzen/kube-apiserver-{version}/{name}"));
    assert!(path.exists(), "{} is missing: run tests/setup.sh, which builds it", path.display());
    path
}

fn encode(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

/// Ends with the thread of the test, even if that is killed.
fn child(program: impl AsRef<Path>) -> Command {
    let mut command = Command::new("setpriv");
    command.arg("--pdeathsig").arg("KILL").arg(program.as_ref());
    command
}

impl Cluster {
    /// A cluster that knows Kubernetes' own kinds only.
    pub(crate) fn bare() -> Self {
        Self::with_flags(&[])
    }

    /// The same with further flags for the API server.
    pub(crate) fn with_flags(flags: &[&str]) -> Self {
        let turn = TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        Self::in_turn(flags, Some(turn))
    }

    /// Another cluster, in the turn of this one.
    pub(crate) fn second(&self) -> Self {
        Self::in_turn(&[], None)
    }

    fn in_turn(flags: &[&str], turn: Option<MutexGuard<'static, ()>>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = Command::new("openssl")
            .args(["genpkey", "-quiet", "-algorithm", "RSA", "-out"])
            .arg(folder.path().join("sa.key"))
            .status();
        assert!(key.is_ok_and(|s| s.success()), "openssl cannot make a key; run tests/setup.sh");
        fs::write(folder.path().join("tokens"), format!("{TOKEN},admin,admin,\"system:masters\"\n")).unwrap();
        let (port, clients, peers) = (free_port(), free_port(), free_port());
        let log = fs::File::create(folder.path().join("etcd.log")).unwrap();
        let etcd = child(binary("etcd"))
            .arg("--unsafe-no-fsync")
            .arg(format!("--data-dir={}", folder.path().join("etcd").display()))
            .arg(format!("--listen-client-urls=http://127.0.0.1:{clients}"))
            .arg(format!("--advertise-client-urls=http://127.0.0.1:{clients}"))
            .arg(format!("--listen-peer-urls=http://127.0.0.1:{peers}"))
            .arg(format!("--initial-advertise-peer-urls=http://127.0.0.1:{peers}"))
            .arg(format!("--initial-cluster=default=http://127.0.0.1:{peers}"))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        let etcd = Server(etcd.expect("setpriv is there; run tests/setup.sh"));
        fs::write(folder.path().join("etcd.port"), clients.to_string()).unwrap();
        let server = start_server(folder.path(), port, flags);
        let api = Api::new(&folder.path().join("kubeconfig"));
        let cluster = Self { folder, port, etcd, server: Some(server), api, _turn: turn };
        cluster.write_kubeconfig();
        cluster.wait();
        cluster
    }

    /// A cluster with mizzen's CRDs.
    pub(crate) fn with_crds() -> Self {
        let cluster = Self::bare();
        cluster.install_crds();
        cluster
    }

    pub(crate) fn install_crds(&self) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("crds");
        let mut documents = Vec::new();
        for entry in fs::read_dir(folder).unwrap() {
            documents.extend(super::documents::read(&entry.unwrap().path()));
        }
        let names: Vec<String> = documents.iter().map(|d| d["metadata"]["name"].as_str().unwrap().to_owned()).collect();
        self.api.apply(documents);
        for name in names {
            let path = format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}");
            self.eventually(&format!("{name} to be established"), || {
                let crd = self.api.get(&path);
                let conditions = crd["status"]["conditions"].as_array().cloned().unwrap_or_default();
                conditions.iter().any(|c| c["type"] == "Established" && c["status"] == "True")
            });
        }
    }

    pub(crate) fn api(&self) -> &Api {
        &self.api
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// A kubeconfig that can be read anywhere.
    pub(crate) fn kubeconfig_text(&self) -> String {
        let root = encode(&fs::read_to_string(self.folder.path().join("certs/apiserver.crt")).unwrap());
        let text = fs::read_to_string(self.kubeconfig()).unwrap();
        text.replace("certificate-authority: certs/apiserver.crt", &format!("certificate-authority-data: {root}"))
    }

    /// The same for a service account, by namespace and name.
    pub(crate) fn kubeconfig_text_of(&self, account: &str) -> String {
        let (namespace, name) = account.split_once('/').unwrap();
        self.kubeconfig_text().replace(TOKEN, &self.api.token(namespace, name))
    }

    /// A kubeconfig that leads to another port of this machine.
    pub(crate) fn kubeconfig_by(&self, port: u16) -> PathBuf {
        let path = self.folder.path().join(format!("kubeconfig-{port}"));
        let text = fs::read_to_string(self.kubeconfig()).unwrap();
        fs::write(&path, text.replace(&self.port.to_string(), &port.to_string())).unwrap();
        path
    }

    /// A kubeconfig for a service account, by namespace and name.
    pub(crate) fn kubeconfig_of(&self, account: &str) -> PathBuf {
        let path = self.folder.path().join(format!("kubeconfig-{}", account.replace('/', "-")));
        fs::write(&path, self.kubeconfig_text_of(account)).unwrap();
        path
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Takes everything below a path out of etcd, while the API server is stopped: it comes back without, as from an
    /// old backup.
    pub(crate) fn forget(&self, path: &str) {
        let answer =
            self.ask_etcd("deleterange", &json!({"key": encode(path), "range_end": encode(&format!("{path}\u{7f}"))}));
        assert!(answer.contains("deleted"), "{answer}");
    }

    /// Writes objects straight into etcd, by their paths there: faster than the API server would take them, which sees
    /// them come all the same.
    pub(crate) fn store(&self, objects: &[(String, Value)]) {
        // etcd takes 128 in one step.
        for some in objects.chunks(100) {
            let put = |(path, object): &(String, Value)| json!({"request_put": {"key": encode(path), "value": encode(&object.to_string())}});
            let answer = self.ask_etcd("txn", &json!({"success": some.iter().map(put).collect::<Vec<_>>()}));
            assert!(answer.contains(r#""succeeded":true"#), "{answer}");
        }
    }

    fn ask_etcd(&self, what: &str, body: &Value) -> String {
        let port = fs::read_to_string(self.folder.path().join("etcd.port")).unwrap();
        let file = self.folder.path().join("request.json");
        fs::write(&file, body.to_string()).unwrap();
        let url = format!("http://127.0.0.1:{port}/v3/kv/{what}");
        let output = Command::new("curl").args(["-sS", "-d", &format!("@{}", file.display()), &url]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Kills the API server.
    pub(crate) fn stop_server(&mut self) {
        self.server = None;
    }

    /// Starts it again, with all that it knew.
    pub(crate) fn start_server(&mut self) {
        self.server = Some(start_server(self.folder.path(), self.port, &[]));
        self.wait();
    }

    /// Stops etcd in its tracks, or lets it go on.
    pub(crate) fn freeze_etcd(&self, frozen: bool) {
        let signal = if frozen { "-STOP" } else { "-CONT" };
        let status = Command::new("kill").arg(signal).arg(self.etcd.0.id().to_string()).status();
        assert!(status.is_ok_and(|s| s.success()));
    }

    /// Lets everything run again, whatever was done to it.
    pub(crate) fn mend(&mut self) {
        self.freeze_etcd(false);
        if self.server.is_none() {
            self.start_server();
        }
    }

    /// Waits until something is so.
    pub(crate) fn eventually(&self, what: &str, so: impl FnMut() -> bool) {
        eventually(what, START, so);
    }

    fn wait(&self) {
        let log = self.folder.path().join("apiserver.log");
        let tail = || {
            let text = fs::read_to_string(&log).unwrap_or_default();
            text.lines().rev().take(20).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n")
        };
        let began = Instant::now();
        while !self.api.is_ready() {
            assert!(began.elapsed() < START, "the API server does not start:\n{}", tail());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn write_kubeconfig(&self) {
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: test\n\
             contexts: [{{name: test, context: {{cluster: test, user: test}}}}]\n\
             clusters: [{{name: test, cluster: {{server: 'https://127.0.0.1:{}', certificate-authority: certs/apiserver.crt}}}}]\n\
             users: [{{name: test, user: {{token: {TOKEN}}}}}]\n",
            self.port
        );
        fs::write(self.kubeconfig(), text).unwrap();
    }
}

/// Waits until something is so, and fails if that takes too long.
pub(crate) fn eventually(what: &str, limit: Duration, mut so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < limit, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn start_server(folder: &Path, port: u16, flags: &[&str]) -> Server {
    let etcd = fs::read_to_string(folder.join("etcd.port")).unwrap();
    let log = fs::File::create(folder.join("apiserver.log")).unwrap();
    let file = |name: &str| folder.join(name).display().to_string();
    let server = child(binary("kube-apiserver"))
        .arg(format!("--etcd-servers=http://127.0.0.1:{etcd}"))
        .arg(format!("--cert-dir={}", file("certs")))
        .arg(format!("--secure-port={port}"))
        .args(["--bind-address=127.0.0.1", "--advertise-address=127.0.0.1"])
        .arg("--service-account-issuer=https://kubernetes.default.svc")
        .arg(format!("--service-account-key-file={}", file("sa.key")))
        .arg(format!("--service-account-signing-key-file={}", file("sa.key")))
        .args(["--service-cluster-ip-range=10.96.0.0/12", "--authorization-mode=RBAC"])
        .arg(format!("--token-auth-file={}", file("tokens")))
        .args(["--allow-privileged=true", "--disable-admission-plugins=ServiceAccount,ResourceQuota,LimitRanger"])
        .args(flags)
        .stdout(Stdio::null())
        .stderr(log)
        .spawn();
    Server(server.expect("setpriv is there; run tests/setup.sh"))
}
