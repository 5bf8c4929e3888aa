use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::api::mesh::MeshConfig;
use crate::model::index::Index;
use crate::model::index::tests::{entry, index, put, service};

fn namespace(name: &str, labels: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
}

fn selecting(selectors: Value) -> Option<MeshConfig> {
    Some(MeshConfig::parse(json!({"discoverySelectors": selectors})).0)
}

fn hosts(index: &Index) -> Vec<String> {
    index.snapshot().services().map(|s| s.host.to_string()).collect()
}

#[test]
fn a_namespace_enters_and_leaves_the_mesh_with_its_labels() {
    let mut index = index();
    index.apply(&BTreeMap::new(), selecting(json!([{"matchLabels": {"mesh": "yes"}}])));
    put(&mut index, &[service("a", "shop", "10.96.0.1"), entry("b", "other", "b.example.com", json!({}))]);
    assert!(hosts(&index).is_empty());
    put(&mut index, &[namespace("shop", json!({"mesh": "yes"}))]);
    assert_eq!(hosts(&index), ["a.shop.svc.cluster.local"]);
    put(&mut index, &[namespace("shop", json!({"mesh": "no"}))]);
    assert!(hosts(&index).is_empty());
}

#[test]
fn other_selectors_hold_at_once_and_a_namespace_always_has_its_name() {
    let mut index = index();
    put(&mut index, &[service("a", "shop", "10.96.0.1"), service("b", "other", "10.96.0.2")]);
    assert_eq!(hosts(&index).len(), 2);
    let by_name = json!([{"matchExpressions": [
        {"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["other"]}]}]);
    index.apply(&BTreeMap::new(), selecting(by_name));
    assert_eq!(hosts(&index), ["b.other.svc.cluster.local"]);
    index.apply(&BTreeMap::new(), selecting(json!([])));
    assert_eq!(hosts(&index).len(), 2);
}

#[test]
fn what_is_deleted_while_it_does_not_count_does_not_come_back() {
    let mut index = index();
    index.apply(&BTreeMap::new(), selecting(json!([{"matchLabels": {"mesh": "yes"}}])));
    let document = service("a", "shop", "10.96.0.1");
    put(&mut index, std::slice::from_ref(&document));
    let key = crate::model::index::tests::object(document).key();
    index.apply(&BTreeMap::from([(key, None)]), None);
    index.apply(&BTreeMap::new(), selecting(json!([])));
    assert!(hosts(&index).is_empty());
}
