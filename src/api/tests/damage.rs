//! Documents that are damaged at random: the decoder stays calm, and what it accepts survives a round trip.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::yaml;
use crate::api::decode;
use crate::api::mesh::MeshConfig;
use crate::base::Severity;

/// Documents in which most fields occur.
fn documents() -> Vec<Value> {
    let spec = |group: &str, kind: &str, spec: &str| {
        json!({"apiVersion": format!("{group}/v1"), "kind": kind, "spec": yaml(spec),
               "metadata": {"name": "it", "namespace": "shop", "labels": {"a": "b"}, "generation": 1,
                            "creationTimestamp": "2026-11-22T14:32:34Z"}})
    };
    let networking = |kind: &str, text: &str| spec("networking.istio.io", kind, text);
    vec![
        networking(
            "VirtualService",
            "{hosts: [a.com], gateways: [mesh, b/c], exportTo: [.], http: [
               {name: x, match: [{uri: {regex: '/[a-z]{1,3}'}, headers: {x-a: {prefix: q}}, port: 80, ignoreUriCase: true,
                 sourceLabels: {a: b}, queryParams: {k: {exact: v}}, withoutHeaders: {z: {}}}],
                route: [{destination: {host: w, subset: v1, port: {number: 80}}, weight: 1,
                  headers: {request: {set: {a: '%REQ(X)%'}, remove: [k]}}}],
                timeout: 1s, retries: {attempts: 2, retryOn: '5xx,503', perTryTimeout: 1s},
                fault: {delay: {fixedDelay: 1s, percentage: {value: 0.5}}, abort: {httpStatus: 503}},
                corsPolicy: {allowOrigins: [{exact: '*'}], maxAge: 1h, allowCredentials: false},
                mirrors: [{destination: {host: m}, percentage: {value: 5}}]},
               {match: [{port: 81}], redirect: {uri: /x, derivePort: FROM_REQUEST_PORT, redirectCode: 302}},
               {directResponse: {status: 200, body: {bytes: aGk=}}}],
              tls: [{match: [{sniHosts: [a.com], port: 443}], route: [{destination: {host: t}}]}],
              tcp: [{match: [{destinationSubnets: [10.0.0.0/8]}], route: [{destination: {host: t}, weight: 3}]}]}",
        ),
        networking(
            "DestinationRule",
            "{host: a, workloadSelector: {matchLabels: {a: b}}, subsets: [{name: v1, labels: {v: v1}, trafficPolicy: {
                loadBalancer: {consistentHash: {httpCookie: {name: c, ttl: 0s}, maglev: {tableSize: 7}}}}}],
              trafficPolicy: {tls: {mode: MUTUAL, clientCertificate: /c, privateKey: /k},
                connectionPool: {tcp: {maxConnections: 1, tcpKeepalive: {time: 1s}}, http: {http2KeepAlive: {interval: 1s, timeout: 1s}}},
                outlierDetection: {consecutive5xxErrors: 0, interval: 1s}, retryBudget: {percent: 12.5},
                portLevelSettings: [{port: {number: 80}, loadBalancer: {simple: RANDOM, warmup: {duration: 1s}}}]}}",
        ),
        networking(
            "ServiceEntry",
            "{hosts: [a.com], addresses: [192.0.2.1], ports: [{number: 80, name: http, protocol: HTTP, targetPort: 81}],
              location: MESH_INTERNAL, resolution: STATIC, endpoints: [{address: 192.0.2.2, ports: {http: 1}, weight: 2,
                labels: {a: b}, locality: r/z, network: q, serviceAccount: s}], subjectAltNames: [x]}",
        ),
        networking(
            "Sidecar",
            "{workloadSelector: {labels: {a: b}}, egress: [{port: {number: 80, protocol: HTTP, name: h}, hosts: ['./*']}],
              ingress: [{port: {number: 443, protocol: HTTPS, name: i}, defaultEndpoint: '127.0.0.1:80', captureMode: NONE,
                tls: {mode: SIMPLE, serverCertificate: /c, privateKey: /k, cipherSuites: [AES128-SHA]}}],
              outboundTrafficPolicy: {mode: ALLOW_ANY, egressProxy: {host: p.q, port: {number: 1}}}}",
        ),
        networking("WorkloadEntry", "{address: 192.0.2.1, ports: {a: 80}, labels: {c: d}, weight: 5}"),
        spec(
            "security.istio.io",
            "PeerAuthentication",
            "{selector: {matchLabels: {a: b}}, mtls: {mode: STRICT}, portLevelMtls: {80: {mode: DISABLE}}}",
        ),
    ]
}

/// Puts something else in the place of the `place`-th value of a document.
fn damage(value: &mut Value, place: &mut usize, other: &Value) {
    if *place == 0 {
        *value = other.clone();
    }
    *place = place.wrapping_sub(1);
    match value {
        Value::Array(list) => list.iter_mut().for_each(|v| damage(v, place, other)),
        Value::Object(map) => map.values_mut().for_each(|v| damage(v, place, other)),
        _ => {}
    }
}

/// Values as they are found in the wrong places.
fn anything() -> impl Strategy<Value = Value> {
    let texts = [
        "",
        "*",
        "a",
        "*.b.c",
        "1",
        "-5s",
        "1ms",
        "é",
        "a/b",
        "[",
        "%",
        "unix:///x",
        "NaN",
        "2026-01-01T00:00:00+é1:00",
    ];
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(texts.to_vec()).prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!(["a", {"b": null}])),
        Just(json!({"exact": "a", "prefix": "b"})),
    ]
}

proptest! {
    #[test]
    fn damaged_documents_are_refused_or_survive_a_round_trip(
        which in 0..6_usize, places in prop::collection::vec((0..120_usize, anything()), 0..3),
    ) {
        let mut document = documents().swap_remove(which);
        for (mut place, other) in places {
            damage(&mut document, &mut place, &other);
        }
        if let Some(object) = decode(document, None).object {
            let again = decode(object.to_json(), None).object;
            prop_assert_eq!(Some(object), again);
        }
    }

    #[test]
    fn damaged_mesh_config_is_refused_as_a_whole_or_used(mut place in 0..80_usize, other in anything()) {
        let mut mesh = MeshConfig::default().to_json();
        damage(&mut mesh, &mut place, &other);
        let (mesh, findings) = MeshConfig::parse(mesh);
        let refused = findings.iter().any(|f| f.severity == Severity::Error);
        prop_assert!(!refused || mesh == MeshConfig::default());
    }
}

#[test]
fn undamaged_documents_are_accepted() {
    for document in documents() {
        let decoded = decode(document, None);
        assert_eq!(decoded.findings, []);
        assert!(decoded.object.is_some());
    }
}
