//! Numbers of delivery, under istiod's names.

use std::sync::Arc;
use std::time::Duration;

use crate::metrics::Metrics;
use crate::wire::ResourceType;

/// Hands on what delivery reports.
pub(super) struct Meter(pub Arc<Metrics>);

impl crate::xds::Metrics for Meter {
    /// Counted when the proxy is admitted, where its series is also taken back.
    fn connected(&self, _version: &str, _change: i64) {}

    fn pushed(&self, kind: ResourceType, bytes: usize, took: Duration) {
        self.0.delivery.sent(kind.short(), kind.type_url(), bytes, took);
    }

    fn rejected(&self, kind: ResourceType, node: &str, code: &str) {
        self.0.delivery.rejected(node, kind.short(), code);
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
