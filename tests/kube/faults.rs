//! What goes wrong with the API server changes nothing that proxies hold.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use mizzen::api::Kind;
use serde_json::{Value, json};

use crate::support::cluster::{Cluster, eventually};
use crate::support::relay::Relay;
use crate::support::source::{DOUBT, SOON, Source};

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

#[test]
fn a_server_that_forgot_most_of_a_kind_is_not_believed_at_once() {
    let mut cluster = Cluster::bare();
    cluster.api().apply((0..6).map(|n| service(&format!("s{n}"))).collect());
    let mut source = Source::synced(&cluster);
    cluster.stop_server();
    cluster.forget("/registry/services/specs/shop/");
    cluster.start_server();
    source.until("word of the doubt", SOON, |s| s.codes().contains(&"held-list"));
    let doubted = Instant::now();
    assert_eq!((source.names(Kind::Service).len(), source.counts.held.load(Ordering::Relaxed)), (7, 6));
    // What it says is there counts all the same.
    cluster.api().apply(vec![service("new")]);
    source.until("a new service", SOON, |s| s.names(Kind::Service).contains(&"new"));
    assert_eq!(source.deleted, [[]; 0]);
    source.until("the second word", SOON, |s| s.names(Kind::Service) == ["kubernetes", "new"]);
    assert!(doubted.elapsed() > DOUBT / 2, "it was believed after {:?}", doubted.elapsed());
    assert_eq!((source.deleted.len(), source.counts.held.load(Ordering::Relaxed)), (1, 0));
    source.until("the end of the doubt", SOON, |s| s.findings.is_empty());
}

#[test]
fn a_watched_deletion_of_most_of_a_kind_is_obeyed_at_once() {
    let cluster = Cluster::bare();
    cluster.api().apply((0..6).map(|n| service(&format!("s{n}"))).collect());
    let mut source = Source::synced(&cluster);
    let lists = source.counts.lists.load(Ordering::Relaxed);
    (0..6).for_each(|n| cluster.api().delete(&service(&format!("s{n}"))));
    source.until("the deletions", SOON, |s| {
        assert_eq!(s.findings.to_vec(), [], "nothing is doubted");
        s.names(Kind::Service) == ["kubernetes"]
    });
    assert_eq!(source.counts.lists.load(Ordering::Relaxed), lists, "no second list was waited for");
}

#[test]
fn watches_that_are_cut_again_and_again_lose_nothing_and_read_no_list_anew() {
    let cluster = Cluster::bare();
    let relay = Relay::to(cluster.port());
    cluster.api().apply(vec![service("first")]);
    let mut source = Source::by(cluster.kubeconfig_by(relay.port()));
    source.until("everything to be read", SOON, |s| s.synced);
    let lists = source.counts.lists.load(Ordering::Relaxed);
    for n in 0..8 {
        eventually("a connection to be cut", SOON, || relay.is_used());
        assert!(relay.cut() > 0, "there was one");
        cluster.api().apply(vec![service(&format!("s{n}"))]);
        if n > 0 {
            cluster.api().delete(&service(&format!("s{}", n - 1)));
        }
        source.listen(Duration::from_millis(700));
    }
    source.until("the last service", SOON, |s| s.names(Kind::Service) == ["kubernetes", "first", "s7"]);
    assert_eq!(source.counts.lists.load(Ordering::Relaxed), lists);
}
