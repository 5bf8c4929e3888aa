//! What a workload answers for.

use crate::base::{Host, Labels, Namespace, Str};

use super::endpoint::ContainerPort;
use super::port::Port;
use super::service::Registry;

/// One port of a service, and the port of the workload at which it arrives (Istio's `ServiceTarget`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// The service's host.
    pub host: Host,
    /// The Kubernetes Service's name; for a ServiceEntry the host again.
    pub name: Str,
    /// The namespace of the object that defines the service.
    pub namespace: Namespace,
    /// Which kind of object that is.
    pub registry: Registry,
    /// The service's port.
    pub port: Port,
    /// The workload's port.
    pub number: u16,
}

/// What a proxy says of the workload beside it, as far as it tells for which services that workload answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beside<'a> {
    /// Its addresses, the first one being that of the pod.
    pub addresses: &'a [Str],
    /// Its namespace.
    pub namespace: &'a Namespace,
    /// The cluster it says it is in; empty where it does not say.
    pub cluster: &'a str,
    /// Its labels, used where no pod and no WorkloadEntry has its address.
    pub labels: &'a Labels,
    /// The ports of its containers, used likewise.
    pub ports: Vec<ContainerPort>,
}
