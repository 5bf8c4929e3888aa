//! Which gateways get which secrets.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::json;

use crate::base::{Features, Locality};
use crate::model::FactKey;
use crate::plan::tests::world::{World, sidecar};
use crate::plan::{Plan, ProxyId};
use crate::proxy::Proxy;
use crate::wire::{Cache, Publication, ResourceType};

const CERTIFICATE: &str = include_str!("../../api/validate/secret/ec.crt");
const KEY: &str = include_str!("../../api/validate/secret/ec.key");

fn secret(namespace: &str, name: &str, data: serde_json::Value) -> String {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace}, "stringData": data})
        .to_string()
}

fn pair(namespace: &str, name: &str) -> String {
    secret(namespace, name, json!({"tls.crt": CERTIFICATE, "tls.key": KEY}))
}

fn gateway(namespace: &str, confidential: bool) -> Proxy {
    gateway_in("Kubernetes", namespace, confidential)
}

fn gateway_in(cluster: &str, namespace: &str, confidential: bool) -> Proxy {
    let metadata = json!({"CLUSTER_ID": cluster, "NAMESPACE": namespace});
    let id = format!("router~10.1.0.6~gate.{namespace}~{namespace}.svc.cluster.local");
    let proxy = Proxy::new(&id, "gate", Locality::default(), &metadata, Default::default()).unwrap();
    Proxy { confidential, ..proxy }
}

fn names(publication: &Publication) -> Vec<String> {
    publication.of(ResourceType::Secret).iter().map(|e| e.name().to_string()).collect()
}

struct Mesh {
    world: World,
    plan: Plan,
}

impl Mesh {
    fn new(documents: &[String]) -> Self {
        Self { world: World::new(&documents.join("\n---\n")), plan: Plan::new(Arc::new(Cache::default())) }
    }

    fn holds(&mut self, proxy: Proxy) -> Vec<String> {
        names(&self.plan.join(self.world.snapshot(), proxy).1)
    }

    fn update(&mut self, changed: &BTreeSet<FactKey>) -> Vec<(ProxyId, Arc<Publication>)> {
        self.plan.update(self.world.snapshot(), changed)
    }
}

#[test]
fn a_private_key_goes_to_gateways_of_its_own_namespace_that_nobody_overhears() {
    let mut mesh = Mesh::new(&[pair("edge", "shop")]);
    let expected = ["kubernetes-gateway://edge/shop", "kubernetes://edge/shop", "kubernetes://shop"];
    assert_eq!(mesh.holds(gateway("edge", true)), expected);
    assert!(mesh.holds(gateway("edge", false)).is_empty());
    assert!(mesh.holds(gateway("other", true)).is_empty());
    assert!(mesh.holds(Proxy { confidential: true, ..sidecar("edge", json!({})) }).is_empty());
    let findings: Vec<_> = mesh.plan.withheld(mesh.world.snapshot()).collect();
    assert_eq!(findings.len(), 1);
    assert_eq!((findings[0].code, &*findings[0].object.namespace), ("keys-withheld", "edge"));
}

#[test]
fn roots_are_no_secret_and_a_secret_of_their_own_goes_first() {
    let own = secret("edge", "shop", json!({"tls.crt": CERTIFICATE, "tls.key": KEY, "ca.crt": CERTIFICATE}));
    let beside = secret("edge", "shop-cacert", json!({"cacert": CERTIFICATE, "crl": "revoked"}));
    let mut mesh = Mesh::new(&[own]);
    let all = mesh.holds(gateway("edge", false));
    let expected =
        ["kubernetes-gateway://edge/shop-cacert", "kubernetes://edge/shop-cacert", "kubernetes://shop-cacert"];
    assert_eq!(all, expected);
    let changed = mesh.world.apply(&beside);
    let moved = mesh.update(&changed);
    let roots = moved[0].1.of(ResourceType::Secret).get("kubernetes://shop-cacert").unwrap();
    assert!(roots.message().windows(7).any(|w| w == b"revoked"), "the list that only the second Secret has");
}

#[test]
fn a_config_map_with_roots_is_for_every_gateway() {
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ca", "namespace": "trust"},
        "data": {"ca.crt": CERTIFICATE, "other": "x"}});
    let other = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "plain", "namespace": "trust"},
        "data": {"a": "b"}});
    let mut mesh = Mesh::new(&[map.to_string(), other.to_string()]);
    assert_eq!(mesh.holds(gateway("edge", false)), ["configmap://trust/ca", "configmap://trust/ca-cacert"]);
    assert!(mesh.holds(sidecar("trust", json!({}))).is_empty());
}

#[test]
fn an_edit_wakes_the_gateways_of_the_namespace_alone() {
    let mut mesh = Mesh::new(&[pair("edge", "shop"), pair("other", "shop")]);
    let (edge, _) = mesh.plan.join(mesh.world.snapshot(), gateway("edge", true));
    mesh.plan.join(mesh.world.snapshot(), gateway("other", true));
    mesh.plan.join(mesh.world.snapshot(), sidecar("edge", json!({})));
    let renewed = secret("edge", "shop", json!({"tls.crt": CERTIFICATE, "tls.key": KEY, "tls.ocsp-staple": "good"}));
    let changed = mesh.world.apply(&renewed);
    let woken: Vec<ProxyId> = mesh.update(&changed).into_iter().map(|(id, _)| id).collect();
    assert_eq!(woken, [edge]);
    let changed = mesh.world.remove(crate::api::Kind::Secret, "edge", "shop");
    assert!(names(&mesh.update(&changed)[0].1).is_empty());
}

/// A pair that can be told from others.
fn marked(name: &str, mark: &str) -> String {
    secret(
        "edge",
        name,
        json!({"tls.crt": CERTIFICATE, "tls.key": KEY, "tls.ocsp-staple": mark, "ca.crt": CERTIFICATE}),
    )
}

/// Whether a resource has a mark in it; none if there is no such resource.
fn bears(publication: &Publication, name: &str, mark: &str) -> Option<bool> {
    let found = publication.of(ResourceType::Secret).get(name)?;
    Some(found.message().windows(mark.len()).any(|part| part == mark.as_bytes()))
}

const FAR_SERVICE: &str =
    "{apiVersion: v1, kind: Service, metadata: {name: s, namespace: edge}, spec: {ports: [{port: 80}]}}";

#[test]
fn a_gateway_of_another_cluster_is_sent_the_secrets_of_that_cluster_and_else_those_of_the_control_planes() {
    let mut mesh = Mesh::new(&[marked("shop", "near"), marked("only", "near")]);
    mesh.world.apply_in("east", FAR_SERVICE);
    mesh.world.apply_in("east", &format!("{}\n---\n{}", marked("shop", "far"), marked("extra", "far")));
    let (far, sent) = mesh.plan.join(mesh.world.snapshot(), gateway_in("east", "edge", true));
    for (name, mark) in [
        ("kubernetes://shop", "far"),
        ("kubernetes://edge/shop", "far"),
        ("kubernetes://extra", "far"),
        ("kubernetes://only", "near"),
        ("kubernetes-gateway://edge/shop", "near"),
    ] {
        assert_eq!(bears(&sent, name, mark), Some(true), "{name}");
    }
    assert_eq!(bears(&sent, "kubernetes-gateway://edge/extra", "far"), None);
    let (_, sent) = mesh.plan.join(mesh.world.snapshot(), gateway("edge", true));
    assert_eq!((bears(&sent, "kubernetes://shop", "near"), bears(&sent, "kubernetes://extra", "")), (Some(true), None));
    // The rules are those of every gateway: its own namespace, and nobody who listens.
    assert!(mesh.holds(gateway_in("east", "other", true)).is_empty());
    let heard = mesh.holds(gateway_in("east", "edge", false));
    assert!(!heard.is_empty() && heard.iter().all(|name| name.ends_with("-cacert")), "{heard:?}");

    let changed = mesh.world.remove_in("east", crate::api::Kind::Secret, "edge", "shop");
    let moved = mesh.update(&changed);
    assert_eq!(moved.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [far], "nobody else is woken by it");
    assert_eq!(bears(&moved[0].1, "kubernetes://shop", "near"), Some(true));
}

#[test]
fn a_gateway_of_a_cluster_of_which_nothing_is_known_is_sent_no_secret_and_a_finding_says_why() {
    let mut mesh = Mesh::new(&[pair("edge", "shop")]);
    let (_, sent) = mesh.plan.join(mesh.world.snapshot(), gateway_in("east", "edge", true));
    assert!(names(&sent).is_empty());
    let findings: Vec<_> = mesh.plan.withheld(mesh.world.snapshot()).collect();
    assert_eq!((findings.len(), findings[0].code), (1, "unknown-cluster"));
    // As soon as it is read, it has some.
    let changed = mesh.world.apply_in("east", FAR_SERVICE);
    assert!(names(&mesh.update(&changed)[0].1).contains(&"kubernetes://shop".to_owned()));
    assert_eq!(mesh.plan.withheld(mesh.world.snapshot()).count(), 0);
}

#[test]
fn where_secrets_of_other_clusters_are_not_read_gateways_there_are_sent_no_private_key() {
    let features = Features { remote_credentials: false, ..Features::default() };
    let world = World::with_features(features, &marked("shop", "near"));
    let mut mesh = Mesh { world, plan: Plan::new(Arc::new(Cache::default())) };
    mesh.world.apply_in("east", FAR_SERVICE);
    let sent = mesh.holds(gateway_in("east", "edge", true));
    assert!(!sent.is_empty() && sent.iter().all(|name| name.ends_with("-cacert")), "{sent:?}");
    assert!(mesh.holds(gateway("edge", true)).contains(&"kubernetes://shop".to_owned()));
}

#[test]
fn neither_facts_nor_recipes_show_a_key() {
    let world = World::new(&pair("edge", "shop"));
    let scope = crate::model::Scope::Public;
    let view = crate::model::View::new(world.snapshot(), &scope);
    let shown = format!("{:?}", view.credential(view.credentials().next().unwrap()));
    assert!(shown.contains(" bytes") && !shown.contains("PRIVATE"), "{shown}");
}
