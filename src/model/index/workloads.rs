//! Pods and WorkloadEntries as workloads.

use std::sync::Arc;

use crate::api::pod::{Phase, Pod};
use crate::api::workload_entry::Workload as EntryWorkload;
use crate::api::{Kind, Meta, Object, Spec};
use crate::base::{Labels, Locality, Namespace, Str};
use crate::model::facts::topology::{self, stated_locality};
use crate::model::facts::{Health, TlsMode, Workload};

use super::{Index, Source};

const TLS_MODE: &str = "security.istio.io/tlsMode";
const WORKLOAD_NAME: &str = "service.istio.io/workload-name";

impl Index {
    /// The workload of a pod (istio `serviceregistry/kube/controller/endpoint_builder.go`).
    pub(super) fn pod_workload(&self, meta: &Meta, pod: &Pod, reads: &mut Vec<Source>) -> Workload {
        let (locality, place) = match stated_locality(&meta.labels) {
            Some(label) => (Locality::parse(&label), label),
            None => {
                let found = self.node_locality(&meta.cluster, &pod.node_name, reads);
                let place = if found.is_empty() { Str::default() } else { three_parts(&found) };
                (found, place)
            }
        };
        let has_subdomain = !pod.subdomain.is_empty();
        let hostname = if pod.hostname.is_empty() { &meta.name } else { &pod.hostname };
        let address = pod.ips.first().map(Str::as_str).unwrap_or_default();
        let network = self.network_of(&meta.cluster, &meta.labels, address);
        let cluster = self.cluster_name(&meta.cluster);
        Workload {
            name: pod_workload_name(meta),
            namespace: meta.namespace.clone(),
            labels: topology::augment(&meta.labels, &locality, cluster, &pod.node_name, &network),
            service_account: self.spiffe(&meta.namespace, &pod.service_account),
            cluster: cluster.clone(),
            network,
            tls: tls_mode(&meta.labels),
            hostname: if has_subdomain { hostname.clone() } else { Str::default() },
            subdomain: pod.subdomain.clone(),
            node: pod.node_name.clone(),
            locality,
            place,
        }
    }

    /// The workload of a WorkloadEntry, or of an endpoint written into a ServiceEntry (istio
    /// `serviceregistry/serviceentry/conversion.go`, `convertWorkloadEntryToWorkloadInstance`).
    pub(super) fn entry_workload(
        &self,
        cluster: &Str,
        name: Str,
        namespace: &Namespace,
        object_labels: &Labels,
        entry: &EntryWorkload,
    ) -> Workload {
        let mut labels = entry.labels.clone();
        labels.extend(object_labels.iter().map(|(k, v)| (k.clone(), v.clone())));
        let stated = if entry.locality.is_empty() { stated_locality(&labels) } else { Some(entry.locality.clone()) };
        let place = stated.unwrap_or_default();
        let locality = Locality::parse(&place);
        let tls = match (labels.contains_key(TLS_MODE), entry.service_account.is_empty()) {
            (true, _) => tls_mode(&labels),
            (false, false) => TlsMode::Istio,
            (false, true) => TlsMode::Disabled,
        };
        let account = &entry.service_account;
        // Istio takes the network of the labels and of the mesh for a label, and for the endpoint what it states alone.
        let stated = entry.network.clone();
        let network =
            if stated.is_empty() { self.network_of(cluster, &labels, &entry.address) } else { stated.clone() };
        let cluster = self.cluster_name(cluster);
        Workload {
            name: labels.get(WORKLOAD_NAME).cloned().unwrap_or(name),
            namespace: namespace.clone(),
            service_account: if account.is_empty() { Str::default() } else { self.spiffe(namespace, account) },
            cluster: cluster.clone(),
            network: stated,
            tls,
            hostname: Str::default(),
            subdomain: Str::default(),
            node: Str::default(),
            labels: topology::augment(&labels, &locality, cluster, "", &network),
            locality,
            place,
        }
    }

    /// What is known of an endpoint without a pod.
    pub(super) fn bare_workload(&self, cluster: &Str, network: Str) -> Workload {
        let cluster = self.cluster_name(cluster);
        Workload {
            name: Str::default(),
            namespace: Namespace::default(),
            labels: topology::augment(&Labels::new(), &Locality::default(), cluster, "", &network),
            service_account: Str::default(),
            locality: Locality::default(),
            place: Str::default(),
            cluster: cluster.clone(),
            network,
            tls: TlsMode::Disabled,
            hostname: Str::default(),
            subdomain: Str::default(),
            node: Str::default(),
        }
    }

    /// All pods and WorkloadEntries of a namespace, in all clusters, that carry `selector`, with the ports they name; pods
    /// first, and each by name, as istiod sorts them.
    pub(super) fn selected(&self, namespace: &Namespace, selector: &Labels, reads: &mut Vec<Source>) -> Vec<Selected> {
        reads.push(Source::Workloads(namespace.clone()));
        let mut found = Vec::new();
        for object in self.of_kind_everywhere(Kind::Pod, namespace) {
            let Spec::Pod(pod) = &object.spec else { continue };
            reads.push(Source::Pod(namespace.clone(), object.meta.name.clone()));
            if pod.ready && is_alive(pod) && !pod.ips.is_empty() && carries(&object.meta.labels, selector) {
                let workload = Arc::new(self.pod_workload(&object.meta, pod, reads));
                found.push(Selected {
                    object: Arc::clone(object),
                    address: pod.ips[0].clone(),
                    weight: 0,
                    workload,
                    health: Health::Healthy,
                });
            }
        }
        let pods = found.len();
        found.extend(self.all_clusters().flat_map(|cluster| self.entries(&cluster, namespace, selector)));
        let (pods, entries) = found.split_at_mut(pods);
        for list in [pods, entries] {
            list.sort_by(|a, b| a.object.meta.name.cmp(&b.object.meta.name));
        }
        found
    }

    /// All WorkloadEntries of a namespace of a cluster that carry `selector`, by name.
    pub(super) fn entries(&self, cluster: &Str, namespace: &Namespace, selector: &Labels) -> Vec<Selected> {
        let all = self.of_kind_in(cluster, Kind::WorkloadEntry, namespace);
        all.filter_map(|object| self.entry(object, selector)).collect()
    }

    fn entry(&self, object: &Arc<Object>, selector: &Labels) -> Option<Selected> {
        let Object { meta, spec: Spec::WorkloadEntry(entry), .. } = &**object else { return None };
        let mut labels = entry.workload.labels.clone();
        labels.extend(meta.labels.iter().map(|(k, v)| (k.clone(), v.clone())));
        let reached = !entry.workload.address.is_empty() || !entry.workload.network.is_empty();
        let checked = meta.annotations.get("proxy.istio.io/health-checks-enabled").is_some_and(|v| v == "true");
        if !carries(&labels, selector) || !reached || checked && entry.healthy != Some(true) {
            return None;
        }
        let (name, workload) = (meta.name.clone(), &entry.workload);
        let found = self.entry_workload(&meta.cluster, name, &meta.namespace, &meta.labels, workload);
        Some(Selected {
            object: Arc::clone(object),
            address: workload.address.clone(),
            weight: workload.weight,
            workload: Arc::new(found),
            health: Health::Unknown,
        })
    }

    fn node_locality(&self, cluster: &Str, node: &Str, reads: &mut Vec<Source>) -> Locality {
        if node.is_empty() {
            return Locality::default();
        }
        reads.push(Source::Node(node.clone()));
        let object = self.get_in(cluster, Kind::Node, &Namespace::default(), node);
        object.map(|object| node_locality(&object.meta.labels)).unwrap_or_default()
    }

    fn spiffe(&self, namespace: &str, account: &str) -> Str {
        format!("spiffe://{}/ns/{namespace}/sa/{account}", self.snapshot.mesh.config.trust_domain.replace('@', "."))
            .into()
    }
}

/// A workload that a selector found.
pub(super) struct Selected {
    pub(super) object: Arc<Object>,
    pub(super) address: Str,
    pub(super) weight: u32,
    pub(super) workload: Arc<Workload>,
    pub(super) health: Health,
}

impl Selected {
    /// The number behind a port's name: a container's named TCP port, or what the WorkloadEntry says.
    pub(super) fn port(&self, name: &str) -> Option<u16> {
        match &self.object.spec {
            Spec::Pod(pod) => container_port(pod, name),
            Spec::WorkloadEntry(entry) => entry.workload.ports.get(name).map(|p| *p as u16).filter(|p| *p > 0),
            _ => None,
        }
    }
}

/// The container port of a name.
pub(super) fn container_port(pod: &Pod, name: &str) -> Option<u16> {
    use crate::api::service::Transport;
    let mut ports = pod.containers.iter().flat_map(|c| &c.ports);
    ports.find(|p| !name.is_empty() && p.name == name && p.protocol == Transport::Tcp).map(|p| p.container_port as u16)
}

/// The locality of a node, empty parts included.
fn three_parts(locality: &Locality) -> Str {
    format!("{}/{}/{}", locality.region, locality.zone, locality.sub_zone).into()
}

/// Whether a pod has not ended.
pub(super) fn is_alive(pod: &Pod) -> bool {
    !pod.terminating && !matches!(pod.phase, Phase::Succeeded | Phase::Failed)
}

/// Whether labels include all of a selector.
pub(super) fn carries(labels: &Labels, selector: &Labels) -> bool {
    selector.iter().all(|(k, v)| labels.get(k) == Some(v))
}

/// The locality of a node by its labels, those of old Kubernetes too.
pub(crate) fn node_locality(labels: &Labels) -> Locality {
    let first = |names: &[&str]| names.iter().find_map(|n| labels.get(*n)).cloned().unwrap_or_default();
    Locality {
        region: first(&["topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region"]),
        zone: first(&["topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone"]),
        sub_zone: first(&["topology.istio.io/subzone"]),
    }
}

fn tls_mode(labels: &Labels) -> TlsMode {
    if labels.get(TLS_MODE).is_some_and(|m| m == "istio") { TlsMode::Istio } else { TlsMode::Disabled }
}

/// The Deployment or the like that made a pod, guessed from its owner (istio `pkg/kube/util.go`,
/// `GetWorkloadMetaFromPod`).
fn pod_workload_name(meta: &Meta) -> Str {
    if let Some(name) = meta.labels.get(WORKLOAD_NAME) {
        return name.clone();
    }
    let Some(owner) = meta.owners.iter().find(|o| o.controller) else { return meta.name.clone() };
    let hash = |label: &str| meta.labels.get(label).filter(|h| !h.is_empty());
    let without = |hash: &Str| owner.name.strip_suffix(hash.as_str()).and_then(|n| n.strip_suffix('-'));
    let name = match owner.kind.as_str() {
        "ReplicaSet" => {
            hash("pod-template-hash").and_then(without).or_else(|| hash("rollouts-pod-template-hash").and_then(without))
        }
        "ReplicationController" => hash("deploymentconfig").map(Str::as_str),
        "Job" => cron_job(&owner.name),
        _ => None,
    };
    name.map_or_else(|| owner.name.clone(), Str::from)
}

/// The CronJob of a Job whose name ends in a time stamp of 8 to 10 digits.
fn cron_job(job: &str) -> Option<&str> {
    let (name, stamp) = job.rsplit_once('-')?;
    ((8..=10).contains(&stamp.len()) && stamp.bytes().all(|b| b.is_ascii_digit())).then_some(name)
}
