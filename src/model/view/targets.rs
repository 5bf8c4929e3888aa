//! For which services the workload beside a proxy answers.

use std::sync::Arc;

use crate::base::{Host, Labels, Namespace, Str};
use crate::model::facts::{
    Beside, ContainerPort, Handle, Instance, Port, Protocol, Registry, Resolution, Service, Target, TargetPort,
    Workload,
};

use super::{FactKey, View};

/// Targets of one service, by the age of the service.
type Aged = (i64, Target);

impl View<'_> {
    /// For which services a workload answers, and where: by the age of the service, then by host. Who may see a
    /// service does not matter here. Several targets may share a port of the workload; the first one rules.
    ///
    /// As in istiod, Kubernetes Services are found by the first address alone, ServiceEntries by all of them
    /// (`pilot/pkg/serviceregistry/{kube,serviceentry}/controller`, `GetProxyServiceTargets`).
    pub fn targets(&self, beside: &Beside<'_>) -> Vec<Target> {
        let mut found = Vec::new();
        let there = self.cluster(beside.cluster);
        if beside.cluster.is_empty() || beside.cluster == self.mesh().cluster || !there.is_empty() {
            self.kubernetes_targets(beside, &mut found);
        }
        for address in beside.addresses {
            self.entry_targets(there, address, beside.namespace, Registry::External, &mut found);
            if !there.is_empty() {
                self.entry_targets("", address, beside.namespace, Registry::External, &mut found);
            }
        }
        found.sort_by(|(a_created, a), (b_created, b)| (a_created, &a.host).cmp(&(b_created, &b.host)));
        found.dedup();
        found.into_iter().map(|(_, target)| target).collect()
    }

    /// A WorkloadEntry goes before a pod, a pod before what the proxy says of itself. A pod that no Service selects
    /// may be listed by the endpoints of one without selector.
    fn kubernetes_targets(&self, beside: &Beside<'_>, out: &mut Vec<Aged>) {
        let Some(address) = beside.addresses.first() else { return };
        let there = self.cluster(beside.cluster);
        let instance = self.instance(there, address);
        match instance.map(|i| (i, i.workload.as_deref())) {
            Some((instance, Some(workload))) if instance.pod.is_empty() => {
                self.workload_entry_targets(there, instance, workload, out);
            }
            Some((instance, Some(workload))) => {
                for service in self.selected_by(there, &workload.namespace, &workload.labels) {
                    collect(&service, out, |port| number(&port.target, port.protocol, &instance.ports));
                }
                if out.is_empty() {
                    self.entry_targets(there, address, beside.namespace, Registry::Kubernetes, out);
                }
            }
            _ => self.stated_targets(beside, out),
        }
    }

    /// Services of a cluster that select a WorkloadEntry of it, whose ports by name override the service's.
    fn workload_entry_targets(&self, cluster: &str, instance: &Instance, workload: &Workload, out: &mut Vec<Aged>) {
        let named = |name: &Str| instance.ports.iter().find(|p| p.name == *name).map(|p| p.number);
        for service in self.selected_by(cluster, &workload.namespace, &workload.labels) {
            if service.resolution != Resolution::Static {
                continue;
            }
            collect(&service, out, |port| match &port.target {
                _ if port.protocol == Protocol::Udp => None,
                TargetPort::Number(number) => named(&port.name).or(Some(*number)),
                TargetPort::Name(name) => named(name),
            });
        }
    }

    /// Services that select the labels which a proxy states. One port that is not found spoils them all.
    fn stated_targets(&self, beside: &Beside<'_>, out: &mut Vec<Aged>) {
        let before = out.len();
        for service in self.selected_by(self.cluster(beside.cluster), beside.namespace, beside.labels) {
            let known = |port: &Port| match &port.target {
                TargetPort::Name(name) if beside.ports.is_empty() => name.parse().ok().filter(|n| *n > 0),
                target => number(target, port.protocol, &beside.ports),
            };
            if service.ports.iter().any(|p| known(p).is_none()) {
                out.truncate(before);
                return;
            }
            collect(&service, out, known);
        }
    }

    /// Services that have an endpoint with an address, whatever it is that stands there.
    fn entry_targets(
        &self,
        cluster: &str,
        address: &Str,
        namespace: &Namespace,
        registry: Registry,
        out: &mut Vec<Aged>,
    ) {
        let Some(instance) = self.instance(cluster, address) else { return };
        for (host, home) in instance.entries.iter().filter(|(_, home)| home == namespace) {
            for service in self.all_definitions(host).iter().filter(|s| s.namespace == *home && s.registry == registry)
            {
                let endpoints = self.endpoints_of(service).map(|e| e.list.as_slice()).unwrap_or_default();
                for endpoint in endpoints.iter().filter(|e| e.addresses.first() == Some(address)) {
                    let port = service.port(endpoint.service_port);
                    out.extend(port.map(|port| aged(service, port, endpoint.port)));
                }
            }
        }
    }

    /// The workload that a ServiceEntry of a namespace has at an address of a cluster.
    pub fn entry_workload(&self, cluster: &str, address: &Str, namespace: &Namespace) -> Option<Arc<Workload>> {
        let own = self.instance(cluster, address)?.entries.iter().filter(|(_, home)| home == namespace);
        let is_entry = |s: &&Handle<Service>| s.namespace == *namespace && s.registry == Registry::External;
        own.flat_map(|(host, _)| self.all_definitions(host).iter().filter(is_entry))
            .flat_map(|service| self.endpoints_of(service).map(|e| e.list.as_slice()).unwrap_or_default())
            .find(|endpoint| endpoint.addresses.first() == Some(address))
            .map(|endpoint| Arc::clone(&endpoint.workload))
    }

    /// All definitions of a host, seen or not.
    fn all_definitions(&self, host: &Host) -> &[Handle<Service>] {
        self.note(FactKey::Service(host.clone()));
        self.snapshot.services.get(host).map(|s| s.as_slice()).unwrap_or_default()
    }

    /// Kubernetes Services of a namespace in a cluster whose selector fits some labels.
    fn selected_by(&self, cluster: &str, namespace: &Namespace, labels: &Labels) -> Vec<Handle<Service>> {
        let hosts = self.selecting(namespace).into_iter().flat_map(|hosts| hosts.iter());
        let fits = |s: &&Handle<Service>| {
            s.registry == Registry::Kubernetes
                && s.namespace == *namespace
                && s.is_in(cluster)
                && !s.selector.is_empty()
                && s.selector.iter().all(|(k, v)| labels.get(k) == Some(v))
        };
        hosts.flat_map(|host| self.all_definitions(host)).filter(fits).cloned().collect()
    }
}

/// The ports of one service, in its order; of several with the same number and protocol at the workload the first.
fn collect(service: &Handle<Service>, out: &mut Vec<Aged>, number: impl Fn(&Port) -> Option<u16>) {
    let from = out.len();
    for port in &service.ports {
        let Some(number) = number(port) else { continue };
        let same = |(_, t): &Aged| t.number == number && t.port.protocol == port.protocol;
        if !out[from..].iter().any(same) {
            out.push(aged(service, port, number));
        }
    }
}

fn aged(service: &Handle<Service>, port: &Port, number: u16) -> Aged {
    let Service { host, name, namespace, registry, created, .. } = &**service;
    let (host, name, namespace) = (host.clone(), name.clone(), namespace.clone());
    (*created, Target { host, name, namespace, registry: *registry, port: port.clone(), number })
}

/// The number behind a target port: a name is that of a container's port of the same transport.
fn number(target: &TargetPort, protocol: Protocol, ports: &[ContainerPort]) -> Option<u16> {
    let name = match target {
        TargetPort::Number(number) => return Some(*number),
        TargetPort::Name(name) => name,
    };
    let datagrams = |p: Protocol| p == Protocol::Udp;
    let same = |p: &&ContainerPort| p.name == *name && datagrams(p.protocol) == datagrams(protocol);
    ports.iter().find(same).map(|p| p.number)
}
