//! `configz`, `mesh`, `clusterz`, `push_status`: what was read, and what could not be built from it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::api::Object;
use crate::base::{Finding, Str};
use crate::model::Snapshot;

/// Istio's objects, as Kubernetes would print them, by kind, namespace and name.
pub fn configs(objects: &[Arc<Object>]) -> Vec<Value> {
    let mut objects: Vec<_> = objects.iter().filter(|o| o.kind().is_istio()).collect();
    objects.sort_by_cached_key(|o| (o.kind().as_str(), o.meta.namespace.clone(), o.meta.name.clone()));
    objects.into_iter().map(|o| o.to_json()).collect()
}

/// The mesh's settings, with what they are where nothing was said.
pub fn mesh(snapshot: &Snapshot) -> Value {
    snapshot.mesh.config.to_json()
}

/// A cluster that is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cluster {
    /// Its name.
    pub id: Str,
    /// The Secret that leads there; empty for the own cluster.
    pub secret_name: Str,
    /// `synced` when everything there is was read once, before `syncing`.
    pub sync_status: &'static str,
}

/// The clusters that are read: the own one, then the remote ones.
pub fn clusters(snapshot: &Snapshot, synced: bool, remote: Vec<Cluster>) -> Vec<Cluster> {
    let sync_status = if synced { "synced" } else { "syncing" };
    let own = Cluster { id: snapshot.mesh.cluster.clone(), secret_name: Str::default(), sync_status };
    std::iter::once(own).chain(remote).collect()
}

/// What went wrong with a resource.
#[derive(Debug, Serialize)]
pub struct PushStatus {
    /// The proxy it was for; mizzen builds resources for classes of proxies.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub proxy: Str,
    /// What went wrong.
    pub message: Str,
}

/// What went wrong in building resources: by sort of problem, then by resource.
pub fn push_status(failures: &[Finding]) -> BTreeMap<&'static str, BTreeMap<String, PushStatus>> {
    let mut by_code: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
    for failure in failures {
        let status = PushStatus { proxy: Str::default(), message: failure.text.clone() };
        by_code.entry(failure.code).or_default().insert(failure.object.name.to_string(), status);
    }
    by_code
}
