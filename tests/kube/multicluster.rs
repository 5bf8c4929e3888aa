//! Several clusters as one mesh, each with an API server of its own.

mod secrets;

use std::fs;
use std::sync::atomic::Ordering;
use std::time::Instant;

use mizzen::api::Kind;
use mizzen::source::kube::{Remotes, Status};
use serde_json::{Value, json};

use crate::support::cluster::Cluster;
use crate::support::relay::Relay;
use crate::support::source::{REMOTE_TIMEOUT, SOON, Source};

fn service(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "shop"},
           "spec": {"ports": [{"name": "http", "port": 80}]}})
}

fn slice(ip: &str) -> Value {
    json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
           "metadata": {"name": "cart-1", "namespace": "shop", "labels": {"kubernetes.io/service-name": "cart"}},
           "endpoints": [{"addresses": [ip], "conditions": {"ready": true}}],
           "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}]})
}

fn secret(kubeconfig: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "stringData": {"east": kubeconfig},
           "metadata": {"name": "to-east", "namespace": "istio-system", "labels": {"istio/multiCluster": "true"}}})
}

/// The endpoints of the service that both clusters have, as `cluster address`.
fn endpoints(source: &Source) -> Vec<String> {
    endpoints_of(source, "cart.shop.")
}

/// The same of the host that begins so.
fn endpoints_of(source: &Source, start: &str) -> Vec<String> {
    let core = source.core();
    let found = core.index().snapshot().endpoints().find(|((host, _), _)| host.starts_with(start));
    let list = found.map(|(_, endpoints)| endpoints.list.clone()).unwrap_or_default();
    list.iter().map(|e| format!("{} {}", e.workload.cluster, e.address())).collect()
}

fn statuses(source: &Source) -> Vec<String> {
    source.roster.all().iter().map(|r| format!("{} {} {}", r.id, r.secret, r.status.as_str())).collect()
}

#[test]
fn a_remote_cluster_is_read_by_its_secret_and_stays_in_force_while_it_is_away() {
    let here = Cluster::bare();
    let mut east = here.second();
    let relay = Relay::to(east.port());
    let by_relay = east.kubeconfig_text().replace(&east.port().to_string(), &relay.port().to_string());
    here.api().apply(vec![service("cart"), slice("10.1.0.1"), secret(&by_relay)]);
    east.api().apply(vec![service("cart"), slice("10.2.0.1")]);
    let mut source = Source::synced(&here);
    let both = ["Kubernetes 10.1.0.1", "east 10.2.0.1"];
    assert_eq!(endpoints(&source), both, "it is waited for");
    assert_eq!(statuses(&source), ["east istio-system/to-east synced"]);

    east.stop_server();
    source.until("word of the outage", SOON, |s| {
        s.findings.iter().any(|f| f.object.name == "to-east" && f.text.starts_with("cluster east: the API server"))
    });
    assert_eq!((endpoints(&source).len(), source.deleted.len()), (2, 0));
    here.api().apply(vec![service("own")]);
    source.until("a change of the own cluster", SOON, |s| s.names(Kind::Service).contains(&"own"));
    east.start_server();
    east.api().apply(vec![slice("10.2.0.2")]);
    source.until("the change after the outage", SOON, |s| s.findings.is_empty() && endpoints(s)[1] == "east 10.2.0.2");

    // A kubeconfig that is no good takes nothing away, and the one before still holds.
    here.api().apply(vec![secret(&east.kubeconfig_text().replace("token: ", "token: no-"))]);
    source.until("word of the bad token", SOON, |s| s.findings.iter().any(|f| f.text.contains("401: Unauthorized")));
    east.api().apply(vec![service("till")]);
    source.until("a change by the old kubeconfig", SOON, |s| s.names_in("east", Kind::Service).contains(&"till"));
    here.api().apply(vec![secret("no: [kubeconfig")]);
    source.until("word of the bad kubeconfig", SOON, |s| s.codes() == ["bad-kubeconfig"]);
    here.api().apply(vec![secret(&east.kubeconfig_text())]);
    source.until("the new kubeconfig", SOON, |s| s.findings.is_empty());
    // From here on the old one leads nowhere.
    drop(relay);
    east.api().apply(vec![service("desk")]);
    source.until("a change by the new kubeconfig", SOON, |s| s.names_in("east", Kind::Service).contains(&"desk"));
    assert_eq!(source.names_in("east", Kind::Service), ["kubernetes", "cart", "desk", "till"]);
    assert_eq!((source.deleted.len(), statuses(&source).len()), (0, 1));

    here.api().delete(&secret(""));
    source.until("the end of the cluster", SOON, |s| s.names_in("east", Kind::Service).is_empty());
    assert_eq!((endpoints(&source), statuses(&source).len()), (vec!["Kubernetes 10.1.0.1".to_owned()], 0));
    assert_eq!(source.counts.clusters.load(Ordering::Relaxed), 0);
}

#[test]
fn a_remote_cluster_that_cannot_be_reached_holds_up_the_start_for_a_while_only() {
    let here = Cluster::bare();
    let nowhere = here.kubeconfig_text().replace(&here.port().to_string(), "1");
    here.api().apply(vec![service("cart"), secret(&nowhere)]);
    let began = Instant::now();
    let mut source = Source::start(&here);
    source.until("word of the unreachable cluster", SOON, |s| s.findings.iter().any(|f| f.object.name == "to-east"));
    assert!(!source.synced && source.roster.all()[0].status == Status::Syncing);
    source.until("everything else to be read", SOON, |s| s.synced);
    assert!(began.elapsed() >= REMOTE_TIMEOUT, "it was not waited for");
    assert_eq!(source.names(Kind::Service), ["kubernetes", "cart"]);
    assert_eq!(statuses(&source), ["east istio-system/to-east timeout"]);
    assert_eq!(source.counts.late.load(Ordering::Relaxed), 1);
    assert!(source.codes().contains(&"late-cluster"), "{:?}", source.findings);
}

#[test]
fn kubeconfigs_in_a_folder_lead_to_remote_clusters_in_place_of_secrets() {
    let here = Cluster::bare();
    let far = here.second();
    here.api().apply(vec![service("cart"), slice("10.1.0.1"), secret(&far.kubeconfig_text())]);
    far.api().apply(vec![service("cart"), slice("10.2.0.1")]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("far.yaml");
    fs::write(&file, far.kubeconfig_text()).unwrap();
    let remotes = Remotes { folder: Some(folder.path().to_owned()), ..Source::remotes() };
    let mut source = Source::with(here.kubeconfig(), remotes);
    source.until("everything to be read", SOON, |s| s.synced);
    assert_eq!(endpoints(&source), ["Kubernetes 10.1.0.1", "test 10.2.0.1"], "as the kubeconfig calls it");
    assert_eq!(statuses(&source), [format!("test {} synced", file.display())]);

    fs::write(&file, "no: [kubeconfig").unwrap();
    source.until("word of the bad kubeconfig", SOON, |s| s.codes() == ["bad-kubeconfig"]);
    let about = &source.findings[0].object;
    assert_eq!((&*about.kind, &*about.name), ("Kubeconfig", file.to_str().unwrap()));
    far.api().apply(vec![slice("10.2.0.2")]);
    source.until("a change by the kubeconfig before", SOON, |s| endpoints(s)[1] == "test 10.2.0.2");
    fs::remove_file(&file).unwrap();
    source.until("the end of the cluster", SOON, |s| endpoints(s) == ["Kubernetes 10.1.0.1"]);
    assert!(statuses(&source).is_empty() && source.findings.is_empty());
}
