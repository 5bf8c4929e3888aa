//! Zipkin, as its jar from Maven Central has it, with traces in memory.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde_json::Value;

use crate::support::http;
use crate::support::mesh::Mesh;
use crate::support::netns::Namespace;
use crate::support::process::{PATIENCE, Process, eventually};
use crate::support::require;

/// The jar that `tests/setup.sh` brings.
const JAR: &str = "zipkin-server-3.5.1-exec.jar";

/// A running Zipkin.
pub(crate) struct Zipkin {
    process: Process,
    address: SocketAddr,
}

impl Zipkin {
    /// Starts Zipkin at `address:9411` of the centre; [`wait`](Self::wait) before use.
    pub(crate) fn start(mesh: &Mesh, address: Ipv4Addr) -> Zipkin {
        let mut command = mesh.centre().command(require::program("java", "default-jre-headless"));
        // One compiler is enough for so little work: it starts sooner.
        command.args(["-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-jar"]).arg(jar());
        command.env("STORAGE_TYPE", "mem").env("SELF_TRACING_ENABLED", "false");
        let process = Process::start("zipkin", command, mesh.directory().join("zipkin.log"));
        Zipkin { process, address: SocketAddr::from((address, 9411)) }
    }

    /// Returns when it answers.
    pub(crate) fn wait(&mut self, mesh: &Mesh) {
        eventually(PATIENCE * 2, "Zipkin to be there", || {
            self.process.assert_alive();
            let (status, _) = mesh.centre().inside(|| http::get(self.address, "/health"))?;
            (status == 200).then_some(())
        });
    }

    /// The spans of a trace, once there are so many.
    pub(crate) fn trace(&self, from: &Namespace, id: &str, spans: usize) -> Vec<Value> {
        eventually(PATIENCE, &format!("{spans} spans of the trace {id}"), || {
            let all = self.ask(from, &format!("/api/v2/trace/{id}"))?;
            all.as_array().filter(|all| all.len() >= spans).cloned()
        })
    }

    /// How many traces with a span of `service` there are.
    pub(crate) fn count(&self, from: &Namespace, service: &str) -> usize {
        let path = format!("/api/v2/traces?serviceName={service}&limit=20000&lookback=3600000");
        self.ask(from, &path).and_then(|all| Some(all.as_array()?.len())).unwrap_or(0)
    }

    fn ask(&self, from: &Namespace, path: &str) -> Option<Value> {
        let (status, body) = from.inside(|| http::get(self.address, path))?;
        if status == 200 { serde_json::from_str(&body).ok() } else { None }
    }
}

#[expect(clippy::disallowed_methods, reason = "the cache is where tests/setup.sh puts it")]
fn jar() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")));
    let jar = cache.expect("there is a home directory").join("mizzen").join(JAR);
    assert!(jar.is_file(), "no {}: run tests/setup.sh", jar.display());
    jar
}
