//! Kubernetes' `Pod`, as far as istiod reads it (`serviceregistry/kube/controller/pod.go`).

use serde::{Deserialize, Serialize};

use super::enumeration::proto_enum;
use super::service::Transport;
use crate::base::Str;

/// A group of containers that share one network namespace.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pod {
    /// The node it runs on; empty while it is not scheduled.
    pub node_name: Str,
    /// Whose identity it has; `default` where nothing is said.
    pub service_account: Str,
    /// Its host name, where the spec sets one.
    pub hostname: Str,
    /// The headless service below which it has a DNS name.
    pub subdomain: Str,
    /// Whether it shares its node's network.
    pub host_network: bool,
    /// Its containers, including those of the init phase that keep running beside the others.
    pub containers: Vec<Container>,
    /// Its addresses, the primary one first.
    pub ips: Vec<Str>,
    /// How far it has got.
    pub phase: Phase,
    /// Whether its containers are ready.
    pub ready: bool,
    /// Whether it is being deleted.
    pub terminating: bool,
}

/// A container, by what it can be reached at.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Container {
    /// Its name.
    pub name: Str,
    /// The ports that it declares.
    pub ports: Vec<ContainerPort>,
}

/// A port that a container declares.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerPort {
    /// The name by which a service's `targetPort` finds it.
    pub name: Str,
    /// The number.
    pub container_port: u32,
    /// The transport.
    pub protocol: Transport,
}

proto_enum! {
    /// How far a Pod has got.
    pub enum Phase {
        /// Nothing is known.
        Unknown = 0 "Unknown",
        /// Not all containers have started.
        Pending = 1 "Pending",
        /// It runs.
        Running = 2 "Running",
        /// It has ended well.
        Succeeded = 3 "Succeeded",
        /// It has ended badly.
        Failed = 4 "Failed",
    }
}

/// `spec` as Kubernetes writes it.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Spec {
    node_name: Str,
    service_account_name: Str,
    hostname: Str,
    subdomain: Str,
    host_network: bool,
    containers: Vec<Container>,
    init_containers: Vec<InitContainer>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct InitContainer {
    name: Str,
    ports: Vec<ContainerPort>,
    restart_policy: Str,
}

/// `status` as Kubernetes writes it.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Status {
    #[serde(rename = "podIP")]
    pod_ip: Str,
    #[serde(rename = "podIPs")]
    pod_ips: Vec<PodIp>,
    phase: Phase,
    conditions: Vec<Condition>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PodIp {
    ip: Str,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Condition {
    r#type: Str,
    status: Str,
}

impl From<(Spec, Status, bool)> for Pod {
    /// The last part says whether the Pod is being deleted.
    fn from((spec, status, terminating): (Spec, Status, bool)) -> Self {
        let lasting =
            |c: InitContainer| (c.restart_policy == "Always").then_some(Container { name: c.name, ports: c.ports });
        let mut containers = spec.containers;
        containers.extend(spec.init_containers.into_iter().filter_map(lasting));
        let mut ips: Vec<Str> = status.pod_ips.into_iter().map(|p| p.ip).collect();
        if ips.is_empty() && !status.pod_ip.is_empty() {
            ips.push(status.pod_ip);
        }
        let account = spec.service_account_name;
        Self {
            node_name: spec.node_name,
            service_account: if account.is_empty() { arcstr::literal!("default") } else { account },
            hostname: spec.hostname,
            subdomain: spec.subdomain,
            host_network: spec.host_network,
            containers,
            ips,
            phase: status.phase,
            ready: status.conditions.iter().any(|c| c.r#type == "Ready" && c.status == "True"),
            terminating,
        }
    }
}
