//! Who writes: locks shared with istiod, and between replicas.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::cluster::{Cluster, eventually};
use crate::support::replica::{EXPIRED, Replica, SOON, home};

const LOCK: &str = "istio-ip-autoallocate";
const ANNOTATION: &str = "control-plane.alpha.kubernetes.io/leader";

fn entry(name: &str) -> Value {
    json!({"apiVersion": "networking.istio.io/v1", "kind": "ServiceEntry",
           "metadata": {"name": name, "namespace": "shop"},
           "spec": {"hosts": [format!("{name}.example.com")], "resolution": "DNS",
                    "ports": [{"number": 443, "name": "tls", "protocol": "TLS"}]}})
}

fn addresses(cluster: &Cluster, name: &str) -> Value {
    let path = format!("/apis/networking.istio.io/v1/namespaces/shop/serviceentries/{name}");
    cluster.api().get(&path)["status"]["addresses"].clone()
}

/// The lock as istiod writes it, by a clock that need not be ours.
fn held_by(holder: &str, key: &str, renewed: &str) -> Value {
    let record = json!({"holderIdentity": holder, "holderKey": key, "leaseDurationSeconds": 30,
                        "acquireTime": "2020-01-01T00:00:00Z", "renewTime": renewed, "leaderTransitions": 7});
    json!({"apiVersion": "v1", "kind": "ConfigMap",
           "metadata": {"name": LOCK, "namespace": "istio-system", "annotations": {ANNOTATION: record.to_string()}}})
}

fn record(cluster: &Cluster) -> Value {
    let map = cluster.api().get(&format!("/api/v1/namespaces/istio-system/configmaps/{LOCK}"));
    let text = map["metadata"]["annotations"][ANNOTATION].as_str().unwrap_or("null");
    serde_json::from_str(text).unwrap()
}

#[test]
fn istiods_lock_is_waited_for_whatever_its_clock_says_and_passes_on_when_it_is_given_back_or_its_holder_killed() {
    let cluster = Cluster::with_crds();
    cluster.api().apply(vec![entry("db"), held_by("istiod-1", "default", "2020-01-01T00:00:00Z")]);
    let replicas = ["mizzen-1", "mizzen-2"].map(|pod| Replica::start(&cluster.kubeconfig(), pod));
    for replica in &replicas {
        eventually("the holder to be known", SOON, || replica.holder(LOCK) == "istiod-1");
    }
    // An istiod whose clock is years behind renews for longer than a lock lasts: it is believed to be alive.
    let began = Instant::now();
    let mut second = 0;
    while began.elapsed() < Duration::from_secs(36) {
        second += 1;
        let renewed = format!("2020-01-01T00:01:{:02}Z", second % 60);
        cluster.api().apply(vec![held_by("istiod-1", "default", &renewed)]);
        std::thread::sleep(Duration::from_secs(4));
    }
    assert_eq!(record(&cluster)["holderIdentity"], "istiod-1");
    assert!(addresses(&cluster, "db").is_null(), "nobody writes but who holds the lock");

    cluster.api().apply(vec![held_by("", "", "2020-01-01T00:02:00Z")]);
    eventually("the addresses", SOON, || addresses(&cluster, "db").is_array());
    let given = addresses(&cluster, "db");
    let taken = record(&cluster);
    assert_eq!((&taken["holderKey"], &taken["leaderTransitions"]), (&json!("default"), &json!(8)), "{taken}");
    let [one, two] = replicas;
    let (leader, other) = if one.pod == taken["holderIdentity"] { (one, two) } else { (two, one) };
    assert_eq!(taken["holderIdentity"], leader.pod.as_str());
    assert!(leader.leads(LOCK) && !other.leads(LOCK));

    leader.kill();
    eventually("the other to take over", EXPIRED, || other.leads(LOCK));
    cluster.api().apply(vec![entry("later")]);
    eventually("addresses of what came later", SOON, || addresses(&cluster, "later").is_array());
    assert_eq!(addresses(&cluster, "db"), given);
    // A stop gives all locks back.
    eventually("the other lock to pass on", EXPIRED, || other.leads("istio-status-leader"));
    other.stop();
    let free = record(&cluster);
    assert_eq!((&free["holderIdentity"], &free["leaseDurationSeconds"]), (&json!(""), &json!(1)), "{free}");
    let lease = "/apis/coordination.k8s.io/v1/namespaces/istio-system/leases/istio-status-leader";
    let lease = cluster.api().get(lease);
    assert_eq!(lease["spec"]["holderIdentity"], "", "{lease}");
}

#[test]
fn the_default_revision_takes_the_lock_from_another_which_stops_to_write() {
    let cluster = Cluster::with_crds();
    let tag = json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
                     "metadata": {"name": "istio-revision-tag-default", "labels": {"istio.io/rev": "stable"}}});
    cluster.api().apply(vec![home(), entry("db"), tag]);
    let other = Replica::with(&cluster.kubeconfig(), "mizzen-other", &[("REVISION", "canary")]);
    eventually("the other to lead", SOON, || other.leads(LOCK));
    assert_eq!(record(&cluster)["holderKey"], "canary");
    let stable = Replica::with(&cluster.kubeconfig(), "mizzen-stable", &[("REVISION", "stable")]);
    eventually("the default revision to lead", SOON, || stable.leads(LOCK));
    assert_eq!(record(&cluster)["holderKey"], "stable");
    eventually("the other to know of it", SOON, || other.holder(LOCK) == "mizzen-stable");
    assert!(other.log().contains("this replica no longer writes: mizzen-stable has taken the lock"), "{}", other.log());
    // It does not take it back.
    let third = Replica::with(&cluster.kubeconfig(), "mizzen-third", &[("REVISION", "canary")]);
    eventually("a third to know the holder", SOON, || third.holder(LOCK) == "mizzen-stable");
    assert_eq!(record(&cluster)["holderIdentity"], "mizzen-stable");
}

#[test]
fn without_leader_election_it_writes_at_once_whoever_holds_the_lock_and_without_allocation_never() {
    let cluster = Cluster::with_crds();
    cluster.api().apply(vec![entry("db"), held_by("istiod-1", "default", "2020-01-01T00:00:00Z")]);
    let variables = [("ENABLE_LEADER_ELECTION", "false"), ("PILOT_ENABLE_IP_AUTOALLOCATE", "false")];
    let quiet = Replica::with(&cluster.kubeconfig(), "mizzen-1", &variables);
    eventually("the other writer to write", SOON, || quiet.leads("istio-status-leader"));
    assert_eq!(quiet.holder(LOCK), "");
    quiet.stop();
    assert!(addresses(&cluster, "db").is_null());
    let _alone = Replica::with(&cluster.kubeconfig(), "mizzen-2", &variables[..1]);
    eventually("the addresses", SOON, || addresses(&cluster, "db").is_array());
    assert_eq!(record(&cluster)["holderIdentity"], "istiod-1");
}
