//! Clusters for calls to services.

use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use envoy_types::pb::envoy::config::cluster::v3::cluster::{
    DiscoveryType, EdsClusterConfig, LbConfig, LbPolicy, OriginalDstLbConfig,
};
use envoy_types::pb::envoy::config::core::v3::{HealthStatus, HealthStatusSet, TypedExtensionConfig};
use envoy_types::pb::envoy::extensions::clusters::dynamic_forward_proxy::v3::ClusterConfig as ForwardConfig;
use envoy_types::pb::envoy::extensions::clusters::dynamic_forward_proxy::v3::cluster_config::ClusterImplementationSpecifier;
use envoy_types::pb::envoy::extensions::network::dns_resolver::cares::v3::CaresDnsResolverConfig;

use crate::api::destination_rule::{ClientTlsMode, TrafficPolicy};
use crate::base::{Host, Namespace, Str};
use crate::generate::dns::cache_under;
use crate::generate::endpoint::{Answering, load_assignment};
use crate::generate::proto::{ads, boolean, duration, string, u32_value};
use crate::model::facts::{ClusterDefaults, Distribution, Handle, Preference, Protocol, Registry, Traffic};
use crate::wire::{Recipe, Refusal, any};

use super::draft::Draft;
use super::fixed::Family;
use super::security::{Accounts, Security};
use super::stat_name::Named;
use super::{Traits, balancing, metadata, outbound_name, outlier, pool, protocol, security, server_name};

/// One port of a service, as far as its clusters depend on it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServicePort {
    /// The service's host.
    pub host: Host,
    /// The service's name.
    pub name: Str,
    /// The service's namespace.
    pub namespace: Namespace,
    /// Which kind of object defines the service.
    pub registry: Registry,
    /// Whether the service is outside the mesh.
    pub external: bool,
    /// The port's number.
    pub number: u16,
    /// The port's name.
    pub port_name: Str,
    /// What is spoken.
    pub protocol: Protocol,
    /// Which endpoints the service wants to be called first.
    pub distribution: Distribution,
    /// Whether calls may stick to endpoints that are going away.
    pub sticky: bool,
}

/// How endpoints are found.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Discovery {
    /// The control plane sends them.
    Sent,
    /// Calls go where the caller was going, perhaps to another port there.
    Original {
        /// The other port.
        port: Option<u16>,
    },
    /// The proxy resolves names that are written here.
    Resolved {
        /// Whether only the first address of one name is used at a time.
        first_only: bool,
        /// Which addresses are asked for.
        family: Family,
        /// The names. Not empty: a cluster of names without names is not sent.
        answering: Answering,
    },
    /// The proxy resolves whatever name the caller asked for.
    Forwarded {
        /// Which addresses are asked for.
        family: Family,
    },
}

/// The DestinationRule in force.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RuleRef {
    /// Its name; of several that were joined, that of the oldest.
    pub name: Str,
    /// Its namespace.
    pub namespace: Namespace,
    /// Its policy.
    pub policy: Option<Handle<TrafficPolicy>>,
    /// Whether it is for selected workloads.
    pub selective: bool,
}

/// One subset of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SubsetRef {
    /// Its name.
    pub name: Str,
    /// What differs from the rule's policy.
    pub policy: Option<Box<TrafficPolicy>>,
}

/// The cluster for calls to one port of a service, or to a subset of its endpoints there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OutboundCluster {
    /// What is called.
    pub service: ServicePort,
    /// How its endpoints are found, before the rule has its say.
    pub discovery: Discovery,
    /// The rule in force.
    pub rule: Option<RuleRef>,
    /// The subset; `None` for all endpoints.
    pub subset: Option<SubsetRef>,
    /// Whom callers may find.
    pub accounts: Accounts,
    /// Whether it is for TLS of the mesh that is passed on as it is, and so has the name by which callers ask for it.
    pub passing: bool,
    /// Whether mutual TLS is used with endpoints that take it, where the rule says nothing about TLS.
    pub mutual: bool,
    /// The proxy.
    pub traits: Traits,
    /// The mesh.
    pub mesh: Handle<ClusterDefaults>,
}

impl Recipe for OutboundCluster {
    type Message = Cluster;

    fn name(&self) -> Str {
        let (port, subset, host) = (self.service.number, self.subset_name(), &self.service.host);
        if self.passing { server_name(port, subset, host).into() } else { outbound_name(port, subset, host) }
    }

    fn build(&self) -> Result<Cluster, Refusal> {
        let traffic = self.traffic();
        let mut draft = Draft::new(&self.name());
        self.start(&mut draft);
        self.describe(&mut draft, &traffic);
        let limits = traffic.pool.cloned().unwrap_or_default();
        protocol::upgrade(&mut draft, self.service.protocol, &limits, self.mesh.h2_upgrade);
        pool::set(&mut draft, &limits, traffic.retry_budget, &self.mesh);
        if let Some(said) = traffic.outlier {
            outlier::set(&mut draft, said, self.service.distribution != Distribution::Any);
        }
        let preference = Preference::of(traffic.load_balancer, self.service.distribution, &self.mesh);
        balancing::set(&mut draft, traffic.load_balancer, preference.as_ref(), self.mesh.locality_weights);
        if self.mesh.sharded_redis && self.service.protocol == Protocol::Redis {
            balancing::shard(&mut draft);
        }
        if !self.passing {
            security::set(&mut draft, &self.security(&traffic), traffic.proxy_protocol)?;
        }
        if draft.is_sent() {
            draft.cluster.eds_cluster_config =
                Some(EdsClusterConfig { eds_config: Some(ads()), service_name: draft.cluster.name.clone() });
        }
        if self.traits.exchange {
            draft.exchange_metadata();
        }
        Ok(draft.finish())
    }
}

impl OutboundCluster {
    fn subset_name(&self) -> &str {
        self.subset.as_ref().map(|s| s.name.as_str()).unwrap_or_default()
    }

    /// Layer over layer: the rule, where that is silent the mesh, over both the subset.
    fn traffic(&self) -> Traffic<'_> {
        let port = self.service.number;
        let rule = self.rule.as_ref().and_then(|r| r.policy.as_deref());
        let traffic = Traffic::of(rule, port).or_mesh(self.mesh.policy.as_deref());
        traffic.narrowed(self.subset.as_ref().and_then(|s| s.policy.as_deref()), port)
    }

    /// Sets how endpoints are found, and what the port's protocol asks for.
    fn start(&self, draft: &mut Draft) {
        match &self.discovery {
            Discovery::Sent => draft.set_type(DiscoveryType::Eds),
            Discovery::Original { port } => {
                draft.set_type(DiscoveryType::OriginalDst);
                draft.cluster.lb_config = port.map(|port| {
                    let upstream_port_override = Some(u32_value(port.into()));
                    LbConfig::OriginalDstLbConfig(OriginalDstLbConfig { upstream_port_override, ..Default::default() })
                });
            }
            Discovery::Resolved { first_only, family, answering } => {
                draft.set_type(if *first_only { DiscoveryType::LogicalDns } else { DiscoveryType::StrictDns });
                resolve(&mut draft.cluster, *family, &self.mesh);
                let groups = answering.groups(|_| true);
                draft.cluster.load_assignment = Some(load_assignment(&draft.cluster.name, groups));
            }
            Discovery::Forwarded { family } => {
                draft.cluster.lb_policy = LbPolicy::ClusterProvided.into();
                draft.cluster.common_lb_config = None;
                let cache = cache_under(&self.service.host, *family);
                draft.forward = Some(ForwardConfig {
                    cluster_implementation_specifier: Some(ClusterImplementationSpecifier::DnsCacheConfig(cache)),
                    ..Default::default()
                });
            }
        }
        protocol::set(draft, self.service.protocol, &self.traits);
        if self.service.sticky && self.subset.is_none() && !draft.is_forward() {
            draft.common_lb().override_host_status = Some(still_used());
        }
    }

    /// Adds metadata and the name in statistics.
    fn describe(&self, draft: &mut Draft, traffic: &Traffic<'_>) {
        let service = &self.service;
        if !draft.is_forward() {
            if self.mesh.labels {
                draft.istio.push(metadata::services([(&*service.host, &*service.name, &*service.namespace)]));
            }
            let pattern = &self.mesh.outbound_stat_name;
            if !pattern.is_empty() {
                draft.cluster.alt_stat_name = self.named().fill(pattern);
            }
        }
        if service.external && self.subset.is_none() {
            draft.istio.push(("external".to_owned(), boolean(true)));
        }
        let Some(rule) = &self.rule else { return };
        draft.istio.push(metadata::rule(&rule.namespace, &rule.name));
        if let Some(subset) = &self.subset {
            draft.istio.push(("subset".to_owned(), string(&subset.name)));
        }
        let mode = traffic.tls.map(|tls| tls.mode);
        if matches!(mode, Some(ClientTlsMode::Simple | ClientTlsMode::Mutual)) {
            // Istio's ALPN filter must not offer such a server the mesh's own protocols.
            draft.istio.push(("alpn_override".to_owned(), string("false")));
        }
    }

    fn named(&self) -> Named<'_> {
        let service = &self.service;
        Named {
            host: &service.host,
            name: &service.name,
            namespace: &service.namespace,
            registry: service.registry,
            subset: self.subset_name(),
            port: service.number,
            port_name: &service.port_name,
            target: 0,
        }
    }

    fn security<'a>(&'a self, traffic: &Traffic<'a>) -> Security<'a> {
        let service = &self.service;
        let forwarded = matches!(self.discovery, Discovery::Forwarded { .. });
        let name = || server_name(service.number, self.subset_name(), &service.host);
        Security {
            said: traffic.tls,
            mutual: self.mutual,
            server_name: if forwarded { String::new() } else { name() },
            accounts: &self.accounts,
            external: service.external,
            stated_for_all: service.registry == Registry::External,
            http1: service.protocol.is_http() && !service.protocol.is_http2(),
            selective: self.rule.as_ref().is_some_and(|r| r.selective),
            traits: &self.traits,
            mesh: &self.mesh,
        }
    }
}

/// Names are resolved again and again, by a resolver that does not open a socket for each question.
#[expect(deprecated, reason = "istiod sends these fields, and not the cluster type that replaces them")]
fn resolve(cluster: &mut Cluster, family: Family, mesh: &ClusterDefaults) {
    let resolver = CaresDnsResolverConfig { udp_max_queries: Some(u32_value(mesh.dns_queries)), ..Default::default() };
    cluster.dns_lookup_family = family.into_envoy().into();
    cluster.typed_dns_resolver_config = Some(TypedExtensionConfig {
        name: "envoy.network.dns_resolver.cares".to_owned(),
        typed_config: Some(any(&resolver)),
    });
    cluster.dns_jitter = Some(duration(mesh.dns_jitter));
    cluster.dns_refresh_rate = Some(duration(mesh.dns_refresh_rate));
    cluster.respect_dns_ttl = true;
}

/// The states of endpoints that keep the calls of sessions they have.
fn still_used() -> HealthStatusSet {
    let statuses = [HealthStatus::Healthy, HealthStatus::Draining, HealthStatus::Unknown, HealthStatus::Degraded];
    HealthStatusSet { statuses: statuses.map(i32::from).to_vec() }
}
