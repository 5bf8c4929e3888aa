//! `mizzen discovery` as a whole.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::support::cluster::{Cluster, eventually, free_port};

const SOON: Duration = Duration::from_secs(40);

struct Mizzen {
    child: Child,
    http: u16,
}

impl Drop for Mizzen {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Mizzen {
    fn start(kubeconfig: &Path) -> Self {
        let http = free_port();
        let child = Command::new(env!("CARGO_BIN_EXE_mizzen"))
            .args(["discovery", "--monitoringAddr", "", "--stateDir=", "--meshConfig=/nowhere"])
            .args(["--grpcAddr", &format!("127.0.0.1:{}", free_port()), "--httpAddr", &format!("127.0.0.1:{http}")])
            .arg("--kubeconfig")
            .arg(kubeconfig)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self { child: child.unwrap(), http }
    }

    /// The status and the body of a page; none while nobody answers.
    fn page(&self, path: &str) -> Option<(String, String)> {
        let url = format!("http://127.0.0.1:{}{path}", self.http);
        let output = Command::new("curl").args(["-sS", "-w", "\\n%{http_code}", &url]).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        output
            .status
            .success()
            .then(|| text.rsplit_once('\n').map(|(body, code)| (code.to_owned(), body.to_owned())))?
    }

    fn is_ready(&self) -> bool {
        self.page("/ready").is_some_and(|(code, _)| code == "200")
    }
}

#[test]
fn it_is_ready_once_everything_was_read_and_stays_so_while_the_api_server_is_away() {
    let mut cluster = Cluster::with_crds();
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "cart", "namespace": "shop"},
                         "spec": {"ports": [{"name": "http", "port": 80}]}});
    let route = json!({"apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
                       "metadata": {"name": "cart-route", "namespace": "shop"},
                       "spec": {"hosts": ["cart"], "http": [{"route": [{"destination": {"host": "cart"}}]}]}});
    cluster.api().apply(vec![service, route]);
    cluster.stop_server();
    let mizzen = Mizzen::start(&cluster.kubeconfig());
    eventually("an answer", SOON, || mizzen.page("/ready").is_some());
    eventually("word of what is missing", SOON, || {
        mizzen.page("/debug/findings").is_some_and(|(_, body)| body.contains("api-server-away"))
    });
    assert!(!mizzen.is_ready());
    cluster.start_server();
    eventually("readiness", SOON, || mizzen.is_ready());
    let rules = mizzen.page("/debug/configz").map(|(_, body)| body.contains("cart-route"));
    assert_eq!(rules, Some(true), "a server that has just started may not list its kinds yet");
    let known =
        || mizzen.page("/debug/registryz").is_some_and(|(_, body)| body.contains("cart.shop.svc.cluster.local"));
    assert!(known());
    cluster.stop_server();
    eventually("word of the outage", SOON, || {
        mizzen.page("/debug/findings").is_some_and(|(_, body)| body.contains("api-server-away"))
    });
    assert!(mizzen.is_ready() && known());
    assert!(mizzen.page("/metrics").is_some_and(|(_, body)| body.contains("mizzen_source_failures")));
}
