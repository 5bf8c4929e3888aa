//! A workload read from a Pod document.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Deserialize;
use serde_json::Value;

use super::{ContainerPort, Workload};

/// Why no workload could be read from a file of Pod documents.
#[derive(Debug, thiserror::Error)]
pub enum PodError {
    /// The text is neither YAML nor JSON: to be mended in the file.
    #[error("not readable as YAML: {0}")]
    Unreadable(#[from] serde_saphyr::Error),
    /// A field of the Pod has a type that Kubernetes would not take: to be mended in the file.
    #[error("not a Pod as Kubernetes knows it: {0}")]
    Mistyped(#[from] serde_json::Error),
    /// No Pod, or none of the name asked for.
    #[error("no Pod{} in it", .0.as_deref().map(|name| format!(" `{name}`")).unwrap_or_default())]
    None(Option<String>),
    /// Several Pods, and no name to choose by.
    #[error("{0} Pods in it: say which with --name")]
    Several(usize),
}

/// The workload that `text` describes: YAML or JSON, one or more documents of any kind, among which the Pod called
/// `name` is meant or the only Pod. Its addresses may be missing: a Pod that has not been started has none.
pub fn read_pod(text: &str, name: Option<&str>) -> Result<Workload, PodError> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(text)?;
    let pods = documents.into_iter().filter(|document| document["kind"] == "Pod");
    let mut pods: Vec<Value> = pods.filter(|pod| name.is_none_or(|name| pod["metadata"]["name"] == name)).collect();
    match (pods.pop(), pods.len()) {
        (None, _) => Err(PodError::None(name.map(str::to_owned))),
        (Some(pod), 0) => Ok(workload(Pod::deserialize(pod)?)),
        (Some(_), others) => Err(PodError::Several(others + 1)),
    }
}

fn workload(pod: Pod) -> Workload {
    let namespace = pod.metadata.namespace.unwrap_or_else(|| "default".to_owned());
    let mut ips: Vec<IpAddr> = pod.status.pod_ips.into_iter().map(|entry| entry.ip).collect();
    if ips.is_empty() {
        ips.extend(pod.status.pod_ip);
    }
    Workload {
        owner: pod
            .metadata
            .owner_references
            .into_iter()
            .find(|owner| owner.controller)
            .map(|owner| owner.path(&namespace, &pod.metadata.labels)),
        name: pod.metadata.name,
        namespace,
        ips,
        labels: pod.metadata.labels,
        service_account: pod.spec.service_account_name.unwrap_or_else(|| "default".to_owned()),
        node_name: pod.spec.node_name,
        ports: pod.spec.containers.iter().flat_map(|container| container.ports.clone()).collect(),
        containers: pod.spec.containers.into_iter().map(|container| container.name).collect(),
    }
}

impl OwnerReference {
    /// The owner as Istio's injector names it. A ReplicaSet that carries its Deployment's hash stands for the
    /// Deployment (istio `pkg/kube/util.go`, `GetWorkloadMetaFromPod`).
    fn path(self, namespace: &str, labels: &BTreeMap<String, String>) -> String {
        let suffix = labels.get("pod-template-hash").map(|hash| format!("-{hash}"));
        let deployment = suffix.and_then(|suffix| self.name.strip_suffix(&suffix).map(str::to_owned));
        let (kind, name) = match deployment {
            Some(deployment) if self.kind == "ReplicaSet" => ("deployment".to_owned(), deployment),
            _ => (self.kind.to_lowercase(), self.name),
        };
        format!("kubernetes://apis/{}/namespaces/{namespace}/{kind}s/{name}", self.api_version)
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Pod {
    metadata: Metadata,
    spec: Spec,
    status: Status,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Metadata {
    name: String,
    namespace: Option<String>,
    labels: BTreeMap<String, String>,
    owner_references: Vec<OwnerReference>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct OwnerReference {
    api_version: String,
    kind: String,
    name: String,
    controller: bool,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    service_account_name: Option<String>,
    node_name: Option<String>,
    containers: Vec<Container>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Container {
    name: String,
    ports: Vec<ContainerPort>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    #[serde(rename = "podIP")]
    pod_ip: Option<IpAddr>,
    #[serde(rename = "podIPs")]
    pod_ips: Vec<PodIp>,
}

#[derive(Deserialize)]
struct PodIp {
    ip: IpAddr,
}
