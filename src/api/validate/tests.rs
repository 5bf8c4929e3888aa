mod authorization_policy;
mod destination_rule;
mod request_authentication;
mod virtual_service;

use serde_json::Value;

use crate::api::decode;
use crate::base::Severity;

/// What a spec of this kind is refused for, as `field: text`; and what is odd about it, with its code in front.
fn findings(kind: &str, spec: &str) -> Vec<String> {
    let security = ["PeerAuthentication", "AuthorizationPolicy", "RequestAuthentication"].contains(&kind);
    let group = if security { "security" } else { "networking" };
    let spec: Value = serde_saphyr::from_str(spec).unwrap();
    let document = serde_json::json!({
        "apiVersion": format!("{group}.istio.io/v1"), "kind": kind, "metadata": {"name": "it", "namespace": "shop"}, "spec": spec,
    });
    let decoded = decode(document, None);
    assert_eq!(decoded.object.is_none(), decoded.findings.iter().any(|f| f.severity == Severity::Error));
    let line = |f: &crate::base::Finding| match f.severity {
        Severity::Error => {
            let text = f.text.strip_suffix("; this version of the object is not used").unwrap();
            format!("{}: {text}", f.field.trim_start_matches("spec."))
        }
        _ => format!("{} {}: {}", f.code, f.field.trim_start_matches("spec."), f.text),
    };
    decoded.findings.iter().map(line).collect()
}

/// Asserts what is found in specs of one kind.
fn check(kind: &str, cases: &[(&str, &[&str])]) {
    for (spec, expected) in cases {
        assert_eq!(findings(kind, spec), *expected, "{spec}");
    }
}

#[test]
fn service_entries_fit_their_resolution() {
    let port = "ports: [{number: 80, name: http, protocol: HTTP}]";
    for (head, expected) in [
        ("hosts: [a.com], resolution: DNS", &[][..]),
        ("hosts: []", &["hosts: must have at least one host"]),
        ("hosts: ['*']", &["hosts[0]: must not be *"]),
        (
            "hosts: [a.com], addresses: [10.0.0.0/8], resolution: DNS",
            &["addresses: may have ranges only with resolution NONE or STATIC"],
        ),
        ("hosts: [a.com], endpoints: [{address: 192.0.2.1}]", &["endpoints: must not be set with resolution NONE"]),
        (
            "hosts: ['*.a.com'], resolution: DNS",
            &["hosts[0]: must be a DNS name without wildcard with resolution DNS and no endpoints"],
        ),
        (
            "hosts: [a.com], resolution: DNS_ROUND_ROBIN, endpoints: [{address: b.com}, {address: c.com}]",
            &["endpoints: may have only one with resolution DNS_ROUND_ROBIN"],
        ),
        (
            "hosts: [a.com], resolution: STATIC, endpoints: [{address: b.com}, {address: 192.0.2.1, ports: {grpc: 70000}}]",
            &[
                "endpoints[0].address: must be an IP address or unix:// and a path with resolution STATIC, found \"b.com\" (resolution DNS takes names)",
                "endpoints[1].ports[grpc]: must be a port from 1 to 65535, found 70000",
                "endpoints[1].ports[grpc]: must be named like a port of the service",
            ],
        ),
        (
            "hosts: [a.com], resolution: DYNAMIC_DNS",
            &["hosts[0]: must begin with a wildcard with resolution DYNAMIC_DNS"],
        ),
        (
            "hosts: [a.com], resolution: STATIC, workloadSelector: {labels: {a: b}}, endpoints: [{address: 192.0.2.1}]",
            &["spec: may have only one of workloadSelector and endpoints"],
        ),
        (
            "hosts: [a.com], resolution: STATIC, workloadSelector: {}",
            &["ineffective workloadSelector.labels: names no labels; the object is for all workloads of the namespace"],
        ),
        ("hosts: [a.com], exportTo: ['~', '.']", &["exportTo: must not have other entries beside ~, which is none"]),
    ] {
        assert_eq!(findings("ServiceEntry", &format!("{{{head}, {port}}}")), expected, "{head}");
    }
}

#[test]
fn ports_of_service_entries_are_told_apart() {
    check(
        "ServiceEntry",
        &[
            (
                "{hosts: [a.com], ports: [{number: 80, name: x, protocol: FTP}, {number: 80, name: x, targetPort: 0}]}",
                &[
                    "ports[0].protocol: must be one of HTTP, HTTPS, GRPC, GRPC-Web, HTTP2, MONGO, REDIS, MYSQL, TCP, TLS, found \"FTP\"",
                    "ports[1].name: names \"x\" a second time",
                    "ports[1].number: is 80 a second time",
                ],
            ),
            ("{hosts: [a.com, b.com], ports: [{number: 3306, name: tcp, protocol: TCP}], resolution: DNS}", &[]),
            (
                "{hosts: [a.com, b.com], addresses: [192.0.2.1], ports: [{number: 3306, name: tcp, protocol: TCP}], resolution: DNS}",
                &[
                    "risky ports[0].protocol: several hosts share this port and their addresses, so its protocol must name the host \
               that is called, as HTTP and TLS do; calls may end at another of the hosts",
                ],
            ),
        ],
    );
}

#[test]
fn workload_entries_have_an_address() {
    check(
        "WorkloadEntry",
        &[
            ("{address: vm.example.com, labels: {app: a}, ports: {http: 8080}}", &[]),
            ("{network: far}", &[]),
            ("{}", &["address: must be set, unless there is a network"]),
            (
                "{address: unix:///a/, ports: {http: 80}}",
                &[
                    "address: must be the absolute path of a socket after unix://, found \"/a/\"",
                    "ports: must not be set for a Unix socket",
                ],
            ),
            (
                "{address: 300.1.1.1}",
                &["address: must be a DNS name or an IP address, found \"300.1.1.1\", which ends in a number"],
            ),
        ],
    );
}

#[test]
fn sidecars_have_listeners_that_can_be() {
    check(
        "Sidecar",
        &[
            ("{egress: [{hosts: ['./*', 'istio-system/*', '~/*']}]}", &[]),
            ("{workloadSelector: {labels: {a: b}}}", &["spec: must have at least one field beside workloadSelector"]),
            (
                "{egress: [{hosts: [web]}]}",
                &["egress[0].hosts[0]: must be written namespace/host, found \"web\" (./web is the own namespace)"],
            ),
            (
                "{egress: [{hosts: ['./web']}]}",
                &["egress[0].hosts[0]: must have a full name or * after the slash, found \"./web\""],
            ),
            (
                "{egress: [{hosts: ['*/*', './a.com']}]}",
                &["ineffective egress[0].hosts[1]: \"./a.com\" is covered by another host of the list"],
            ),
            (
                "{egress: [{hosts: ['a/*']}, {port: {number: 80, protocol: HTTP}, hosts: ['b/*']}]}",
                &["egress[0]: has no port, so it takes what is left, and must be the last listener"],
            ),
            (
                "{egress: [{port: {number: 0, protocol: TCP}, hosts: ['b/*']}]}",
                &["egress[0].bind: must be unix:// and a path where the port has no number"],
            ),
            (
                "{ingress: [{defaultEndpoint: '127.0.0.1:80'}, {port: {number: 80, protocol: HTTP}, defaultEndpoint: '10.0.0.1:80'}]}",
                &[
                    "ingress[0].port: must be set",
                    "ingress[1].defaultEndpoint: must be of the form 127.0.0.1:PORT, 0.0.0.0:PORT, [::1]:PORT, [::]:PORT or unix://PATH, found \"10.0.0.1:80\"",
                ],
            ),
            (
                "{ingress: [{port: {number: 443, protocol: HTTPS}, tls: {mode: SIMPLE, privateKey: /k, credentialName: c}}]}",
                &["ingress[0].tls.credentialName: is not supported in a Sidecar"],
            ),
            (
                "{ingress: [{port: {number: 443, protocol: HTTPS}, tls: {mode: MUTUAL, privateKey: /k, serverCertificate: /c}}]}",
                &["ingress[0].tls.caCertificates: must be set with mode MUTUAL"],
            ),
            (
                "{outboundTrafficPolicy: {mode: ALLOW_ANY, egressProxy: {host: proxy.shop.svc.cluster.local}}}",
                &["outboundTrafficPolicy.egressProxy.port: must be set"],
            ),
        ],
    );
}

#[test]
fn peer_authentication_by_port_needs_a_selector() {
    check(
        "PeerAuthentication",
        &[
            ("{mtls: {mode: STRICT}}", &[]),
            ("{selector: {matchLabels: {a: b}}, portLevelMtls: {8080: {mode: DISABLE}}}", &[]),
            ("{portLevelMtls: {80: {mode: DISABLE}}}", &["portLevelMtls: needs a selector that names the workloads"]),
            (
                "{selector: {matchLabels: {a: b}}, portLevelMtls: {0: {mode: DISABLE}}}",
                &["portLevelMtls[0]: must be a port from 1 to 65535, found 0"],
            ),
        ],
    );
}

/// What a document is refused for.
fn refused(document: &str) -> Vec<String> {
    let decoded = decode(serde_saphyr::from_str(document).unwrap(), None);
    decoded.findings.iter().map(|f| format!("{}: {}", f.field, f.text.split(';').next().unwrap())).collect()
}

#[test]
fn names_and_annotations_of_objects_are_checked() {
    let peer = |meta: &str| {
        refused(&format!("{{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {{{meta}}}}}"))
    };
    assert_eq!(peer("name: a.b-c"), [""; 0]);
    assert_eq!(
        peer("name: Big"),
        ["metadata.name: must be made of small letters, digits, and inner hyphens and dots, found \"Big\""]
    );
    assert_eq!(
        peer("name: a, namespace: b/c"),
        ["metadata.namespace: must be made of small letters, digits and inner hyphens, found \"b/c\""]
    );
    assert_eq!(
        peer("name: a, annotations: {istio.io/dry-run: 'true'}"),
        ["metadata.annotations[istio.io/dry-run]: is for AuthorizationPolicy only"]
    );
}

#[test]
fn kubernetes_objects_from_files_are_checked_for_what_could_harm() {
    assert_eq!(
        refused(
            "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {clusterIP: x, ports: [{port: 80}, {port: 0}]}}"
        ),
        [
            "spec.clusterIPs[0]: must be an IP address or None, found \"x\"",
            "spec.ports[0].name: must be set where a service has several ports",
            "spec.ports[1].port: must be a port from 1 to 65535, found 0",
            "spec.ports[1].targetPort: must be a port from 1 to 65535, found 0",
            "spec.ports[1].name: must be set where a service has several ports",
        ]
    );
    assert_eq!(
        refused(
            "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: a}, addressType: IPv4,
              endpoints: [{addresses: ['::1']}, {}]}"
        ),
        [
            "endpoints[0].addresses[0]: must be an IPv4 address, found \"::1\"",
            "endpoints[1].addresses: must not be empty",
        ]
    );
}

#[test]
fn mesh_config_is_checked() {
    let (_, findings) = crate::api::mesh::MeshConfig::parse(
        serde_saphyr::from_str(
            "{proxyListenPort: 0, trustDomain: 'a b', defaultHttpRetryPolicy: {attempts: -1},
              defaultConfig: {discoveryAddress: istiod, drainDuration: 1500ms, connectionSettings: {httpIdleTimeout: -1s}},
              tlsDefaults: {ecdhCurves: [P-1]}, defaultTrafficPolicy: {connectionPool: {}}}",
        )
        .unwrap(),
    );
    let found: Vec<_> =
        findings.iter().map(|f| format!("{}: {}", f.field, f.text.split(';').next().unwrap())).collect();
    assert_eq!(
        found,
        [
            "proxyListenPort: must be a port from 1 to 65535, found 0",
            "defaultConfig.drainDuration: must be in whole seconds",
            "defaultConfig.discoveryAddress: must be the host and port of a server, found \"istiod\"",
            "defaultConfig.connectionSettings.httpIdleTimeout: must not be negative, found -1s",
            "trustDomain: must be a trust domain such as example.com, found \"a b\"",
            "defaultHttpRetryPolicy.attempts: must not be negative, found -1",
            "tlsDefaults.ecdhCurves[0]: \"P-1\" is no known curve",
            "defaultTrafficPolicy.connectionPool: must have at least one of tcp and http",
        ]
    );
}
