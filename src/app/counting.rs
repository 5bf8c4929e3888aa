//! What delivery reports, as istiod's metrics.

use std::sync::Arc;
use std::time::Duration;

use crate::api::Kind;
use crate::metrics::Metrics;
use crate::source::kube;
use crate::status;
use crate::wire::ResourceType;
use crate::xds;

/// Counts what delivery, and reading a cluster, report. Refusals are counted by proxy only while the proxy has a
/// [`Presence`](crate::metrics::Presence), which belongs into the guard of its subscription.
pub(super) struct Counting(pub Arc<Metrics>);

impl xds::Metrics for Counting {
    fn connected(&self, version: &str, change: i64) {
        self.0.delivery.connected(version, change);
    }

    fn pushed(&self, kind: ResourceType, bytes: usize, took: Duration) {
        self.0.delivery.sent(kind.short(), kind.type_url(), bytes, took);
    }

    fn received(&self, bytes: usize) {
        self.0.delivery.received(bytes);
    }

    fn not_pushed(&self, kind: ResourceType) {
        self.0.delivery.not_sent(kind.short());
    }

    fn rejected(&self, kind: ResourceType, node: &str, code: &str) {
        self.0.delivery.rejected(kind.short(), node, code);
    }

    fn expired_nonce(&self, kind: ResourceType) {
        self.0.delivery.nonce_expired(kind.short());
    }

    fn converged(&self, took: Duration) {
        self.0.delivery.converged(took);
    }

    fn queued(&self, took: Duration) {
        self.0.delivery.queued(took);
    }

    fn write_timeout(&self) {
        self.0.delivery.write_timed_out();
    }

    fn internal_error(&self) {
        self.0.delivery.failed();
    }
}

impl kube::Watcher for Counting {
    fn listed(&self, kind: Kind) {
        self.0.intake.listed(kind.as_str());
    }

    fn failed(&self, kind: Kind) {
        self.0.intake.unheard(kind.as_str());
    }

    fn held(&self, kind: Kind, objects: usize) {
        self.0.intake.held(kind.as_str(), objects);
    }

    fn secret(&self, event: &'static str) {
        self.0.clusters.secret(event);
    }

    fn cluster(&self, id: &str, status: kube::Status, clusters: usize) {
        self.0.clusters.is(id, status.as_str(), clusters);
    }

    fn late(&self, id: &str) {
        self.0.clusters.late(id);
    }
}

impl status::Observer for Counting {
    fn leads(&self, lock: &'static str, leads: bool) {
        self.0.writing.leads(lock, leads);
    }

    fn wrote(&self, what: &'static str, done: bool) {
        self.0.writing.wrote(what, done);
    }
}
