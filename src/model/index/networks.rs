//! Which network an endpoint is on, and by which gateways networks are entered (istio
//! `pilot/pkg/serviceregistry/kube/controller/network.go`, `pilot/pkg/model/network.go`).
//!
//! Absent: looking up the addresses of gateways that have names, which is IO. Such gateways count only for clusters
//! whose names the proxy resolves itself.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use crate::api::mesh::NetworkGateway;
use crate::api::service::{Service, Type};
use crate::api::{Key, Kind, Meta, Spec};
use crate::base::{Host, Labels, Namespace, Str};
use crate::model::facts::topology::NETWORK;
use crate::model::facts::{Gateway, Gateways, Handle, Networks as Fact};
use crate::model::snapshot::{Changes, FactKey};

use super::{Dirty, Index, services};

const PORT: &str = "networking.istio.io/gatewayPort";
const NODES: &str = "traffic.istio.io/nodeSelector";
const DEFAULT_PORT: u16 = 15443;
/// The port of a gateway of the ambient mesh.
const AMBIENT_PORT: u16 = 15008;

/// What is kept at hand of it.
#[derive(Default)]
pub(super) struct Networks {
    /// Kubernetes Services that say by a label that they lead into a network.
    labelled: BTreeSet<Key>,
    /// The network of everything in a cluster, for those that have one.
    clusters: BTreeMap<Str, Whole>,
    /// Networks by range, the mesh networks again.
    ranges: Vec<(IpNet, Str)>,
}

/// The network of everything in a cluster.
#[derive(Default, PartialEq)]
struct Whole {
    /// By the label of the system namespace.
    system: Str,
    /// By the mesh networks.
    of_registry: Str,
}

impl Index {
    /// Takes note of a Kubernetes Service that comes or goes.
    pub(super) fn mark_gateway(&mut self, meta: &Meta, host: &Host, key: &Key, present: bool, dirty: &mut Dirty) {
        let named = || self.described().any(|(_, gateway)| gateway.registry_service_name == host.as_str());
        let labelled = meta.labels.get(NETWORK).is_some_and(|network| !network.is_empty());
        dirty.networks |= labelled || named();
        match labelled && present {
            true => self.networks.labelled.insert(key.clone()),
            false => self.networks.labelled.remove(key),
        };
    }

    /// The gateways that the mesh networks describe, with their networks.
    fn described(&self) -> impl Iterator<Item = (&Str, &NetworkGateway)> {
        let networks = &self.snapshot.mesh.config.networks.networks;
        networks.iter().flat_map(|(name, network)| network.gateways.iter().map(move |gateway| (name, gateway)))
    }

    /// Learns anew which endpoints are on which network. If that is another one for endpoints that do not say it
    /// themselves, all are derived again.
    pub(super) fn learn_networks(&mut self, dirty: &mut Dirty) {
        let networks = &self.snapshot.mesh.config.networks.networks;
        let whole = |cluster: &Str| {
            let system = self.get_in(cluster, Kind::Namespace, &Namespace::default(), &self.options.system);
            let system = system.and_then(|o| o.meta.labels.get(NETWORK)).cloned().unwrap_or_default();
            let name = self.cluster_name(cluster);
            let of_registry = networks.iter().find(|(_, n)| n.endpoints.iter().any(|e| e.from_registry == *name));
            Whole { system, of_registry: of_registry.map(|(name, _)| name.clone()).unwrap_or_default() }
        };
        let clusters = self.all_clusters().map(|cluster| (cluster.clone(), whole(&cluster)));
        let clusters: BTreeMap<_, _> = clusters.filter(|(_, whole)| *whole != Whole::default()).collect();
        let range = |(name, e): (&Str, &crate::api::mesh::NetworkEndpoints)| {
            Some((e.from_cidr.parse::<IpNet>().ok()?.trunc(), name.clone()))
        };
        let all = networks.iter().flat_map(|(name, network)| network.endpoints.iter().map(move |e| (name, e)));
        let ranges: Vec<_> = all.filter_map(range).collect();
        let known = &mut self.networks;
        if known.clusters != clusters || known.ranges != ranges {
            (known.clusters, known.ranges) = (clusters, ranges);
            dirty.endpoints.extend(self.defining.keys().cloned());
            dirty.addresses.extend(self.at_address.keys().cloned());
        }
    }

    /// The network of an endpoint of a cluster: by its own label, by that of the system namespace, by the mesh networks.
    pub(super) fn network_of(&self, cluster: &Str, labels: &Labels, address: &str) -> Str {
        let known = &self.networks;
        if let Some(own) = labels.get(NETWORK).filter(|n| !n.is_empty()) {
            return own.clone();
        }
        if let Some(whole) = known.clusters.get(cluster) {
            return if whole.system.is_empty() { &whole.of_registry } else { &whole.system }.clone();
        }
        if known.ranges.is_empty() {
            return Str::default();
        }
        let Ok(address) = address.parse::<IpAddr>() else { return Str::default() };
        let covers = known.ranges.iter().filter(|(range, _)| range.contains(&address));
        // The widest first, as istiod's trie yields them.
        covers.min_by_key(|(range, _)| range.prefix_len()).map(|(_, name)| name.clone()).unwrap_or_default()
    }

    pub(super) fn derive_networks(&mut self, dirty: &mut Dirty, changes: &mut Changes) {
        if !std::mem::take(&mut dirty.networks) {
            return;
        }
        self.learn_networks(dirty);
        let all = self.gateways();
        let at_addresses = all.iter().filter(|g| g.address.parse::<IpAddr>().is_ok()).cloned().collect();
        let fact =
            Fact { at_addresses: Handle::new(Gateways::new(at_addresses)), all: Handle::new(Gateways::new(all)) };
        let fact = Handle::new(fact);
        if self.snapshot.networks != fact {
            self.snapshot.networks = fact;
            changes.keys.insert(FactKey::Networks);
        }
    }

    fn gateways(&self) -> Vec<Gateway> {
        let mut found: Vec<Gateway> = Vec::new();
        for key in &self.networks.labelled {
            let Some(object) = self.objects.get(key) else { continue };
            let Spec::Service(service) = &object.spec else { continue };
            let network = object.meta.labels.get(NETWORK).cloned().unwrap_or_default();
            if let Some(port) = labelled_port(&object.meta, service) {
                self.service_gateways(&object.meta, service, &network, port, &mut found);
            }
        }
        for (network, gateway) in self.described() {
            let port = gateway.port as u16;
            if !gateway.address.is_empty() {
                let (address, cluster) = (gateway.address.clone(), Str::default());
                found.push(Gateway { address, port, network: network.clone(), cluster });
            } else {
                let host = Host::new(gateway.registry_service_name.clone());
                let of_network = |key: &&Key| {
                    self.networks.clusters.get(&key.cluster).is_some_and(|whole| whole.of_registry == *network)
                };
                let keys = self.defining.get(&host).into_iter().flatten().filter(of_network);
                let objects = keys.filter_map(|k| self.objects.get(k));
                for object in objects.filter(|o| !self.networks.labelled.contains(&o.key())) {
                    if let Spec::Service(service) = &object.spec {
                        self.service_gateways(&object.meta, service, network, port, &mut found);
                    }
                }
            }
        }
        found
    }

    /// A gateway at each address by which a Service is reached from outside. With a selector of nodes these are the
    /// nodes', and the port is the one that they open.
    fn service_gateways(&self, meta: &Meta, service: &Service, network: &Str, port: u16, out: &mut Vec<Gateway>) {
        let nodes = meta.annotations.get(NODES).filter(|_| service.r#type == Type::NodePort);
        let (addresses, port) = match nodes {
            Some(selector) => {
                let opened = service.ports.iter().find(|p| p.port == u32::from(port)).map(|p| p.node_port as u16);
                (self.node_addresses(&meta.cluster, selector), opened.unwrap_or(port))
            }
            None => (services::outside(service), port),
        };
        let cluster = self.cluster_name(&meta.cluster);
        let gateway = |address| Gateway { address, port, network: network.clone(), cluster: cluster.clone() };
        out.extend(addresses.into_iter().map(gateway));
    }

    /// The external addresses of a cluster's nodes that have some labels, written in JSON.
    fn node_addresses(&self, cluster: &Str, selector: &str) -> Vec<Str> {
        let Ok(wanted) = serde_json::from_str::<Labels>(selector) else { return Vec::new() };
        let none = Namespace::default();
        let nodes = self.of_kind_in(cluster, Kind::Node, &none);
        let selected = nodes.filter(|o| wanted.iter().all(|(k, v)| o.meta.labels.get(k) == Some(v)));
        let address = |spec: &Spec| match spec {
            Spec::Node(node) => node.addresses.iter().find(|a| a.r#type == "ExternalIP").map(|a| a.address.clone()),
            _ => None,
        };
        selected.filter_map(|o| address(&o.spec)).collect()
    }
}

/// The port of a Service at which sidecars enter a network: 15443, or what a label says; 0 if only the ambient mesh can
/// enter there, `None` if nobody can.
fn labelled_port(meta: &Meta, service: &Service) -> Option<u16> {
    let port = meta.labels.get(PORT).and_then(|p| p.parse().ok()).unwrap_or(DEFAULT_PORT);
    let listens = |port: u16| service.ports.iter().any(|p| p.port == u32::from(port));
    match (listens(port), listens(AMBIENT_PORT)) {
        (true, _) => Some(port),
        (false, true) => Some(0),
        (false, false) => None,
    }
}

#[cfg(test)]
mod tests;
