//! A running mesh with a client beside its sidecar, and HTTP backends without: what the client's sidecar does with a
//! call is all there is to see.

use std::net::SocketAddr;

use super::fixture::CLIENT;
use crate::support::envoy::Sidecar;
use crate::support::http::{self, Request, Response};
use crate::support::mesh::Mesh;
use crate::support::netns::Namespace;
use crate::support::web;

/// The name of the service that all backends are behind.
pub(crate) const WEB: &str = "web.shop.svc.cluster.local";
/// Its address.
const ADDRESS: [u8; 4] = [10, 96, 20, 1];

/// A backend: name, address, version and node of its Pod.
pub(crate) type Backend = (&'static str, &'static str, &'static str, &'static str);

/// The first version, on the client's node.
pub(crate) const ONE: Backend = ("web-1", "10.77.0.51", "v1", "node-1");
/// The second version, in another zone of the region.
pub(crate) const TWO: Backend = ("web-2", "10.77.0.52", "v2", "node-2");
/// The third version, in another region.
pub(crate) const THREE: Backend = ("web-3", "10.77.0.53", "v3", "node-3");

/// Everything in it ends with it, the control plane last.
pub(crate) struct Site {
    pub(crate) client: Sidecar,
    pub(crate) backends: Vec<web::Backend>,
    _places: Vec<Namespace>,
    _mesh: Mesh,
}

impl Site {
    /// Starts the backends, the control plane on `rules` beside the objects of all workloads, then the client.
    pub(crate) fn open(backends: &[Backend], rules: &str) -> Site {
        let mut mesh = Mesh::new(&[]);
        mesh.configure("client.yaml", CLIENT);
        mesh.configure("web.yaml", &objects(backends));
        mesh.configure("rules.yaml", rules);
        let places: Vec<Namespace> =
            backends.iter().map(|(name, ip, ..)| mesh.attach(name, ip.parse().unwrap())).collect();
        let running = places.iter().zip(backends).map(|(place, (name, ..))| web::Backend::start(place, name));
        let running = running.collect();
        mesh.start_control_plane();
        let client = mesh.sidecar(CLIENT, "client");
        Site { client, backends: running, _places: places, _mesh: mesh }
    }

    /// The answer to the client's `GET path` of the service with some headers.
    pub(crate) fn get(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        self.call(&Request { method: "GET", authority: WEB, path, headers })
    }

    /// The answer to a call of the service by the client.
    pub(crate) fn call(&self, request: &Request<'_>) -> Response {
        let answer = self.client.namespace().inside(|| http::call(SocketAddr::from((ADDRESS, 80)), request));
        answer.unwrap_or_else(|error| panic!("{request:?}: {error}"))
    }
}

/// A rule for the service: a VirtualService with these routes.
pub(crate) fn routes(http: &str) -> String {
    format!(
        "apiVersion: networking.istio.io/v1\n\
         kind: VirtualService\n\
         metadata: {{name: web, namespace: shop}}\n\
         spec: {{hosts: [web], http: [{http}]}}\n"
    )
}

/// A DestinationRule for the service with its three versions as subsets.
pub(crate) fn versions() -> String {
    policy("loadBalancer: {simple: LEAST_REQUEST}")
}

/// The same with a policy.
pub(crate) fn policy(policy: &str) -> String {
    let subset = |version| format!("{{name: {version}, labels: {{version: {version}}}}}");
    let subsets: Vec<String> = ["v1", "v2", "v3"].map(subset).into();
    format!(
        "---\n\
         apiVersion: networking.istio.io/v1\n\
         kind: DestinationRule\n\
         metadata: {{name: web, namespace: shop}}\n\
         spec: {{host: web, subsets: [{}], trafficPolicy: {{{policy}}}}}\n",
        subsets.join(", ")
    )
}

/// The nodes with their places, the Service and the Pods.
pub(crate) fn objects(backends: &[Backend]) -> String {
    let mut documents: Vec<String> = [("node-1", "eu", "a"), ("node-2", "eu", "b"), ("node-3", "us", "c")]
        .map(|(name, region, zone)| {
            format!(
                "apiVersion: v1\n\
                 kind: Node\n\
                 metadata: {{name: {name}, labels: {{topology.kubernetes.io/region: {region}, \
                 topology.kubernetes.io/zone: {zone}}}}}\n"
            )
        })
        .into();
    let address = ADDRESS.map(|byte| byte.to_string()).join(".");
    documents.push(format!(
        "apiVersion: v1\n\
         kind: Service\n\
         metadata: {{name: web, namespace: shop}}\n\
         spec: {{selector: {{app: web}}, clusterIP: {address}, ports: [{{name: http, port: 80, targetPort: {}}}]}}\n",
        web::PORT
    ));
    let endpoint = |(name, ip, _, node): &Backend| {
        format!(
            "- {{addresses: [{ip}], conditions: {{ready: true}}, nodeName: {node}, \
             targetRef: {{kind: Pod, name: {name}, namespace: shop}}}}\n"
        )
    };
    documents.push(format!(
        "apiVersion: discovery.k8s.io/v1\n\
         kind: EndpointSlice\n\
         metadata: {{name: web-1, namespace: shop, labels: {{kubernetes.io/service-name: web}}}}\n\
         addressType: IPv4\n\
         ports: [{{name: http, port: {}}}]\n\
         endpoints:\n{}",
        web::PORT,
        backends.iter().map(endpoint).collect::<String>()
    ));
    documents.extend(backends.iter().map(|(name, ip, version, node)| {
        format!(
            "apiVersion: v1\n\
             kind: Pod\n\
             metadata: {{name: {name}, namespace: shop, labels: {{app: web, version: {version}}}}}\n\
             spec: {{nodeName: {node}, containers: [{{name: app, image: app}}]}}\n\
             status: {{phase: Running, podIP: {ip}, podIPs: [{{ip: {ip}}}], \
             conditions: [{{type: Ready, status: \"True\"}}]}}\n"
        )
    }));
    documents.join("---\n")
}
