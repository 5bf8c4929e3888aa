//! Who answers for a service.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::base::{Host, Labels, Locality, Namespace, Str};

use super::port::Protocol;

/// Whether an endpoint takes calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Health {
    /// Nothing is known, as of what users wrote down themselves; it is called.
    Unknown,
    /// It does.
    Healthy,
    /// It is not ready; sent as such, so that panic thresholds count it.
    Unhealthy,
    /// It is going away, and takes calls of existing sessions only.
    Draining,
    /// It is going away, and takes no calls.
    Terminating,
}

/// Whether a workload takes the mesh's mutual TLS (label `security.istio.io/tlsMode`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TlsMode {
    /// No.
    Disabled,
    /// Yes.
    Istio,
}

/// What several endpoints of one pod or machine share.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Workload {
    /// Its name in metrics: the Deployment rather than the pod.
    pub name: Str,
    /// Its namespace.
    pub namespace: Namespace,
    /// Its labels, with those Istio adds for locality, cluster, network and node (`labelutil.AugmentLabels`).
    pub labels: Labels,
    /// Its identity, `spiffe://…`; empty when unknown.
    pub service_account: Str,
    /// Where it runs.
    pub locality: Locality,
    /// The same as istiod writes it: a node's always has three parts, of which some may be empty. Endpoints are grouped
    /// by this text, so that `ca/ca-1` and `ca/ca-1/` stay apart.
    pub place: Str,
    /// Its cluster, `Kubernetes` by default.
    pub cluster: Str,
    /// Its network; empty for the one network.
    pub network: Str,
    /// Whether it takes mutual TLS.
    pub tls: TlsMode,
    /// The pod's hostname, for names of its own under a headless service.
    pub hostname: Str,
    /// The pod's subdomain.
    pub subdomain: Str,
    /// The node it runs on.
    pub node: Str,
}

/// A port that a container declares.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContainerPort {
    /// Its name; may be empty.
    pub name: Str,
    /// Its number.
    pub number: u16,
    /// `Tcp` or `Udp`.
    pub protocol: Protocol,
}

/// What is known about an address: the workload behind it, and which ServiceEntries lead there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Instance {
    /// The pod or WorkloadEntry with that address.
    pub workload: Option<Arc<Workload>>,
    /// The pod's own name; empty for a WorkloadEntry.
    pub pod: Str,
    /// The ports that the pod's containers declare, restartable init containers last; the `ports` of a WorkloadEntry.
    pub ports: Vec<ContainerPort>,
    /// Definitions that list an endpoint with that address themselves or by a selector of their own: ServiceEntries, and
    /// Kubernetes Services without a selector.
    pub entries: BTreeSet<(Host, Namespace)>,
}

/// One address and port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// Its addresses, IPs or DNS names; the first one is the one to call, others are of the other family. A path for a
    /// UNIX socket.
    pub addresses: Vec<Str>,
    /// Its port; 0 for a UNIX socket.
    pub port: u16,
    /// The service's port it answers for.
    pub service_port: u16,
    /// Relative weight; 0 where nothing is said.
    pub weight: u32,
    /// Whether it takes calls.
    pub health: Health,
    /// The workload behind it.
    pub workload: Arc<Workload>,
}

impl Endpoint {
    /// The address to call.
    pub fn address(&self) -> &Str {
        &self.addresses[0]
    }

    /// The path, when it is a UNIX socket.
    pub fn is_socket(&self) -> bool {
        self.address().starts_with('/') || self.address().starts_with('@')
    }
}

/// All endpoints of one definition of a service, in a defined order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Endpoints {
    /// Sorted by service port, then in the order in which istiod would see them.
    pub list: Vec<Endpoint>,
}

impl Endpoints {
    /// Those of one port of the service. O(log n + k).
    pub fn of_port(&self, port: u16) -> &[Endpoint] {
        let from = self.list.partition_point(|e| e.service_port < port);
        let to = self.list.partition_point(|e| e.service_port <= port);
        &self.list[from..to]
    }
}
