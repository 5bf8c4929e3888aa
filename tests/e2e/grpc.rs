//! One connection, many backends.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mizzen::demo::greeter::hello;

use super::fixture::GREETER;
use super::shop::Shop;
use crate::support::load::connect;

const CALLS: usize = 90;

/// A plain proxy of connections would send all calls of a connection to one backend.
#[test]
fn calls_on_one_grpc_connection_are_spread_over_all_pods() {
    let backends =
        [("greeter-1", "10.77.0.11", "v1"), ("greeter-2", "10.77.0.12", "v1"), ("greeter-3", "10.77.0.13", "v2")];
    let shop = Shop::open(&backends, "");
    let address = shop.greeter();
    let connections = Arc::<AtomicUsize>::default();

    let counts: BTreeMap<String, u64> = shop.client.namespace().inside(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let channel = connect(address, &Shop::authority(), &connections).await.unwrap();
            let mut counts = BTreeMap::new();
            for _ in 0..CALLS {
                *counts.entry(hello(channel.clone(), "you").await.unwrap()).or_default() += 1;
            }
            counts
        })
    });

    assert_eq!(connections.load(Ordering::Relaxed), 1);
    assert_eq!(shop.client.statistic("http.outbound_0.0.0.0_50051;.downstream_cx_total"), 1);
    let outbound = format!("cluster.outbound|50051||{GREETER};.upstream_rq_total");
    assert_eq!(shop.client.statistic(&outbound), CALLS as u64);
    for ((name, ..), sidecar) in backends.iter().zip(&shop.greeters) {
        let answered = counts.get(*name).copied().unwrap_or(0);
        assert!(answered >= CALLS as u64 / 9, "{name} answered {answered} of {CALLS}: {counts:?}");
        assert_eq!(sidecar.statistic("cluster.inbound|50051||;.upstream_rq_total"), answered, "{name}'s own sidecar");
    }
}
