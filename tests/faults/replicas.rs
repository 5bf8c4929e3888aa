//! Replicas that die, come, go, and disagree about the time.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use envoy_types::pb::envoy::config::core::v3::Node;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::support::load::{assert_none_failed, calls_after, until_answered_by};
use crate::support::process::{PATIENCE, eventually};
use crate::support::replica::{GRACE, Replica};
use crate::support::town::{Memory, Town, load, rules};
use crate::support::xds::{Client, Variant};

/// How long a proxy that has moved is watched for what it should not be sent.
const WHILE: Duration = Duration::from_secs(2);

#[test]
fn a_replica_that_is_killed_fails_no_call_and_its_proxies_are_sent_nothing_again() {
    let mut town = Town::open(&rules(100, 0));
    let client = town.client();
    let calls = load(&client);
    let memory = Memory::of(&client);
    let serving = town.serving();
    // The Service leads to it for a while yet.
    town.replicas[serving] = None;
    assert_eq!(town.serving(), 1 - serving);
    town.lead();
    calls_after(&calls, Instant::now(), WHILE, 100);
    memory.assert_nothing_sent(&client, 1);
    town.apply(&rules(0, 100));
    until_answered_by(&calls, Instant::now(), &["greeter-2"]);
    assert_none_failed(&calls.end());
}

/// Within which a lock is taken over whose holder is gone without a word, on a busy machine.
const EXPIRED: Duration = Duration::from_secs(120);

/// Virtual addresses by the ServiceEntry to which they were written.
fn addresses(town: &Town) -> BTreeMap<String, Vec<String>> {
    let list = "/apis/networking.istio.io/v1/namespaces/shop/serviceentries";
    let list = town.cluster(move |cluster| cluster.api().get(list));
    let of = |entry: &Value| {
        let addresses = entry["status"]["addresses"].as_array().into_iter().flatten();
        addresses.map(|a| a["value"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let entries = list["items"].as_array().into_iter().flatten();
    let named = entries.map(|entry| (entry["metadata"]["name"].as_str().unwrap().to_owned(), of(entry)));
    named.filter(|(_, addresses)| !addresses.is_empty()).collect()
}

#[test]
fn a_leader_that_is_killed_while_it_gives_addresses_fails_no_call_and_moves_none() {
    const ENTRIES: usize = 500;
    let home = "apiVersion: v1\nkind: Namespace\nmetadata: {name: istio-system}\n";
    let mut town = Town::open(&[rules(100, 0).as_str(), home].join("---\n"));
    let leads = |replica: &Option<Replica>| {
        replica.as_ref().is_some_and(|r| r.metric(r#"mizzen_leader{lock="istio-ip-autoallocate"}"#) == 1.0)
    };
    let leader = eventually(EXPIRED, "a leader", || town.replicas.iter().position(leads));
    let client = town.client();
    let calls = load(&client);
    let entry = |n: usize| {
        format!(
            "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {{name: e{n}, namespace: shop}}\n\
             spec: {{hosts: [e{n}.example.com], resolution: DNS, ports: [{{number: 443, name: tls, protocol: TLS}}]}}\n"
        )
    };
    town.apply(&(0..ENTRIES).map(entry).collect::<Vec<_>>().join("---\n"));
    eventually(PATIENCE, "some addresses", || (addresses(&town).len() >= 20).then_some(()));
    town.replicas[leader] = None;
    town.lead();
    let before = addresses(&town);
    assert!(before.len() < ENTRIES, "it was killed too late to show anything");
    let after = eventually(EXPIRED, "the other to give the rest", || {
        Some(addresses(&town)).filter(|addresses| addresses.len() == ENTRIES)
    });
    let all: BTreeSet<&String> = after.values().flatten().collect();
    assert_eq!(all.len(), 2 * ENTRIES, "no address is given twice");
    assert!(before.iter().all(|(name, addresses)| after[name] == *addresses), "none is moved");
    town.apply(&rules(0, 100));
    until_answered_by(&calls, Instant::now(), &["greeter-2"]);
    assert_none_failed(&calls.end());
}

#[test]
fn a_rolling_update_fails_no_call_and_sends_nothing_again() {
    let mut town = Town::without_replicas(&rules(100, 0));
    town.start(0);
    let client = town.client();
    let calls = load(&client);
    let memory = Memory::of(&client);
    for (old, new) in [(0, 1), (1, 0)] {
        town.start(new);
        let leaving = town.replicas[old].take().unwrap();
        // Somebody who does not take leave: or all may be over before anybody asks.
        let lingering = leaving.linger();
        let asked = Instant::now();
        leaving.ask_to_end();
        let status = || leaving.page("/ready").map(|(status, _)| status);
        eventually(PATIENCE, "it to call itself not ready", || status().filter(|status| *status == 503));
        eventually(PATIENCE, "its proxies to be gone", || (leaving.connections() == 0).then_some(()));
        assert_eq!(status(), Some(503), "for as long as it answers");
        drop(lingering);
        leaving.wait_for_end();
        assert!(asked.elapsed() < GRACE / 2, "streams are ended and not cut off");
        town.lead();
        assert_eq!(town.serving(), new);
    }
    calls_after(&calls, Instant::now(), WHILE, 100);
    memory.assert_nothing_sent(&client, 2);
    town.apply(&rules(0, 100));
    until_answered_by(&calls, Instant::now(), &["greeter-2"]);
    assert_none_failed(&calls.end());
}

/// The library that shifts a program's clock. The program `faketime` would start another that outlives it.
fn faketime() -> PathBuf {
    let places = std::fs::read_dir("/usr/lib").unwrap().flatten();
    let mut found = places.map(|place| place.path().join("faketime/libfaketime.so.1")).filter(|path| path.exists());
    found.next().expect("there is no libfaketime: run tests/setup.sh")
}

#[test]
fn replicas_whose_clocks_are_apart_send_the_same_and_fail_no_call() {
    let preload = format!("LD_PRELOAD={}", faketime().display());
    let mut town = Town::without_replicas(&rules(100, 0));
    let kubeconfig = town.cluster(|cluster| cluster.kubeconfig());
    // As far back as the API server's new certificate is valid.
    for (replica, apart) in ["-40m", "+2d"].into_iter().enumerate() {
        let by = ["env", &preload, "FAKETIME_DONT_FAKE_MONOTONIC=1", &format!("FAKETIME={apart}")];
        town.start_by(replica, &by, kubeconfig.clone());
    }
    let dates: Vec<String> = town.running().map(|replica| replica.date()).collect();
    assert_ne!(dates[0][..16], dates[1][..16], "they are two days apart");
    let client = town.client();
    let calls = load(&client);
    let memory = Memory::of(&client);
    for _ in 0..2 {
        let serving = town.serving();
        let other = town.replicas[1 - serving].as_ref().unwrap().xds();
        town.service.lead_to(vec![other]);
        town.service.cut();
        eventually(PATIENCE, "the proxy to move", || (town.serving() == 1 - serving).then_some(()));
    }
    calls_after(&calls, Instant::now(), WHILE, 100);
    memory.assert_nothing_sent(&client, 2);
    for (v1, v2, backend) in [(0, 100, "greeter-2"), (100, 0, "greeter-1")] {
        town.apply(&rules(v1, v2));
        until_answered_by(&calls, Instant::now(), &[backend]);
    }
    assert_none_failed(&calls.end());
}

/// A proxy in the namespace of the greeter.
pub(crate) fn node(name: &str) -> Node {
    Node { id: format!("sidecar~10.77.0.99~{name}.shop~shop.svc.cluster.local"), ..Node::default() }
}

#[test]
fn versions_agree_between_replicas_so_that_a_proxy_that_moves_is_sent_nothing() {
    let town = Town::open(&rules(100, 0));
    let addresses: Vec<String> = town.running().map(|replica| replica.xds().to_string()).collect();
    Runtime::new().unwrap().block_on(within(PATIENCE, "both variants", async {
        let mut versions = Vec::new();
        for address in &addresses {
            let mut client = Client::connect(address, node("whole"), Variant::Sotw).await.unwrap();
            client.settle().await.unwrap();
            versions.push(["clusters", "endpoints", "listeners", "routes"].map(|kind| client.version(kind).to_owned()));
        }
        assert_eq!(versions[0], versions[1]);

        let mut client = Client::connect(&addresses[0], node("by-increments"), Variant::Delta).await.unwrap();
        client.settle().await.unwrap();
        let before = client.dump();
        let client = Client::come_back(&addresses[1], node("by-increments"), Variant::Delta, client.leave());
        let mut client = client.await.unwrap();
        tokio::task::block_in_place(|| town.apply(&rules(0, 100)));
        let mut first = client.next().await.unwrap();
        if first.kind == "nametable" {
            // Of one that is empty there is nothing to be stated.
            assert!(first.set.is_empty() && first.removed.is_empty());
            first = client.next().await.unwrap();
        }
        assert_eq!((first.kind, first.set.as_slice(), first.removed.len()), ("routes", &["50051".to_owned()][..], 0));
        assert_ne!(client.dump(), before);
    }));
}

/// What something gives within a time; fails if it takes longer.
async fn within<T>(limit: Duration, what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| panic!("waited {limit:?} in vain for {what}"))
}
