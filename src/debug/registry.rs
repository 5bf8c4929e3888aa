//! `registryz`: the services there are.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::endpoints::{Empty, registry_name, some};
use super::time::rfc3339_seconds;
use crate::api::{Object, Spec, service};
use crate::base::{Host, Labels, Namespace, Str};
use crate::model::Snapshot;
use crate::model::facts::{ExportTo, Registry, Resolution, Service as Fact};

/// What istiod writes for an address where there is none.
const UNSPECIFIED: &str = "0.0.0.0";

/// One service (istiod's `model.Service`).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are istiod's")]
pub struct Service {
    #[serde(rename = "Attributes")]
    pub attributes: Attributes,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<Port>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub service_accounts: Vec<Str>,
    pub creation_time: String,
    pub hostname: Host,
    #[serde(rename = "clusterVIPs")]
    pub cluster_vips: AddressMap,
    pub default_address: Str,
    #[serde(rename = "autoAllocatedIPv4Address", skip_serializing_if = "Option::is_none")]
    pub allocated_v4: Option<Str>,
    #[serde(rename = "autoAllocatedIPv6Address", skip_serializing_if = "Option::is_none")]
    pub allocated_v6: Option<Str>,
    #[serde(rename = "Resolution")]
    pub resolution: u8,
    #[serde(rename = "MeshExternal")]
    pub mesh_external: bool,
    #[serde(rename = "ResourceVersion")]
    pub resource_version: Str,
}

/// Istiod's `ServiceAttributes`; `null` where a map is empty.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Attributes {
    pub service_registry: &'static str,
    pub name: Str,
    pub namespace: Namespace,
    pub labels: Option<Labels>,
    pub export_to: Option<BTreeMap<Str, Empty>>,
    pub visibility: u8,
    pub label_selectors: Option<Labels>,
    pub aliases: Option<Vec<Alias>>,
    pub cluster_external_addresses: AddressMap,
    /// Node ports by port, by cluster.
    pub cluster_external_ports: Option<BTreeMap<Str, BTreeMap<u32, u32>>>,
    pub passthrough_target_ports: Option<BTreeMap<u32, u32>>,
    pub r#type: &'static str,
    pub external_name: Str,
    pub node_local: bool,
    pub traffic_distribution: u8,
    pub object_name: Str,
    #[serde(rename = "DNSConnectStrategy")]
    pub dns_connect_strategy: u8,
    pub publish_not_ready_addresses: bool,
}

/// Addresses by cluster.
#[derive(Debug, Default, Serialize)]
pub struct AddressMap {
    /// `null` where there are none.
    #[serde(rename = "Addresses")]
    pub addresses: Option<BTreeMap<Str, Vec<Str>>>,
}

/// Another name of a service.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Alias {
    /// The name.
    pub hostname: Host,
    /// The namespace of the Service that says so.
    pub namespace: Namespace,
}

/// A port.
#[derive(Debug, Serialize)]
pub struct Port {
    /// Its name.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub name: Str,
    /// The number that callers use.
    pub port: u16,
    /// What is spoken, in istiod's names.
    pub protocol: &'static str,
}

impl Port {
    pub(super) fn of(port: &crate::model::facts::Port) -> Self {
        Self { name: port.name.clone(), port: port.number, protocol: port.protocol.as_str() }
    }
}

/// All services, those of Kubernetes first. `objects` are those behind the facts, for what only they know.
pub fn registry(snapshot: &Snapshot, objects: &[Arc<Object>]) -> Vec<Service> {
    let objects: BTreeMap<_, _> = objects
        .iter()
        // Those of the own cluster come first, and are the ones to show.
        .rev()
        .filter(|o| matches!(o.spec, Spec::Service(_)))
        .map(|o| ((&o.meta.namespace, &o.meta.name), o))
        .collect();
    let cluster = &snapshot.mesh.cluster;
    let of = |registry| snapshot.services().filter(move |s| s.registry == registry);
    let kubernetes = of(Registry::Kubernetes)
        .map(|fact| kubernetes(fact, objects.get(&(&fact.namespace, &fact.object)).map(|o| &***o), cluster));
    kubernetes.chain(of(Registry::External).flat_map(|fact| external(fact))).collect()
}

/// istiod's `ConvertService`.
fn kubernetes(fact: &Fact, object: Option<&Object>, cluster: &Str) -> Service {
    let mut addresses = fact.addresses.clone();
    if addresses.is_empty() {
        addresses.push(UNSPECIFIED.into());
    }
    let mut service = common(fact, addresses[0].clone());
    service.cluster_vips = by_cluster(cluster, addresses);
    if !fact.clusters.is_empty() {
        let vips = fact.clusters.iter().map(|(other, ips)| {
            let ips = if ips.is_empty() { vec![UNSPECIFIED.into()] } else { ips.clone() };
            (if other.is_empty() { cluster } else { other }.clone(), ips)
        });
        service.cluster_vips = AddressMap { addresses: Some(vips.collect()) };
    }
    service.attributes.object_name = Str::default();
    service.attributes.cluster_external_addresses = by_cluster(cluster, fact.external_addresses.clone());
    if let Some(object) = object {
        service.resource_version = object.meta.resource_version.clone();
        if let Spec::Service(spec) = &object.spec {
            service.attributes.r#type = type_name(spec.r#type);
            let node_ports = spec.ports.iter().filter(|p| p.node_port != 0).map(|p| (p.port, p.node_port)).collect();
            let selects_nodes = object.meta.annotations.contains_key("traffic.istio.io/nodeSelector");
            service.attributes.cluster_external_ports = (spec.r#type == service::Type::NodePort && selects_nodes)
                .then(|| BTreeMap::from([(cluster.clone(), node_ports)]));
        }
    }
    service
}

/// istiod's `convertServices`: a service for each address.
fn external(fact: &Fact) -> Vec<Service> {
    if fact.addresses.is_empty() {
        return vec![common(fact, UNSPECIFIED.into())];
    }
    fact.addresses.iter().map(|address| common(fact, address.clone())).collect()
}

fn common(fact: &Fact, default_address: Str) -> Service {
    Service {
        attributes: attributes(fact),
        ports: fact.ports.iter().map(Port::of).collect(),
        service_accounts: fact.accounts.iter().cloned().collect(),
        creation_time: rfc3339_seconds((fact.created != 0).then_some(fact.created)),
        hostname: fact.host.clone(),
        cluster_vips: AddressMap::default(),
        default_address,
        allocated_v4: fact.allocated.as_ref().map(|a| a.v4.clone()),
        allocated_v6: fact.allocated.as_ref().map(|a| a.v6.clone()),
        resolution: resolution(fact.resolution),
        mesh_external: fact.external,
        resource_version: Str::default(),
    }
}

fn attributes(fact: &Fact) -> Attributes {
    let aliases = fact
        .aliases
        .iter()
        .map(|(namespace, hostname)| Alias { hostname: hostname.clone(), namespace: namespace.clone() });
    Attributes {
        service_registry: registry_name(fact.registry),
        name: fact.name.clone(),
        namespace: fact.namespace.clone(),
        labels: some(&fact.labels),
        export_to: export_to(fact),
        visibility: 0,
        label_selectors: some(&fact.selector),
        aliases: (!fact.aliases.is_empty()).then(|| aliases.collect()),
        cluster_external_addresses: AddressMap::default(),
        cluster_external_ports: None,
        passthrough_target_ports: None,
        r#type: "",
        external_name: fact.target.as_ref().map(|t| t.str().clone()).unwrap_or_default(),
        node_local: fact.node_local,
        traffic_distribution: match fact.traffic_distribution.as_str() {
            "preferclose" | "prefersamezone" => 1,
            "prefersamenode" => 2,
            _ => 0,
        },
        object_name: fact.object.clone(),
        dns_connect_strategy: 0,
        publish_not_ready_addresses: fact.publish_not_ready,
    }
}

/// Only what narrows the audience is said: `.` for the own namespace, `~` for nobody.
fn export_to(fact: &Fact) -> Option<BTreeMap<Str, Empty>> {
    let ExportTo::Only(namespaces) = &fact.export_to else { return None };
    let word = |n: &Namespace| if *n == fact.namespace { ".".into() } else { n.str().clone() };
    let mut words: BTreeMap<Str, Empty> = namespaces.iter().map(|n| (word(n), Empty {})).collect();
    if words.is_empty() {
        words.insert("~".into(), Empty {});
    }
    Some(words)
}

fn by_cluster(cluster: &Str, addresses: Vec<Str>) -> AddressMap {
    AddressMap { addresses: (!addresses.is_empty()).then(|| BTreeMap::from([(cluster.clone(), addresses)])) }
}

/// istiod's numbers.
fn resolution(resolution: Resolution) -> u8 {
    match resolution {
        Resolution::Static => 0,
        Resolution::Dns => 1,
        Resolution::Passthrough => 2,
        Resolution::DnsRoundRobin => 3,
        Resolution::Alias => 4,
        Resolution::DynamicDns => 5,
    }
}

fn type_name(kind: service::Type) -> &'static str {
    match kind {
        service::Type::ClusterIp => "ClusterIP",
        service::Type::NodePort => "NodePort",
        service::Type::LoadBalancer => "LoadBalancer",
        service::Type::ExternalName => "ExternalName",
    }
}
