//! What is called: a name with ports.

use std::collections::{BTreeMap, BTreeSet};

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
    /// From 240.240.0.0/16, if mizzen gave it and is told no other range; empty where a status says none of the family.
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
    /// The cluster IPs of a Kubernetes Service in each cluster that has it, the control plane's own as ``. Empty for what
    /// is in that one alone.
    pub clusters: BTreeMap<Str, Vec<Str>>,
}

impl Service {
    /// Takes note of the cluster that it is defined in.
    pub fn note_cluster(&mut self, cluster: &Str) {
        if !cluster.is_empty() {
            self.clusters.insert(cluster.clone(), self.addresses.clone());
        }
    }

    /// Takes in the same Service of another cluster: where it is reached there, and who it is (istio
    /// `pilot/pkg/serviceregistry/aggregate/controller.go`, `mergeService`).
    pub fn join(&mut self, cluster: &Str, other: Self) {
        if self.clusters.is_empty() {
            self.clusters.insert(Str::new(), self.addresses.clone());
        }
        self.clusters.insert(cluster.clone(), other.addresses);
        self.accounts.extend(other.accounts);
    }

    /// Whether a cluster has it; `` is the control plane's own.
    pub fn is_in(&self, cluster: &str) -> bool {
        if self.clusters.is_empty() { cluster.is_empty() } else { self.clusters.contains_key(cluster) }
    }

    /// Its cluster IPs in a cluster, if that has it.
    pub fn cluster_ips(&self, cluster: &str) -> Option<&[Str]> {
        match self.clusters.is_empty() {
            true => cluster.is_empty().then_some(&self.addresses),
            false => self.clusters.get(cluster),
        }
        .map(Vec::as_slice)
    }

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
