//! The users' mesh as the corpus has it, at the addresses of this test's network, and what a cluster adds by itself.

/// The control plane's folder and mesh config, as istiod was asked about them.
const OBJECTS: &str = include_str!("../corpus/users-mesh/config.yaml");
const SETTINGS: &str = include_str!("../corpus/users-mesh/mesh.yaml");

/// Pods, each with the ReplicaSet and the hash that Kubernetes writes into Pods of a Deployment.
const PODS: [(&str, &str, &str); 4] = [
    ("greeter-5b7c-aaaaa", "greeter-5b7c", "5b7c"),
    ("greeter-5b7c-bbbbb", "greeter-5b7c", "5b7c"),
    ("web-6f9d-ccccc", "web-6f9d", "6f9d"),
    ("istio-ingressgateway-7d9f", "istio-ingressgateway-7d9f", "7d9f"),
];

/// The application that calls the others; the corpus asks istiod about servers only.
pub(crate) const CLIENT: &str = "\
apiVersion: v1
kind: Pod
metadata:
  name: client-77aa-ddddd
  namespace: shop
  labels: {app: client, version: v1, pod-template-hash: 77aa, security.istio.io/tlsMode: istio}
  ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: client-77aa, controller: true}]
spec: {nodeName: node-1, serviceAccountName: client, containers: [{name: app, image: app}]}
status: {phase: Running, podIP: 10.77.0.2, podIPs: [{ip: 10.77.0.2}], conditions: [{type: Ready, status: \"True\"}]}
";

/// The collector of OpenTelemetry, in the mesh's configuration but outside the mesh.
pub(crate) const COLLECTOR: &str = "\
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: otel, namespace: istio-system}
spec:
  hosts: [otel.observe.example.com]
  location: MESH_EXTERNAL
  resolution: DNS
  ports:
  - {number: 4317, name: grpc-otel, protocol: GRPC}
  - {number: 4318, name: http-otel, protocol: HTTP}
";

/// Where users outside the mesh come in, and the corpus' addresses of Pods beside those here.
const ADDRESSES: [(&str, &str); 2] = [("10.1.200.1", "10.77.0.71"), ("10.1.20.", "10.77.0.1")];

/// Everything but [`CLIENT`] and [`COLLECTOR`].
pub(crate) fn objects() -> String {
    let mut text = OBJECTS.to_owned();
    for (theirs, ours) in ADDRESSES {
        text = text.replace(theirs, ours);
    }
    for (pod, replica_set, hash) in PODS {
        let (before, rest) = text.split_once(&format!("metadata: {{name: {pod}, ")).expect("the corpus has this Pod");
        let owner = format!("[{{apiVersion: apps/v1, kind: ReplicaSet, name: {replica_set}, controller: true}}]");
        let rest = rest.replacen("labels: {", &format!("labels: {{pod-template-hash: {hash}, "), 1);
        text = format!("{before}metadata: {{name: {pod}, ownerReferences: {owner}, {rest}");
    }
    text
}

/// The mesh config, with providers that tests switch to: a file, OpenTelemetry in three ways, and two that lead
/// nowhere.
pub(crate) fn settings(log: &str) -> String {
    let more = format!(
        "extensionProviders:
- name: file-json
  envoyFileAccessLog: {{path: {log}, logFormat: {{labels: {{}}}}}}
- name: lost
  zipkin: {{service: nowhere.example.com, port: 9411}}
- name: lost-log
  envoyOtelAls: {{service: nowhere.example.com, port: 4317}}
- name: otel-grpc
  opentelemetry: {{service: otel.observe.example.com, port: 4317}}
- name: otel-http
  opentelemetry:
    service: otel.observe.example.com
    port: 4318
    http: {{path: /v1/traces, timeout: 5s, headers: [{{name: x-tenant, value: tokyo}}]}}
- name: otel-log
  envoyOtelAls:
    service: otel.observe.example.com
    port: 4317
    logFormat: {{text: \"%REQ(:METHOD)% %REQ(:PATH)%\", labels: {{code: \"%RESPONSE_CODE%\"}}}}
"
    );
    SETTINGS.replace("extensionProviders:\n", &more)
}
