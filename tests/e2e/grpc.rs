//! One connection, many backends.

use mizzen::demo::load::{by_backend, calls_on_one_connection};

use super::fixture::GREETER;
use super::shop::Shop;
use crate::support::load::assert_none_failed;

const CALLS: usize = 90;

/// A plain proxy of connections would send all calls of a connection to one backend.
#[test]
fn calls_on_one_grpc_connection_are_spread_over_all_pods() {
    let backends =
        [("greeter-1", "10.77.0.11", "v1"), ("greeter-2", "10.77.0.12", "v1"), ("greeter-3", "10.77.0.13", "v2")];
    let shop = Shop::open(&backends, "");
    let (calls, connections) =
        calls_on_one_connection(&shop.client.namespace().place(), &shop.greeter(), CALLS).unwrap();

    assert_none_failed(&calls);
    assert_eq!(connections, 1);
    assert_eq!(shop.client.statistic("http.outbound_0.0.0.0_50051;.downstream_cx_total"), 1);
    let outbound = format!("cluster.outbound|50051||{GREETER};.upstream_rq_total");
    assert_eq!(shop.client.statistic(&outbound), CALLS as u64);
    let answered = by_backend(&calls);
    for ((name, ..), sidecar) in backends.iter().zip(&shop.greeters) {
        let own = answered.get(name).copied().unwrap_or(0);
        assert!(own >= CALLS / 9, "{name} answered {own} of {CALLS}: {answered:?}");
        assert_eq!(sidecar.statistic("cluster.inbound|50051||;.upstream_rq_total"), own as u64, "{name}'s own sidecar");
    }
}
