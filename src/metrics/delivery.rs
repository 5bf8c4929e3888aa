//! What proxies are sent, and what they say to it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use prometheus::{GaugeVec, HistogramVec, IntCounterVec};

use super::family::Families;
use crate::base::Str;

const CONVERGENCE: &[f64] = &[0.1, 0.5, 1.0, 3.0, 5.0, 10.0, 20.0, 30.0];
const PUSH: &[f64] = &[0.01, 0.1, 0.5, 1.0, 3.0, 5.0, 10.0, 20.0, 30.0];
const SEND: &[f64] = &[0.01, 0.1, 1.0, 3.0, 5.0, 10.0, 20.0, 30.0];
/// 4 MB is what a gRPC client takes by default; beyond 10 MB a proxy suffers.
const SIZE: &[f64] = &[1.0, 10_000.0, 1_000_000.0, 4_000_000.0, 10_000_000.0, 40_000_000.0];

/// Metrics of delivery. Types are short, `cds`, unless something else is said.
pub struct Delivery {
    pushes: IntCounterVec,
    push_time: HistogramVec,
    send_time: HistogramVec,
    size: HistogramVec,
    convergence: HistogramVec,
    queue: HistogramVec,
    rejects: IntCounterVec,
    expired: IntCounterVec,
    internal: IntCounterVec,
    write_timeouts: IntCounterVec,
    received_max: GaugeVec,
    presence: Arc<Shared>,
}

impl Delivery {
    pub(super) fn new(families: &Families) -> Self {
        let f = families;
        Self {
            pushes: f.counters("pilot_xds_pushes", "Responses sent, and those that could not be", &["type"]),
            push_time: f.histograms("pilot_xds_push_time", "Seconds to make and send a response", PUSH, &["type"]),
            send_time: f.histograms("pilot_xds_send_time", "Seconds to send a response", SEND, &[]),
            size: f.histograms("pilot_xds_config_size_bytes", "Bytes of a response", SIZE, &["type"]),
            convergence: f.histograms(
                "pilot_proxy_convergence_time",
                "Seconds from a change to a proxy having been sent all that follows from it",
                CONVERGENCE,
                &[],
            ),
            queue: f.histograms(
                "pilot_proxy_queue_time",
                "Seconds from a change being planned to a proxy being served",
                CONVERGENCE,
                &[],
            ),
            rejects: f.counters("pilot_total_xds_rejects", "Responses that proxies refused", &["type"]),
            expired: f.counters("pilot_xds_expired_nonce", "Answers to responses that are not the latest", &["type"]),
            internal: f.counters(
                "pilot_total_xds_internal_errors",
                "Streams that ended by a fault of this process",
                &[],
            ),
            write_timeouts: f.counters("pilot_xds_write_timeout", "Responses that a proxy did not take in time", &[]),
            received_max: f.gauges("pilot_xds_recv_max", "Bytes of the largest request so far", &[]),
            presence: Arc::new(Shared::new(families)),
        }
    }

    /// A proxy that states this version of Istio has connected. It counts as connected until the value is dropped.
    pub fn joined(&self, node: &str, version: &str) -> Presence {
        self.presence.join(node, version);
        Presence { shared: Arc::clone(&self.presence), node: node.into(), version: version.into() }
    }

    /// A response was sent.
    pub fn sent(&self, kind: &str, type_url: &str, bytes: usize, took: Duration) {
        self.pushes.with_label_values(&[kind]).inc();
        self.push_time.with_label_values(&[kind]).observe(took.as_secs_f64());
        self.send_time.with_label_values(NO_LABELS).observe(took.as_secs_f64());
        self.size.with_label_values(&[type_url]).observe(bytes as f64);
    }

    /// A response could not be sent although the proxy had not gone.
    pub fn send_failed(&self, kind: &str) {
        self.pushes.with_label_values(&[format!("{kind}_senderr")]).inc();
    }

    /// A proxy has been sent all that follows from a change which came in so long ago.
    pub fn converged(&self, since: Duration) {
        self.convergence.with_label_values(NO_LABELS).observe(since.as_secs_f64());
    }

    /// A proxy is being served what was ready for it so long ago.
    pub fn queued(&self, since: Duration) {
        self.queue.with_label_values(NO_LABELS).observe(since.as_secs_f64());
    }

    /// A proxy refused a response, with this code of gRPC.
    pub fn rejected(&self, by: &Presence, kind: &str, code: i32) {
        self.rejects.with_label_values(&[kind]).inc();
        self.presence.reject(&by.node, kind, code);
    }

    /// A proxy answered a response that was not the latest.
    pub fn nonce_expired(&self, kind: &str) {
        self.expired.with_label_values(&[kind]).inc();
    }

    /// A stream ended by a fault of this process.
    pub fn failed(&self) {
        self.internal.with_label_values(NO_LABELS).inc();
    }

    /// A proxy did not take a response in time.
    pub fn write_timed_out(&self) {
        self.write_timeouts.with_label_values(NO_LABELS).inc();
    }

    /// A request of so many bytes came.
    pub fn received(&self, bytes: usize) {
        let max = self.received_max.with_label_values(NO_LABELS);
        max.set(max.get().max(bytes as f64));
    }
}

const NO_LABELS: &[&str] = &[];

/// A connected proxy, as far as the metrics know it. Dropped, it takes its series along.
pub struct Presence {
    shared: Arc<Shared>,
    node: Str,
    version: Str,
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.shared.leave(&self.node, &self.version);
    }
}

/// What is labelled by proxies.
struct Shared {
    connected: GaugeVec,
    /// By type; istiod has them for these four only, and keeps them beside the counter for old dashboards.
    rejects: [(&'static str, GaugeVec); 4],
    ledger: Mutex<Ledger>,
}

#[derive(Default)]
struct Ledger {
    versions: BTreeMap<Str, usize>,
    nodes: BTreeMap<Str, Node>,
}

/// A proxy may be connected twice for a moment, when it reconnects before its old stream is known to be dead.
#[derive(Default)]
struct Node {
    streams: usize,
    rejects: Vec<(&'static str, &'static str)>,
}

impl Shared {
    fn new(f: &Families) -> Self {
        let reject = |kind: &'static str| {
            let help = format!("{} responses that proxies refused", kind.to_uppercase());
            (kind, f.gauges(&format!("pilot_xds_{kind}_reject"), &help, &["node", "err"]))
        };
        Self {
            connected: f.gauges("pilot_xds", "Connected proxies", &["version"]),
            rejects: ["cds", "eds", "lds", "rds"].map(reject),
            ledger: Mutex::default(),
        }
    }

    fn join(&self, node: &str, version: &str) {
        let mut ledger = self.ledger.lock();
        ledger.nodes.entry(node.into()).or_default().streams += 1;
        *ledger.versions.entry(version.into()).or_default() += 1;
        // A version stays at 0 when its last proxy leaves, so that an alert can see the 0, until another one comes.
        ledger.versions.retain(|gone, streams| *streams > 0 || self.connected.remove_label_values(&[gone]).is_err());
        self.connected.with_label_values(&[version]).set(ledger.versions[version] as f64);
    }

    fn leave(&self, node: &str, version: &str) {
        let mut ledger = self.ledger.lock();
        if let Some(streams) = ledger.versions.get_mut(version) {
            *streams -= 1;
            self.connected.with_label_values(&[version]).set(*streams as f64);
        }
        let Some(entry) = ledger.nodes.get_mut(node) else { return };
        entry.streams -= 1;
        if entry.streams == 0 {
            for (kind, code) in ledger.nodes.remove(node).into_iter().flat_map(|n| n.rejects) {
                let family = self.rejects.iter().find(|(k, _)| *k == kind);
                family.map(|(_, gauges)| gauges.remove_label_values(&[node, code]));
            }
        }
    }

    fn reject(&self, node: &str, kind: &str, code: i32) {
        let Some((kind, gauges)) = self.rejects.iter().find(|(k, _)| *k == kind) else { return };
        let code = code_name(code);
        let mut ledger = self.ledger.lock();
        let Some(entry) = ledger.nodes.get_mut(node) else { return };
        if !entry.rejects.contains(&(*kind, code)) {
            entry.rejects.push((*kind, code));
        }
        gauges.with_label_values(&[node, code]).inc();
    }
}

/// gRPC's codes in Go's spelling; the number is a proxy's to choose, so that others are one.
fn code_name(code: i32) -> &'static str {
    const NAMES: [&str; 17] = [
        "OK",
        "Canceled",
        "Unknown",
        "InvalidArgument",
        "DeadlineExceeded",
        "NotFound",
        "AlreadyExists",
        "PermissionDenied",
        "ResourceExhausted",
        "FailedPrecondition",
        "Aborted",
        "OutOfRange",
        "Unimplemented",
        "Internal",
        "Unavailable",
        "DataLoss",
        "Unauthenticated",
    ];
    usize::try_from(code).ok().and_then(|at| NAMES.get(at)).copied().unwrap_or("Unknown")
}
