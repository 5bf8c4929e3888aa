//! What goes wrong with the API server changes nothing that proxies hold.

use std::time::Duration;

use mizzen::api::Kind;
use serde_json::{Value, json};

use crate::support::cluster::Cluster;
use crate::support::source::Source;

const SOON: Duration = Duration::from_secs(40);

fn service(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "shop"},
           "spec": {"ports": [{"name": "http", "port": 80}]}})
}

#[test]
fn an_api_server_that_is_away_takes_nothing_with_it_and_is_heard_again_when_it_is_back() {
    let mut cluster = Cluster::bare();
    cluster.api().apply(vec![service("cart"), service("till")]);
    let mut source = Source::synced(&cluster);
    cluster.stop_server();
    source.until("word of the outage", SOON, |s| s.codes().contains(&"api-server-away"));
    assert_eq!(source.codes(), ["api-server-away"], "it is said once for all kinds");
    assert_eq!(source.names(Kind::Service).len(), 3);
    cluster.start_server();
    cluster.api().delete(&service("cart"));
    cluster.api().apply(vec![service("new")]);
    source.until("what happened since", SOON, |s| {
        s.names(Kind::Service) == ["kubernetes", "new", "till"] && s.findings.is_empty()
    });
    assert_eq!(source.deleted.iter().map(Vec::len).collect::<Vec<_>>(), [1]);
}

#[test]
fn a_store_that_hangs_takes_nothing_with_it() {
    let cluster = Cluster::bare();
    cluster.api().apply(vec![service("cart")]);
    let mut source = Source::synced(&cluster);
    cluster.freeze_etcd(true);
    source.listen(Duration::from_secs(5));
    assert_eq!(source.names(Kind::Service).len(), 2);
    cluster.freeze_etcd(false);
    cluster.eventually("the API server to be well", || cluster.api().is_ready());
    cluster.api().apply(vec![service("new")]);
    source.until("a new service", SOON, |s| s.names(Kind::Service).contains(&"new"));
    assert!(source.deleted.is_empty());
}
