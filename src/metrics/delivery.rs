//! What proxies are sent, and what they say to it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
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

/// From the delay of a quiet moment to a proxy that does not answer.
const ARRIVAL: &[f64] = &[0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];
/// How many objects are counted by name that some proxy refuses.
const REFUSED_OBJECTS: usize = 200;

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
    shed: IntCounterVec,
    longest_request: GaugeVec,
    without_targets: IntCounterVec,
    arrival: HistogramVec,
    refused_objects: IntCounterVec,
    /// The series of `refused_objects`, the latest refused last.
    refused: Mutex<VecDeque<[Str; 4]>>,
    versions: Versions,
    nodes: Arc<Nodes>,
}

impl Delivery {
    pub(super) fn new(families: &Families) -> Self {
        let f = families;
        Self {
            pushes: f.counters("pilot_xds_pushes", "Responses sent", &["type"]),
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
            shed: f.counters(
                "mizzen_connections_shed",
                "Connections that were ended because other replicas have far fewer",
                &[],
            ),
            longest_request: f.gauges("pilot_xds_recv_max", "Bytes of the longest request so far", &[]),
            without_targets: f.counters(
                "pilot_k8s_proxies_with_no_service_targets",
                "Proxies that joined and answer for no service",
                &["reason"],
            ),
            arrival: f.histograms(
                "mizzen_change_to_ack_seconds",
                "Seconds from the change of an object to the last proxy that it concerns having answered for it",
                ARRIVAL,
                &["kind"],
            ),
            refused_objects: f.counters(
                "mizzen_nacks",
                "Refusals of resources, once for each object that the resource follows from",
                &["type", "kind", "namespace", "name"],
            ),
            refused: Mutex::default(),
            versions: Versions {
                gauges: f.gauges("pilot_xds", "Connected proxies", &["version"]),
                counts: Mutex::default(),
            },
            nodes: Arc::new(Nodes::new(families)),
        }
    }

    /// So many proxies that state this version of Istio have come, or gone.
    pub fn connected(&self, version: &str, change: i64) {
        self.versions.change(version, change);
    }

    /// A proxy has come. What is counted by its name is kept until the value is dropped.
    pub fn present(&self, node: &str) -> Presence {
        self.nodes.come(node);
        Presence { nodes: Arc::clone(&self.nodes), node: node.into() }
    }

    /// A response was sent.
    pub fn sent(&self, kind: &str, type_url: &str, bytes: usize, took: Duration) {
        self.pushes.with_label_values(&[kind]).inc();
        self.push_time.with_label_values(&[kind]).observe(took.as_secs_f64());
        self.send_time.with_label_values(NO_LABELS).observe(took.as_secs_f64());
        self.size.with_label_values(&[type_url]).observe(bytes as f64);
    }

    /// A response was not handed over in full. istiod counts that for these four types, beside those it sent.
    pub fn not_sent(&self, kind: &str) {
        if ["cds", "eds", "lds", "rds"].contains(&kind) {
            self.pushes.with_label_values(&[format!("{kind}_senderr")]).inc();
        }
    }

    /// A request came in.
    pub fn received(&self, bytes: usize) {
        let longest = self.longest_request.with_label_values(NO_LABELS);
        // Two at a time may each write their own; the next longer one mends it.
        if bytes as f64 > longest.get() {
            longest.set(bytes as f64);
        }
    }

    /// A proxy joined that answers for no service, in istiod's words for why: `no_matching_services`,
    /// `no_matching_metadata`, `incorrect_cluster`.
    pub fn without_targets(&self, why: &str) {
        self.without_targets.with_label_values(&[why]).inc();
    }

    /// A proxy has been sent all that follows from a change which came in so long ago.
    pub fn converged(&self, since: Duration) {
        self.convergence.with_label_values(NO_LABELS).observe(since.as_secs_f64());
    }

    /// A proxy is being served what was ready for it so long ago.
    pub fn queued(&self, since: Duration) {
        self.queue.with_label_values(NO_LABELS).observe(since.as_secs_f64());
    }

    /// A proxy refused a response, with this code of gRPC in Go's spelling. It is counted by name if it is present.
    pub fn rejected(&self, kind: &str, node: &str, code: &str) {
        self.rejects.with_label_values(&[kind]).inc();
        self.nodes.reject(node, kind, code);
    }

    /// A proxy refused a resource that follows from an object: its kind, namespace and name. Of more than a few hundred
    /// objects those are counted no longer that were not refused for the longest time: they are mended, or gone.
    pub fn refused_object(&self, kind: &str, object: [&str; 3]) {
        let labels = [kind, object[0], object[1], object[2]];
        let mut known = self.refused.lock();
        let at = known.iter().position(|series| *series == labels);
        let series = at.and_then(|at| known.remove(at)).unwrap_or_else(|| labels.map(Str::from));
        known.push_back(series);
        if known.len() > REFUSED_OBJECTS
            && let Some(oldest) = known.pop_front()
        {
            // It is there: it was counted when it was noted.
            let _ = self.refused_objects.remove_label_values(&oldest.each_ref().map(Str::as_str));
        }
        self.refused_objects.with_label_values(&labels).inc();
    }

    /// The last proxy that a change of an object of a kind concerns has answered for it, so long after the change.
    pub fn arrived(&self, kind: &str, since: Duration) {
        self.arrival.with_label_values(&[kind]).observe(since.as_secs_f64());
    }

    /// A proxy answered a response that was not the latest.
    pub fn nonce_expired(&self, kind: &str) {
        self.expired.with_label_values(&[kind]).inc();
    }

    /// A stream ended by a fault of this process.
    pub fn failed(&self) {
        self.internal.with_label_values(NO_LABELS).inc();
    }

    /// So many connections were ended because other replicas have far fewer.
    pub fn shed(&self, connections: usize) {
        self.shed.with_label_values(NO_LABELS).inc_by(connections as u64);
    }

    /// A proxy did not take a response in time.
    pub fn write_timed_out(&self) {
        self.write_timeouts.with_label_values(NO_LABELS).inc();
    }
}

const NO_LABELS: &[&str] = &[];

/// A connected proxy, as far as the metrics know it. Dropped, it takes its series along.
pub struct Presence {
    nodes: Arc<Nodes>,
    node: Str,
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.nodes.go(&self.node);
    }
}

/// How many proxies there are of each version.
struct Versions {
    gauges: GaugeVec,
    counts: Mutex<BTreeMap<Str, i64>>,
}

impl Versions {
    /// A version stays at 0 when its last proxy leaves, so that an alert can see the 0, until another one comes.
    fn change(&self, version: &str, change: i64) {
        let mut counts = self.counts.lock();
        *counts.entry(version.into()).or_default() += change;
        if change > 0 {
            counts.retain(|gone, count| *count > 0 || self.gauges.remove_label_values(&[gone]).is_err());
        }
        if let Some(count) = counts.get(version) {
            self.gauges.with_label_values(&[version]).set(*count as f64);
        }
    }
}

/// What is counted by the names of proxies: refusals. istiod keeps these beside the counter for old dashboards, for
/// these four types.
struct Nodes {
    rejects: [(&'static str, GaugeVec); 4],
    present: Mutex<BTreeMap<Str, Node>>,
}

/// A proxy may be connected twice for a moment, when it reconnects before its old stream is known to be dead.
#[derive(Default)]
struct Node {
    streams: usize,
    /// The series it has: type and code.
    rejects: BTreeSet<(&'static str, Str)>,
}

impl Nodes {
    fn new(f: &Families) -> Self {
        let reject = |kind: &'static str| {
            let help = format!("{} responses that proxies refused", kind.to_uppercase());
            (kind, f.gauges(&format!("pilot_xds_{kind}_reject"), &help, &["node", "err"]))
        };
        Self { rejects: ["cds", "eds", "lds", "rds"].map(reject), present: Mutex::default() }
    }

    fn come(&self, node: &str) {
        self.present.lock().entry(node.into()).or_default().streams += 1;
    }

    fn go(&self, node: &str) {
        let mut present = self.present.lock();
        let Some(entry) = present.get_mut(node) else { return };
        entry.streams -= 1;
        if entry.streams == 0 {
            let series = present.remove(node).map(|n| n.rejects).unwrap_or_default();
            for (kind, gauges) in &self.rejects {
                let codes = series.iter().filter(|(k, _)| k == kind);
                codes.for_each(|(_, code)| drop(gauges.remove_label_values(&[node, code.as_str()])));
            }
        }
    }

    fn reject(&self, node: &str, kind: &str, code: &str) {
        let Some((kind, gauges)) = self.rejects.iter().find(|(k, _)| *k == kind) else { return };
        if let Some(entry) = self.present.lock().get_mut(node) {
            entry.rejects.insert((*kind, code.into()));
            gauges.with_label_values(&[node, code]).inc();
        }
    }
}
