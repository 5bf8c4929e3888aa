//! What an edit touches, and what it leaves alone.

use std::collections::BTreeSet;

use serde_json::json;

use super::*;
use crate::model::FactKey;
use crate::plan::tests::world::sidecar;

/// Classes of some namespaces over one mesh.
struct Classes {
    shared: Shared,
    cache: Cache,
    classes: Vec<RouteClass>,
}

impl Classes {
    fn new(world: &World, namespaces: &[&str]) -> Self {
        let (mut shared, cache) = (Shared::default(), Cache::default());
        let class = |namespace: &&str| {
            let facets = facets_of(world.snapshot(), &sidecar(namespace, json!({})));
            RouteClass::new(world.snapshot(), facets, &mut shared, &cache)
        };
        let classes = namespaces.iter().map(class).collect();
        Self { shared, cache, classes }
    }

    /// Which classes an edit moves.
    fn update(&mut self, world: &World, changed: &BTreeSet<FactKey>) -> Vec<bool> {
        RouteClass::update_shared(&mut self.shared, world.snapshot(), changed, &self.cache);
        self.classes.iter_mut().map(|c| c.update(world.snapshot(), changed, &mut self.shared, &self.cache)).collect()
    }

    fn built(&self) -> u64 {
        self.cache.stats().misses.load(std::sync::atomic::Ordering::Relaxed)
    }
}

fn world() -> World {
    let services = (0..20).map(|i| {
        let namespace = if i % 2 == 0 { "even" } else { "odd" };
        service(namespace, &format!("s{i}"), &format!("10.96.0.{i}"), &["http:80", "http-b:81"])
    });
    World::new(&all(&services.collect::<Vec<_>>()))
}

#[test]
fn a_rule_edit_encodes_one_virtual_host_in_its_variants() {
    let mut world = world();
    let mut classes = Classes::new(&world, &["even", "odd", "other"]);
    let before = classes.built();
    let http = "{route: [{destination: {host: s4}}], match: [{port: 80}]}";
    let changed = world.apply(&rule("even", "r", "s4", http, ""));
    assert_eq!(classes.update(&world, &changed), [true, true, true]);
    assert_eq!(classes.built() - before, 2, "as seen from even and from elsewhere");
}

#[test]
fn a_port_without_the_edited_host_stays_as_it_is() {
    let mut world = world();
    let mut classes = Classes::new(&world, &["even"]);
    let version = |classes: &Classes| classes.classes[0].layer().get("81").unwrap().version();
    let before = version(&classes);
    let http = "{route: [{destination: {host: s4}}], match: [{port: 80}]}";
    let changed = world.apply(&rule("even", "r", "s4", http, ""));
    classes.update(&world, &changed);
    assert_eq!(version(&classes), before);
}

#[test]
fn a_private_rule_moves_its_namespace_alone() {
    let mut world = world();
    let mut classes = Classes::new(&world, &["even", "odd"]);
    let http = "{route: [{destination: {host: s4.even.svc.cluster.local}}], timeout: 1s}";
    let changed = world.apply(&rule("odd", "r", "s4.even.svc.cluster.local", http, "exportTo: ['.'],"));
    assert_eq!(classes.update(&world, &changed), [false, false], "odd has another scope now, and so another class");
    let mut classes = Classes::new(&world, &["even", "odd"]);
    let http = http.replace("1s", "2s");
    let changed = world.apply(&rule("odd", "r", "s4.even.svc.cluster.local", &http, "exportTo: ['.'],"));
    assert_eq!(classes.update(&world, &changed), [false, true]);
}

#[test]
fn endpoints_and_other_objects_move_nothing() {
    let mut world = world();
    let mut classes = Classes::new(&world, &["even"]);
    let changed = world.apply(
        "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, addressType: IPv4,
          metadata: {name: s4-a, namespace: even, labels: {kubernetes.io/service-name: s4}},
          endpoints: [{addresses: [10.1.0.1]}], ports: [{name: http, port: 8080}]}",
    );
    assert_eq!(classes.update(&world, &changed), [false]);
}

#[test]
fn classes_share_the_virtual_hosts_that_look_the_same_to_them() {
    let world = world();
    let classes = Classes::new(&world, &["a", "b", "even"]);
    let version = |at: usize| classes.classes[at].layer().get("80").unwrap().version();
    assert_eq!(version(0), version(1));
    assert_ne!(version(0), version(2));
    let resource = |at: usize| std::sync::Arc::as_ptr(classes.classes[at].layer().get("80").unwrap());
    assert_eq!(resource(0), resource(1), "one resource in memory");
}

#[test]
fn what_classes_share_goes_with_the_last_of_them() {
    let world = world();
    let mut classes = Classes::new(&world, &["even"]);
    classes.classes.clear();
    classes.update(&world, &BTreeSet::new());
    let facets = facets_of(world.snapshot(), &sidecar("even", json!({}))).unwrap();
    assert!(classes.shared.get(&facets.base).is_none());
}
