//! The corpus, applied to the API server: proxies are sent what istiod sent them, over the wire.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mizzen::api::Kind;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::time::Instant;

use crate::compare;
use crate::support::cluster::Cluster;
use crate::support::documents;
use crate::support::replica::Replica;
use crate::support::xds::{Client, Variant, node};

/// Within which a proxy must hold what it should, on a busy machine.
const SOON: Duration = Duration::from_secs(60);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    all.sort();
    all
}

fn config_map(case: &Path) -> Option<Value> {
    let mesh = fs::read_to_string(case.join("mesh.yaml")).ok()?;
    let meta = json!({"name": "istio", "namespace": "istio-system"});
    Some(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"mesh": mesh}}))
}

/// Objects of one case that are created within one second are as old as each other, as they were for istiod: their
/// age decides which of two comes first. So a case begins with a second, and where the next began between two of its
/// objects, they are created once more.
fn apply(cluster: &Cluster, case: &Path) {
    let documents = documents::read(&case.join("config.yaml"));
    for _ in 0..20 {
        cluster.api().clear();
        let into = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos();
        std::thread::sleep(Duration::from_secs(1) - Duration::from_nanos(into.into()));
        cluster.api().apply(documents.iter().cloned().chain(config_map(case)).collect());
        let aged = Kind::all().filter(|kind| kind.is_istio() || *kind == Kind::Service);
        let ages: BTreeSet<String> = aged.flat_map(|kind| cluster.api().created(kind)).collect();
        if ages.len() < 2 {
            return;
        }
    }
    panic!("{}: the machine is too slow to create the objects of a case in one second", case.display());
}

/// How what a proxy holds differs from what it held of istiod's, once it differs no more or for too long.
async fn difference(mizzen: &Replica, case: &Path, proxy: &str, variant: Variant) -> Vec<String> {
    let golden = fs::read_to_string(case.join("golden").join(proxy)).unwrap();
    let golden: Value = serde_json::from_str(&golden).unwrap();
    let end = Instant::now() + SOON;
    let node = node(&case.join("nodes").join(proxy));
    let mut client = Client::connect(&mizzen.xds(), node, variant).await.unwrap();
    let mut differences = vec!["not everything was answered".to_owned()];
    loop {
        match tokio::time::timeout_at(end, client.settle()).await {
            Ok(settled) => settled.unwrap(),
            Err(_) => return differences,
        }
        let score = compare::compare(golden.clone(), client.dump());
        if score.is_equal() {
            return Vec::new();
        }
        differences = score.differences;
        match tokio::time::timeout_at(end, client.next()).await {
            Ok(arrived) => drop(arrived.unwrap()),
            Err(_) => return differences,
        }
    }
}

/// One control plane and one API server for all cases, so that each is also a change of the one before.
#[test]
fn proxies_are_sent_the_same_from_an_api_server_as_istiod_sent_them() {
    let cluster = Cluster::with_crds();
    let mizzen = Replica::ready(&cluster.kubeconfig(), "mizzen-1");
    let runtime = Runtime::new().unwrap();
    let (mut wrong, mut compared) = (Vec::new(), 0);
    for case in sorted(&root()).into_iter().filter(|p| p.join("config.yaml").exists()) {
        apply(&cluster, &case);
        for file in sorted(&case.join("nodes")) {
            let proxy = file.file_name().unwrap().to_str().unwrap();
            for variant in [Variant::Sotw, Variant::Delta] {
                compared += 1;
                let differences = runtime.block_on(difference(&mizzen, &case, proxy, variant));
                if !differences.is_empty() {
                    let case = case.file_name().unwrap().display();
                    wrong.push(format!("{case}/{proxy} ({variant:?}): {differences:#?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared > 200, "only {compared} dumps were compared");
}
