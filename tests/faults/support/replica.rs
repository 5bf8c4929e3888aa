//! One replica of mizzen, the program.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::http;
use super::netns::Namespace;
use super::process::{PATIENCE, Process, eventually};

/// How long a list that lacks more than half of a kind is doubted here.
///
/// After an outage some lists are read again ten seconds later than others, and that of the first must be in doubt still.
pub(crate) const DOUBT: Duration = Duration::from_secs(30);
/// How long streams have to end.
pub(crate) const GRACE: Duration = Duration::from_secs(60);

const XDS: u16 = 15010;
const MONITORING: u16 = 15014;

/// Dropped, it is killed.
pub(crate) struct Replica {
    process: Process,
    address: Ipv4Addr,
    /// Where pages for people are, who are on the same machine.
    pages: SocketAddr,
}

impl Replica {
    /// Starts a replica at an address of `centre`, by a program that starts it if one is named, and waits until it is
    /// ready.
    pub(crate) fn start(centre: &Namespace, address: Ipv4Addr, by: &[&str], kubeconfig: &Path, log: &Path) -> Self {
        let number = address.octets()[3];
        let pages = SocketAddr::from(([127, 0, 0, 1], 8000 + u16::from(number)));
        let mizzen = env!("CARGO_BIN_EXE_mizzen");
        let mut command = centre.command(by.first().copied().unwrap_or(mizzen));
        command.args(by.iter().skip(1)).args(by.first().map(|_| mizzen));
        command.env("POD_NAME", format!("istiod-{number}")).env("POD_NAMESPACE", "istio-system");
        command.args(["discovery", "--stateDir=", "--meshConfig=/nowhere", "--httpAddr", &pages.to_string()]);
        command.args(["--grpcAddr", &format!("{address}:{XDS}")]);
        command.args(["--monitoringAddr", &format!("{address}:{MONITORING}")]);
        let seconds = |time: Duration| format!("{}s", time.as_secs());
        command
            .args(["--listDoubt", &seconds(DOUBT), "--shutdownDuration", &seconds(GRACE)])
            .arg("--kubeconfig")
            .arg(kubeconfig);
        let process = Process::start(&format!("replica {number}"), command, log.join(format!("replica-{number}.log")));
        let mut replica = Self { process, address, pages };
        eventually(PATIENCE, "a replica to be ready", || {
            let ready = replica.is_ready();
            // Or somebody else answered.
            replica.process.assert_alive();
            ready.then_some(())
        });
        replica
    }

    /// Where proxies find it.
    pub(crate) fn xds(&self) -> SocketAddr {
        SocketAddr::from((self.address, XDS))
    }

    /// A page for people.
    pub(crate) fn page(&self, path: &str) -> Option<(u16, String)> {
        http::get(self.pages, path)
    }

    /// Whether it says of itself that it can take proxies; it says no if nobody answers.
    pub(crate) fn is_ready(&self) -> bool {
        self.page("/ready").is_some_and(|(status, _)| status == 200)
    }

    /// How many proxies it serves.
    pub(crate) fn connections(&self) -> usize {
        let said = http::get(SocketAddr::from((self.address, MONITORING)), "/replica").map(|(_, body)| body);
        let said: Value = said.and_then(|body| serde_json::from_str(&body).ok()).unwrap_or_default();
        said["connections"].as_u64().unwrap_or_default() as usize
    }

    /// A metric by its name, with its labels; 0 if it has no value yet.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let text = http::get(SocketAddr::from((self.address, MONITORING)), "/metrics").expect("it answers").1;
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        value.unwrap_or_default()
    }

    /// Waits until it finds something, by the code of the finding and the kind of the object.
    pub(crate) fn wait_for_finding(&self, code: &str, kind: &str) {
        eventually(PATIENCE, &format!("{code} {kind}"), || self.finds(code, kind).then_some(()));
    }

    /// Whether it finds something.
    pub(crate) fn finds(&self, code: &str, kind: &str) -> bool {
        let findings = self.page("/debug/findings").map(|(_, body)| body).unwrap_or_default();
        let findings: Value = serde_json::from_str(&findings).unwrap_or_default();
        findings.as_array().into_iter().flatten().any(|f| f["code"] == code && f["kind"] == kind)
    }

    /// The clock of the replica, as it tells callers.
    pub(crate) fn date(&self) -> String {
        let request = http::Request { method: "GET", authority: "istiod", path: "/ready", headers: &[] };
        http::call(self.pages, &request).expect("it answers").header("date").to_owned()
    }

    /// A connection of somebody who begins with HTTP/2 and then says no more, not even that he heard of the end.
    pub(crate) fn linger(&self) -> TcpStream {
        // Its preface and a frame of settings, of which there are none.
        const HELLO: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
        let mut stream = TcpStream::connect(self.xds()).expect("it listens");
        stream.write_all(HELLO).expect("it reads");
        stream.read_exact(&mut [0; 9]).expect("it has settings of its own");
        stream
    }

    /// Asks it to end, as an orchestrator does.
    pub(crate) fn ask_to_end(&self) {
        self.process.ask_to_end();
    }

    /// Waits until it has ended by itself.
    pub(crate) fn wait_for_end(self) {
        self.process.wait_for_end();
    }
}
