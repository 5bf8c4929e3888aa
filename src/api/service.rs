//! Kubernetes' `Service`, as far as istiod reads it (`pkg/kube`, `serviceregistry/kube/conversion.go`).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::enumeration::proto_enum;
use crate::base::{Labels, Str};

/// A service of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Service {
    /// How it is reached.
    pub r#type: Type,
    /// Its addresses, the primary one first; `["None"]` for a headless service, empty where none was assigned.
    pub cluster_ips: Vec<Str>,
    /// The DNS name that a service of type `ExternalName` stands for.
    pub external_name: Str,
    /// Addresses outside the cluster that lead to it.
    pub external_ips: Vec<Str>,
    /// What the load balancer in front of it answers to.
    pub load_balancer: Vec<Ingress>,
    /// The labels of its Pods; empty where somebody else keeps the EndpointSlices.
    pub selector: Labels,
    /// Its ports.
    pub ports: Vec<Port>,
    /// Whether endpoints that are not ready are published too.
    pub publish_not_ready_addresses: bool,
    /// `Local` keeps callers on their own node; `Cluster` or empty does not.
    pub internal_traffic_policy: Str,
    /// Which endpoints callers prefer: `PreferClose`, `PreferSameZone`, `PreferSameNode`, or empty.
    pub traffic_distribution: Str,
    /// `IPv4`, `IPv6`, or both, the primary one first.
    pub ip_families: Vec<Str>,
}

impl Service {
    /// Whether the service has no address of its own, so that callers choose a Pod themselves.
    pub fn is_headless(&self) -> bool {
        self.cluster_ips.first().is_some_and(|ip| ip == "None")
    }
}

proto_enum! {
    /// How a service is reached.
    pub enum Type {
        /// By an address inside the cluster, or none.
        ClusterIp = 0 "ClusterIP",
        /// By a port of every node too.
        NodePort = 1 "NodePort",
        /// By a load balancer too.
        LoadBalancer = 2 "LoadBalancer",
        /// It is another name for a DNS name.
        ExternalName = 3 "ExternalName",
    }
}

/// One port of a service.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Port {
    /// Its name, empty where the service has only this one.
    pub name: Str,
    /// The number that callers use.
    pub port: u32,
    /// Where the Pods listen; the same as `port` where nothing is said.
    pub target_port: TargetPort,
    /// The transport.
    pub protocol: Transport,
    /// What is spoken: `http`, `kubernetes.io/h2c`, …; empty where the name tells.
    pub app_protocol: Str,
    /// The port of the nodes, 0 for none.
    pub node_port: u32,
}

/// A port of a Pod.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(untagged)]
pub enum TargetPort {
    /// By number.
    Number(u32),
    /// By the name of a container's port.
    Name(Str),
}

impl<'de> Deserialize<'de> for TargetPort {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Port;
        impl serde::de::Visitor<'_> for Port {
            type Value = TargetPort;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the number of a port or the name of one")
            }
            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<TargetPort, E> {
                let unexpected = serde::de::Unexpected::Unsigned(number);
                u32::try_from(number).map(TargetPort::Number).map_err(|_| E::invalid_value(unexpected, &self))
            }
            fn visit_str<E>(self, name: &str) -> Result<TargetPort, E> {
                Ok(TargetPort::Name(name.into()))
            }
        }
        deserializer.deserialize_any(Port)
    }
}

proto_enum! {
    /// A transport protocol as Kubernetes names them.
    pub enum Transport {
        /// TCP.
        Tcp = 0 "TCP",
        /// UDP.
        Udp = 1 "UDP",
        /// SCTP.
        Sctp = 2 "SCTP",
    }
}

/// What a load balancer answers to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Ingress {
    /// An address.
    pub ip: Str,
    /// A DNS name.
    pub hostname: Str,
}

/// `spec` as Kubernetes writes it.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Spec {
    r#type: Type,
    #[serde(rename = "clusterIP")]
    cluster_ip: Str,
    #[serde(rename = "clusterIPs")]
    cluster_ips: Vec<Str>,
    external_name: Str,
    #[serde(rename = "externalIPs")]
    external_ips: Vec<Str>,
    selector: Labels,
    ports: Vec<WirePort>,
    publish_not_ready_addresses: bool,
    internal_traffic_policy: Str,
    traffic_distribution: Str,
    ip_families: Vec<Str>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WirePort {
    name: Str,
    port: u32,
    target_port: Option<TargetPort>,
    protocol: Transport,
    app_protocol: Str,
    node_port: u32,
}

/// `status` as Kubernetes writes it.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Status {
    load_balancer: LoadBalancer,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct LoadBalancer {
    ingress: Vec<Ingress>,
}

impl From<(Spec, Status)> for Service {
    fn from((spec, status): (Spec, Status)) -> Self {
        let mut cluster_ips = spec.cluster_ips;
        if cluster_ips.is_empty() && !spec.cluster_ip.is_empty() {
            cluster_ips.push(spec.cluster_ip);
        }
        Self {
            r#type: spec.r#type,
            cluster_ips,
            external_name: spec.external_name,
            external_ips: spec.external_ips,
            load_balancer: status.load_balancer.ingress,
            selector: spec.selector,
            ports: spec.ports.into_iter().map(Port::from).collect(),
            publish_not_ready_addresses: spec.publish_not_ready_addresses,
            internal_traffic_policy: spec.internal_traffic_policy,
            traffic_distribution: spec.traffic_distribution,
            ip_families: spec.ip_families,
        }
    }
}

impl From<WirePort> for Port {
    fn from(port: WirePort) -> Self {
        let target_port = match port.target_port {
            None | Some(TargetPort::Number(0)) => TargetPort::Number(port.port),
            Some(target) => target,
        };
        Self {
            name: port.name,
            port: port.port,
            target_port,
            protocol: port.protocol,
            app_protocol: port.app_protocol,
            node_port: port.node_port,
        }
    }
}
