//! A control plane that stops and comes back.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::fixture::{Backend, destination_rule, split};
use super::shop::Shop;
use crate::support::load::{assert_none_failed, calls_after, until_answered_by};

const BACKENDS: [Backend; 2] = [("greeter-1", "10.77.0.11", "v1"), ("greeter-2", "10.77.0.12", "v2")];
/// What the connection itself costs: HTTP/2 settings, headers, acknowledgements, empty answers.
const SILENCE: u64 = 1024;
/// What a small route costs beside that; everything that a sidecar holds is some ten thousand bytes here.
const ROUTE: u64 = 2048;

fn rules(v1: u32, v2: u32) -> String {
    [destination_rule(&["v1", "v2"], "RANDOM", 100), split(&[("v1", v1), ("v2", v2)])].join("---\n")
}

#[test]
fn a_restart_fails_no_call_and_sends_nothing_again() {
    let mut shop = Shop::open(&BACKENDS, &rules(100, 0));
    let load = shop.load();
    calls_after(&load, Instant::now(), Duration::from_millis(500), 100);
    let before = shop.client.held();
    assert!(before.len() > 5, "clusters, listeners and routes: {before:?}");

    shop.mesh.stop_control_plane();
    shop.client.wait_for_connection(0);
    calls_after(&load, Instant::now(), Duration::from_secs(1), 100);
    let silent = shop.client.received();
    shop.mesh.start_control_plane();
    shop.client.wait_for_connection(1);
    calls_after(&load, Instant::now(), Duration::from_secs(2), 100);
    let again = shop.client.received() - silent;
    assert!(again < SILENCE, "{again} bytes came after the reconnection of a proxy that holds everything");
    assert_eq!(shop.client.held(), before);

    let edit = shop.mesh.configure("rules.yaml", &rules(0, 100));
    until_answered_by(&load, edit, &["greeter-2"]);
    assert_none_failed(&load.end());
}

#[test]
fn an_edit_made_while_the_control_plane_was_down_is_all_that_is_sent() {
    let mut shop = Shop::open(&BACKENDS, &rules(100, 0));
    let load = shop.load();
    calls_after(&load, Instant::now(), Duration::from_millis(500), 50);
    let before = shop.client.held();

    shop.mesh.stop_control_plane();
    shop.client.wait_for_connection(0);
    let silent = shop.client.received();
    shop.mesh.configure("rules.yaml", &rules(0, 100));
    shop.mesh.start_control_plane();
    shop.client.wait_for_connection(1);
    until_answered_by(&load, Instant::now(), &["greeter-2"]);
    let sent: Vec<Value> = shop.client.held().into_iter().filter(|entry| !before.contains(entry)).collect();
    assert_eq!(sent.iter().map(|entry| &entry[0]).collect::<Vec<_>>(), ["50051"], "the route alone");
    let again = shop.client.received() - silent;
    assert!(again < SILENCE + ROUTE, "{again} bytes came for one route");
    assert_none_failed(&load.end());
}
