//! The chart of `deploy/`, rendered by Helm and applied by kubectl.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use mizzen::api::Kind;
use serde_json::{Value, json};

use crate::support::cluster::Cluster;
use crate::support::documents;

const NAMESPACE: &str = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: istio-system\n";

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// What a program prints; fails if it fails.
fn output(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}; run tests/setup.sh"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What the chart renders with these further arguments.
fn render(arguments: &[&str]) -> String {
    let helm = output(&mut Command::new(repository("tests/kube/helm.sh")));
    let mut command = Command::new(helm.trim());
    command.args(["template", "istiod"]).arg(repository("deploy/chart")).args(["--namespace", "istio-system"]);
    NAMESPACE.to_owned() + &output(command.args(arguments))
}

/// Applies as people do.
fn apply(cluster: &Cluster, manifests: &str) {
    let file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    fs::write(file.path(), manifests).unwrap();
    let mut command = Command::new("kubectl");
    command.arg("--kubeconfig").arg(cluster.kubeconfig()).args(["apply", "--server-side", "--validate=false", "-f"]);
    output(command.arg(file.path()));
}

#[test]
fn the_plain_manifests_are_what_the_chart_renders() {
    let found = fs::read_to_string(repository("deploy/manifests/mizzen.yaml")).unwrap();
    let rendered = format!("# Made by deploy/render.\n{}", render(&[]));
    assert!(found == rendered, "deploy/manifests/mizzen.yaml is out of date: run deploy/render");
}

#[test]
fn everything_to_install_applies_to_the_api_server() {
    let cluster = Cluster::bare();
    for file in fs::read_dir(repository("crds")).unwrap() {
        apply(&cluster, &fs::read_to_string(file.unwrap().path()).unwrap());
    }
    apply(&cluster, &fs::read_to_string(repository("deploy/manifests/mizzen.yaml")).unwrap());
    let users = repository("deploy/examples/users-mesh.yaml");
    apply(&cluster, &render(&["--values", &users.display().to_string()]));
    let pod = |deployment: &Value| deployment["spec"]["template"]["metadata"]["annotations"].clone();
    let deployments = "/apis/apps/v1/namespaces/istio-system/deployments";
    let own = cluster.api().get(&format!("{deployments}/istiod"));
    assert_eq!(pod(&own)["proxyPort"], "15014");
    let mesh = cluster.api().get("/api/v1/namespaces/istio-system/configmaps/istio");
    assert!(mesh["data"]["mesh"].as_str().unwrap().contains("accessLogEncoding: JSON"), "{mesh}");
    // A second revision beside the first, with everything optional.
    let canary = ["revision=canary", "pilot.autoscaleEnabled=false", "global.networkPolicy.enabled=true"];
    apply(&cluster, &render(&canary.map(|set| ["--set", set]).concat()));
    let canary = cluster.api().get(&format!("{deployments}/istiod-canary"));
    assert_eq!(canary["spec"]["replicas"], 2, "a value under `pilot` counts");
    assert!(own["spec"]["replicas"].is_null() || own["spec"]["replicas"] == 1, "the autoscaler decides: {own}");
    apply(&cluster, &fs::read_to_string(repository("deploy/examples/workload.yaml")).unwrap());
}

#[test]
fn its_rights_suffice_and_none_is_unused() {
    let cluster = Cluster::with_crds();
    let manifests = render(&[]);
    apply(&cluster, &manifests);
    let account = "/api/v1/namespaces/istio-system/serviceaccounts/istiod/token";
    let request = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}});
    let token = cluster.api().create(account, request)["status"]["token"].as_str().unwrap().to_owned();
    let folder = tempfile::tempdir().unwrap();
    let admin = fs::read_to_string(cluster.kubeconfig()).unwrap();
    let authority = cluster.kubeconfig().parent().unwrap().join("certs/apiserver.crt").display().to_string();
    let own = admin.replace(crate::support::cluster::TOKEN, &token).replace("certs/apiserver.crt", &authority);
    fs::write(folder.path().join("kubeconfig"), own).unwrap();
    let mizzen = Running::new(folder.path());
    cluster.eventually("readiness", || mizzen.is_ready());
    let log = mizzen.log();
    assert!(!log.contains("forbidden") && !log.contains("403"), "{log}");

    let kinds = Kind::all().map(|kind| (kind.group().to_owned(), kind.plural().to_owned())).collect::<BTreeSet<_>>();
    let documents = documents::parse(&manifests);
    let roles = documents.iter().filter(|d| ["ClusterRole", "Role"].contains(&d["kind"].as_str().unwrap()));
    let mut allowed = BTreeSet::new();
    for rule in roles.flat_map(|role| role["rules"].as_array().unwrap()) {
        assert_eq!(rule["verbs"], json!(["list", "watch"]));
        let strings = |key: &str| rule[key].as_array().unwrap().iter().map(|v| v.as_str().unwrap().to_owned());
        for group in strings("apiGroups") {
            allowed.extend(strings("resources").map(|resource| (group.clone(), resource)));
        }
    }
    assert_eq!(allowed, kinds, "what may be read, and what is");
}

/// The control plane itself, as the chart's ServiceAccount.
struct Running {
    child: Child,
    folder: PathBuf,
    port: u16,
}

impl Running {
    fn new(folder: &Path) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let log = fs::File::create(folder.join("log")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_mizzen"))
            .arg("discovery")
            .arg(format!("--kubeconfig={}", folder.join("kubeconfig").display()))
            .arg(format!("--httpAddr=127.0.0.1:{port}"))
            .args(["--monitoringAddr=127.0.0.1:0", "--grpcAddr=127.0.0.1:0", "--stateDir="])
            .env("POD_NAMESPACE", "istio-system")
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, folder: folder.to_owned(), port }
    }

    fn is_ready(&self) -> bool {
        let url = format!("http://127.0.0.1:{}/ready", self.port);
        let status = Command::new("curl").args(["-sf", "-o", "/dev/null", &url]).status();
        status.is_ok_and(|status| status.success())
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
