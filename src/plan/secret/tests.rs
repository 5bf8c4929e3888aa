//! Which gateways get which secrets.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::json;

use crate::base::Locality;
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
    let metadata = json!({"CLUSTER_ID": "Kubernetes", "NAMESPACE": namespace});
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

#[test]
fn neither_facts_nor_recipes_show_a_key() {
    let world = World::new(&pair("edge", "shop"));
    let scope = crate::model::Scope::Public;
    let view = crate::model::View::new(world.snapshot(), &scope);
    let shown = format!("{:?}", view.credential(view.credentials().next().unwrap()));
    assert!(shown.contains(" bytes") && !shown.contains("PRIVATE"), "{shown}");
}
