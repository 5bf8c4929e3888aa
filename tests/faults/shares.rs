//! Replicas that come when all proxies are connected elsewhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::replicas::node;
use crate::support::ground::{REPLICAS, SERVICE};
use crate::support::load::assert_none_failed;
use crate::support::process::{PATIENCE, eventually};
use crate::support::replica::Replica;
use crate::support::town::{Town, load, rules};
use crate::support::xds::{Client, Variant};

const PROXIES: usize = 100;
/// How often a replica asks the others, twice.
const ROUNDS: Duration = Duration::from_secs(11);

/// The Service of the control plane, and where its first replicas are.
fn service(replicas: usize) -> Vec<Value> {
    let meta = |name: &str| json!({"name": name, "namespace": "istio-system", "labels": {"kubernetes.io/service-name": "istiod"}});
    let port = json!({"name": "http-monitoring", "port": 15014, "protocol": "TCP"});
    let endpoints: Vec<Value> = REPLICAS[..replicas]
        .iter()
        .map(|address| json!({"addresses": [address], "conditions": {"ready": true}}))
        .collect();
    vec![
        json!({"apiVersion": "v1", "kind": "Service", "metadata": meta("istiod"),
               "spec": {"selector": {"app": "istiod"}, "ports": [port]}}),
        json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": meta("istiod-1"),
               "addressType": "IPv4", "ports": [port], "endpoints": endpoints}),
    ]
}

/// One proxy that connects anew whenever its stream ends, with what it holds; counts how often.
async fn proxy(number: usize, connected: Arc<AtomicUsize>) {
    let address = format!("{SERVICE}:15010");
    let mut held = Default::default();
    loop {
        if let Ok(mut client) =
            Client::come_back(&address, node(&format!("p{number}")), Variant::Delta, std::mem::take(&mut held)).await
        {
            connected.fetch_add(1, Ordering::Relaxed);
            while client.next().await.is_ok() {}
            held = client.leave();
        }
        // As Envoy, which waits for up to half a second.
        tokio::time::sleep(Duration::from_millis(50 + number as u64 * 4)).await;
    }
}

#[test]
fn a_replica_that_joins_soon_serves_its_share_of_the_proxies_and_then_all_is_quiet() {
    let mut town = Town::without_replicas(&rules(100, 0));
    town.cluster(|cluster| cluster.api().apply(service(1)));
    town.start(0);
    let client = town.client();
    let calls = load(&client);
    let runtime = Runtime::new().unwrap();
    let connected = Arc::new(AtomicUsize::new(0));
    (0..PROXIES).for_each(|number| drop(runtime.spawn(proxy(number, connected.clone()))));
    let loads = |town: &Town| town.running().map(Replica::connections).collect::<Vec<_>>();
    let all = PROXIES + 1;
    eventually(PATIENCE, "all proxies at the first", || (loads(&town) == [all]).then_some(()));

    town.start(1);
    town.cluster(|cluster| cluster.api().apply(service(2)));
    eventually(PATIENCE, "the second to have its share", || {
        let loads = loads(&town);
        (loads[1] >= all * 47 / 100 && loads.iter().sum::<usize>() == all).then_some(())
    });
    let shed = |town: &Town| town.running().map(|r| r.metric("mizzen_connections_shed")).collect::<Vec<_>>();
    let ended = eventually(PATIENCE, "nobody to be sent back and forth", || {
        let before = shed(&town);
        std::thread::sleep(ROUNDS);
        Some(shed(&town)).filter(|now| *now == before)
    });
    let again = connected.load(Ordering::Relaxed) - PROXIES;
    // Every other one comes back to the first, so that twice as many are sent away as have to go.
    assert!(ended[0] as usize <= all + all / 10 && ended[1] == 0.0, "{ended:?}");
    assert!(again <= ended[0] as usize, "{again} proxies connected anew, {ended:?} were sent away");
    assert_none_failed(&calls.end());
}
