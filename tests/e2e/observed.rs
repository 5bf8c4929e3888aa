//! What can be seen of calls: Istio's metrics on port 15090 of stock Envoys, as Kiali asks for them, and log lines in
//! JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;

use super::fixture::CLIENT;
use super::site::{ONE, WEB, objects};
use crate::support::envoy::Sidecar;
use crate::support::greeter::greeter;
use crate::support::http::{self, Request};
use crate::support::mesh::Mesh;
use crate::support::process::{PATIENCE, eventually};
use crate::support::web;

/// A service whose bytes nobody reads along.
const RAW: &str = "\
apiVersion: v1
kind: Service
metadata: {name: raw, namespace: shop}
spec: {selector: {app: web}, clusterIP: 10.96.20.2, ports: [{name: tcp, port: 50051}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: raw-1, namespace: shop, labels: {kubernetes.io/service-name: raw}}
addressType: IPv4
ports: [{name: tcp, port: 50051}]
endpoints: [{addresses: [10.77.0.51], conditions: {ready: true}, targetRef: {kind: Pod, name: web-1, namespace: shop}}]
---
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: own-label, namespace: shop}
spec:
  metrics:
  - overrides:
    - {match: {metric: REQUEST_COUNT, mode: SERVER}, tagOverrides: {url_group: {value: \"request.url_path.startsWith('/api') ? 'api' : 'other'\"}}}
    - {match: {metric: RESPONSE_SIZE, mode: CLIENT}, disabled: true}
";

/// How many calls are made.
const CALLS: usize = 300;

pub(super) type Labels = BTreeMap<String, String>;

/// The series of a metric on port 15090, with their values.
pub(super) fn series(sidecar: &Sidecar, metric: &str) -> Vec<(Labels, f64)> {
    let page = sidecar.namespace().inside(|| http::get(SocketAddr::from(([127, 0, 0, 1], 15090)), "/stats/prometheus"));
    let (_, page) = page.expect("Envoy answers");
    let lines = page.lines().filter_map(|line| line.strip_prefix(metric)?.strip_prefix('{'));
    let parsed = lines.map(|line| {
        let (labels, value) = line.rsplit_once("} ").expect("labels end");
        let pairs = labels.split("\",").map(|pair| pair.split_once("=\"").expect("name and value"));
        let labels = pairs.map(|(name, value)| (name.to_owned(), value.trim_end_matches('"').to_owned())).collect();
        (labels, value.parse().expect("a number"))
    });
    parsed.collect()
}

/// The one series of a metric.
fn only(sidecar: &Sidecar, metric: &str) -> (Labels, f64) {
    let mut all = series(sidecar, metric);
    assert_eq!(all.len(), 1, "{metric}: {all:?}");
    all.remove(0)
}

/// The labels by which Kiali draws its graph, and what they are for calls of the client to the backend.
fn drawn(reporter: &str, protocol: &str, service: &str) -> Labels {
    let host = format!("{service}.shop.svc.cluster.local");
    let labels = [
        ("reporter", reporter),
        ("source_workload_namespace", "shop"),
        ("source_workload", "client"),
        ("source_canonical_service", "client"),
        ("source_canonical_revision", "latest"),
        ("source_cluster", "Kubernetes"),
        ("destination_service_namespace", "shop"),
        ("destination_service", &host),
        ("destination_service_name", service),
        ("destination_workload_namespace", "shop"),
        ("destination_workload", "web-1"),
        ("destination_canonical_service", "web"),
        ("destination_canonical_revision", "v1"),
        ("destination_cluster", "Kubernetes"),
        ("request_protocol", protocol),
        ("response_flags", "-"),
    ];
    labels.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn assert_drawn(found: &Labels, wanted: &Labels) {
    for (name, value) in wanted {
        assert_eq!(found.get(name), Some(value), "{name} of {found:?}");
    }
}

/// Log lines that are complete.
fn lines(log: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}"))).collect()
}

fn of<'l>(lines: &'l [Value], cluster: &str) -> Vec<&'l Value> {
    lines.iter().filter(|line| line["upstream_cluster"].as_str().is_some_and(|c| c.starts_with(cluster))).collect()
}

#[test]
fn calls_and_connections_are_counted_exactly_at_both_ends_and_logged_in_json() {
    let mut mesh = Mesh::new(&[]);
    let log = mesh.directory().join("logs/access.log");
    std::fs::create_dir(log.parent().unwrap()).unwrap();
    std::fs::set_permissions(log.parent().unwrap(), PermissionsExt::from_mode(0o777)).unwrap();
    std::fs::write(&log, "").unwrap();
    std::fs::set_permissions(&log, PermissionsExt::from_mode(0o666)).unwrap();
    mesh.settings = format!(
        "defaultProviders: {{metrics: [prometheus], accessLogging: [json]}}\n\
         extensionProviders: [{{name: json, envoyFileAccessLog: {{path: {}, logFormat: {{labels: {{}}}}}}}}]\n",
        log.display()
    );
    let backend = objects(&[ONE]);
    mesh.configure("client.yaml", CLIENT);
    mesh.configure("web.yaml", &backend);
    mesh.configure("raw.yaml", RAW);
    mesh.start_control_plane();
    let server = mesh.sidecar(&backend, "web-1");
    let application = web::Backend::start(server.namespace(), "web-1");
    let _raw = greeter(server.namespace(), "web-1");
    let client = mesh.sidecar(CLIENT, "client");

    for n in 0..CALLS {
        let request = Request { method: "GET", authority: WEB, path: &format!("/api/{n}"), headers: &[] };
        let answer =
            client.namespace().inside(|| http::call(SocketAddr::from(([10, 96, 20, 1], 80)), &request)).unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.said()["headers"].get("x-mesh-peer"), None, "applications see nothing of it");
    }
    assert_eq!(application.asked().len(), CALLS);
    client.namespace().inside(|| {
        let mut raw = TcpStream::connect(SocketAddr::from(([10, 96, 20, 2], 50051))).unwrap();
        raw.write_all(b"no HTTP/2 at all\r\n\r\n").unwrap();
        let _ = raw.read_to_end(&mut Vec::new());
    });

    for (sidecar, reporter, policy) in [(&client, "source", "unknown"), (&server, "destination", "none")] {
        // A call is counted after its answer is sent.
        let labels = eventually(PATIENCE, "the last call to be counted", || {
            let (labels, count) = only(sidecar, "istio_requests_total");
            assert!(count <= CALLS as f64, "{reporter} counts {count} calls");
            (count == CALLS as f64).then_some(labels)
        });
        let mut wanted = drawn(reporter, "http", "web");
        wanted.insert("response_code".into(), "200".into());
        wanted.insert("connection_security_policy".into(), policy.into());
        assert_drawn(&labels, &wanted);
        let (closed, count) = eventually(PATIENCE, "the connection's end to be counted", || {
            series(sidecar, "istio_tcp_connections_closed_total").pop()
        });
        assert_eq!(count, 1.0, "{closed:?}");
        let (opened, count) = only(sidecar, "istio_tcp_connections_opened_total");
        assert_eq!(count, 1.0, "{opened:?}");
        let (_, received) = only(sidecar, "istio_tcp_received_bytes_total");
        assert_eq!(received, 20.0, "{reporter}");
        let mut wanted = drawn(reporter, "tcp", "raw");
        if reporter == "destination" {
            // Without certificates nothing says who connects.
            for name in ["source_workload", "source_workload_namespace", "source_canonical_service", "source_cluster"] {
                wanted.insert(name.into(), "unknown".into());
            }
        }
        wanted.remove("response_flags");
        assert_drawn(&closed, &wanted);
    }
    assert_eq!(only(&server, "istio_requests_total").0["url_group"], "api");
    eventually(PATIENCE, "the spread of durations", || {
        let (_, count) = series(&client, "istio_request_duration_milliseconds_count").pop()?;
        (count == CALLS as f64).then_some(())
    });
    assert_eq!(series(&client, "istio_response_bytes_count"), []);

    let logged = eventually(PATIENCE, "all lines of the log", || {
        let all = lines(&log);
        (all.len() >= 2 * CALLS + 2).then_some(all)
    });
    let keys: BTreeSet<&str> = logged.iter().flat_map(|l| l.as_object().unwrap().keys()).map(String::as_str).collect();
    assert_eq!(keys.len(), 24, "{keys:?}");
    for (cluster, raw) in [("outbound|80||", "outbound|50051||"), ("inbound|8080||", "inbound|50051||")] {
        let calls = of(&logged, cluster);
        assert_eq!(calls.len(), CALLS, "{cluster}");
        assert!(calls.iter().all(|l| l["response_code"] == 200 && l["duration"].is_u64()), "{:?}", calls[0]);
        let paths: BTreeSet<&str> = calls.iter().filter_map(|l| l["path"].as_str()).collect();
        assert_eq!(paths.len(), CALLS, "{cluster}");
        assert_eq!(of(&logged, raw).len(), 1, "a connection is logged once, {raw}");
    }
    assert_eq!(logged.len(), 2 * CALLS + 2);
}
