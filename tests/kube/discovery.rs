//! `mizzen discovery` as a whole.

use std::time::Duration;

use serde_json::json;

use crate::support::cluster::{Cluster, eventually};
use crate::support::mizzen::Mizzen;

const SOON: Duration = Duration::from_secs(40);

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
    let mizzen = Mizzen::start(&cluster.kubeconfig());
    eventually("an answer", SOON, || mizzen.page("/ready").is_some());
    eventually("word of what is missing", SOON, || {
        mizzen.page("/debug/findings").is_some_and(|(_, body)| body.contains("api-server-away"))
    });
    assert!(!mizzen.is_ready());
    cluster.start_server();
    eventually("readiness", SOON, || mizzen.is_ready());
    let rules = mizzen.page("/debug/configz").map(|(_, body)| body.contains("cart-route"));
    assert_eq!(rules, Some(true), "a server that has just started may not list its kinds yet");
    let known =
        || mizzen.page("/debug/registryz").is_some_and(|(_, body)| body.contains("cart.shop.svc.cluster.local"));
    assert!(known());
    cluster.stop_server();
    eventually("word of the outage", SOON, || {
        mizzen.page("/debug/findings").is_some_and(|(_, body)| body.contains("api-server-away"))
    });
    assert!(mizzen.is_ready() && known());
    assert!(mizzen.page("/metrics").is_some_and(|(_, body)| body.contains("mizzen_source_failures")));
}
