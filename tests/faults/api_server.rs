//! What goes wrong with the API server, and with the way to it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use crate::fixture::{CLIENT, destination_rule, greeter, split};
use crate::support::ground::BACKENDS;
use crate::support::load::{assert_none_failed, calls_after, until_answered_by};
use crate::support::process::{PATIENCE, eventually};
use crate::support::relay::Relay;
use crate::support::replica::{DOUBT, Replica};
use crate::support::town::{Memory, Town, load, rules};

#[test]
fn an_api_server_that_is_killed_and_comes_back_fails_no_call() {
    let town = Town::open(&rules(100, 0));
    let client = town.client();
    let calls = load(&client);
    let memory = Memory::of(&client);
    town.cluster(|cluster| cluster.stop_server());
    town.running().for_each(|replica| replica.wait_for_finding("api-server-away", ""));
    assert!(town.running().all(Replica::is_ready));
    // Who comes now is served as before.
    let late = town.client();
    until_answered_by(&load(&late), Instant::now(), &["greeter-1"]);
    memory.assert_nothing_sent(&client, 1);

    town.cluster(|cluster| cluster.start_server());
    town.apply(&rules(0, 100));
    until_answered_by(&calls, Instant::now(), &["greeter-2"]);
    eventually(PATIENCE, "the end of the complaint", || {
        town.running().all(|replica| !replica.finds("api-server-away", "")).then_some(())
    });
    assert_none_failed(&calls.end());
}

/// So many Services of which nobody knows anything, with as many EndpointSlices.
fn more(count: usize) -> String {
    let one = |n: usize| {
        format!(
            "apiVersion: v1\n\
             kind: Service\n\
             metadata: {{name: s{n}, namespace: shop}}\n\
             spec: {{clusterIP: None, ports: [{{name: grpc, port: 50051}}]}}\n\
             ---\n\
             apiVersion: discovery.k8s.io/v1\n\
             kind: EndpointSlice\n\
             metadata: {{name: s{n}, namespace: shop, labels: {{kubernetes.io/service-name: s{n}}}}}\n\
             addressType: IPv4\n\
             ports: []\n\
             endpoints: []\n"
        )
    };
    (0..count).map(one).collect::<Vec<_>>().join("---\n")
}

#[test]
fn a_list_that_lacks_more_than_half_of_a_kind_counts_once_a_second_one_says_the_same_and_fails_no_call() {
    const KINDS: [&str; 4] = ["Service", "EndpointSlice", "VirtualService", "DestinationRule"];
    let held = |replica: &Replica, kind: &str| replica.metric(&format!("mizzen_source_held{{kind=\"{kind}\"}}"));
    // The cluster has a Service of its own, which stays.
    let town = Town::open(&[&rules(100, 0), &more(20)[..]].join("---\n"));
    let client = town.client();
    let calls = load(&client);
    let memory = Memory::of(&client);
    town.cluster(|cluster| {
        cluster.stop_server();
        for path in ["services/specs", "endpointslices", "networking.istio.io/virtualservices"] {
            cluster.forget(&format!("/registry/{path}/shop/"));
        }
        cluster.forget("/registry/networking.istio.io/destinationrules/shop/");
        // Or the Service could not have its address again.
        cluster.forget("/registry/ipaddresses/10.96.10.1");
        cluster.start_server();
    });
    for replica in town.running() {
        KINDS.iter().for_each(|kind| replica.wait_for_finding("held-list", kind));
        KINDS.iter().for_each(|kind| assert!(held(replica, kind) > 0.0, "{kind}"));
    }
    let doubted = Instant::now();
    memory.assert_nothing_sent(&client, 1);

    // What is back when the second list is read was never gone. Only the route stays away.
    town.apply(&[CLIENT, &greeter(&BACKENDS), &destination_rule(&["v1", "v2"], "RANDOM", 100)].join("---\n"));
    until_answered_by(&calls, Instant::now(), &["greeter-1"]);
    // Until the route is gone.
    until_answered_by(&calls, Instant::now(), &["greeter-1", "greeter-2"]);
    assert!(doubted.elapsed() > DOUBT / 2, "it was believed after {:?}", doubted.elapsed());
    for replica in town.running() {
        eventually(PATIENCE, "the end of the doubt", || {
            KINDS.iter().all(|kind| !replica.finds("held-list", kind) && held(replica, kind) == 0.0).then_some(())
        });
    }
    assert_none_failed(&calls.end());
}

#[test]
fn a_deletion_of_all_of_a_kind_that_was_watched_counts_at_once_and_fails_no_call() {
    let town = Town::open(&rules(100, 0));
    let client = town.client();
    let calls = load(&client);
    let deleted = town.delete(&split(&[("v1", 100), ("v2", 0)]));
    until_answered_by(&calls, deleted, &["greeter-1", "greeter-2"]);
    assert!(deleted.elapsed() < DOUBT / 2, "it was doubted for {:?}", deleted.elapsed());
    assert_none_failed(&calls.end());
}

#[test]
fn a_store_of_the_api_server_that_stops_fails_no_call() {
    let town = Town::open(&rules(100, 0));
    let client = town.client();
    let calls = load(&client);
    let memory = Memory::of(&client);
    town.cluster(|cluster| cluster.freeze_etcd(true));
    calls_after(&calls, Instant::now(), Duration::from_secs(8), 40);
    assert!(town.running().all(Replica::is_ready));
    memory.assert_nothing_sent(&client, 1);
    town.cluster(|cluster| {
        cluster.freeze_etcd(false);
        cluster.eventually("the API server to be well", || cluster.api().is_ready());
    });
    town.apply(&rules(0, 100));
    until_answered_by(&calls, Instant::now(), &["greeter-2"]);
    assert_none_failed(&calls.end());
}

#[test]
fn watches_that_are_cut_every_second_fail_no_call_and_hold_up_no_change() {
    let mut town = Town::without_replicas(&rules(100, 0));
    let port = town.cluster(|cluster| cluster.port());
    let relay = Relay::to(port);
    let way = relay.port();
    let kubeconfig = town.cluster(move |cluster| cluster.kubeconfig_by(way));
    for replica in 0..2 {
        town.start_by(replica, &[], kubeconfig.clone());
    }
    let client = town.client();
    let calls = load(&client);
    let lists = |replica: &Replica| replica.metric("mizzen_source_lists{kind=\"VirtualService\"}");
    let before: Vec<f64> = town.running().map(lists).collect();
    let cuts = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let (relay, cuts) = (&relay, &cuts);
        scope.spawn(move || {
            while stopped.recv_timeout(Duration::from_secs(1)) == Err(RecvTimeoutError::Timeout) {
                if relay.cut() > 0 {
                    cuts.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        for (v1, v2, backend) in [(0, 100, "greeter-2"), (100, 0, "greeter-1")].repeat(3) {
            let edit = town.apply(&rules(v1, v2));
            until_answered_by(&calls, edit, &[backend]);
            // Between two changes too.
            let before = cuts.load(Ordering::Relaxed);
            eventually(PATIENCE, "two more cuts", || (cuts.load(Ordering::Relaxed) > before + 1).then_some(()));
        }
        drop(stop);
    });
    assert_eq!(town.running().map(lists).collect::<Vec<_>>(), before, "a watch goes on where it was");
    assert_none_failed(&calls.end());
}
