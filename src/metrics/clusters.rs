//! The clusters that are read (istio `pkg/kube/multicluster/secretcontroller.go`).

use prometheus::{GaugeVec, IntCounterVec};

use super::family::Families;

const STATUSES: [&str; 4] = ["synced", "syncing", "timeout", "closed"];

/// Metrics of reading several clusters.
pub struct Clusters {
    managed: GaugeVec,
    status: GaugeVec,
    timeouts: IntCounterVec,
    secrets: IntCounterVec,
}

impl Clusters {
    pub(super) fn new(f: &Families) -> Self {
        let new = Self {
            managed: f.gauges("istiod_managed_clusters", "How many clusters are read", &["cluster_type"]),
            status: f.gauges(
                "istiod_remote_cluster_sync_status",
                "How each remote cluster is: 1 for the state that it is in, 0 for the others",
                &["cluster", "cluster_type", "status"],
            ),
            timeouts: f.counters(
                "remote_cluster_sync_timeouts_total",
                "How often a remote cluster was not read in time",
                &["cluster"],
            ),
            secrets: f.counters(
                "remote_cluster_secret_events_total",
                "What happened to Secrets that lead to remote clusters",
                &["event"],
            ),
        };
        new.managed.with_label_values(&["local"]).set(1.0);
        new.managed.with_label_values(&["remote"]).set(0.0);
        new
    }

    /// How a remote cluster is now, and how many there are. Of one that is gone, no state is 1.
    pub fn is(&self, cluster: &str, status: &str, clusters: usize) {
        self.managed.with_label_values(&["remote"]).set(clusters as f64);
        for known in STATUSES {
            let value = if known == status && status != "closed" { 1.0 } else { 0.0 };
            self.status.with_label_values(&[cluster, "remote", known]).set(value);
        }
    }

    /// A remote cluster was not read in time.
    pub fn late(&self, cluster: &str) {
        self.timeouts.with_label_values(&[cluster]).inc();
    }

    /// A Secret came, changed or went.
    pub fn secret(&self, event: &str) {
        self.secrets.with_label_values(&[event]).inc();
    }
}
