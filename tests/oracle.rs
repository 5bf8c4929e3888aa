//! The oracle: after any sequence of edits, what every proxy should hold is what a mizzen that starts now would send
//! it: the same names, the same versions, the same bytes. And a batch that changes nothing wakes nobody.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "oracle/edits.rs"]
mod edits;
#[path = "oracle/kubernetes.rs"]
mod kubernetes;
#[path = "oracle/policy.rs"]
mod policy;
#[path = "oracle/traffic.rs"]
mod traffic;

use std::collections::BTreeMap;
use std::sync::Arc;

use mizzen::api::mesh::MeshConfig;
use mizzen::api::{Key, Object};
use mizzen::base::Locality;
use mizzen::engine::Core;
use mizzen::model::index::{Allocations, Options};
use mizzen::plan::ProxyId;
use mizzen::proxy::Proxy;
use mizzen::store::Event;
use mizzen::wire::{Cache, Publication, ResourceType};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;

use edits::{Edit, edit, settings};

/// What comes at once: perhaps other settings of the mesh, and edits.
type Step = (Option<MeshConfig>, Vec<Edit>);

/// What a proxy holds: by type and name, the version.
type Holdings = Vec<(ResourceType, String, String)>;

fn holdings(publication: &Publication) -> Holdings {
    let mut out = Vec::new();
    for kind in ResourceType::ALL {
        out.extend(publication.of(kind).iter().map(|e| (kind, e.name().to_string(), e.version().to_string())));
    }
    out.sort();
    out
}

fn proxies() -> Vec<Proxy> {
    let node = |name: &str, namespace: &str, ip: &str, extensions: &[&str]| {
        let metadata = json!({
            "NAMESPACE": namespace, "CLUSTER_ID": "Kubernetes", "INSTANCE_IPS": ip, "DNS_CAPTURE": "true",
            "NETWORK": if namespace == "two" { "near" } else { "" },
            "HTTP_PROXY_PORT": if name == "b" { "3128" } else { "" },
            "LABELS": {"app": name}, "INTERCEPTION_MODE": "REDIRECT", "ISTIO_VERSION": "1.32.0"
        });
        let id = format!("sidecar~{ip}~{name}.{namespace}~{namespace}.svc.cluster.local");
        Proxy::new(&id, name, Locality::default(), &metadata, extensions.iter().copied().collect()).unwrap()
    };
    let stock = ["envoy.extensions.filters.http.router.v3.Router"];
    let gateway = |namespace: &str, ip: &str, istio: &str, confidential| {
        let id = format!("router~{ip}~gate.{namespace}~{namespace}.svc.cluster.local");
        let labels = json!({"app": "c", "istio": istio});
        let metadata = json!({"NAMESPACE": namespace, "CLUSTER_ID": "Kubernetes", "LABELS": labels});
        let proxy = Proxy::new(&id, "gate", Locality::default(), &metadata, Default::default()).unwrap();
        Proxy { confidential, ..proxy }
    };
    vec![
        gateway("one", "10.0.0.4", "", true),
        gateway("two", "10.0.0.9", "gate", false),
        gateway("istio-system", "10.0.0.8", "ingressgateway", false),
        node("a", "one", "10.0.0.1", &[]),
        node("b", "two", "10.0.0.2", &[]),
        node("a", "two", "10.0.0.3", &stock),
    ]
}

struct Mesh {
    core: Core,
    held: BTreeMap<ProxyId, Arc<Publication>>,
    ids: Vec<ProxyId>,
}

impl Mesh {
    fn new(allocations: Allocations, mesh: MeshConfig, objects: impl Iterator<Item = Arc<Object>>) -> Self {
        let mut core = Core::new(Options::default(), mesh, allocations, Arc::new(Cache::default()));
        core.note(objects.map(Event::Upsert).chain([Event::Synced]).collect(), None, Arc::default());
        core.settle();
        let joined: Vec<_> = proxies().into_iter().map(|p| core.join(p)).collect();
        Self { core, ids: joined.iter().map(|j| j.0).collect(), held: joined.into_iter().collect() }
    }

    fn apply(&mut self, mesh: Option<MeshConfig>, events: Vec<Event>) {
        self.core.note(events, mesh, Arc::default());
        self.held.extend(self.core.settle().publications);
    }

    fn holdings(&self) -> Vec<Holdings> {
        self.ids.iter().map(|id| holdings(&self.held[id])).collect()
    }
}

fn differences(incremental: &[Holdings], scratch: &[Holdings]) -> String {
    let mut out = String::new();
    for (i, (a, b)) in incremental.iter().zip(scratch).enumerate() {
        a.iter()
            .filter(|x| !b.contains(x))
            .for_each(|x| out.push_str(&format!("proxy {i} only incrementally: {x:?}\n")));
        b.iter()
            .filter(|x| !a.contains(x))
            .for_each(|x| out.push_str(&format!("proxy {i} only from scratch: {x:?}\n")));
    }
    out
}

/// Applies batches of edits and compares after each.
fn check(batches: &[Step]) -> Result<(), TestCaseError> {
    let mut objects: BTreeMap<Key, Arc<Object>> = BTreeMap::new();
    let mut settings = MeshConfig::default();
    let mut mesh = Mesh::new(Allocations::default(), settings.clone(), std::iter::empty());
    for (changed, batch) in batches {
        let mut events = Vec::new();
        for edit in batch {
            let object = edit.object();
            let key = object.key();
            if edit.deletes() {
                objects.remove(&key);
                events.push(Event::Delete(key));
            } else {
                objects.insert(key, Arc::clone(&object));
                events.push(Event::Upsert(object));
            }
        }
        if let Some(changed) = changed {
            settings = changed.clone();
        }
        mesh.apply(changed.clone(), events);
        let given = mesh.core.index().allocations().clone();
        let scratch = Mesh::new(given, settings.clone(), objects.values().cloned());
        let (incremental, scratch) = (mesh.holdings(), scratch.holdings());
        if incremental != scratch {
            return Err(TestCaseError::fail(differences(&incremental, &scratch)));
        }
    }
    let same = objects.values().cloned().map(Event::Upsert).collect();
    mesh.core.note(same, None, Arc::default());
    let woken = mesh.core.settle().publications.len();
    prop_assert_eq!(woken, 0, "an equal result woke {} proxies", woken);
    Ok(())
}

#[test]
fn incremental_is_from_scratch() {
    let step = (prop::option::weighted(0.15, settings()), prop::collection::vec(edit(), 1..6));
    let batches = prop::collection::vec(step, 1..7);
    let mut runner = TestRunner::new(Config { cases: 2000, ..Config::default() });
    runner.run(&batches, |batches| check(&batches)).unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn a_whole_mesh_put_in_and_taken_out_leaves_nothing() {
    let batches = prop::collection::vec(edit(), 30..60);
    let mut runner = TestRunner::new(Config { cases: 100, ..Config::default() });
    let test = |edits: Vec<Edit>| {
        let mut mesh = Mesh::new(Allocations::default(), MeshConfig::default(), std::iter::empty());
        let empty = mesh.holdings();
        mesh.apply(None, edits.iter().map(|e| Event::Upsert(e.object())).collect());
        mesh.apply(None, edits.iter().map(|e| Event::Delete(e.object().key())).collect());
        prop_assert_eq!(mesh.holdings(), empty);
        Ok(())
    };
    runner.run(&batches, test).unwrap_or_else(|e| panic!("{e}"));
}
