//! Facts from objects: precedence, visibility, and what a change does not touch.

mod clusters;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::base::Labels;
use crate::model::facts::{Health, Registry, Resolution};
use crate::model::snapshot::Scope;
use crate::model::view::View;

pub(super) fn object(document: Value) -> Arc<Object> {
    let decoded = crate::api::decode(document.clone(), None);
    Arc::new(decoded.object.unwrap_or_else(|| panic!("{:?} in {document}", decoded.findings)))
}

pub(super) fn index() -> Index {
    Index::new(Options::default(), MeshConfig::default(), Allocations::default())
}

pub(super) fn put(index: &mut Index, documents: &[Value]) -> Changes {
    let changed = documents.iter().map(|d| object(d.clone())).map(|o| (o.key(), Some(o))).collect::<BTreeMap<_, _>>();
    index.apply(&changed, None)
}

pub(super) fn service(name: &str, namespace: &str, ip: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace},
        "spec": {"clusterIP": ip, "selector": {"app": name}, "ports": [{"name": "http", "port": 80}]}})
}

pub(super) fn entry(name: &str, namespace: &str, host: &str, extra: Value) -> Value {
    let mut spec =
        json!({"hosts": [host], "resolution": "STATIC", "ports": [{"number": 3306, "name": "tcp", "protocol": "TCP"}]});
    extra.as_object().into_iter().flatten().for_each(|(k, v)| spec[k] = v.clone());
    json!({"apiVersion": "networking.istio.io/v1", "kind": "ServiceEntry", "metadata": {"name": name, "namespace": namespace}, "spec": spec})
}

fn rule(name: &str, namespace: &str, host: &str, connections: u32, export: Value) -> Value {
    json!({"apiVersion": "networking.istio.io/v1", "kind": "DestinationRule", "metadata": {"name": name, "namespace": namespace},
        "spec": {"host": host, "exportTo": export, "trafficPolicy": {"connectionPool": {"tcp": {"maxConnections": connections}}}}})
}

pub(super) fn pod(name: &str, ip: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "shop", "labels": {"app": "a"}},
        "spec": {"nodeName": "n1", "containers": [{"name": "app"}]},
        "status": {"phase": "Running", "podIP": ip, "conditions": [{"type": "Ready", "status": "True"}]}})
}

pub(super) fn slice(pod: &str, ip: &str) -> Value {
    json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": "a-1", "namespace": "shop", "labels": {"kubernetes.io/service-name": "a"}},
        "endpoints": [{"addresses": [ip], "targetRef": {"kind": "Pod", "name": pod, "namespace": "shop"}}],
        "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}]})
}

#[test]
fn a_kubernetes_service_keeps_its_host_from_an_older_service_entry() {
    let mut index = index();
    put(
        &mut index,
        &[entry("squat", "evil", "a.shop.svc.cluster.local", json!({})), service("a", "shop", "10.96.0.1")],
    );
    let view = View::new(index.snapshot(), &Scope::Public);
    let chosen = view.service(&"a.shop.svc.cluster.local".into()).unwrap();
    assert_eq!((chosen.registry, chosen.resolution), (Registry::Kubernetes, Resolution::Static));
}

#[test]
fn what_is_exported_to_its_namespace_is_seen_there_only() {
    let mut index = index();
    put(&mut index, &[entry("db", "one", "db.example.com", json!({"exportTo": ["."]}))]);
    let host = "db.example.com".into();
    let own = Scope::Namespace("one".into());
    assert!(View::new(index.snapshot(), &Scope::Public).service(&host).is_none());
    assert!(View::new(index.snapshot(), &own).service(&host).is_some());
    assert_eq!(index.snapshot().scope(&"one".into()), own);
    assert_eq!(index.snapshot().scope(&"two".into()), Scope::Public);
}

#[test]
fn the_callers_rule_comes_before_the_services_and_the_roots() {
    let mut index = index();
    let host = "a.shop.svc.cluster.local";
    put(
        &mut index,
        &[
            service("a", "shop", "10.96.0.1"),
            rule("root", "istio-system", "*.svc.cluster.local", 1, json!([])),
            rule("own", "shop", host, 2, json!([])),
            rule("client", "web", host, 3, json!([])),
        ],
    );
    let connections = |namespace: &str| {
        let scope = index.snapshot().scope(&namespace.into());
        let view = View::new(index.snapshot(), &scope);
        let found = view.rule(&view.service(&host.into()).unwrap(), &Labels::new()).unwrap();
        found.policy.as_ref().unwrap().connection_pool.as_ref().unwrap().tcp.as_ref().unwrap().max_connections
    };
    assert_eq!(connections("web"), 3);
    assert_eq!(connections("shop"), 2);
    assert_eq!(connections("other"), 2);
    put(&mut index, &[]);
    let gone = object(rule("own", "shop", host, 2, json!([]))).key();
    index.apply(&BTreeMap::from([(gone, None)]), None);
    let view = View::new(index.snapshot(), &Scope::Public);
    let found = view.rule(&view.service(&host.into()).unwrap(), &Labels::new()).unwrap();
    assert_eq!(found.name, "root");
}

#[test]
fn an_endpoint_waits_for_the_pod_it_names() {
    let mut index = index();
    put(&mut index, &[service("a", "shop", "10.96.0.1"), slice("a-0", "10.0.0.1")]);
    let count = |index: &Index| index.snapshot().endpoints().map(|(_, e)| e.list.len()).sum::<usize>();
    assert_eq!(count(&index), 0);
    let changes = put(&mut index, &[pod("a-0", "10.0.0.1")]);
    assert_eq!(count(&index), 1);
    assert!(changes.keys.contains(&FactKey::Endpoints("a.shop.svc.cluster.local".into())));
}

#[test]
fn a_node_moves_the_endpoints_on_it() {
    let node = |zone: &str| json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1", "labels": {"topology.kubernetes.io/zone": zone}}});
    let mut index = index();
    put(&mut index, &[service("a", "shop", "10.96.0.1"), slice("a-0", "10.0.0.1"), pod("a-0", "10.0.0.1"), node("z1")]);
    let zone = |index: &Index| index.snapshot().endpoints().next().unwrap().1.list[0].workload.locality.zone.clone();
    assert_eq!(zone(&index), "z1");
    put(&mut index, &[node("z2")]);
    assert_eq!(zone(&index), "z2");
}

#[test]
fn an_edit_without_effect_changes_no_fact() {
    let mut index = index();
    put(&mut index, &[service("a", "shop", "10.96.0.1"), rule("r", "shop", "a", 1, json!([]))]);
    let mut same = rule("r", "shop", "a", 1, json!([]));
    same["metadata"]["annotations"] = json!({"note": "edited"});
    assert!(put(&mut index, &[same]).keys.is_empty());
}

#[test]
fn an_external_name_becomes_an_alias_over_any_number_of_steps() {
    let alias = |name: &str, to: &str| {
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "shop"},
            "spec": {"type": "ExternalName", "externalName": to}})
    };
    let mut index = index();
    put(
        &mut index,
        &[
            service("a", "shop", "10.96.0.1"),
            alias("b", "a.shop.svc.cluster.local"),
            alias("c", "b.shop.svc.cluster.local"),
            alias("x", "y.shop.svc.cluster.local"),
            alias("y", "x.shop.svc.cluster.local"),
        ],
    );
    let view = View::new(index.snapshot(), &Scope::Public);
    let aliases = view.service(&"a.shop.svc.cluster.local".into()).unwrap().aliases.clone();
    let hosts: Vec<&str> = aliases.iter().map(|(_, h)| h.as_str()).collect();
    assert_eq!(hosts, ["b.shop.svc.cluster.local", "c.shop.svc.cluster.local"]);
}

#[test]
fn an_endpoint_that_is_not_ready_says_so() {
    let mut index = index();
    let mut slice = slice("a-0", "10.0.0.1");
    slice["endpoints"][0]["conditions"] = json!({"ready": false, "terminating": false});
    put(&mut index, &[service("a", "shop", "10.96.0.1"), slice, pod("a-0", "10.0.0.1")]);
    assert_eq!(index.snapshot().endpoints().next().unwrap().1.list[0].health, Health::Unhealthy);
}

#[test]
fn unknown_hosts_subsets_and_second_claims_are_found() {
    let route = |name: &str, to: &str, subset: &str| {
        json!({"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": name, "namespace": "shop"},
            "spec": {"hosts": ["a"], "http": [{"route": [{"destination": {"host": to, "subset": subset}}]}]}})
    };
    let mut index = index();
    put(
        &mut index,
        &[
            service("a", "shop", "10.96.0.1"),
            route("one", "nowhere", ""),
            route("two", "a", "v9"),
            entry("db1", "one", "db.example.com", json!({})),
            entry("db2", "two", "db.example.com", json!({})),
        ],
    );
    let found: Vec<(String, &str, String)> = index
        .survey()
        .findings()
        .into_iter()
        .map(|f| (f.object.name.to_string(), f.code, f.field.to_string()))
        .collect();
    let has = |name: &str, code: &str, field: &str| found.contains(&(name.into(), code, field.into()));
    assert!(has("one", "unknown-host", "spec.http[0].route[0].destination.host"), "{found:?}");
    assert!(has("two", "unknown-subset", "spec.http[0].route[0].destination.subset"), "{found:?}");
    assert!(has("two", "duplicate-host", "spec.hosts[0]"), "{found:?}");
    assert!(has("db2", "duplicate-host", "spec.hosts[0]"), "{found:?}");
    assert!(!has("db1", "duplicate-host", "spec.hosts[0]"));
}

#[test]
fn callers_of_the_root_namespace_look_among_its_private_rules_first_and_then_as_everybody() {
    let mut index = index();
    let host = "a.shop.svc.cluster.local";
    let shared = rule("shared", "istio-system", host, 1, json!(["*"]));
    let private = rule("private", "istio-system", "*.svc.cluster.local", 2, json!(["."]));
    let found = |index: &Index, namespace: &str| {
        let scope = index.snapshot().scope(&namespace.into());
        let view = View::new(index.snapshot(), &scope);
        view.rule(&view.service(&host.into()).unwrap(), &Labels::new()).map(|r| r.name.clone())
    };
    put(&mut index, &[service("a", "shop", "10.96.0.1"), shared, private]);
    assert_eq!(found(&index, "istio-system").unwrap(), "private");
    assert_eq!(found(&index, "shop").unwrap(), "shared");

    let silent = rule("silent", "istio-system", "a.shop.svc.cluster.local", 3, json!([]));
    let gone = object(rule("shared", "istio-system", host, 1, json!([]))).key();
    let (mesh, _) = MeshConfig::parse(json!({"defaultDestinationRuleExportTo": ["."]}));
    index.apply(&BTreeMap::from([(gone, None), (object(silent.clone()).key(), Some(object(silent)))]), Some(mesh));
    assert_eq!(found(&index, "istio-system").unwrap(), "silent");
    assert_eq!(found(&index, "shop"), None);
}
