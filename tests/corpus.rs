//! The corpus: what mizzen would send for each case, compared with what istiod sent.
//!
//! In-process, through the same code as `mizzen render`. Each case of `EQUAL` must be equal in full; the others are
//! counted, and may not fall below what `tests/corpus/baseline.json` says was equal before.
//!
//! `cargo test --test corpus -- [-v] [CASE…]` runs some cases, with `-v` every difference.

#[path = "corpus_runner/compare.rs"]
mod compare;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use mizzen::app::render;
use mizzen::model::index::{Allocations, Options};
use serde_json::Value;

/// Cases that are equal in full.
const EQUAL: [&str; 55] = [
    "accesslog-file-json",
    "accesslog-file-text",
    "accesslog-grpc-services",
    "accesslog-telemetry-levels",
    "authz-conditions",
    "authz-external",
    "authz-namespace-rules",
    "authz-tcp",
    "balancing-policies",
    "connection-limits",
    "egress-scope",
    "entry-endpoints",
    "entry-visibility",
    "envoyfilter-http",
    "envoyfilter-network",
    "external-name-partners",
    "front-gateway",
    "grpc-service",
    "headless-ledger",
    "house-defaults",
    "ingress-classic",
    "ingress-listeners",
    "jwt-issuers",
    "jwt-keys-unreachable",
    "l4-routing",
    "layer4-gateway",
    "locality-failover",
    "mesh-wide-locality",
    "mesh-wide-settings",
    "metrics-overrides",
    "mtls-levels",
    "mtls-mixed-pods",
    "mysql-same-port",
    "name-table",
    "near-first",
    "outside-hosts",
    "protocol-zoo",
    "proxy-config",
    "route-actions",
    "route-matching",
    "route-ownership",
    "rule-precedence",
    "shared-port-numbers",
    "strict-mesh",
    "tenants-telemetry",
    "tracing-default-config",
    "tracing-jaeger-outside",
    "tracing-otlp-http",
    "trust-domains",
    "tunnel-through-proxy",
    "two-networks",
    "upstream-tls",
    "users-mesh",
    "vm-and-pods",
    "way-out",
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|a| a == "--list") {
        return ExitCode::SUCCESS;
    }
    let verbose = arguments.iter().any(|a| a == "-v");
    let only: Vec<&String> = arguments.iter().filter(|a| !a.starts_with('-')).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let baseline = baseline(&root);
    let (mut passed, mut failed) = (0, 0);
    for case in cases(&root).into_iter().filter(|c| only.is_empty() || only.iter().any(|o| c.ends_with(o))) {
        let name = case.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for (proxy, score) in run(&root, &case) {
            let id = format!("{name}/{proxy}");
            let owed =
                if EQUAL.contains(&name.as_str()) { score.wanted() } else { baseline.get(&id).copied().unwrap_or(0) };
            let ok = score.equal() >= owed && (!EQUAL.contains(&name.as_str()) || score.is_equal());
            if ok {
                passed += 1
            } else {
                failed += 1
            }
            println!("{} {id:44} {score}", if ok { "ok  " } else { "FAIL" });
            if verbose {
                score.differences.iter().for_each(|d| println!("    {d}"));
            }
        }
    }
    println!("corpus: {passed} passed, {failed} failed");
    if failed == 0 && passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// How many resources were equal before, by case and proxy.
fn baseline(root: &Path) -> BTreeMap<String, usize> {
    fs::read_to_string(root.join("baseline.json")).ok().and_then(|t| serde_json::from_str(&t).ok()).unwrap_or_default()
}

fn cases(root: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> =
        fs::read_dir(root).expect("tests/corpus is there").filter_map(|e| Some(e.ok()?.path())).collect();
    all.retain(|p| p.join("config.yaml").exists());
    all.sort();
    all
}

/// Compares every proxy of a case.
fn run(root: &Path, case: &Path) -> Vec<(String, compare::Score)> {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for (from, to) in [(root.join("base.yaml"), "base.yaml"), (case.join("config.yaml"), "config.yaml")] {
        fs::copy(from, folder.path().join(to)).expect("the case can be copied");
    }
    let mesh = Some(case.join("mesh.yaml")).filter(|m| m.exists());
    let mut core = render::load(folder.path(), mesh.as_deref(), Options::default(), Allocations::default())
        .expect("the case loads");
    let mut out = Vec::new();
    let mut nodes: Vec<PathBuf> =
        fs::read_dir(case.join("nodes")).expect("a case has nodes").filter_map(|e| Some(e.ok()?.path())).collect();
    nodes.sort();
    for node in nodes {
        let proxy = node.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let golden =
            fs::read_to_string(case.join("golden").join(format!("{proxy}.json"))).expect("a node has a golden file");
        let golden: Value = serde_json::from_str(&golden).expect("a golden file is JSON");
        let node = render::node(&node).expect("a node file is a Node");
        let got = render::render(&mut core, &node).expect("what is sent can be printed");
        out.push((proxy, compare::compare(golden, got)));
    }
    out
}
