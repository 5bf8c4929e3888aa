//! Endpoints: who answers for a cluster, grouped by locality, in the order in which callers prefer them.
//!
//! Comes in: the endpoints of a service as they are, which of them a cluster is for ([`Selection`]), and where its
//! callers stand ([`Near`], [`Between`]). Goes out: a `ClusterLoadAssignment`, on its own for clusters that the control plane feeds
//! (EDS), inside the cluster for those whose names the proxy resolves.

mod between;
mod near;
mod selection;

#[cfg(test)]
mod tests;

pub use between::Between;
pub(crate) use near::covers;
pub use near::{Compared, Near, Reach, Regions};
pub use selection::{Selection, Transport};

use envoy_types::pb::envoy::config::core::v3::{HealthStatus, Locality, Metadata};
use envoy_types::pb::envoy::config::endpoint::v3::lb_endpoint::HostIdentifier;
use envoy_types::pb::envoy::config::endpoint::v3::{
    ClusterLoadAssignment, Endpoint as EnvoyEndpoint, LbEndpoint, LocalityLbEndpoints,
};
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use crate::base::{Labels, Str};
use crate::model::facts::topology::{CLUSTER, NETWORK};
use crate::model::facts::{Endpoint, Endpoints, Gateway, Handle, Health, Workload};
use crate::wire::{Recipe, Refusal};

use super::proto::{fields_of, pipe, socket_address, string, u32_value};

/// The endpoints of one cluster. Also sent where there are none, so that the cluster does not wait for them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LoadAssignment {
    /// The cluster's name.
    pub cluster: Str,
    /// Who answers.
    pub answering: Answering,
}

impl Recipe for LoadAssignment {
    type Message = ClusterLoadAssignment;

    fn name(&self) -> Str {
        self.cluster.clone()
    }

    /// Names that would have to be resolved are left out: EDS takes addresses only.
    fn build(&self) -> Result<Self::Message, Refusal> {
        let is_address = |e: &Endpoint| e.port == 0 || e.address().is_empty() || e.address().parse::<IpAddr>().is_ok();
        Ok(load_assignment(&self.cluster, self.answering.groups(is_address)))
    }
}

/// Who answers for a cluster, and how callers at one place prefer them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Answering {
    /// All endpoints of the service; `None` where none is known.
    pub endpoints: Option<Handle<Endpoints>>,
    /// Those that are meant.
    pub selection: Selection,
    /// From where they are reached, where there are gateways between networks.
    pub between: Option<Between>,
    /// Which of these are preferred; `None` where all are alike.
    pub near: Option<Near>,
}

impl Answering {
    /// Whether nobody answers.
    pub fn is_empty(&self) -> bool {
        self.selected().next().is_none()
    }

    fn selected(&self) -> impl Iterator<Item = &Endpoint> {
        let all = self.endpoints.iter().flat_map(|e| e.of_port(self.selection.port));
        // What has no address of its own is reached through a gateway or not at all.
        let reached = |e: &&Endpoint| self.between.is_some() || !e.address().is_empty();
        all.filter(|e| self.selection.includes(e)).filter(reached)
    }

    /// One message per locality, or several where preferences divide it.
    pub(super) fn groups(&self, also: impl Fn(&Endpoint) -> bool) -> Vec<LocalityLbEndpoints> {
        let mut groups: BTreeMap<&str, Group<'_>> = BTreeMap::new();
        for endpoint in self.selected().filter(|e| also(e)) {
            groups.entry(&endpoint.workload.place).or_default().members.push(Member::new(endpoint));
        }
        let mut groups: Vec<Group<'_>> = groups.into_values().map(Group::weighed).collect();
        if let Some(between) = &self.between {
            groups.iter_mut().for_each(|group| between.apply(group, &self.selection));
        }
        if self.selection.mutual_only {
            groups.iter_mut().for_each(|group| group.keep_mutual(&self.selection));
        }
        if let Some(near) = &self.near {
            near.apply(&mut groups);
        }
        groups.iter().map(|group| group.message(&self.selection)).collect()
    }
}

/// Endpoints of one locality that callers prefer alike.
#[derive(Clone, Debug, Default)]
struct Group<'e> {
    members: Vec<Member<'e>>,
    /// Where they run: the workload of the first, kept when the members go.
    workload: Option<&'e Workload>,
    /// 0 where there is nobody.
    weight: u32,
    priority: u32,
}

/// One who answers, and with what weight.
#[derive(Clone, Copy, Debug)]
enum Member<'e> {
    Direct { endpoint: &'e Endpoint, weight: u32 },
    Through { gateway: &'e Gateway, weight: u32 },
}

impl<'e> Member<'e> {
    fn new(endpoint: &'e Endpoint) -> Self {
        Self::Direct { endpoint, weight: endpoint.weight.max(1) }
    }

    fn weight(&self) -> u32 {
        match self {
            Self::Direct { weight, .. } | Self::Through { weight, .. } => *weight,
        }
    }

    /// A label, empty where there is none. Of a gateway it is known in which cluster and network it stands.
    fn label(&self, key: &str) -> &str {
        match self {
            Self::Direct { endpoint, .. } => endpoint.workload.labels.get(key).map(Str::as_str).unwrap_or_default(),
            Self::Through { gateway, .. } if key == CLUSTER => &gateway.cluster,
            Self::Through { gateway, .. } if key == NETWORK => &gateway.network,
            Self::Through { .. } => "",
        }
    }

    fn message(&self, selection: &Selection) -> LbEndpoint {
        match self {
            Self::Direct { endpoint, weight } => lb_endpoint(endpoint, *weight, selection),
            Self::Through { gateway, weight } => gateway_endpoint(gateway, *weight),
        }
    }
}

impl Group<'_> {
    fn weighed(mut self) -> Self {
        self.workload = self.members.first().and_then(|m| match m {
            Member::Direct { endpoint, .. } => Some(&*endpoint.workload),
            Member::Through { .. } => None,
        });
        self.weigh();
        self
    }

    fn weigh(&mut self) {
        self.weight = self.members.iter().fold(0, |sum, m| sum.saturating_add(m.weight()));
    }

    /// Leaves those that take mutual TLS, as gateways of other networks do. A group of which nobody is left stays (istio
    /// `ep_filters.go`, `EndpointsWithMTLSFilter`).
    fn keep_mutual(&mut self, selection: &Selection) {
        self.members.retain(|member| match member {
            Member::Direct { endpoint, .. } => selection.takes_mtls(endpoint),
            Member::Through { .. } => true,
        });
        self.weigh();
    }

    fn message(&self, selection: &Selection) -> LocalityLbEndpoints {
        let place = self.workload.map(|w| &w.locality);
        LocalityLbEndpoints {
            locality: place.map(|l| Locality {
                region: l.region.to_string(),
                zone: l.zone.to_string(),
                sub_zone: l.sub_zone.to_string(),
            }),
            lb_endpoints: self.members.iter().map(|m| m.message(selection)).collect(),
            load_balancing_weight: (self.weight > 0).then(|| u32_value(self.weight)),
            priority: self.priority,
            ..Default::default()
        }
    }
}

/// A cluster's endpoints as one message.
pub(super) fn load_assignment(cluster: &str, endpoints: Vec<LocalityLbEndpoints>) -> ClusterLoadAssignment {
    ClusterLoadAssignment { cluster_name: cluster.to_owned(), endpoints, ..Default::default() }
}

fn lb_endpoint(endpoint: &Endpoint, weight: u32, selection: &Selection) -> LbEndpoint {
    let address = match endpoint.port {
        0 => pipe(endpoint.address()),
        port => socket_address(endpoint.address(), port),
    };
    let health = match endpoint.health {
        _ if selection::is_draining(endpoint) => HealthStatus::Draining,
        Health::Unknown => HealthStatus::Unknown,
        Health::Healthy => HealthStatus::Healthy,
        Health::Unhealthy => HealthStatus::Unhealthy,
        Health::Draining | Health::Terminating => HealthStatus::Draining,
    };
    let target = EnvoyEndpoint { address: Some(address), ..Default::default() };
    LbEndpoint {
        host_identifier: Some(HostIdentifier::Endpoint(target)),
        health_status: health.into(),
        load_balancing_weight: Some(u32_value(weight)),
        metadata: Some(metadata(endpoint, selection)),
    }
}

/// A gateway is called in the mesh's mutual TLS, by whose server name it knows where a call goes.
fn gateway_endpoint(gateway: &Gateway, weight: u32) -> LbEndpoint {
    let target = EnvoyEndpoint { address: Some(socket_address(&gateway.address, gateway.port)), ..Default::default() };
    let filters = HashMap::from([
        ("istio".to_owned(), fields_of([("workload", string(&format!(";;;;{}", gateway.cluster)))])),
        ("envoy.transport_socket_match".to_owned(), fields_of([("tlsMode", string("istio"))])),
    ]);
    LbEndpoint {
        host_identifier: Some(HostIdentifier::Endpoint(target)),
        load_balancing_weight: Some(u32_value(weight)),
        metadata: Some(Metadata { filter_metadata: filters, ..Default::default() }),
        ..Default::default()
    }
}

/// By `envoy.transport_socket_match` the cluster chooses mutual TLS or clear text; `istio.workload` tells the metrics
/// who was called, should the callee not say so itself: name, namespace, canonical name and revision, cluster.
fn metadata(endpoint: &Endpoint, selection: &Selection) -> Metadata {
    let workload = &endpoint.workload;
    let (name, revision) = canonical(&workload.labels, &workload.name);
    let identity = format!("{};{};{name};{revision};{}", workload.name, workload.namespace, workload.cluster);
    let mut filters = HashMap::new();
    if selection.labelled {
        filters.insert("istio".to_owned(), fields_of([("workload", string(&identity))]));
    }
    if selection.takes_mtls(endpoint) {
        let match_on = fields_of([("tlsMode", string("istio"))]);
        filters.insert("envoy.transport_socket_match".to_owned(), match_on);
    }
    Metadata { filter_metadata: filters, ..Default::default() }
}

/// The name and revision of a workload in metrics, by Istio's label, Kubernetes' recommended one, or the old short one
/// (istio `pkg/kube/labels`). The default revision `latest` is not sent.
fn canonical<'l>(labels: &'l Labels, workload: &'l str) -> (&'l str, &'l str) {
    let first = |names: [&str; 3]| names.iter().find_map(|n| labels.get(*n)).map(Str::as_str);
    let name = first(["service.istio.io/canonical-name", "app.kubernetes.io/name", "app"]);
    let revision = first(["service.istio.io/canonical-revision", "app.kubernetes.io/version", "version"]);
    (name.unwrap_or(workload), revision.filter(|r| *r != "latest").unwrap_or_default())
}
