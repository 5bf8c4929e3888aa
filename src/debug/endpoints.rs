//! `endpointShardz`: the endpoints of each service by the registry that knows them.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::base::{Host, Labels, Namespace, Str};
use crate::model::Snapshot;
use crate::model::facts::{Endpoint as Fact, Health, Registry, Service, TlsMode};

/// By host and namespace.
pub type Shards = BTreeMap<Host, BTreeMap<Namespace, EndpointShards>>;

/// The endpoints of one definition of a service.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct EndpointShards {
    /// By registry and cluster: `Kubernetes/Kubernetes`.
    pub shards: BTreeMap<String, Vec<Endpoint>>,
    /// The identities of its workloads; a set, printed as istiod's sets are.
    pub service_accounts: BTreeMap<Str, Empty>,
}

/// Printed as `{}`.
#[derive(Debug, Default, Serialize)]
pub struct Empty {}

/// One endpoint (istiod's `IstioEndpoint`).
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Endpoint {
    /// `null` where there are none.
    pub labels: Option<Labels>,
    pub addresses: Vec<Str>,
    pub service_port_name: Str,
    /// The service's port for a ServiceEntry, 0 for Kubernetes.
    pub legacy_cluster_port_key: u16,
    pub service_account: Str,
    pub network: Str,
    pub locality: Place,
    pub endpoint_port: u16,
    pub lb_weight: u32,
    #[serde(rename = "TLSMode")]
    pub tls_mode: &'static str,
    pub namespace: Namespace,
    pub workload_name: Str,
    pub host_name: Str,
    pub sub_domain: Str,
    /// 0 where the registry does not say, then healthy, unhealthy, draining, terminating.
    pub health_status: u8,
    pub send_unhealthy_endpoints: bool,
    pub node_name: Str,
}

/// Where an endpoint is.
#[derive(Debug, Serialize)]
pub struct Place {
    /// `region/zone/subzone`.
    #[serde(rename = "Label")]
    pub label: String,
    /// The cluster.
    #[serde(rename = "ClusterID")]
    pub cluster: Str,
}

/// All endpoints there are.
pub fn endpoint_shards(snapshot: &Snapshot) -> Shards {
    let services: BTreeMap<_, _> = snapshot.services().map(|s| ((&s.host, &s.namespace), s)).collect();
    let mut shards = Shards::new();
    for ((host, namespace), endpoints) in snapshot.endpoints() {
        let Some(service) = services.get(&(host, namespace)).filter(|_| !endpoints.list.is_empty()) else { continue };
        let of_service = shards.entry(host.clone()).or_default().entry(namespace.clone()).or_default();
        let mut list: Vec<&Fact> = endpoints.list.iter().collect();
        list.sort_by_key(|fact| service.ports.iter().position(|p| p.number == fact.service_port));
        for fact in list {
            let account = &fact.workload.service_account;
            if !account.is_empty() {
                of_service.service_accounts.insert(account.clone(), Empty {});
            }
            let key = format!("{}/{}", registry_name(service.registry), fact.workload.cluster);
            of_service.shards.entry(key).or_default().push(endpoint(service, fact));
        }
    }
    shards
}

fn endpoint(service: &Service, fact: &Fact) -> Endpoint {
    let workload = &fact.workload;
    let kubernetes = service.registry == Registry::Kubernetes;
    let mut labels = workload.labels.clone();
    if kubernetes {
        // Said of every pod, even where there is but one network.
        labels.entry("topology.istio.io/network".into()).or_insert_with(|| workload.network.clone());
    }
    Endpoint {
        labels: some(&labels),
        addresses: fact.addresses.clone(),
        service_port_name: service.port(fact.service_port).map(|p| p.name.clone()).unwrap_or_default(),
        legacy_cluster_port_key: if kubernetes { 0 } else { fact.service_port },
        service_account: workload.service_account.clone(),
        network: workload.network.clone(),
        locality: Place { label: workload.locality.to_string(), cluster: workload.cluster.clone() },
        endpoint_port: fact.port,
        lb_weight: fact.weight,
        tls_mode: match workload.tls {
            TlsMode::Disabled => "disabled",
            TlsMode::Istio => "istio",
        },
        namespace: workload.namespace.clone(),
        workload_name: workload.name.clone(),
        host_name: workload.hostname.clone(),
        sub_domain: workload.subdomain.clone(),
        health_status: match fact.health {
            Health::Unknown => 0,
            Health::Healthy => 1,
            Health::Unhealthy => 2,
            Health::Draining => 3,
            Health::Terminating => 4,
        },
        send_unhealthy_endpoints: kubernetes,
        node_name: workload.node.clone(),
    }
}

/// Go's nil map is `null`.
pub(super) fn some(labels: &Labels) -> Option<Labels> {
    Some(labels.clone()).filter(|l| !l.is_empty())
}

/// A registry's name in istiod.
pub(super) fn registry_name(registry: Registry) -> &'static str {
    match registry {
        Registry::Kubernetes => "Kubernetes",
        Registry::External => "External",
    }
}
