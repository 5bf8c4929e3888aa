//! What is read, and when.

use std::sync::atomic::Ordering;

use mizzen::api::Kind;
use serde_json::{Value, json};

use crate::support::cluster::Cluster;
use crate::support::documents;
use crate::support::source::{SOON, Source};

fn service(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "shop"},
           "spec": {"ports": [{"name": "http", "port": 80}]}})
}

#[test]
fn what_is_applied_and_deleted_is_delivered() {
    let cluster = Cluster::with_crds();
    cluster.api().apply(vec![service("cart")]);
    let mut source = Source::synced(&cluster);
    assert_eq!(source.names(Kind::Service), ["kubernetes", "cart"]);
    let rules = "
apiVersion: networking.istio.io/v1alpha3
kind: DestinationRule
metadata: {name: cart, namespace: shop, annotations: {a: b}}
spec: {host: cart, trafficPolicy: {connectionPool: {tcp: {maxConnections: 7}}}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: cart, namespace: shop}
spec: {hosts: [cart], http: [{route: [{destination: {host: cart}}]}]}
";
    cluster.api().apply(documents::parse(rules));
    source.until("rules in all versions", SOON, |s| {
        s.names(Kind::DestinationRule) == ["cart"] && s.names(Kind::VirtualService) == ["cart"]
    });
    assert_eq!(source.findings.to_vec(), []);
    let rule = source.objects.values().find(|o| o.kind() == Kind::DestinationRule).unwrap();
    assert!(rule.meta.created > 1_700_000_000 && !rule.meta.resource_version.is_empty());
    cluster.api().delete(&service("cart"));
    source.until("the deletion", SOON, |s| s.names(Kind::Service) == ["kubernetes"]);
}

#[test]
fn kinds_without_a_crd_are_no_reason_to_wait_and_are_read_when_it_comes() {
    let cluster = Cluster::bare();
    let mut source = Source::synced(&cluster);
    cluster.install_crds();
    let rule = "
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: late, namespace: shop}
spec: {host: cart}
";
    cluster.api().apply(documents::parse(rule));
    source.until("the new kind", SOON, |s| s.names(Kind::DestinationRule) == ["late"]);
}

#[test]
fn the_mesh_config_is_a_config_map_that_is_read_live() {
    let cluster = Cluster::bare();
    let map = |text: &str| {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "istio", "namespace": "istio-system"},
               "data": {"mesh": text}})
    };
    cluster.api().apply(vec![map("accessLogFile: /dev/stdout")]);
    let mut source = Source::synced(&cluster);
    assert_eq!(source.mesh.access_log_file, "/dev/stdout");
    cluster.api().apply(vec![map("accessLogFile: [")]);
    source.until("the finding", SOON, |s| s.codes().contains(&"last-good"));
    assert_eq!(source.mesh.access_log_file, "/dev/stdout");
    cluster.api().apply(vec![map("accessLogFile: /dev/stderr")]);
    source.until("the new settings", SOON, |s| s.mesh.access_log_file == "/dev/stderr");
    assert_eq!(source.codes(), [""; 0]);
}

#[test]
fn a_server_that_sends_no_lists_as_streams_is_read_in_pages() {
    let cluster = Cluster::with_flags(&["--feature-gates=WatchList=false"]);
    cluster.api().apply((0..1200).map(|n| service(&format!("s{n:04}"))).collect());
    let mut source = Source::synced(&cluster);
    assert_eq!(source.names(Kind::Service).len(), 1201);
    assert_eq!(source.counts.failures.load(Ordering::Relaxed), 0);
    cluster.api().delete(&service("s0000"));
    source.until("the deletion", SOON, |s| s.names(Kind::Service).len() == 1200);
}
