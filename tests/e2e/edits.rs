//! Edits of rules under load: in force within a second, and no call fails.

use std::time::{Duration, Instant};

use mizzen::demo::load::by_backend;

use super::fixture::{Backend, GREETER, destination_rule, route_to, split};
use super::shop::{SLOW, Shop};
use crate::support::load::{assert_none_failed, calls_after, until_answered_by};
use crate::support::process::{PATIENCE, eventually};

const BACKENDS: [Backend; 2] = [("greeter-1", "10.77.0.11", "v1"), ("greeter-2", "10.77.0.12", "v2")];
const BOTH: [&str; 2] = ["greeter-1", "greeter-2"];
/// Within which an edit must be in force.
const LIMIT: Duration = Duration::from_secs(1);

fn rules(parts: &[String]) -> String {
    parts.join("---\n")
}

fn weights(v1: u32, v2: u32) -> String {
    rules(&[destination_rule(&["v1", "v2"], "RANDOM", 100), split(&[("v1", v1), ("v2", v2)])])
}

#[test]
fn a_weight_change_moves_traffic_within_a_second_and_without_a_failed_call() {
    let shop = Shop::open(&BACKENDS, &weights(100, 0));
    let load = shop.load();
    until_answered_by(&load, Instant::now(), &["greeter-1"]);
    // The best of several: the machine may be busy with something else for one of them.
    let mut best = Duration::MAX;
    for (v1, v2, backend) in [(0, 100, "greeter-2"), (100, 0, "greeter-1"), (0, 100, "greeter-2")] {
        let edit = shop.mesh.configure("rules.yaml", &weights(v1, v2));
        best = best.min(until_answered_by(&load, edit, &[backend]));
    }
    assert!(best < LIMIT, "the fastest edit took {best:?}");

    let edit = shop.mesh.configure("rules.yaml", &weights(50, 50));
    until_answered_by(&load, edit, &BOTH);
    let calls = calls_after(&load, Instant::now(), Duration::ZERO, 400);
    // Five standard deviations around the half.
    for (backend, answered) in by_backend(&calls) {
        assert!((150..=250).contains(&answered), "{backend} answered {answered} of 400");
    }
    assert_none_failed(&load.end());
}

#[test]
fn an_edit_that_changes_a_cluster_fails_no_call() {
    let shop = Shop::open(&BACKENDS, &destination_rule(&[], "ROUND_ROBIN", 100));
    let load = shop.load();
    until_answered_by(&load, Instant::now(), &BOTH);

    let cluster = format!("outbound|50051||{GREETER}");
    for round in 0..4 {
        let (connections, balancer) = (101 + round, if round % 2 == 0 { "RANDOM" } else { "ROUND_ROBIN" });
        shop.mesh.configure("rules.yaml", &destination_rule(&[], balancer, connections));
        shop.client.wait_for_cluster(&cluster, |cluster| {
            // Envoy leaves out what is its default, as ROUND_ROBIN is.
            let policy = cluster["lb_policy"].as_str().unwrap_or("ROUND_ROBIN");
            cluster["circuit_breakers"]["thresholds"][0]["max_connections"] == connections && policy == balancer
        });
        // Both pods serve on.
        until_answered_by(&load, Instant::now(), &BOTH);
    }
    assert_none_failed(&load.end());
}

#[test]
fn a_subset_and_its_route_come_and_go_without_a_failed_call() {
    let without = destination_rule(&[], "RANDOM", 100);
    let with = rules(&[destination_rule(&["v2"], "RANDOM", 100), split(&[("v2", 100)])]);
    let shop = Shop::open(&BACKENDS, &without);
    let load = shop.load();
    until_answered_by(&load, Instant::now(), &BOTH);

    let subset = format!("outbound|50051|v2|{GREETER}");
    for _ in 0..3 {
        let edit = shop.mesh.configure("rules.yaml", &with);
        until_answered_by(&load, edit, &["greeter-2"]);
        assert!(shop.client.cluster(&subset).is_some());

        let edit = shop.mesh.configure("rules.yaml", &without);
        until_answered_by(&load, edit, &BOTH);
        // The route goes first.
        eventually(PATIENCE, "the subset's cluster to go", || shop.client.cluster(&subset).is_none().then_some(()));
    }
    assert_none_failed(&load.end());
}

/// A cluster whose endpoints have names is not ready before these are resolved: who is sent a route to it earlier
/// fails calls for that long.
#[test]
fn a_route_to_a_new_cluster_waits_until_the_cluster_is_ready() {
    let entry = format!(
        "apiVersion: networking.istio.io/v1\n\
         kind: ServiceEntry\n\
         metadata: {{name: slow, namespace: shop}}\n\
         spec: {{hosts: [{0}], resolution: DNS, ports: [{{number: 50051, name: grpc, protocol: GRPC}}]}}\n",
        SLOW.0
    );
    let shop = Shop::open(&BACKENDS, "");
    let load = shop.load();
    until_answered_by(&load, Instant::now(), &BOTH);
    for _ in 0..2 {
        let edit = shop.mesh.configure("rules.yaml", &rules(&[entry.clone(), route_to(SLOW.0)]));
        until_answered_by(&load, edit, &["slow"]);
        let edit = shop.mesh.configure("rules.yaml", "");
        until_answered_by(&load, edit, &BOTH);
    }
    assert_none_failed(&load.end());
}
