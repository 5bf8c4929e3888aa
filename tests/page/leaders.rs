//! Who writes to a real API server, and how other clusters are.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::browser::{Browser, Look};
use crate::looks;
use crate::scene::Scene;
use crate::support::cluster::Cluster;

/// A lock as another control plane holds it, renewed so often.
fn held_by(holder: &str, renewed: u32) -> Value {
    let record = json!({"holderIdentity": holder, "holderKey": "default", "leaseDurationSeconds": 30,
                        "acquireTime": "2020-01-01T00:00:00Z",
                        "renewTime": format!("2020-01-01T00:{:02}:{:02}Z", renewed / 60 % 60, renewed % 60)});
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "istio-ip-autoallocate",
        "namespace": "istio-system", "annotations": {"control-plane.alpha.kubernetes.io/leader": record.to_string()}}})
}

/// A Secret that leads to other clusters, by their names.
fn remote(name: &str, clusters: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "stringData": clusters,
           "metadata": {"name": name, "namespace": "istio-system", "labels": {"istio/multiCluster": "true"}}})
}

#[test]
fn the_overview_tells_who_writes_and_how_other_clusters_are() {
    let scene = Scene::empty();
    scene.network().inside(|| {
        let cluster = Cluster::with_crds();
        let (west, east) = (json!({"west": cluster.kubeconfig_text()}), json!({"east": "none"}));
        cluster.api().apply(vec![held_by("istiod-1", 0), remote("to-west", west), remote("to-east", east)]);
        let kubeconfig = cluster.kubeconfig().display().to_string();
        let _mizzen = scene.serve(&["--kubeconfig", &kubeconfig]);
        let holds = AtomicBool::new(true);
        thread::scope(|threads| {
            let _end = End(&holds);
            threads.spawn(|| keep_lock(&cluster, &holds));
            scene.browse(async |page| {
                told(page).await;
                // The other one gives the lock back, while somebody looks who cannot see.
                holds.store(false, Ordering::Relaxed);
                page.wait("[data-key=istio-ip-autoallocate]", "Addresses of ServiceEntries this replica Lock").await;
                page.wait("#said", "Addresses of ServiceEntries: this replica").await;
            });
        });
    });
}

/// Lets the other control plane end, or a test that fails would wait for it for ever.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// Another control plane: it renews the lock until it no longer should, and gives it back.
fn keep_lock(cluster: &Cluster, holds: &AtomicBool) {
    for second in 1.. {
        if !holds.load(Ordering::Relaxed) {
            return cluster.api().apply(vec![held_by("", second)]);
        }
        cluster.api().apply(vec![held_by("istiod-1", second)]);
        thread::sleep(Duration::from_secs(1));
    }
}

async fn told(page: &Browser) {
    page.open("", "Who writes to the cluster").await;
    page.wait("[data-key=istio-ip-autoallocate]", "Addresses of ServiceEntries istiod-1; this replica waits").await;
    page.wait("[data-key=istio-status-leader]", "Conditions of objects this replica").await;
    page.wait("[data-key=west]", "west read Secret istio-system/to-west").await;
    page.wait("[data-key=east]", "east not read: its kubeconfig cannot be used, or is gone").await;
    page.wait("main", "Cluster Kubernetes").await;
    fits(page).await;
}

/// Can be read by everybody, everywhere.
async fn fits(page: &Browser) {
    for look in [Look::Dark, Look::Phone, Look::Light] {
        page.look(look).await;
        page.wait("main", "Other clusters").await;
        assert_eq!(page.run(looks::CONTRAST, Vec::new()).await, json!([]), "{look:?}: too faint");
        if look == Look::Phone {
            assert_eq!(page.run(looks::WIDE, Vec::new()).await, json!([390, []]), "wider than the phone");
        }
        looks::keep(page, "overview-cluster", look).await;
    }
}
