//! What Ingresses make.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::api::Object;
use crate::api::virtual_service::StringMatch;
use crate::model::index::{Allocations, Options};

fn object(document: Value) -> Arc<Object> {
    let decoded = crate::api::decode(document.clone(), None);
    Arc::new(decoded.object.unwrap_or_else(|| panic!("{:?} in {document}", decoded.findings)))
}

fn put(index: &mut Index, documents: &[Value]) {
    let changed: BTreeMap<_, _> = documents.iter().map(|d| object(d.clone())).map(|o| (o.key(), Some(o))).collect();
    index.apply(&changed, None);
}

fn index(mesh: Value, documents: &[Value]) -> Index {
    let mut index = Index::new(Options::default(), MeshConfig::parse(mesh).0, Allocations::default());
    put(&mut index, documents);
    index
}

fn class(controller: &str) -> Value {
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "c"},
           "spec": {"controller": controller}})
}

fn ingress(name: &str, spec: Value) -> Value {
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
           "metadata": {"name": name, "namespace": "shop", "annotations": {"kubernetes.io/ingress.class": "istio"}},
           "spec": spec})
}

fn path(path: &str, kind: &str, port: Value) -> Value {
    json!({"path": path, "pathType": kind, "backend": {"service": {"name": "web", "port": port}}})
}

/// A line for each route of a host: what is asked of the path, and the port.
fn routes(index: &Index, host: &str) -> Vec<String> {
    let all = index.ingresses.routes.values().filter(|v| v.hosts == [Host::from(host)]);
    let line = |route: &crate::api::virtual_service::HttpRoute| {
        let asked = match route.r#match.first().and_then(|m| m.uri.as_ref()) {
            Some(StringMatch::Exact(path)) => format!("= {path}"),
            Some(StringMatch::Prefix(path)) => format!("{path}..."),
            _ => "any".to_owned(),
        };
        format!("{asked} {}", route.route[0].destination.port.unwrap().number)
    };
    all.flat_map(|v| v.http.iter().map(line)).collect()
}

#[test]
fn an_ingress_is_istios_by_annotation_by_class_or_by_the_meshs_mode() {
    let of = |mesh: Value, annotation: Option<&str>, controller: Option<&str>| {
        let mut one = ingress("i", json!({"rules": []}));
        match annotation {
            Some(said) => one["metadata"]["annotations"]["kubernetes.io/ingress.class"] = json!(said),
            None => one["metadata"]["annotations"] = json!({}),
        }
        let mut documents = Vec::new();
        if let Some(controller) = controller {
            one["spec"]["ingressClassName"] = json!("c");
            documents.push(class(controller));
        }
        documents.push(one);
        index(mesh, &documents).ingresses.gateways.len() == 1
    };
    let mode = |mode: &str| json!({"ingressControllerMode": mode});
    assert!(of(json!({}), Some("istio"), None));
    assert!(!of(json!({}), Some("nginx"), Some(CONTROLLER)), "the annotation goes before the class");
    assert!(of(json!({}), None, Some(CONTROLLER)));
    assert!(!of(json!({}), None, Some("example.com/nginx")));
    assert!(!of(json!({}), None, None));
    assert!(of(mode("DEFAULT"), None, None));
    assert!(!of(mode("OFF"), Some("istio"), None));
}

#[test]
fn longer_paths_go_first_and_exact_ones_before_prefixes() {
    let number = || json!({"number": 80});
    let paths = json!([
        path("/a", "Prefix", number()),
        path("/a", "Exact", number()),
        path("/long", "Prefix", number()),
        path("/admin.*", "ImplementationSpecific", number()),
        path("/old/*", "ImplementationSpecific", number()),
        path("/cart", "ImplementationSpecific", number()),
        path("*", "ImplementationSpecific", number()),
    ]);
    let index =
        index(json!({}), &[ingress("i", json!({"rules": [{"host": "x.example.com", "http": {"paths": paths}}]}))]);
    let want = ["/admin... 80", "= /cart 80", "/long... 80", "/old... 80", "= /a 80", "/a... 80", "any 80"];
    assert_eq!(routes(&index, "x.example.com"), want);
}

#[test]
fn a_port_by_name_follows_its_service() {
    let rules = json!({"rules": [{"http": {"paths": [path("/", "Prefix", json!({"name": "web"}))]}}]});
    let service = |port: u16| {
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "shop"},
               "spec": {"clusterIP": "10.96.0.1", "ports": [{"name": "web", "port": port}]}})
    };
    let mut index = index(json!({}), &[ingress("i", rules)]);
    assert_eq!(routes(&index, "*"), Vec::<String>::new());
    assert!(index.survey().findings().iter().any(|f| f.field == "spec.rules[0].http.paths[0].backend"));
    put(&mut index, &[service(8080)]);
    assert_eq!(routes(&index, "*"), ["/... 8080"]);
    put(&mut index, &[service(9090)]);
    assert_eq!(routes(&index, "*"), ["/... 9090"]);
}

#[test]
fn ingresses_with_one_host_share_a_virtual_service_at_the_gateway_of_the_first() {
    let rules = |at: &str| json!({"rules": [{"host": "x.example.com", "http": {"paths": [path(at, "Prefix", json!({"number": 80}))]}}]});
    let index = index(json!({}), &[ingress("b", rules("/b")), ingress("a", rules("/a"))]);
    assert_eq!(routes(&index, "x.example.com"), ["/a... 80", "/b... 80"]);
    let bound: Vec<_> = index.ingresses.routes.values().flat_map(|v| v.gateways.clone()).collect();
    assert_eq!(bound, ["istio-system/a-istio-autogenerated-k8s-ingress-shop"]);
    assert_eq!(index.snapshot().gateways.len(), 2);
}

#[test]
fn the_label_of_the_ingress_gateway_is_the_meshs_to_choose() {
    for (mesh, want) in [
        (json!({}), "ingressgateway"),
        (json!({"ingressService": "front"}), "front"),
        (json!({"ingressService": "front", "ingressSelector": "door"}), "door"),
    ] {
        let index = index(mesh, &[ingress("i", json!({}))]);
        assert_eq!(index.ingresses.gateways[0].selector, Labels::from([("istio".into(), want.into())]));
    }
}
