//! `mizzen discovery` as a whole.

use serde_json::json;

use crate::support::cluster::{Cluster, eventually};
use crate::support::replica::{Replica, SOON};

#[test]
fn it_is_ready_once_everything_was_read_and_stays_so_while_the_api_server_is_away() {
    let mut cluster = Cluster::with_crds();
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "cart", "namespace": "shop"},
                         "spec": {"ports": [{"name": "http", "port": 80}]}});
    let route = json!({"apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
                       "metadata": {"name": "cart-route", "namespace": "shop"},
                       "spec": {"hosts": ["cart"], "http": [{"route": [{"destination": {"host": "cart"}}]}]}});
    cluster.api().apply(vec![service, route]);
    cluster.stop_server();
    let mizzen = Replica::start(&cluster.kubeconfig(), "mizzen-1");
    let says = |page: &str, word: &str| mizzen.page(page).is_some_and(|body| body.contains(word));
    eventually("word of what is missing", SOON, || says("/debug/findings", "api-server-away"));
    assert!(!mizzen.is_ready());
    cluster.start_server();
    mizzen.wait();
    assert!(says("/debug/configz", "cart-route"), "a server that has just started may not list its kinds yet");
    let known = || says("/debug/registryz", "cart.shop.svc.cluster.local");
    assert!(known());
    cluster.stop_server();
    eventually("word of the outage", SOON, || says("/debug/findings", "api-server-away"));
    assert!(mizzen.is_ready() && known());
    assert!(says("/metrics", "mizzen_source_failures"));
}
