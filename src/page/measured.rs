//! `measured`: who did talk to whom, by Istio's metrics in a Prometheus.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::list::Ask;
use super::talk::{Edges, Mesh, Party, Talk};
use crate::base::{Host, Namespace, Str};

/// Over which time calls are counted.
const WINDOW: &str = "2m";

/// What Prometheus is asked, in the order in which [`measured`] takes the answers: calls a second, those that failed, and
/// bytes a second of what is no HTTP. A call that failed has a status of 5xx, no status at all, or another gRPC status
/// than OK.
pub const QUERIES: [&str; 3] = [
    "sum by (reporter, source_workload, source_workload_namespace, destination_service, \
     destination_service_namespace) (rate(istio_requests_total[2m]))",
    "sum by (reporter, source_workload, source_workload_namespace, destination_service, \
     destination_service_namespace) (rate(istio_requests_total{response_code=~\"0|5..\"}[2m]) \
     or rate(istio_requests_total{grpc_response_status=~\"[1-9]|1[0-6]\"}[2m]))",
    "sum by (reporter, source_workload, source_workload_namespace, destination_service, \
     destination_service_namespace) (rate(istio_tcp_sent_bytes_total[2m])) \
     + sum by (reporter, source_workload, source_workload_namespace, destination_service, \
     destination_service_namespace) (rate(istio_tcp_received_bytes_total[2m]))",
];

/// `GET /ui/api/measured`.
#[derive(Debug, Serialize)]
pub struct Did {
    /// The rows and the drawing.
    #[serde(flatten)]
    pub talk: Talk,
    /// Where the numbers are from.
    pub prometheus: String,
    /// Over which time they are.
    pub window: &'static str,
    /// Why there are none.
    pub error: Option<String>,
}

/// What Prometheus answers to an instant query (`/api/v1/query`).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Answer {
    data: Data,
    /// What is wrong with the query.
    pub error: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Data {
    result: Vec<Sample>,
}

#[derive(Clone, Debug, Deserialize)]
struct Sample {
    metric: BTreeMap<Str, Str>,
    /// A moment, and a number as text.
    value: (f64, Str),
}

/// What the caller's proxy and the callee's count of one edge.
#[derive(Default)]
struct Reports {
    caller: Option<f64>,
    callee: Option<f64>,
}

/// Who talked to whom.
pub fn measured(answers: &[Answer; 3], mesh: &Mesh) -> Edges {
    let mut edges = Edges::new();
    let [calls, errors, bytes] = answers.each_ref().map(|answer| sums(answer, mesh));
    for (key, number) in calls {
        edges.entry(key).or_default().calls = number;
    }
    for (key, number) in errors {
        edges.entry(key).or_default().errors = number;
    }
    for (key, number) in bytes {
        edges.entry(key).or_default().bytes = number;
    }
    edges.retain(|_, traffic| traffic.calls > 0.0 || traffic.bytes > 0.0);
    edges
}

impl Did {
    /// The rows that are asked for, and the drawing.
    pub fn of(edges: &Edges, ask: &Ask, prometheus: String, error: Option<String>) -> Self {
        Self { talk: Talk::of(edges, ask), prometheus, window: WINDOW, error }
    }
}

/// Both ends count a call: what the caller's says holds, as calls that never arrived are in it too; the callee's where the
/// caller has no proxy.
fn sums(answer: &Answer, mesh: &Mesh) -> BTreeMap<(Party, Party), f64> {
    let mut reports: BTreeMap<(Party, Party), Reports> = BTreeMap::new();
    for Sample { metric, value: (_, number) } in &answer.data.result {
        let label = |name: &str| metric.get(name).cloned().unwrap_or_default();
        let Some(number) = number.parse::<f64>().ok().filter(|n| n.is_finite()) else { continue };
        let namespace = Namespace::new(label("source_workload_namespace"));
        let from = match label("source_workload") {
            name if name.is_empty() || name == "unknown" => Party::Unknown { name: "unknown".into() },
            name => mesh.workload(&namespace, &name),
        };
        let to = mesh.host(&Host::new(label("destination_service")));
        let of = reports.entry((from, to)).or_default();
        let side = if label("reporter") == "source" { &mut of.caller } else { &mut of.callee };
        *side.get_or_insert_default() += number;
    }
    let number = |of: Reports| of.caller.or(of.callee).unwrap_or_default();
    reports.into_iter().map(|(key, of)| (key, number(of))).collect()
}
