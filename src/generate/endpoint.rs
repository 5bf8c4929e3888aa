//! Endpoints: who answers for a cluster, grouped by locality, in the order in which callers prefer them.
//!
//! Comes in: the endpoints of a service as they are, which of them a cluster is for ([`Selection`]), and where its
//! callers stand ([`Near`]). Goes out: a `ClusterLoadAssignment`, on its own for clusters that the control plane feeds
//! (EDS), inside the cluster for those whose names the proxy resolves.
//!
//! Absent: gateways between networks; every endpoint is reached directly.

mod near;
mod selection;

#[cfg(test)]
mod tests;

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
use crate::model::facts::{Endpoint, Endpoints, Handle, Health, Workload};
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
        let is_address = |e: &Endpoint| e.port == 0 || e.address().parse::<IpAddr>().is_ok();
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
        all.filter(|e| self.selection.includes(e))
    }

    /// One message per locality, or several where preferences divide it.
    pub(super) fn groups(&self, also: impl Fn(&Endpoint) -> bool) -> Vec<LocalityLbEndpoints> {
        let mut groups: BTreeMap<&str, Group<'_>> = BTreeMap::new();
        for endpoint in self.selected().filter(|e| also(e)) {
            groups.entry(&endpoint.workload.place).or_default().members.push(endpoint);
        }
        let mut groups: Vec<Group<'_>> = groups.into_values().map(Group::weighed).collect();
        if let Some(near) = &self.near {
            near.apply(&mut groups);
        }
        groups.iter().map(|group| group.message(&self.selection)).collect()
    }
}

/// Endpoints of one locality that callers prefer alike.
#[derive(Clone, Debug, Default)]
struct Group<'e> {
    members: Vec<&'e Endpoint>,
    /// Where they run: the workload of the first, kept when the members go.
    workload: Option<&'e Workload>,
    weight: u32,
    priority: u32,
}

impl Group<'_> {
    fn weighed(mut self) -> Self {
        self.workload = self.members.first().map(|e| &*e.workload);
        self.weight = self.members.iter().fold(0, |sum, e| sum.saturating_add(weight(e)));
        self
    }

    fn message(&self, selection: &Selection) -> LocalityLbEndpoints {
        let place = self.workload.map(|w| &w.locality);
        LocalityLbEndpoints {
            locality: place.map(|l| Locality {
                region: l.region.to_string(),
                zone: l.zone.to_string(),
                sub_zone: l.sub_zone.to_string(),
            }),
            lb_endpoints: self.members.iter().map(|e| lb_endpoint(e, selection)).collect(),
            load_balancing_weight: Some(u32_value(self.weight)),
            priority: self.priority,
            ..Default::default()
        }
    }
}

/// A cluster's endpoints as one message.
pub(super) fn load_assignment(cluster: &str, endpoints: Vec<LocalityLbEndpoints>) -> ClusterLoadAssignment {
    ClusterLoadAssignment { cluster_name: cluster.to_owned(), endpoints, ..Default::default() }
}

fn weight(endpoint: &Endpoint) -> u32 {
    endpoint.weight.max(1)
}

fn lb_endpoint(endpoint: &Endpoint, selection: &Selection) -> LbEndpoint {
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
        load_balancing_weight: Some(u32_value(weight(endpoint))),
        metadata: Some(metadata(endpoint, selection)),
    }
}

/// By `envoy.transport_socket_match` the cluster chooses mutual TLS or clear text; `istio.workload` tells the metrics
/// who was called, should the callee not say so itself: name, namespace, canonical name and revision, cluster.
fn metadata(endpoint: &Endpoint, selection: &Selection) -> Metadata {
    let workload = &endpoint.workload;
    let (name, revision) = canonical(&workload.labels, &workload.name);
    let identity = format!("{};{};{name};{revision};{}", workload.name, workload.namespace, workload.cluster);
    let mut filters = HashMap::from([("istio".to_owned(), fields_of([("workload", string(&identity))]))]);
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
