//! `mizzen discovery`, the program.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::cluster::free_port;

pub(crate) struct Mizzen {
    child: Child,
    http: u16,
    grpc: u16,
}

impl Drop for Mizzen {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Mizzen {
    pub(crate) fn start(kubeconfig: &Path) -> Self {
        let (http, grpc) = (free_port(), free_port());
        let child = Command::new(env!("CARGO_BIN_EXE_mizzen"))
            .args(["discovery", "--monitoringAddr", "", "--stateDir=", "--meshConfig=/nowhere"])
            .args(["--grpcAddr", &format!("127.0.0.1:{grpc}"), "--httpAddr", &format!("127.0.0.1:{http}")])
            .arg("--kubeconfig")
            .arg(kubeconfig)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self { child: child.unwrap(), http, grpc }
    }

    /// Where proxies find it.
    pub(crate) fn xds(&self) -> String {
        format!("127.0.0.1:{}", self.grpc)
    }

    /// The status and the body of a page; none while nobody answers.
    pub(crate) fn page(&self, path: &str) -> Option<(String, String)> {
        let url = format!("http://127.0.0.1:{}{path}", self.http);
        let output = Command::new("curl").args(["-sS", "-w", "\\n%{http_code}", &url]).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        output
            .status
            .success()
            .then(|| text.rsplit_once('\n').map(|(body, code)| (code.to_owned(), body.to_owned())))?
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.page("/ready").is_some_and(|(code, _)| code == "200")
    }
}
