//! `resourcesz`, `krtz`, `ambientz`, `mcsz`: the kinds that are read, and what there is of each.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::endpoints::Empty;
use crate::api::{Kind, Object};

/// A kind, as Go prints a `GroupVersionKind`.
#[derive(Debug, Serialize)]
pub struct Schema {
    group: &'static str,
    version: &'static str,
    kind: &'static str,
}

/// The kinds of configuration that are read: Istio's by name, then those of Kubernetes that take their place.
pub fn schemas() -> Vec<Schema> {
    let mut kinds: Vec<Kind> = Kind::all().filter(|kind| kind.is_istio()).collect();
    kinds.sort_by_key(|kind| kind.as_str());
    kinds.push(Kind::Ingress);
    let schema = |kind: Kind| Schema { group: kind.group(), version: kind.versions()[0], kind: kind.as_str() };
    kinds.into_iter().map(schema).collect()
}

/// A collection in the shape in which istiod prints those of its library `krt`.
#[derive(Debug, Serialize)]
pub struct Collection {
    name: &'static str,
    state: State,
    uid: usize,
}

#[derive(Debug, Serialize)]
struct State {
    /// By `namespace/name`. The objects themselves are on `configz`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    outputs: BTreeMap<String, Empty>,
    synced: bool,
}

/// The objects of each kind, which are the collections that mizzen has: everything else follows from them as a whole.
pub fn collections(objects: &[Arc<Object>], synced: bool) -> Vec<Collection> {
    let mut by_kind: BTreeMap<Kind, BTreeMap<String, Empty>> =
        Kind::all().map(|kind| (kind, BTreeMap::new())).collect();
    for object in objects {
        let name = match object.meta.namespace.is_empty() {
            true => object.meta.name.to_string(),
            false => format!("{}/{}", object.meta.namespace, object.meta.name),
        };
        by_kind.entry(object.kind()).or_default().insert(name, Empty {});
    }
    let collection = |(uid, (kind, outputs)): (usize, (Kind, BTreeMap<String, Empty>))| Collection {
        name: kind.as_str(),
        state: State { outputs, synced },
        uid,
    };
    by_kind.into_iter().enumerate().map(collection).collect()
}

/// What ztunnels would be told; nothing, as there is no ambient mesh.
#[derive(Debug, Default, Serialize)]
pub struct Ambient {
    workloads: Option<Vec<Empty>>,
    services: Option<Vec<Empty>>,
    policies: Option<Vec<Empty>>,
}

/// Services of several clusters by Kubernetes' multi-cluster API, which is not read; istiod prints `null` without it.
pub fn multi_cluster_services() -> Option<Vec<Empty>> {
    None
}
