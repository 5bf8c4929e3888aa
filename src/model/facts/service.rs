//! What is called: a name with ports.

use std::collections::BTreeSet;

use crate::base::{Host, Labels, Namespace, Str};

use super::port::Port;
use super::preference::Distribution;

/// Which kind of object defines a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Registry {
    /// A Kubernetes Service.
    Kubernetes,
    /// A ServiceEntry.
    External,
}

/// How endpoints of a service are found (Istio's `model.Resolution`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resolution {
    /// The control plane knows them and sends them.
    Static,
    /// The proxy resolves names, and uses all addresses it gets.
    Dns,
    /// The proxy resolves a name, and uses the first address.
    DnsRoundRobin,
    /// Where the caller was going anyway.
    Passthrough,
    /// The proxy resolves whatever name the caller asked for.
    DynamicDns,
    /// The service is another name of another service.
    Alias,
}

/// Which namespaces may see an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExportTo {
    /// Every namespace.
    All,
    /// These only; an empty set is nobody.
    Only(BTreeSet<Namespace>),
}

impl ExportTo {
    /// Whether `namespace` may see it.
    pub fn includes(&self, namespace: &Namespace) -> bool {
        match self {
            Self::All => true,
            Self::Only(set) => set.contains(namespace),
        }
    }
}

/// Addresses that mizzen or istiod gave to a host which has none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Allocation {
    /// From 240.240.0.0/16, if mizzen gave it; empty where a status says none of the family.
    pub v4: Str,
    /// From 2001:2::/48, likewise.
    pub v6: Str,
}

/// One definition of a service: a Kubernetes Service, or one host of a ServiceEntry.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Service {
    /// The name callers use.
    pub host: Host,
    /// The Kubernetes Service's name; for a ServiceEntry the host again, as in Istio.
    pub name: Str,
    /// The name of the object that defines it.
    pub object: Str,
    /// The object's namespace.
    pub namespace: Namespace,
    /// Which kind of object.
    pub registry: Registry,
    /// How endpoints are found.
    pub resolution: Resolution,
    /// Outside the mesh: `MESH_EXTERNAL`, or an ExternalName.
    pub external: bool,
    /// The ports, in the object's order.
    pub ports: Vec<Port>,
    /// Cluster IPs, or the ServiceEntry's addresses (a range in CIDR form). Empty for headless services and where
    /// nothing is said.
    pub addresses: Vec<Str>,
    /// Addresses given by mizzen or found in the object's status.
    pub allocated: Option<Allocation>,
    /// The ExternalName, for [`Resolution::Alias`].
    pub target: Option<Host>,
    /// Other hosts that are aliases of this one (ExternalName), with their namespaces, sorted.
    pub aliases: Vec<(Namespace, Host)>,
    /// Who may see it.
    pub export_to: ExportTo,
    /// Labels that its workloads carry; empty selects nothing.
    pub selector: Labels,
    /// The object's own labels.
    pub labels: Labels,
    /// Subject alternative names said in the object itself.
    pub accounts: BTreeSet<Str>,
    /// When the object was created, unix seconds; the older one wins.
    pub created: i64,
    /// Endpoints on the caller's node only (`internalTrafficPolicy: Local`).
    pub node_local: bool,
    /// Endpoints that are not ready count too.
    pub publish_not_ready: bool,
    /// `PreferClose` and its kin, in lower case; empty for none.
    pub traffic_distribution: Str,
    /// Whether callers try all addresses that DNS gives at once, and stay with the first that answers.
    pub races: bool,
    /// IPs by which it is reached from outside the cluster.
    pub external_addresses: Vec<Str>,
}

impl Service {
    /// A Kubernetes Service without a cluster IP, whose pods are reached one by one.
    pub fn is_headless(&self) -> bool {
        self.registry == Registry::Kubernetes && self.resolution == Resolution::Passthrough
    }

    /// Which endpoints it wants to be called first.
    pub fn distribution(&self) -> Distribution {
        match self.traffic_distribution.as_str() {
            "preferclose" | "prefersamezone" => Distribution::SameZone,
            "prefersamenode" => Distribution::SameNode,
            _ => Distribution::Any,
        }
    }

    /// The port of a number.
    pub fn port(&self, number: u16) -> Option<&Port> {
        self.ports.iter().find(|p| p.number == number)
    }
}
