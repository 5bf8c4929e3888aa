//! The chart of `deploy/`, rendered by Helm and applied by kubectl.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::cluster::Cluster;

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
