//! Prometheus with the configuration that is shipped, but for where its targets come from: a file instead of the API
//! server of a cluster, with the labels that a cluster would give.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::http;
use crate::support::mesh::{CENTRE, MONITORING, Mesh};
use crate::support::process::{PATIENCE, Process, eventually, run};
use crate::support::require;

const PORT: u16 = 9090;

/// What is shipped.
pub(crate) fn shipped() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("deploy/prometheus")
}

/// Labels and a value.
pub(crate) type Sample = (BTreeMap<String, String>, f64);

/// A running Prometheus.
pub(crate) struct Prometheus {
    _process: Process,
    place: mizzen::demo::place::Place,
}

impl Prometheus {
    /// Starts it in the centre, and waits until it answers. It scrapes every second.
    pub(crate) fn start(mesh: &Mesh) -> Prometheus {
        let directory = mesh.directory().join("prometheus");
        std::fs::create_dir(&directory).unwrap();
        std::fs::write(directory.join("targets.json"), targets().to_string()).unwrap();
        let discovery = "kubernetes_sd_configs: [{role: pod}]";
        let from_file = format!("file_sd_configs: [{{files: [{}/targets.json]}}]", directory.display());
        let read = |name: &str| std::fs::read_to_string(shipped().join(name)).unwrap();
        let [mut config, annotated] = ["prometheus.yaml", "annotations.yaml"].map(|name| {
            let text = read(name);
            assert!(text.contains(discovery), "{name} has targets by the API server");
            text.replace(discovery, &from_file)
        });
        // The jobs of both, in one configuration.
        config += annotated.split_once("scrape_configs:\n").expect("it has jobs").1;
        let config = config.replace("interval: 15s", "interval: 1s");
        std::fs::write(directory.join("prometheus.yaml"), config).unwrap();
        std::fs::write(directory.join("rules.yaml"), read("rules.yaml")).unwrap();

        let mut command = mesh.centre().command(require::program("prometheus", "prometheus"));
        command.arg(format!("--config.file={}", directory.join("prometheus.yaml").display()));
        command.arg(format!("--storage.tsdb.path={}", directory.join("data").display()));
        command.arg(format!("--web.listen-address={CENTRE}:{PORT}"));
        let process = Process::start("prometheus", command, mesh.directory().join("prometheus.log"));
        let prometheus = Prometheus { _process: process, place: mesh.centre().place() };
        eventually(PATIENCE, "Prometheus to be ready", || {
            prometheus.get("/-/ready").filter(|(status, _)| *status == 200)
        });
        prometheus
    }

    fn get(&self, path: &str) -> Option<(u16, String)> {
        self.place.run(|| http::get(SocketAddr::from((CENTRE, PORT)), path)).expect("root may enter it")
    }

    /// The data of an answer of the API.
    pub(crate) fn api(&self, path: &str) -> Value {
        let (status, body) = self.get(path).expect("Prometheus answers");
        let mut answer: Value = serde_json::from_str(&body).unwrap_or_else(|e| panic!("{path}: {status} {body}: {e}"));
        assert_eq!(answer["status"], "success", "{path}: {body}");
        answer["data"].take()
    }

    /// The samples of an expression, now.
    pub(crate) fn query(&self, expression: &str) -> Vec<Sample> {
        let query: String = form_urlencoded::byte_serialize(expression.as_bytes()).collect();
        let data = self.api(&format!("/api/v1/query?query={query}"));
        let number = |value: &Value| value[1].as_str().and_then(|text| text.parse().ok()).unwrap_or(f64::NAN);
        if data["resultType"] == "scalar" {
            return vec![(BTreeMap::new(), number(&data["result"]))];
        }
        let samples = data["result"].as_array().expect("a vector");
        let labels = |sample: &Value| serde_json::from_value(sample["metric"].clone()).expect("labels are texts");
        samples.iter().map(|sample| (labels(sample), number(&sample["value"]))).collect()
    }

    /// The one value of an expression; 0 if there is none.
    pub(crate) fn value(&self, expression: &str) -> f64 {
        let samples = self.query(expression);
        assert!(samples.len() < 2, "{expression}: {samples:?}");
        samples.first().map_or(0.0, |(_, value)| *value)
    }

    /// Waits until an expression has a value that is `wanted`.
    pub(crate) fn wait_for(&self, what: &str, expression: &str, wanted: impl Fn(f64) -> bool) -> f64 {
        eventually(PATIENCE, &format!("{what}: {expression}"), || {
            Some(self.value(expression)).filter(|value| wanted(*value))
        })
    }

    /// Waits until every target has been scraped after now.
    pub(crate) fn wait_for_a_scrape(&self) {
        let now = self.value("time()");
        self.wait_for("every target to be scraped", "min(timestamp(up))", |scraped| scraped > now + 1.0);
    }
}

/// `promtool check` on one of the files that this Prometheus runs with; what it said.
///
/// Debian's knows no targets of Kubernetes, so that it could not read them as they are shipped.
pub(crate) fn promtool(mesh: &Mesh, check: &str, file: &str) -> String {
    let mut command = Command::new(require::program("promtool", "prometheus"));
    run(command.args(["check", check]).arg(mesh.directory().join("prometheus").join(file)))
}

/// What a cluster would say of the Pods. The gateway is found by the name of its port, all others by the annotations of
/// their owners.
fn targets() -> Value {
    let own = CENTRE.to_string();
    let pods = [
        ("istio-system", "istiod-5f7b-fffff", own.as_str(), "istiod", Some(("istiod", "/metrics"))),
        ("shop", "client-77aa-ddddd", "10.77.0.2", "client", Some(("client", "/stats/prometheus"))),
        ("shop", "web-6f9d-ccccc", "10.77.0.15", "web", Some(("web", "/stats/prometheus"))),
        ("shop", "greeter-5b7c-aaaaa", "10.77.0.11", "greeter", Some(("greeter", "/stats/prometheus"))),
        ("shop", "greeter-5b7c-bbbbb", "10.77.0.12", "greeter", Some(("greeter", "/stats/prometheus"))),
        ("istio-system", "istio-ingressgateway-7d9f", "10.77.0.71", "istio-ingressgateway", None),
    ];
    let target = |(namespace, pod, ip, app, said): (&str, &str, &str, &str, Option<(&str, &str)>)| {
        let (name, port) = if app == "istiod" { ("http-monitoring", MONITORING) } else { ("http-envoy-prom", 15090) };
        let mut labels = json!({
            "__meta_kubernetes_namespace": namespace,
            "__meta_kubernetes_pod_name": pod,
            "__meta_kubernetes_pod_ip": ip,
            "__meta_kubernetes_pod_label_app": app,
            "__meta_kubernetes_pod_phase": "Running",
            "__meta_kubernetes_pod_container_port_name": name,
        });
        if let Some((job, path)) = said {
            labels["__meta_kubernetes_pod_annotation_proxyJob"] = job.into();
            labels["__meta_kubernetes_pod_annotation_proxyPort"] = port.to_string().into();
            labels["__meta_kubernetes_pod_annotation_proxyPath"] = path.into();
        }
        json!({"targets": [format!("{ip}:{port}")], "labels": labels})
    };
    pods.map(target).into_iter().collect()
}
