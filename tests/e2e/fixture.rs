//! Configuration that several tests start from.

/// The application that calls.
pub(crate) const CLIENT: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: client, namespace: shop, labels: {app: client}}
spec: {nodeName: node-1, containers: [{name: app, image: app}]}
status: {phase: Running, podIP: 10.77.0.2, podIPs: [{ip: 10.77.0.2}], conditions: [{type: Ready, status: \"True\"}]}
";

/// The name that the greeter's callers dial.
pub(crate) const GREETER: &str = "greeter.shop.svc.cluster.local";

/// A gRPC backend: name, address and version of its Pod.
pub(crate) type Backend = (&'static str, &'static str, &'static str);

/// The greeter's Service with one Pod for each of `backends`.
pub(crate) fn greeter(backends: &[Backend]) -> String {
    let mut documents = vec![
        "apiVersion: v1\n\
         kind: Service\n\
         metadata: {name: greeter, namespace: shop}\n\
         spec: {selector: {app: greeter}, clusterIP: 10.96.10.1, ports: [{name: grpc, port: 50051}]}\n"
            .to_owned(),
        "apiVersion: discovery.k8s.io/v1\n\
         kind: EndpointSlice\n\
         metadata: {name: greeter-1, namespace: shop, labels: {kubernetes.io/service-name: greeter}}\n\
         addressType: IPv4\n\
         ports: [{name: grpc, port: 50051}]\n\
         endpoints:\n"
            .to_owned(),
    ];
    for (name, ip, version) in backends {
        documents[1] += &format!(
            "- {{addresses: [{ip}], conditions: {{ready: true}}, nodeName: node-1, \
             targetRef: {{kind: Pod, name: {name}, namespace: shop}}}}\n"
        );
        documents.push(format!(
            "apiVersion: v1\n\
             kind: Pod\n\
             metadata: {{name: {name}, namespace: shop, labels: {{app: greeter, version: {version}}}}}\n\
             spec: {{nodeName: node-1, containers: [{{name: app, image: app, ports: [{{containerPort: 50051}}]}}]}}\n\
             status: {{phase: Running, podIP: {ip}, podIPs: [{{ip: {ip}}}], \
             conditions: [{{type: Ready, status: \"True\"}}]}}\n"
        ));
    }
    documents.join("---\n")
}

/// A DestinationRule for the greeter with a subset for each of `versions`, a balancer such as
/// `RANDOM`, and at most so many `connections`.
pub(crate) fn destination_rule(versions: &[&str], balancer: &str, connections: u32) -> String {
    let subsets: Vec<String> = versions.iter().map(|v| format!("{{name: {v}, labels: {{version: {v}}}}}")).collect();
    format!(
        "apiVersion: networking.istio.io/v1\n\
         kind: DestinationRule\n\
         metadata: {{name: greeter, namespace: shop}}\n\
         spec: {{host: {GREETER}, subsets: [{}], trafficPolicy: \
         {{loadBalancer: {{simple: {balancer}}}, connectionPool: {{tcp: {{maxConnections: {connections}}}}}}}}}\n",
        subsets.join(", ")
    )
}

/// A VirtualService that splits the greeter's calls over subsets by weight.
pub(crate) fn split(weights: &[(&str, u32)]) -> String {
    let routes: Vec<String> = weights
        .iter()
        .map(|(subset, weight)| format!("{{destination: {{host: {GREETER}, subset: {subset}}}, weight: {weight}}}"))
        .collect();
    format!(
        "apiVersion: networking.istio.io/v1\n\
         kind: VirtualService\n\
         metadata: {{name: greeter, namespace: shop}}\n\
         spec: {{hosts: [{GREETER}], http: [{{route: [{}]}}]}}\n",
        routes.join(", ")
    )
}

/// A VirtualService that sends the greeter's calls to another host.
pub(crate) fn route_to(host: &str) -> String {
    format!(
        "apiVersion: networking.istio.io/v1\n\
         kind: VirtualService\n\
         metadata: {{name: greeter, namespace: shop}}\n\
         spec: {{hosts: [{GREETER}], http: [{{route: [{{destination: {{host: {host}}}}}]}}]}}\n"
    )
}
