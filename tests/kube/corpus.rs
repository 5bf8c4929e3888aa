//! The corpus, applied to the API server: proxies hold the same as if it were a folder.

use std::fs;
use std::path::{Path, PathBuf};

use mizzen::app::render;
use mizzen::model::index::{Allocations, Options};
use serde_json::{Value, json};

use crate::compare;
use crate::support::cluster::Cluster;
use crate::support::documents;
use crate::support::source::Source;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    all.sort();
    all
}

/// What each proxy of a case holds with the case as a folder.
fn from_folder(case: &Path) -> Vec<(String, Value)> {
    let folder = tempfile::tempdir().unwrap();
    for (from, to) in [(root().join("base.yaml"), "base.yaml"), (case.join("config.yaml"), "config.yaml")] {
        fs::copy(from, folder.path().join(to)).unwrap();
    }
    let mesh = Some(case.join("mesh.yaml")).filter(|m| m.exists());
    let core = render::load(folder.path(), mesh.as_deref(), Options::default(), Allocations::default());
    held(case, &mut core.unwrap())
}

fn held(case: &Path, core: &mut mizzen::engine::Core) -> Vec<(String, Value)> {
    let proxies = sorted(&case.join("nodes")).into_iter().map(|node| {
        let name = node.file_stem().unwrap().to_string_lossy().into_owned();
        (name, render::render(core, &render::node(&node).unwrap()).unwrap())
    });
    proxies.collect()
}

fn config_map(case: &Path) -> Option<Value> {
    let mesh = fs::read_to_string(case.join("mesh.yaml")).ok()?;
    let meta = json!({"name": "istio", "namespace": "istio-system"});
    Some(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"mesh": mesh}}))
}

/// Objects of one case that are created within one second are as old as each other, as in a folder. Where a second
/// began between two of them, they are created once more.
fn apply(cluster: &Cluster, case: &Path) -> Source {
    let documents = documents::read(&case.join("config.yaml"));
    for _ in 0..10 {
        cluster.api().clear();
        let all: Vec<Value> = documents.iter().cloned().chain(config_map(case)).collect();
        cluster.api().apply(all);
        let source = Source::synced(cluster);
        let mut ages: Vec<i64> =
            source.objects.values().filter(|o| o.kind().is_istio()).map(|o| o.meta.created).collect();
        ages.dedup();
        if ages.len() < 2 {
            return source;
        }
    }
    panic!("{}: the machine is too slow to create the objects of a case in one second", case.display());
}

#[test]
fn proxies_hold_the_same_from_an_api_server_as_from_a_folder() {
    let cluster = Cluster::with_crds();
    let (mut wrong, mut compared) = (Vec::new(), 0);
    for case in sorted(&root()).into_iter().filter(|p| p.join("config.yaml").exists()) {
        let source = apply(&cluster, &case);
        let expected = from_folder(&case);
        let found = held(&case, &mut source.core());
        for ((proxy, expected), (_, found)) in expected.into_iter().zip(found) {
            compared += 1;
            if expected != found {
                let differences = compare::compare(expected, found).differences;
                wrong.push(format!("{}/{proxy}: {:#?}", case.file_name().unwrap().to_string_lossy(), differences));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared > 100, "only {compared} proxies were compared");
}
