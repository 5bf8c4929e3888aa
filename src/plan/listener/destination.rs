//! Where the bytes of a chain go (istio `pilot/pkg/networking/core/networkfilter.go`).

use crate::api::destination_rule::{HashKey, LoadBalancer, Policy, TrafficPolicy};
use crate::api::virtual_service::{Destination as RouteDestination, WeightedDestination};
use crate::base::{Duration, Host, Labels, Namespace, Str};
use crate::generate::filter::{Bytes, BytesSettings, Called, Destination, SniResolution, TcpProxy, Tunnel};
use crate::model::View;
use crate::model::facts::{Handle, Port, Protocol, Registry, Resolution, Rule, Service, VirtualService};

use super::Planning;
use super::group::Candidate;
use super::reads::Reads;

/// What decides about the way of bytes.
pub(in crate::plan) struct Ways<'a, 's> {
    pub(in crate::plan) view: &'a View<'s>,
    /// Those labels by which some rule tells callers apart.
    pub(in crate::plan) labels: &'a Labels,
    /// A pattern for the names of clusters in statistics; empty for their own.
    pub(in crate::plan) stat_name: &'a str,
    /// How long a connection may be silent where no rule says.
    pub(in crate::plan) idle_timeout: Option<Duration>,
    pub(in crate::plan) reads: Reads,
    pub(in crate::plan) settings: &'a Handle<BytesSettings>,
}

impl<'s> Planning<'_, 's> {
    pub(super) fn ways(&self) -> Ways<'_, 's> {
        let caller = self.caller;
        Ways {
            view: self.view,
            labels: &caller.labels,
            stat_name: &caller.stat_name,
            idle_timeout: caller.idle_timeout,
            reads: caller.reads,
            settings: &caller.bytes,
        }
    }

    /// To the service itself.
    pub(super) fn direct(&self, candidate: &Candidate) -> Bytes {
        let service = &candidate.service;
        let cluster = cluster(&service.host, "", candidate.port.number);
        let rule = self.view.service(&service.host).and_then(|s| self.view.rule(&s, &self.caller.labels));
        let resolves = service.resolution == Resolution::DynamicDns && service.host.is_wildcard();
        let resolution = (resolves && self.caller.resolves_sni).then(|| SniResolution {
            host: service.host.clone(),
            port: candidate.port.number,
            family: self.caller.lookup,
        });
        let ways = self.ways();
        let stat_prefix = ways.stat_prefix(&cluster, service, &service.host, "", candidate.port.number, "");
        let called = || Called {
            host: service.host.str().clone(),
            name: service.name.clone(),
            namespace: service.namespace.str().clone(),
        };
        // Who is called by another name is called under that.
        let called = (self.caller.bytes.metrics.is_some() && service.target.is_none()).then(called);
        let proxy = TcpProxy { stat_prefix, service: called, ..TcpProxy::to(cluster) };
        Bytes { resolution, ..ways.chain(candidate.port.protocol, ways.under(rule.as_ref(), "", proxy)) }
    }
}

impl Ways<'_, '_> {
    /// To where a VirtualService says, for connections to a port. `None` if nothing has a share.
    pub(in crate::plan) fn routed(
        &self,
        port: &Calling<'_>,
        origin: &VirtualService,
        to: &[WeightedDestination],
    ) -> Option<Bytes> {
        let first = &to.first()?.destination;
        let host = |d: &RouteDestination| self.resolve(&d.host, &origin.namespace);
        let service = self.view.service(&host(first));
        let rule = service.as_ref().and_then(|s| self.view.rule(s, self.labels));
        let proxy = match to {
            [only] => {
                let destination = &only.destination;
                let cluster = self.cluster_of(destination, &host(destination), service.as_ref(), port.number);
                let (number, name) = (port.number, port.name);
                let stat_prefix = match &service {
                    Some(s) => self.stat_prefix(&cluster, s, &host(destination), &destination.subset, number, name),
                    None => cluster.clone(),
                };
                self.under(rule.as_ref(), &destination.subset, TcpProxy { stat_prefix, ..TcpProxy::to(cluster) })
            }
            several => {
                let share = |d: &WeightedDestination| {
                    let host = host(&d.destination);
                    let service = self.view.service(&host);
                    let weight = u32::try_from(d.weight).unwrap_or(0);
                    (self.cluster_of(&d.destination, &host, service.as_ref(), port.number), weight)
                };
                let shares: Vec<_> = several.iter().filter(|d| d.weight > 0).map(share).collect();
                if shares.is_empty() {
                    return None;
                }
                let name: Str = format!("{}.{}", origin.name, origin.namespace).into();
                let proxy = TcpProxy { destination: Destination::Weighted(shares), ..TcpProxy::to(name) };
                self.under(rule.as_ref(), "", proxy)
            }
        };
        Some(self.chain(port.protocol, proxy))
    }

    pub(in crate::plan) fn chain(&self, protocol: Protocol, proxy: TcpProxy) -> Bytes {
        Bytes { settings: self.settings.clone(), resolution: None, protocol: self.reads.of(protocol), proxy }
    }

    /// What the rule of the (first) destination says of connections. Its policies of single ports do not count here.
    pub(in crate::plan) fn under(&self, rule: Option<&Handle<Rule>>, subset: &str, proxy: TcpProxy) -> TcpProxy {
        let policy = rule.and_then(|r| r.policy.as_deref());
        let subset_policy = |name: &str| {
            let found = rule.and_then(|r| r.subsets.iter().find(|s| s.name == *name));
            found.and_then(|s| s.traffic_policy.as_deref())
        };
        let own = if subset.is_empty() { None } else { subset_policy(subset) };
        let tunnel = if subset.is_empty() { policy } else { own }.and_then(|p| p.tunnel.as_ref());
        let pool = policy.and_then(|p| p.connection_pool.as_ref()).and_then(|p| p.tcp);
        TcpProxy {
            idle_timeout: pool.and_then(|tcp| tcp.idle_timeout).or(self.idle_timeout),
            max_duration: pool.and_then(|tcp| tcp.max_connection_duration),
            by_source: by_source(policy, own),
            tunnel: tunnel
                .map(|t| Tunnel { target: authority(&t.target_host, t.target_port), post: t.protocol == "POST" }),
            ..proxy
        }
    }

    /// The cluster of a destination (istio `GetDestinationCluster`).
    fn cluster_of(
        &self,
        destination: &RouteDestination,
        host: &Host,
        service: Option<&Handle<Service>>,
        port: u16,
    ) -> Str {
        if destination.host.is_empty() {
            return "UnknownService".into();
        }
        let host = service.and_then(|s| s.target.as_ref()).unwrap_or(host);
        let only = service.filter(|s| s.ports.len() == 1).map(|s| s.ports[0].number);
        let said = destination.port.and_then(|p| u16::try_from(p.number).ok());
        cluster(host, &destination.subset, said.or(only).unwrap_or(port))
    }

    /// A destination as a VirtualService of a namespace writes it.
    fn resolve(&self, host: &str, namespace: &Namespace) -> Host {
        if host.is_empty() || host.contains('.') || host.starts_with('*') {
            return Host::from(host);
        }
        Host::new(format!("{host}.{namespace}.svc.{}", self.view.mesh().domain))
    }

    /// The name in statistics, by the mesh's pattern if there is one (istio `pilot/pkg/networking/telemetry`).
    pub(in crate::plan) fn stat_prefix(
        &self,
        cluster: &Str,
        service: &Service,
        host: &str,
        subset: &str,
        number: u16,
        name: &str,
    ) -> Str {
        let pattern = self.stat_name;
        if pattern.is_empty() {
            return cluster.clone();
        }
        let kubernetes = service.registry == Registry::Kubernetes;
        let short = if kubernetes { format!("{}.{}", service.name, service.namespace) } else { host.to_owned() };
        let object = if kubernetes { &service.name } else { host };
        let replaced = pattern
            .replace("%SERVICE%", &short)
            .replace("%SERVICE_NAME%", object)
            .replace("%SERVICE_FQDN%", host)
            .replace("%SUBSET_NAME%", subset)
            .replace("%TARGET_PORT%", "0")
            .replace("%SERVICE_PORT%", &number.to_string())
            .replace("%SERVICE_PORT_NAME%", name);
        replaced.into()
    }
}

/// The port that is called.
pub(in crate::plan) struct Calling<'a> {
    pub(in crate::plan) number: u16,
    pub(in crate::plan) name: &'a str,
    pub(in crate::plan) protocol: Protocol,
}

impl<'a> Calling<'a> {
    pub(super) fn of(port: &'a Port) -> Self {
        Self { number: port.number, name: &port.name, protocol: port.protocol }
    }
}

/// The name of a cluster for calls out.
fn cluster(host: &str, subset: &str, port: u16) -> Str {
    format!("outbound|{port}|{subset}|{host}").into()
}

/// Whether connections of one address go to one endpoint: as the subset says, if it says how endpoints are chosen.
fn by_source(policy: Option<&TrafficPolicy>, subset: Option<&TrafficPolicy>) -> bool {
    let balancer = |p: &TrafficPolicy| p.load_balancer.as_ref().map(by_address);
    subset.and_then(balancer).or_else(|| policy.and_then(balancer)).unwrap_or(false)
}

fn by_address(balancer: &LoadBalancer) -> bool {
    match &balancer.policy {
        Some(Policy::ConsistentHash(hash)) => hash.key == Some(HashKey::UseSourceIp(true)),
        _ => false,
    }
}

/// A host with its port; an IPv6 address in brackets.
fn authority(host: &str, port: u32) -> Str {
    if host.contains(':') { format!("[{host}]:{port}").into() } else { format!("{host}:{port}").into() }
}
