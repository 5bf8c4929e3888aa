//! Kubernetes' own objects.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use crate::edits::{document, export, name, namespace, port_name};

pub(crate) fn service() -> impl Strategy<Value = Value> {
    let ip = select(vec!["10.96.0.1", "10.96.0.2", "None", ""]);
    (namespace(), name(), ip, port_name(), select(vec![80, 3306]), export(), 0..2_i64).prop_map(|(ns, n, ip, port, number, export, created)| {
        let protocol = if port.starts_with("udp") { "UDP" } else { "TCP" };
        let mut metadata = json!({"labels": {"app": n}});
        if !export.is_empty() {
            metadata["annotations"] = json!({"networking.istio.io/exportTo": export.join(",")});
        }
        let mut spec = json!({"selector": {"app": n}, "ports": [{"name": port, "port": number, "targetPort": 8080, "protocol": protocol}]});
        match ip {
            "" => spec = json!({"type": "ExternalName", "externalName": "x.example.com", "ports": spec["ports"]}),
            ip => spec["clusterIP"] = json!(ip),
        }
        document("v1", "Service", ns, n, created, json!({"metadata": metadata, "spec": spec}))
    })
}

pub(crate) fn slice() -> impl Strategy<Value = Value> {
    (namespace(), name(), port_name(), any::<bool>(), any::<bool>()).prop_map(|(ns, n, port, ready, with_pod)| {
        let mut endpoint = json!({"addresses": ["10.0.0.1"], "conditions": {"ready": ready, "terminating": false}});
        if with_pod {
            endpoint["targetRef"] = json!({"kind": "Pod", "name": n, "namespace": ns});
        }
        document("discovery.k8s.io/v1", "EndpointSlice", ns, &format!("{n}-1"), 0, json!({
            "metadata": {"labels": {"kubernetes.io/service-name": n}}, "addressType": "IPv4",
            "endpoints": [endpoint, {"addresses": ["10.0.0.9"]}], "ports": [{"name": port, "port": 8080, "protocol": "TCP"}]}))
    })
}

pub(crate) fn pod() -> impl Strategy<Value = Value> {
    let ip = select(vec!["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
    (namespace(), name(), ip, select(vec!["node-1", "node-2"]), any::<bool>(), any::<bool>(), network()).prop_map(|(ns, n, ip, node, mesh, ready, network)| {
        let mut labels = json!({"app": n, "version": if mesh { "v1" } else { "v2" }});
        if mesh {
            labels["security.istio.io/tlsMode"] = json!("istio");
        }
        if !network.is_empty() {
            labels["topology.istio.io/network"] = json!(network);
        }
        document("v1", "Pod", ns, n, 0, json!({"metadata": {"labels": labels},
            "spec": {"nodeName": node, "serviceAccountName": n, "containers": [{"name": "app", "ports": [{"name": "http", "containerPort": 8080}]}]},
            "status": {"phase": "Running", "podIP": ip, "conditions": [{"type": "Ready", "status": if ready { "True" } else { "False" }}]}}))
    })
}

fn network() -> impl Strategy<Value = &'static str> {
    select(vec!["", "", "near", "far"])
}

/// A namespace that may belong to the mesh, or, of the system, name the network.
pub(crate) fn described() -> impl Strategy<Value = Value> {
    (namespace(), any::<bool>(), network()).prop_map(|(n, member, network)| {
        let labels = json!({"mesh": if member { "yes" } else { "no" }, "topology.istio.io/network": network});
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": n, "labels": labels}})
    })
}

/// A Service that leads into a network.
pub(crate) fn gateway_service() -> impl Strategy<Value = Value> {
    (name(), network(), select(vec!["192.0.2.1", "192.0.2.2"])).prop_map(|(n, network, ip)| {
        document(
            "v1",
            "Service",
            "istio-system",
            n,
            0,
            json!({
            "metadata": {"labels": {"topology.istio.io/network": network}},
            "spec": {"type": "LoadBalancer", "clusterIP": "10.96.0.9", "ports": [{"name": "tls", "port": 15443}]},
            "status": {"loadBalancer": {"ingress": [{"ip": ip}]}}}),
        )
    })
}

pub(crate) fn node() -> impl Strategy<Value = Value> {
    (select(vec!["node-1", "node-2"]), select(vec!["r1", "r2"])).prop_map(|(n, region)| {
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": n, "labels": {"topology.kubernetes.io/region": region}}})
    })
}

/// Roots and what is no roots, in a Secret and in a ConfigMap.
pub(crate) fn credential() -> impl Strategy<Value = Value> {
    let name = select(vec!["a", "a-cacert", "b"]);
    (namespace(), name, select(vec!["", "1", "2"]), any::<bool>()).prop_map(|(ns, n, crl, map)| {
        let roots = include_str!("../../src/api/validate/secret/ec.crt");
        let data = if crl.is_empty() { json!({"other": "x"}) } else { json!({"cacert": roots, "crl": crl}) };
        match map {
            true => document("v1", "ConfigMap", ns, n, 0, json!({"data": data})),
            false => document("v1", "Secret", ns, n, 0, json!({"stringData": data})),
        }
    })
}

/// A Secret with a private key.
pub(crate) fn pair() -> impl Strategy<Value = Value> {
    (namespace(), name(), select(vec!["good", "better"])).prop_map(|(ns, n, staple)| {
        let certificate = include_str!("../../src/api/validate/secret/ec.crt");
        let key = include_str!("../../src/api/validate/secret/ec.key");
        let data = json!({"tls.crt": certificate, "tls.key": key, "tls.ocsp-staple": staple});
        document("v1", "Secret", ns, n, 0, json!({"type": "kubernetes.io/tls", "stringData": data}))
    })
}

pub(crate) fn ingress_class() -> impl Strategy<Value = Value> {
    select(vec!["istio.io/ingress-controller", "example.com/other"]).prop_map(|controller| {
        document("networking.k8s.io/v1", "IngressClass", "", "c", 0, json!({"spec": {"controller": controller}}))
    })
}

pub(crate) fn ingress() -> impl Strategy<Value = Value> {
    let port = select(vec![json!({"number": 80}), json!({"name": "http"})]);
    let host = select(vec!["", "x.example.com", "*.example.com"]);
    let secret = select(vec!["", "c"]);
    let rule = (host, select(vec!["Prefix", "Exact", ""]), name(), port);
    (namespace(), name(), any::<bool>(), prop::collection::vec(rule, 1..3), secret, 0..2_i64).prop_map(
        |(ns, n, by_class, rules, secret, created)| {
            let rule = |(host, kind, service, port): (&str, &str, &str, Value)| {
                let backend = json!({"service": {"name": service, "port": port}});
                let mut path = json!({"path": "/x", "backend": backend});
                if !kind.is_empty() {
                    path["pathType"] = json!(kind);
                }
                json!({"host": host, "http": {"paths": [path]}})
            };
            let rules: Vec<_> = rules.into_iter().map(rule).collect();
            let mut spec = json!({"rules": rules, "tls": [{"hosts": ["x.example.com"], "secretName": secret}]});
            if by_class {
                spec["ingressClassName"] = json!("c");
            }
            let mut out = document("networking.k8s.io/v1", "Ingress", ns, n, created, json!({"spec": spec}));
            if !by_class {
                out["metadata"]["annotations"] = json!({"kubernetes.io/ingress.class": "istio"});
            }
            out
        },
    )
}
