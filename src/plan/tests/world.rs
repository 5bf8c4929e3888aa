//! A mesh made of YAML, which can be edited.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::api::mesh::{MeshConfig, MeshNetworks};
use crate::api::{Key, Kind, Object, decode};
use crate::base::{Features, Finding, Locality, Severity};
use crate::model::index::{Allocations, Index, Options};
use crate::model::{FactKey, Snapshot};
use crate::proxy::Proxy;

/// Objects and the facts that follow from them.
pub(crate) struct World(Index);

impl World {
    /// A mesh of documents, separated by `---`.
    pub(crate) fn new(yaml: &str) -> Self {
        let mut world = Self(Index::new(Options::default(), MeshConfig::default(), Allocations::default()));
        world.apply(yaml);
        world
    }

    /// The same with some of istiod's variables.
    pub(crate) fn with_features(features: Features, yaml: &str) -> Self {
        let options = Options { features, ..Options::default() };
        let mut world = Self(Index::new(options, MeshConfig::default(), Allocations::default()));
        world.apply(yaml);
        world
    }

    /// Adds objects or replaces them; returns what changed.
    pub(crate) fn apply(&mut self, yaml: &str) -> BTreeSet<FactKey> {
        let batch = objects(yaml).map(|o| (o.key(), Some(Arc::new(o)))).collect();
        self.0.apply(&batch, None).keys
    }

    /// Adds an object with which something is odd, and which is in force all the same.
    pub(crate) fn apply_odd(&mut self, yaml: &str) {
        let odd = |(object, findings): (Object, Vec<Finding>)| {
            assert!(!findings.is_empty() && findings.iter().all(|f| f.severity != Severity::Error), "{findings:?}");
            (object.key(), Some(Arc::new(object)))
        };
        self.0.apply(&decoded(yaml).map(odd).collect(), None);
    }

    /// Adds objects of another cluster; returns what changed.
    pub(crate) fn apply_in(&mut self, cluster: &str, yaml: &str) -> BTreeSet<FactKey> {
        let there = |mut object: Object| {
            object.meta.cluster = cluster.into();
            (object.key(), Some(Arc::new(object)))
        };
        self.0.apply(&objects(yaml).map(there).collect(), None).keys
    }

    /// Takes an object out; returns what changed.
    pub(crate) fn remove(&mut self, kind: Kind, namespace: &str, name: &str) -> BTreeSet<FactKey> {
        self.remove_in("", kind, namespace, name)
    }

    /// The same in another cluster.
    pub(crate) fn remove_in(&mut self, cluster: &str, kind: Kind, namespace: &str, name: &str) -> BTreeSet<FactKey> {
        let key = Key { cluster: cluster.into(), ..Key::new(kind, namespace.into(), name.into()) };
        self.0.apply(&BTreeMap::from([(key, None)]), None).keys
    }

    /// Sets the mesh config, in JSON; returns what changed.
    pub(crate) fn settings(&mut self, mesh: Value) -> BTreeSet<FactKey> {
        let (mesh, findings) = MeshConfig::parse(mesh);
        assert!(findings.is_empty(), "{findings:?}");
        self.0.apply(&BTreeMap::new(), Some(mesh)).keys
    }

    /// Sets a mesh config with which something is odd, and which is in force all the same.
    pub(crate) fn odd_settings(&mut self, mesh: Value) {
        let (mesh, findings) = MeshConfig::parse(mesh);
        assert!(!findings.is_empty() && findings.iter().all(|f| f.severity != Severity::Error), "{findings:?}");
        self.0.apply(&BTreeMap::new(), Some(mesh));
    }

    /// Sets the mesh's networks, in JSON; all other settings are the default.
    pub(crate) fn networks(&mut self, networks: Value) {
        let (networks, findings) = MeshNetworks::parse(networks);
        assert!(findings.is_empty(), "{findings:?}");
        self.0.apply(&BTreeMap::new(), Some(MeshConfig { networks, ..MeshConfig::default() }));
    }

    /// The objects and the facts.
    pub(crate) fn index(&self) -> &Index {
        &self.0
    }

    /// The facts as they are.
    pub(crate) fn snapshot(&self) -> &Snapshot {
        self.0.snapshot()
    }
}

fn objects(yaml: &str) -> impl Iterator<Item = Object> {
    decoded(yaml).map(|(object, findings)| {
        assert!(findings.is_empty(), "{findings:?}");
        object
    })
}

fn decoded(yaml: &str) -> impl Iterator<Item = (Object, Vec<Finding>)> {
    yaml.split("\n---\n").filter(|d| !d.trim().is_empty()).map(|text| {
        let value: Value = serde_saphyr::from_str(text).expect("the test's YAML is YAML");
        let decoded = decode(value, None);
        (decoded.object.expect("the test's object is of a known kind"), decoded.findings)
    })
}

/// A sidecar of a namespace with some metadata.
pub(crate) fn sidecar(namespace: &str, metadata: Value) -> Proxy {
    let mut all = json!({"CLUSTER_ID": "Kubernetes", "NAMESPACE": namespace, "INSTANCE_IPS": "10.1.0.5"});
    for (key, value) in metadata.as_object().into_iter().flatten() {
        all[key] = value.clone();
    }
    let id = format!("sidecar~10.1.0.5~client.{namespace}~{namespace}.svc.cluster.local");
    Proxy::new(&id, "client", Locality::default(), &all, Default::default()).expect("the node id is well formed")
}
