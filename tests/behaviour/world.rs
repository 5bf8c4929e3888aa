//! A mesh made of YAML, and proxies in it.

use mizzen::app::render;
use mizzen::base::{Finding, Locality, Severity};
use mizzen::config::Environment;
use mizzen::engine::Core;
use mizzen::model::index::{Allocations, Options};
use mizzen::proxy::Proxy;
use serde_json::{Value, json};

use crate::evaluator::Held;

/// The services that most tests call: `web` with two versions in two zones of a region and a third elsewhere, `api`,
/// and `bare`, whose pods have no sidecar.
pub(crate) fn shop() -> Vec<String> {
    let pod = |ip, labels, node| Pod { ip, labels, node };
    let sidecar = "security.istio.io/tlsMode: istio, ";
    let version = |n: u8| format!("{sidecar}version: v{n}");
    let versions: Vec<String> = (1..=3).map(version).collect();
    let mut all = vec![
        node("node-a", "eu", "a"),
        node("node-b", "eu", "b"),
        node("node-c", "us", "c"),
        service("shop", "web", "10.96.0.1", &["http:80", "http-admin:8080", "tcp-log:9000", "https:443"]),
        service("shop", "api", "10.96.0.2", &["http:80"]),
        service("shop", "bare", "10.96.0.3", &["http:80", "tcp:9000"]),
    ];
    let ports = ["http", "http-admin", "tcp-log", "https"];
    all.extend(pods(
        "shop",
        "web",
        &ports,
        &[
            pod("10.1.0.1", &versions[0], "node-a"),
            pod("10.1.0.2", &versions[1], "node-b"),
            pod("10.1.0.3", &versions[2], "node-c"),
        ],
    ));
    all.extend(pods("shop", "api", &["http"], &[pod("10.1.0.4", sidecar, "node-a")]));
    all.extend(pods("shop", "bare", &["http", "tcp"], &[pod("10.1.0.5", "", "node-a")]));
    all
}

/// A pod.
pub(crate) struct Pod<'p> {
    pub(crate) ip: &'p str,
    /// Further labels, `a: b, c: d`.
    pub(crate) labels: &'p str,
    pub(crate) node: &'p str,
}

fn node(name: &str, region: &str, zone: &str) -> String {
    format!(
        "{{apiVersion: v1, kind: Node, metadata: {{name: {name}, labels:
          {{topology.kubernetes.io/region: {region}, topology.kubernetes.io/zone: {zone}}}}}}}"
    )
}

/// A Kubernetes Service with ports, each `name:number`.
pub(crate) fn service(namespace: &str, name: &str, ip: &str, ports: &[&str]) -> String {
    let port = |port: &&str| {
        let (name, number) = port.split_once(':').unwrap();
        format!("{{name: {name}, port: {number}}}")
    };
    let ports: Vec<String> = ports.iter().map(port).collect();
    format!(
        "{{apiVersion: v1, kind: Service, metadata: {{name: {name}, namespace: {namespace}}},
          spec: {{clusterIP: {ip}, selector: {{app: {name}}}, ports: [{}]}}}}",
        ports.join(", ")
    )
}

/// The pods of a Service, which answer on the ports called so, the first at 8001, the next at 8002 …
pub(crate) fn pods(namespace: &str, service: &str, ports: &[&str], pods: &[Pod<'_>]) -> Vec<String> {
    let name = |i: usize| format!("{service}-{i}");
    let mut all: Vec<String> = pods
        .iter()
        .enumerate()
        .map(|(i, Pod { ip, labels, node })| {
            format!(
                "{{apiVersion: v1, kind: Pod, metadata: {{name: {}, namespace: {namespace}, labels: {{app: {service}, {labels}}}}},
                  spec: {{serviceAccountName: {service}, nodeName: {node}, containers: [{{name: app}}]}},
                  status: {{phase: Running, podIP: {ip}, podIPs: [{{ip: {ip}}}], conditions: [{{type: Ready, status: 'True'}}]}}}}",
                name(i)
            )
        })
        .collect();
    let endpoint = |(i, Pod { ip, node, .. }): (usize, &Pod<'_>)| {
        format!(
            "{{addresses: [{ip}], nodeName: {node}, targetRef: {{kind: Pod, name: {}, namespace: {namespace}}}}}",
            name(i)
        )
    };
    let endpoints: Vec<String> = pods.iter().enumerate().map(endpoint).collect();
    let port = |(i, name): (usize, &&str)| format!("{{name: {name}, port: {}}}", 8001 + i);
    let ports: Vec<String> = ports.iter().enumerate().map(port).collect();
    all.push(format!(
        "{{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, addressType: IPv4,
          metadata: {{name: {service}-x, namespace: {namespace}, labels: {{kubernetes.io/service-name: {service}}}}},
          endpoints: [{}], ports: [{}]}}",
        endpoints.join(", "),
        ports.join(", ")
    ));
    all
}

/// An object of Istio's networking API; `name` is `namespace/name`, and `created` tells its age, younger if greater.
fn object(kind: &str, name: &str, created: u32, spec: &str) -> String {
    let (namespace, name) = name.split_once('/').unwrap();
    format!(
        "{{apiVersion: networking.istio.io/v1, kind: {kind},
          metadata: {{name: {name}, namespace: {namespace}, creationTimestamp: '2026-01-01T00:00:{created:02}Z'}},
          spec: {{{spec}}}}}"
    )
}

/// A VirtualService `namespace/name`.
pub(crate) fn routes(name: &str, spec: &str) -> String {
    object("VirtualService", name, 0, spec)
}

/// A VirtualService of some age.
pub(crate) fn routes_of(name: &str, created: u32, spec: &str) -> String {
    object("VirtualService", name, created, spec)
}

/// A DestinationRule `namespace/name`.
pub(crate) fn rule(name: &str, spec: &str) -> String {
    object("DestinationRule", name, 0, spec)
}

/// A DestinationRule of some age.
pub(crate) fn rule_of(name: &str, created: u32, spec: &str) -> String {
    object("DestinationRule", name, created, spec)
}

/// A ServiceEntry `namespace/name`.
pub(crate) fn entry(name: &str, spec: &str) -> String {
    object("ServiceEntry", name, 0, spec)
}

/// A Gateway `namespace/name` for proxies with the label `app: door`.
pub(crate) fn gateway(name: &str, servers: &str) -> String {
    object("Gateway", name, 0, &format!("selector: {{app: door}}, servers: [{servers}]"))
}

/// A mesh that was taken in.
pub(crate) struct Mesh(Core);

impl Mesh {
    /// The shop, and more objects.
    pub(crate) fn shop(more: &[String]) -> Self {
        Self::new(&[&shop()[..], more].concat(), "{}")
    }

    /// Any objects, and settings of the mesh.
    pub(crate) fn new(objects: &[String], settings: &str) -> Self {
        Self::with(objects, settings, Options::default())
    }

    /// The shop and more objects, under variables of istiod's.
    pub(crate) fn under(environment: &Environment, more: &[String]) -> Self {
        let options = Options { features: environment.features.generation.clone(), ..Options::default() };
        Self::with(&[&shop()[..], more].concat(), "{}", options)
    }

    fn with(objects: &[String], settings: &str, options: Options) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("config");
        std::fs::create_dir(&config).unwrap();
        std::fs::write(config.join("objects.yaml"), objects.join("\n---\n")).unwrap();
        let mesh = folder.path().join("mesh.yaml");
        std::fs::write(&mesh, settings).unwrap();
        let core = render::load(&config, Some(&mesh), options, Allocations::default()).unwrap();
        // Names that nothing answers to are what some tests are about.
        let unusable = |f: &Finding| f.severity == Severity::Error && ["invalid", "syntax"].contains(&f.code);
        let wrong: Vec<Finding> = core.findings().into_iter().filter(unusable).collect();
        assert!(wrong.is_empty(), "the test's objects are wrong: {wrong:#?}");
        Self(core)
    }

    /// What a sidecar of a namespace holds.
    pub(crate) fn sidecar(&mut self, namespace: &str) -> Held {
        self.labelled(namespace, json!({}))
    }

    /// The same of a workload with labels.
    pub(crate) fn labelled(&mut self, namespace: &str, labels: Value) -> Held {
        self.held(namespace, "10.9.0.9", json!({"LABELS": labels}))
    }

    /// What a sidecar with an address and metadata holds.
    pub(crate) fn held(&mut self, namespace: &str, ip: &str, more: Value) -> Held {
        let mut metadata = json!({
            "NAMESPACE": namespace, "CLUSTER_ID": "Kubernetes", "INSTANCE_IPS": ip, "DNS_CAPTURE": "true",
            "INTERCEPTION_MODE": "REDIRECT", "ISTIO_VERSION": "1.32.0", "PROXY_CONFIG": {},
        });
        for (key, value) in more.as_object().into_iter().flatten() {
            metadata[key] = value.clone();
        }
        self.join(&format!("sidecar~{ip}~client.{namespace}~{namespace}.svc.cluster.local"), namespace, &metadata)
    }

    /// What the gateway of the shop holds that has the label `app: door`.
    pub(crate) fn door(&mut self) -> Held {
        let metadata = json!({
            "NAMESPACE": "shop", "CLUSTER_ID": "Kubernetes", "INSTANCE_IPS": "10.9.0.8", "ISTIO_VERSION": "1.32.0",
            "LABELS": {"app": "door"}, "PROXY_CONFIG": {},
        });
        self.join("router~10.9.0.8~door.shop~shop.svc.cluster.local", "shop", &metadata)
    }

    fn join(&mut self, id: &str, namespace: &str, metadata: &Value) -> Held {
        let proxy = Proxy::new(id, "client", Locality::default(), metadata, Default::default()).unwrap();
        let (id, publication) = self.0.join(proxy);
        let held = Held(render::holdings(&publication).unwrap(), namespace.to_owned());
        self.0.leave(id);
        held
    }
}

/// The cluster of a port of the shop's service.
pub(crate) fn outbound(port: u16, subset: &str, service: &str) -> String {
    format!("outbound|{port}|{subset}|{service}.shop.svc.cluster.local")
}
