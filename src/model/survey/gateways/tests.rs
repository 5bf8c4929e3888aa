//! What is said about Gateways that collide or refer to nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::api::mesh::MeshConfig;
use crate::model::index::{Allocations, Index, Options};

fn index(documents: &[Value]) -> Index {
    let mut index = Index::new(Options::default(), MeshConfig::default(), Allocations::default());
    let object = |d: &Value| Arc::new(crate::api::decode(d.clone(), None).object.unwrap());
    let changed: BTreeMap<_, _> = documents.iter().map(object).map(|o| (o.key(), Some(o))).collect();
    index.apply(&changed, None);
    index
}

fn gateway(name: &str, created: u32, selector: Value, server: Value) -> Value {
    json!({"apiVersion": "networking.istio.io/v1", "kind": "Gateway",
           "metadata": {"name": name, "namespace": "edge", "creationTimestamp": format!("2026-01-01T00:00:{created:02}Z")},
           "spec": {"selector": selector, "servers": [server]}})
}

fn https(host: &str, secret: &str) -> Value {
    json!({"port": {"number": 443, "name": "https", "protocol": "HTTPS"}, "hosts": [host],
           "tls": {"mode": "SIMPLE", "credentialName": secret}})
}

/// Object, field and code of everything odd.
fn found(index: &Index) -> Vec<String> {
    index.survey().findings().iter().map(|f| format!("{} {} {}", f.object.name, f.field, f.code)).collect()
}

fn secret(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "edge"}, "type": "kubernetes.io/tls"})
}

#[test]
fn the_loser_of_a_host_is_told_who_won() {
    let front = json!({"istio": "front"});
    let both = json!({"istio": "front", "zone": "a"});
    let index = index(&[
        secret("c"),
        gateway("young", 2, both, https("x.example.com", "c")),
        gateway("old", 1, front, https("x.example.com", "c")),
        gateway("apart", 1, json!({"istio": "back"}), https("x.example.com", "c")),
    ]);
    assert_eq!(found(&index), ["young spec.servers[0] server-conflict"]);
    let text = index.survey().findings()[0].text.to_string();
    assert!(text.contains("edge/old") && text.contains("x.example.com"), "{text}");
}

#[test]
fn a_certificate_that_is_nowhere_is_missed() {
    let front = || json!({"istio": "front"});
    let missing = index(&[secret("other"), gateway("g", 1, front(), https("x.example.com", "c"))]);
    assert_eq!(found(&missing), ["g spec.servers[0].tls.credentialName unknown-secret"]);
    assert!(found(&index(&[secret("c"), gateway("g", 1, front(), https("x.example.com", "c"))])).is_empty());
}
