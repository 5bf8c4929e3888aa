use serde_json::json;

use super::*;
use crate::api;

fn service(name: &str, port: u16) -> Arc<Object> {
    object("Service", name, |_| (), json!({"ports": [{"port": port}]}))
}

fn object(kind: &str, name: &str, change: fn(&mut Object), spec: serde_json::Value) -> Arc<Object> {
    let document = json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, "spec": spec});
    let mut object = api::decode(document, Some(("a.yaml".into(), 1))).object.unwrap();
    change(&mut object);
    Arc::new(object)
}

fn changed(store: &mut Store) -> Vec<(String, bool)> {
    let batch = store.take_batch().map(|batch| batch.changed).unwrap_or_default();
    batch.into_iter().map(|(key, object)| (key.name.to_string(), object.is_some())).collect()
}

#[test]
fn what_happens_to_a_key_between_two_batches_is_one_change() {
    let mut store = Store::default();
    store.apply([service("a", 1), service("a", 2), service("b", 1)].map(Event::Upsert));
    store.apply([Event::Delete(service("b", 1).key())]);
    let batch = store.take_batch().unwrap();
    assert_eq!((batch.revision, batch.changed), (1, [(service("a", 1).key(), Some(service("a", 2)))].into()));
    store.apply([Event::Delete(service("a", 1).key()), Event::Upsert(service("c", 1))]);
    assert_eq!(changed(&mut store), [("a".to_owned(), false), ("c".to_owned(), true)]);
    assert_eq!(store.revision(), 2);
}

#[test]
fn a_version_that_says_the_same_yields_no_batch() {
    let mut store = Store::default();
    store.apply([Event::Upsert(service("a", 1))]);
    assert_eq!(changed(&mut store), [("a".to_owned(), true)]);
    let touched = |object: &mut Object| {
        object.meta.resource_version = "7".into();
        object.meta.generation = 7;
        object.file = Some(("a.yaml".into(), 7));
    };
    store.apply([Event::Upsert(object("Service", "a", touched, json!({"ports": [{"port": 1}]})))]);
    assert_eq!(store.take_batch(), None);
    assert_eq!(store.revision(), 1);
}

#[test]
fn a_change_that_is_taken_back_before_the_batch_yields_none() {
    let mut store = Store::default();
    store.apply([Event::Upsert(service("a", 1))]);
    store.take_batch().unwrap();
    store.apply([Event::Delete(service("a", 1).key()), Event::Upsert(service("a", 1))]);
    store.apply([Event::Upsert(service("b", 1)), Event::Delete(service("b", 1).key())]);
    assert_eq!(store.take_batch(), None);
}

#[test]
fn labels_annotations_and_age_are_part_of_what_an_object_says() {
    let mut store = Store::default();
    store.apply([Event::Upsert(service("a", 1))]);
    let changes: [fn(&mut Object); 3] = [
        |o| drop(o.meta.labels.insert("k".into(), "v".into())),
        |o| drop(o.meta.annotations.insert("k".into(), "v".into())),
        |o| o.meta.created = 1,
    ];
    for change in changes {
        store.take_batch().unwrap();
        store.apply([Event::Upsert(object("Service", "a", change, json!({"ports": [{"port": 1}]})))]);
    }
    store.take_batch().unwrap();
}

#[test]
fn objects_are_found_by_key_and_by_kind() {
    let mut store = Store::default();
    let node = object("Node", "n", |_| (), json!({}));
    store.apply([service("b", 1), node.clone(), service("a", 1)].map(Event::Upsert));
    let names: Vec<&str> = store.of_kind(Kind::Service).map(|o| o.meta.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(store.get(&node.key()), Some(&node));
    assert_eq!(store.len(), 3);
}

#[test]
fn the_store_is_synced_once_the_source_says_so() {
    let mut store = Store::default();
    store.apply([Event::Upsert(service("a", 1))]);
    assert!(!store.synced());
    store.apply([Event::Synced]);
    assert!(store.synced());
}

#[test]
fn what_happens_is_counted_by_kind() {
    let mut store = Store::default();
    store.apply([service("a", 1), service("a", 1), service("a", 2), service("b", 1)].map(Event::Upsert));
    store.apply([Event::Delete(service("b", 1).key()), Event::Delete(service("never", 1).key())]);
    let counts: Vec<_> = store.tally().iter().map(|(kind, happening, count)| (kind, (happening, count))).collect();
    let expected = [(Happening::Added, 2), (Happening::Updated, 1), (Happening::Repeated, 1), (Happening::Deleted, 1)];
    assert_eq!(counts, expected.map(|count| (Kind::Service, count)));
}
