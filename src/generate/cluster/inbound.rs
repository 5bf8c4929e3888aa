//! Clusters that hand inbound calls on to the workload.

use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use envoy_types::pb::envoy::config::cluster::v3::cluster::{DiscoveryType, LbPolicy};
use envoy_types::pb::envoy::config::endpoint::v3::lb_endpoint::HostIdentifier;
use envoy_types::pb::envoy::config::endpoint::v3::{Endpoint, LbEndpoint, LocalityLbEndpoints};

use crate::api::destination_rule::ConnectionPool;
use crate::base::{Duration, Str};
use crate::generate::endpoint::load_assignment;
use crate::generate::proto::{duration, pipe, socket_address};
use crate::model::facts::{ClusterDefaults, Handle, Target, Traffic};
use crate::wire::{Recipe, Refusal};

use super::draft::Draft;
use super::fixed::bind;
use super::outbound::RuleRef;
use super::stat_name::Named;
use super::{Traits, inbound_name, metadata, pool, protocol};

/// For good: 292 years, Go's longest duration. Connections to the workload itself are not forgotten.
const NEVER: Duration = Duration::from_secs(9_223_372_035);

/// The cluster that hands inbound calls of one port on to the workload.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct InboundCluster {
    /// The services that arrive at the port, the first of which rules. Not empty, all of one number.
    pub targets: Vec<Target>,
    /// The rule in force for the first service, whose limits hold for both sides of a call.
    pub rule: Option<RuleRef>,
    /// Where the application listens.
    pub application: Application,
    /// What a Sidecar says of the limits, which then holds in place of the rule's word.
    pub pool: Option<Handle<ConnectionPool>>,
    /// Whether the first target is no service, but only a Sidecar's listener.
    pub nameless: bool,
    /// Whether the workload has an IPv4 address; it is IPv6 otherwise.
    pub v4: bool,
    /// The proxy.
    pub traits: Traits,
    /// The mesh.
    pub mesh: Handle<ClusterDefaults>,
}

/// Where the application listens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Application {
    /// As the mesh says for ports of services: where the call was going, or at the port on its own machine.
    AsMesh,
    /// Where the call was going.
    Called,
    /// At an address and a port.
    Socket(Str, u16),
    /// At a Unix socket.
    Pipe(Str),
}

impl Recipe for InboundCluster {
    type Message = Cluster;

    fn name(&self) -> Str {
        inbound_name(self.targets[0].number)
    }

    fn build(&self) -> Result<Cluster, Refusal> {
        let first = &self.targets[0];
        let mut draft = Draft::new(&self.name());
        self.start(&mut draft);
        protocol::set(&mut draft, first.port.protocol, &self.traits);
        if !self.nameless && self.mesh.labels {
            draft.istio.push(metadata::services(self.services()));
        }
        if !self.mesh.inbound_stat_name.is_empty() {
            draft.cluster.alt_stat_name = self.named().fill(&self.mesh.inbound_stat_name);
        }
        let policy = self.rule.as_ref().and_then(|rule| Some((rule, rule.policy.as_deref()?)));
        if let Some((rule, _)) = policy {
            draft.istio.push(metadata::rule(&rule.namespace, &rule.name));
        }
        let traffic = Traffic::of(policy.map(|(_, p)| p), first.port.number).or_mesh(self.mesh.policy.as_deref());
        let pool = self.pool.as_deref().or(traffic.pool);
        let limits = pool.cloned().unwrap_or_default();
        pool::set(&mut draft, &limits, traffic.retry_budget, &self.mesh);
        Ok(draft.finish())
    }
}

impl InboundCluster {
    /// To the address that was called, or to where the application is said to be.
    fn start(&self, draft: &mut Draft) {
        let own = if self.v4 { "127.0.0.1" } else { "::1" };
        let (address, to_itself) = match &self.application {
            Application::AsMesh if self.mesh.inbound_localhost => (socket_address(own, self.targets[0].number), true),
            Application::AsMesh | Application::Called => {
                draft.set_type(DiscoveryType::OriginalDst);
                draft.cluster.lb_policy = LbPolicy::ClusterProvided.into();
                draft.cluster.cleanup_interval = Some(duration(NEVER));
                draft.cluster.upstream_bind_config = Some(bind(self.v4, false));
                return;
            }
            Application::Socket(address, port) => {
                (socket_address(address, *port), ["127.0.0.1", "::1"].contains(&address.as_str()))
            }
            Application::Pipe(path) => (pipe(path), false),
        };
        draft.set_type(DiscoveryType::Static);
        // What goes back to the proxy's own address must not be captured again.
        draft.cluster.upstream_bind_config = (!to_itself).then(|| bind(self.v4, false));
        let local = Endpoint { address: Some(address), ..Default::default() };
        let local = LbEndpoint { host_identifier: Some(HostIdentifier::Endpoint(local)), ..Default::default() };
        let group = LocalityLbEndpoints { lb_endpoints: vec![local], ..Default::default() };
        draft.cluster.load_assignment = Some(load_assignment(&draft.cluster.name, vec![group]));
    }

    /// The services that arrive by the same port of theirs as the first, each host once.
    fn services(&self) -> Vec<(&str, &str, &str)> {
        let port = self.targets[0].port.number;
        let mut services: Vec<(&str, &str, &str)> = Vec::new();
        for target in self.targets.iter().filter(|t| t.port.number == port) {
            if services.iter().all(|(host, ..)| *host != &*target.host) {
                services.push((&target.host, &target.name, &target.namespace));
            }
        }
        services
    }

    fn named(&self) -> Named<'_> {
        let first = &self.targets[0];
        Named {
            host: &first.host,
            name: &first.name,
            namespace: &first.namespace,
            registry: first.registry,
            subset: "",
            port: first.port.number,
            port_name: &first.port.name,
            target: first.number,
        }
    }
}
