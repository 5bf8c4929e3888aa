//! What the API server refuses because of `crds/`.

use crate::support::cluster::Cluster;
use crate::support::documents;

const NETWORKING: &str = "networking.istio.io/v1";
const SECURITY: &str = "security.istio.io/v1";
const TELEMETRY: &str = "telemetry.istio.io/v1";

/// A kind, a spec, and what is said of it.
const REFUSED: [(&str, &str, &str, &str); 21] = [
    (NETWORKING, "DestinationRule", "{}", "spec.host: Required value"),
    (
        NETWORKING,
        "DestinationRule",
        "{host: a, trafficPolicy: {connectionPool: {tcp: {connectTimeout: 0s}}}}",
        "must be a duration",
    ),
    (NETWORKING, "DestinationRule", "{host: a, workloadSelector: {matchLabels: {app: '*'}}}", "must be without *"),
    (NETWORKING, "DestinationRule", "{host: a, trafficPolicy: {loadBalancer: {simple: FASTEST}}}", "Unsupported value"),
    (NETWORKING, "VirtualService", "{hosts: [a], http: [{timeout: 0.1ms}]}", "must be a duration"),
    (NETWORKING, "VirtualService", "{hosts: [a], http: [{route: [{}]}]}", "destination: Required value"),
    (NETWORKING, "ServiceEntry", "{hosts: ['*']}", "a host must not be *"),
    (NETWORKING, "ServiceEntry", "{hosts: [a.b], addresses: [10.0.0.0/8], resolution: DNS}", "CIDR notation"),
    (NETWORKING, "ServiceEntry", "{hosts: [a.b], endpoints: [{address: 10.0.0.1}]}", "allows no endpoints"),
    (
        NETWORKING,
        "ServiceEntry",
        "{hosts: [a.b], resolution: STATIC, workloadSelector: {labels: {a: b}}, endpoints: [{address: 10.0.0.1}]}",
        "only one of workloadSelector",
    ),
    (
        NETWORKING,
        "ServiceEntry",
        "{hosts: [a.b], resolution: DNS_ROUND_ROBIN, endpoints: [{address: a}, {address: b}]}",
        "at most one endpoint",
    ),
    (NETWORKING, "ServiceEntry", "{hosts: [a.b], ports: [{number: 80, name: a}, {number: 80, name: b}]}", "once only"),
    (NETWORKING, "ServiceEntry", "{hosts: [a.b], ports: [{number: 70000, name: a}]}", "must be a port"),
    (NETWORKING, "WorkloadEntry", "{labels: {a: b}}", "address or network"),
    (NETWORKING, "WorkloadEntry", "{address: 'unix://relative'}", "absolute path"),
    (NETWORKING, "WorkloadEntry", "{address: 'unix:///a/b', ports: {http: 80}}", "allows no ports"),
    (
        NETWORKING,
        "Gateway",
        "{servers: [{hosts: ['*'], port: {number: 443, name: a, protocol: HTTPS}, tls: {credentialName: a, credentialNames: [b]}}]}",
        "only one of credentialName",
    ),
    (SECURITY, "PeerAuthentication", "{portLevelMtls: {'80': {mode: STRICT}}}", "needs a selector"),
    (
        SECURITY,
        "PeerAuthentication",
        "{selector: {matchLabels: {a: b}}, portLevelMtls: {'0': {mode: STRICT}}}",
        "from 1 to 65535",
    ),
    (
        SECURITY,
        "AuthorizationPolicy",
        "{rules: [{from: [{source: {serviceAccounts: [a/b], namespaces: [c]}}]}]}",
        "neither principals nor namespaces",
    ),
    (
        TELEMETRY,
        "Telemetry",
        "{metrics: [{overrides: [{tagOverrides: {a: {operation: REMOVE, value: b}}}]}]}",
        "REMOVE allows no value",
    ),
];

#[test]
fn what_cannot_be_valid_is_refused_with_a_reason_that_helps() {
    let cluster = Cluster::with_crds();
    let mut wrong = Vec::new();
    for (version, kind, spec, said) in REFUSED {
        let text =
            format!("{{apiVersion: {version}, kind: {kind}, metadata: {{name: x, namespace: shop}}, spec: {spec}}}");
        let refused = cluster.api().try_apply(documents::parse(&text)).join("\n");
        if !refused.contains(said) {
            wrong.push(format!("{kind} {spec}: {said:?} is wanted, found {refused:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_has_a_meaning_of_its_own_is_taken() {
    let cluster = Cluster::with_crds();
    let text = "
apiVersion: networking.istio.io/v1beta1
kind: DestinationRule
metadata: {name: a, namespace: shop}
spec:
  host: a
  trafficPolicy:
    connectionPool: {tcp: {idleTimeout: 0s}}
    loadBalancer: {consistentHash: {httpCookie: {name: c, ttl: 0s}}}
---
apiVersion: networking.istio.io/v1alpha3
kind: VirtualService
metadata: {name: a, namespace: shop}
spec: {hosts: [a], http: [{mirror: {host: b}, mirror_percent: 50, route: [{destination: {host: a}}]}]}
---
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: a, namespace: shop}
spec: {configPatches: [{applyTo: CLUSTER, patch: {operation: MERGE, value: {anything: {at: [all]}}}}]}
";
    cluster.api().apply(documents::parse(text));
    let stored = cluster.api().get("/apis/networking.istio.io/v1/namespaces/shop/virtualservices/a");
    assert_eq!(stored["spec"]["http"][0]["mirror_percent"], 50);
    let stored = cluster.api().get("/apis/networking.istio.io/v1alpha3/namespaces/shop/envoyfilters/a");
    assert_eq!(stored["spec"]["configPatches"][0]["patch"]["value"]["anything"]["at"][0], "all");
}
