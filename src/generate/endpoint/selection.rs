//! Which endpoints of a service a cluster is for.

use std::collections::BTreeSet;

use crate::api::destination_rule::ClientTlsMode;
use crate::base::{Labels, Str};
use crate::model::facts::{Endpoint, Health, PeerMode, PeerRules, TlsMode};

/// Which endpoints of a service a cluster is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Selection {
    /// The service's port.
    pub port: u16,
    /// The labels of the subset.
    pub labels: Labels,
    /// Whether those that are not ready are sent too, marked so; Envoy then knows how many there are.
    pub unhealthy: bool,
    /// Whether those that are going away are sent, for calls of sessions they have.
    pub draining: bool,
    /// The callers' node, where only endpoints of the same node are meant (`internalTrafficPolicy: Local`).
    pub node: Option<Str>,
    /// The networks that the callers see; all if absent.
    pub networks: Option<BTreeSet<Str>>,
    /// The callers' cluster, where only endpoints of the same cluster are meant.
    pub cluster: Option<Str>,
    /// Whether they tell metrics who they are.
    pub labelled: bool,
    /// How they are spoken to.
    pub transport: Transport,
    /// Whether only those are meant that take mutual TLS: what is passed on to them may be nothing else.
    pub mutual_only: bool,
}

/// How endpoints are spoken to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// As a DestinationRule asks, whatever they take.
    Said(ClientTlsMode),
    /// In mutual TLS where they take it, as their PeerAuthentications say.
    Detected(PeerRules),
}

impl Selection {
    /// Whether an endpoint of the port is meant (istio `pilot/pkg/xds/endpoints/endpoint_builder.go`,
    /// `filterIstioEndpoint`).
    pub(super) fn includes(&self, endpoint: &Endpoint) -> bool {
        let workload = &endpoint.workload;
        let visible = |networks: &BTreeSet<Str>| workload.network.is_empty() || networks.contains(&workload.network);
        self.labels.iter().all(|(k, v)| workload.labels.get(k) == Some(v))
            && self.node.as_ref().is_none_or(|node| *node == workload.node)
            && self.networks.as_ref().is_none_or(visible)
            && self.cluster.as_ref().is_none_or(|cluster| *cluster == workload.cluster)
            && (self.unhealthy || endpoint.health != Health::Unhealthy)
            && endpoint.health != Health::Terminating
            && (self.draining || !is_draining(endpoint))
    }

    /// Whether an endpoint is called in mutual TLS, as far as the cluster leaves it to the endpoint (istio
    /// `pilot/pkg/xds/endpoints/mtls_checker.go`).
    pub(super) fn takes_mtls(&self, endpoint: &Endpoint) -> bool {
        let workload = &endpoint.workload;
        let said = match &self.transport {
            Transport::Said(mode) => *mode == ClientTlsMode::IstioMutual,
            Transport::Detected(rules) => rules.of_workload(&workload.labels, endpoint.port) != PeerMode::Disable,
        };
        workload.tls == TlsMode::Istio && said
    }
}

/// Whether an endpoint is going away, by its state or because it says so itself.
pub(super) fn is_draining(endpoint: &Endpoint) -> bool {
    let label = endpoint.workload.labels.get("istio.io/draining");
    endpoint.health == Health::Draining || label.is_some_and(|l| !l.is_empty())
}
