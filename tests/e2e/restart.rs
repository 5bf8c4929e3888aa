//! A control plane that stops and comes back.

use std::time::{Duration, Instant};

use mizzen::demo::load::by_backend;
use serde_json::{Value, json};

use super::fixture::{Backend, destination_rule, split};
use super::shop::Shop;
use crate::support::envoy::Sidecar;
use crate::support::load::{assert_none_failed, calls_after};
use crate::support::process::eventually;

const BACKENDS: [Backend; 2] = [("greeter-1", "10.77.0.11", "v1"), ("greeter-2", "10.77.0.12", "v2")];
/// What the connection itself costs: HTTP/2 settings, headers, acknowledgements, empty answers.
const SILENCE: u64 = 1024;
/// What a small route costs beside that; everything that a sidecar holds is some ten thousand bytes here.
const ROUTE: u64 = 2048;

fn rules(v1: u32, v2: u32) -> String {
    [destination_rule(&["v1", "v2"], "RANDOM", 100), split(&[("v1", v1), ("v2", v2)])].join("---\n")
}

/// Name, version and time of arrival of everything that the control plane sent and `sidecar` holds.
fn held(sidecar: &Sidecar) -> Vec<Value> {
    let sections = ["dynamic_active_clusters", "dynamic_listeners", "dynamic_route_configs"];
    let entries = sections.iter().flat_map(|section| sidecar.configuration(section));
    let mut held: Vec<Value> = entries
        .map(|mut entry| {
            let name = [&entry["name"], &entry["cluster"]["name"], &entry["route_config"]["name"]];
            let name = name.into_iter().find(|name| name.is_string()).cloned();
            let state = if entry["active_state"].is_object() { entry["active_state"].take() } else { entry };
            json!([name, state["version_info"], state["last_updated"]])
        })
        .collect();
    held.sort_by_key(Value::to_string);
    held
}

fn received(sidecar: &Sidecar) -> u64 {
    sidecar.statistic("cluster.xds-grpc;.upstream_cx_rx_bytes_total")
}

fn wait_for_connection(sidecar: &Sidecar, wanted: u64) {
    eventually(Duration::from_secs(20), &format!("connected_state {wanted}"), || {
        (sidecar.statistic("control_plane.connected_state") == wanted).then_some(())
    });
}

#[test]
fn a_restart_fails_no_call_and_sends_nothing_again() {
    let mut shop = Shop::open(&BACKENDS, &rules(100, 0));
    let load = shop.load();
    calls_after(&load, Instant::now(), Duration::from_millis(500), 100);
    let before = held(&shop.client);
    assert!(before.len() > 5, "clusters, listeners and routes: {before:?}");

    shop.mesh.stop_control_plane();
    wait_for_connection(&shop.client, 0);
    calls_after(&load, Instant::now(), Duration::from_secs(1), 100);
    let silent = received(&shop.client);
    shop.mesh.start_control_plane();
    wait_for_connection(&shop.client, 1);
    calls_after(&load, Instant::now(), Duration::from_secs(2), 100);
    let again = received(&shop.client) - silent;
    assert!(again < SILENCE, "{again} bytes came after the reconnection of a proxy that holds everything");
    assert_eq!(held(&shop.client), before);

    let edit = shop.mesh.configure("rules.yaml", &rules(0, 100));
    let calls = calls_after(&load, edit, Duration::from_secs(1), 100);
    assert_eq!(by_backend(&calls).into_keys().collect::<Vec<_>>(), ["greeter-2"], "an edit after the restart");
    assert_none_failed(&load.end());
}

#[test]
fn an_edit_made_while_the_control_plane_was_down_is_all_that_is_sent() {
    let mut shop = Shop::open(&BACKENDS, &rules(100, 0));
    let load = shop.load();
    calls_after(&load, Instant::now(), Duration::from_millis(500), 50);
    let before = held(&shop.client);

    shop.mesh.stop_control_plane();
    wait_for_connection(&shop.client, 0);
    let silent = received(&shop.client);
    shop.mesh.configure("rules.yaml", &rules(0, 100));
    shop.mesh.start_control_plane();
    wait_for_connection(&shop.client, 1);
    let calls = calls_after(&load, Instant::now(), Duration::from_secs(1), 100);
    assert_eq!(by_backend(&calls).into_keys().collect::<Vec<_>>(), ["greeter-2"]);
    let sent: Vec<Value> = held(&shop.client).into_iter().filter(|entry| !before.contains(entry)).collect();
    assert_eq!(sent.iter().map(|entry| &entry[0]).collect::<Vec<_>>(), ["50051"], "the route alone");
    let again = received(&shop.client) - silent;
    assert!(again < SILENCE + ROUTE, "{again} bytes came for one route");
    assert_none_failed(&load.end());
}
