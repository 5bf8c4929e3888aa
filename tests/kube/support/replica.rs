//! A replica of mizzen: the real program, over such an API server.

use std::fs;
use std::net::{IpAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::cluster::eventually;
use super::ports::free_port;

/// How long anything may take that needs no lock of another to expire.
pub(crate) const SOON: Duration = Duration::from_secs(120);
/// The same after a holder that gave nothing back: its 30 s, and up to 17 s until it is looked at again.
pub(crate) const EXPIRED: Duration = Duration::from_secs(240);

/// The namespace where replicas are, and their locks.
pub(crate) fn home() -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "istio-system"}})
}

/// An address of this machine that is not loopback. Nothing is sent to find it.
fn address() -> IpAddr {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    let found = socket.connect("198.51.100.1:9").and_then(|()| socket.local_addr());
    found.expect("this machine has an address that is not loopback: a test calls from there").ip()
}

pub(crate) struct Replica {
    child: Child,
    http: u16,
    xds: u16,
    pub(crate) pod: String,
    folder: TempDir,
}

impl Drop for Replica {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Replica {
    /// Starts one with the name of a Pod.
    pub(crate) fn start(kubeconfig: &Path, pod: &str) -> Self {
        Self::with(kubeconfig, pod, &[])
    }

    /// The same with further variables.
    pub(crate) fn with(kubeconfig: &Path, pod: &str, variables: &[(&str, &str)]) -> Self {
        let (http, xds) = (free_port(), free_port());
        let folder = tempfile::tempdir().unwrap();
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_mizzen"))
            .args(["discovery", "--monitoringAddr", "", "--stateDir=", "--meshConfig=/nowhere"])
            .args(["--grpcAddr", &format!("127.0.0.1:{xds}"), "--httpAddr", &format!(":{http}")])
            .arg("--kubeconfig")
            .arg(kubeconfig)
            .env("POD_NAME", pod)
            .envs(variables.iter().copied())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        Self { child: child.unwrap(), http, xds, pod: pod.to_owned(), folder }
    }

    /// Starts one, and waits until it has read everything.
    pub(crate) fn ready(kubeconfig: &Path, pod: &str) -> Self {
        let replica = Self::start(kubeconfig, pod);
        replica.wait();
        replica
    }

    pub(crate) fn wait(&self) {
        eventually(&format!("{} to be ready", self.pod), SOON, || self.is_ready());
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.page("/ready").is_some()
    }

    /// Where proxies connect, `HOST:PORT`.
    pub(crate) fn xds(&self) -> String {
        format!("127.0.0.1:{}", self.xds)
    }

    /// What a page says; none while nobody answers, or where the answer is no good one.
    pub(crate) fn page(&self, path: &str) -> Option<String> {
        let url = format!("http://127.0.0.1:{}{path}", self.http);
        let output = Command::new("curl").args(["-sSf", &url]).output().unwrap();
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// The status and the body of a page for who calls from another address than loopback, with or without a token.
    pub(crate) fn page_from_elsewhere(&self, path: &str, token: Option<&str>) -> (u16, String) {
        let url = format!("http://{}:{}{path}", address(), self.http);
        let header = token.map(|token| format!("Authorization: Bearer {token}"));
        let header = header.iter().flat_map(|header| ["-H", header]);
        let output =
            Command::new("curl").args(["-sS", "-w", "\\n%{http_code}"]).args(header).arg(&url).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        let (body, code) = text.rsplit_once('\n').unwrap();
        (code.parse().unwrap(), body.to_owned())
    }

    /// Who holds a lock, as far as this replica knows.
    pub(crate) fn holder(&self, lock: &str) -> String {
        let page = self.page("/debug/leaders").and_then(|page| serde_json::from_str::<Value>(&page).ok());
        let all = page.as_ref().and_then(Value::as_array).cloned().unwrap_or_default();
        let holder = all.iter().find(|l| l["lock"] == lock).and_then(|l| l["holder"].as_str().map(str::to_owned));
        holder.unwrap_or_default()
    }

    pub(crate) fn leads(&self, lock: &str) -> bool {
        self.holder(lock) == self.pod
    }

    /// The value of a metric, as it is printed with its labels; 0 if there is none.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let text = self.page("/metrics").unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|value| value.trim().parse().ok()).unwrap_or_default()
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap()
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// Kills it: it has no time to give anything back.
    pub(crate) fn kill(self) {
        drop(self);
    }

    /// Asks it to stop, and waits until it did.
    pub(crate) fn stop(mut self) {
        let status = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status();
        assert!(status.is_ok_and(|s| s.success()));
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}: {}", self.log());
    }
}
