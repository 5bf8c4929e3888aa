//! Changes, small ones by kubectl and a very large one, and how they reach calls.

use std::process::Command;
use std::time::Instant;

use mizzen::demo::load::{Load, Target};
use serde_json::{Value, json};

use crate::fixture::{destination_rule, greeter, split};
use crate::support::ground::BACKENDS;
use crate::support::load::{assert_none_failed, until_answered_by};
use crate::support::process::{PATIENCE, eventually, run};
use crate::support::town::{Town, load, rules};

const MANY: usize = 10_000;

/// Applies as people do; returns when the API server has answered.
fn kubectl(town: &Town, yaml: &str) -> Instant {
    let kubeconfig = town.cluster(|cluster| cluster.kubeconfig());
    let file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    std::fs::write(file.path(), yaml).unwrap();
    let mut command = Command::new("kubectl");
    command.arg("--kubeconfig").arg(kubeconfig);
    command.args(["apply", "--server-side", "--force-conflicts", "--validate=false", "-f"]);
    run(command.arg(file.path()));
    Instant::now()
}

/// A host outside the mesh with the greeter of this address behind it.
fn outside(endpoint: &str) -> String {
    format!(
        "apiVersion: networking.istio.io/v1\n\
         kind: ServiceEntry\n\
         metadata: {{name: outside, namespace: shop}}\n\
         spec: {{hosts: [outside.example.com], addresses: [10.99.0.1], location: MESH_EXTERNAL, resolution: STATIC, \
         ports: [{{number: 50051, name: grpc, protocol: GRPC}}], endpoints: [{{address: {endpoint}}}]}}\n"
    )
}

#[test]
fn what_kubectl_applies_reaches_calls_and_fails_none() {
    let town = Town::open(&[&rules(100, 0), &outside(BACKENDS[0].1)[..]].join("---\n"));
    let client = town.client();
    let calls = load(&client);
    let target = Target { address: ([10, 99, 0, 1], 50051).into(), authority: "outside.example.com:50051".to_owned() };
    let calls_out = Load::start(client.namespace().place(), target);
    until_answered_by(&calls_out, Instant::now(), &["greeter-1"]);

    let applied = kubectl(&town, &split(&[("v1", 0), ("v2", 100)]));
    until_answered_by(&calls, applied, &["greeter-2"]);
    let swapped = destination_rule(&["v1", "v2"], "RANDOM", 100).replace("{version: v2}", "{version: v1}");
    let applied = kubectl(&town, &swapped);
    until_answered_by(&calls, applied, &["greeter-1"]);
    let applied = kubectl(&town, &outside(BACKENDS[1].1));
    until_answered_by(&calls_out, applied, &["greeter-2"]);

    let unsplit = split(&[("v1", 0), ("v2", 100)]).replace(", subset: v1", "").replace(", subset: v2", "");
    let applied = kubectl(&town, &unsplit);
    until_answered_by(&calls, applied, &["greeter-1", "greeter-2"]);
    let slice = greeter(&BACKENDS[1..]);
    let applied = kubectl(&town, slice.split("---\n").nth(1).unwrap());
    until_answered_by(&calls, applied, &["greeter-2"]);
    assert_none_failed(&calls.end());
    assert_none_failed(&calls_out.end());
}

/// So many ServiceEntries as the API server stores them, each with one endpoint in a network of its own.
fn entries(count: usize, network: u8) -> Vec<(String, Value)> {
    let entry = |n: usize| {
        let name = format!("h{n}");
        let uid = format!("00000000-0000-4000-8000-{n:012}");
        let meta = json!({"name": name, "namespace": "shop", "uid": uid, "generation": network,
                          "creationTimestamp": "2026-01-01T00:00:00Z"});
        let spec = json!({"hosts": [format!("h{n}.example.com")], "location": "MESH_EXTERNAL", "resolution": "STATIC",
                          "ports": [{"number": 80, "name": "http", "protocol": "HTTP"}],
                          "endpoints": [{"address": format!("10.{network}.{}.{}", n / 250, n % 250 + 1)}]});
        let object =
            json!({"apiVersion": "networking.istio.io/v1", "kind": "ServiceEntry", "metadata": meta, "spec": spec});
        (format!("/registry/networking.istio.io/serviceentries/shop/{name}"), object)
    };
    (0..count).map(entry).collect()
}

#[test]
fn ten_thousand_objects_that_are_replaced_at_once_fail_no_call() {
    let town = Town::open(&rules(100, 0));
    let client = town.client();
    let calls = load(&client);
    let last = format!("outbound|80||h{}.example.com", MANY - 1);
    let pattern = last.replace('|', "\\|");
    let page = format!("/config_dump?include_eds&resource=dynamic_endpoint_configs&name_regex={pattern}");
    for network in [101, 102] {
        // Faster than the API server would take them.
        town.cluster(move |cluster| cluster.store(&entries(MANY, network)));
        eventually(PATIENCE * 3, "the last of them in the sidecar", || {
            let held = client.admin(&page)?.1;
            (held.contains(&last) && held.contains(&format!("10.{network}."))).then_some(())
        });
    }
    let edit = town.apply(&rules(0, 100));
    until_answered_by(&calls, edit, &["greeter-2"]);
    assert_none_failed(&calls.end());
}
