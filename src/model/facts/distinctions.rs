//! What about a proxy makes a difference to the clusters, endpoints and listeners it gets. Whatever is not named here
//! puts no two proxies into different classes.

use std::collections::{BTreeMap, BTreeSet};

use crate::api::destination_rule::{DestinationRule, LoadBalancer, LocalityBalancing, OutlierDetection, TrafficPolicy};
use crate::base::{Labels, Namespace, Str};

use super::cluster_defaults::ClusterDefaults;
use super::rule::VirtualService;
use super::service::{Resolution, Service};
use super::topology::priority;

/// What about a proxy makes a difference, given all rules, services and settings there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Distinctions {
    /// Labels by which DestinationRules of a namespace select callers.
    pub selectors: BTreeMap<Namespace, BTreeSet<Str>>,
    /// Labels that some preference compares between caller and endpoint.
    pub compared: BTreeSet<Str>,
    /// Whether some preference looks at the caller's locality.
    pub locality: bool,
    /// Whether some service has no endpoints but those of the caller's node.
    pub node: bool,
    /// Whether some service is found by DNS, so that preferences change clusters and not endpoints alone.
    pub resolves: bool,
    /// Labels and their values by which routes of connections (TLS, TCP) tell callers apart.
    pub connection_labels: BTreeSet<(Str, Str)>,
    /// Namespaces by which they do.
    pub connection_namespaces: BTreeSet<Namespace>,
    /// Labels and their values by which routes of calls (HTTP) tell callers apart.
    pub call_labels: BTreeSet<(Str, Str)>,
    /// Namespaces by which they do.
    pub call_namespaces: BTreeSet<Namespace>,
    /// Whether some service has aliases, whose short names depend on the caller's namespace.
    pub aliased: bool,
    /// The clusters, besides the control plane's own, that have services.
    pub clusters: BTreeSet<Str>,
}

impl Distinctions {
    /// Those that the mesh's settings bring along.
    pub fn new(defaults: &ClusterDefaults) -> Self {
        let mut new = Self { locality: defaults.zone_aware.is_some(), ..Self::default() };
        new.locality |= defaults.policy.as_ref().is_some_and(|p| p.outlier_detection.is_some());
        defaults.locality.iter().for_each(|setting| new.add_preference(setting));
        defaults.zone_aware.iter().for_each(|setting| new.compare(&setting.failover_priority));
        new
    }

    /// Adds those of a service.
    pub fn add_service(&mut self, service: &Service) {
        self.node |= service.node_local;
        self.resolves |= matches!(service.resolution, Resolution::Dns | Resolution::DnsRoundRobin);
        self.compare(service.distribution().labels());
        self.aliased |= !service.aliases.is_empty();
        let others = service.clusters.keys().filter(|c| !c.is_empty() && !self.clusters.contains(*c));
        let others: Vec<Str> = others.cloned().collect();
        self.clusters.extend(others);
    }

    /// Adds those of routes.
    pub fn add_routes(&mut self, routes: &VirtualService) {
        let tls = routes.tls.iter().flat_map(|r| &r.r#match).map(|m| (&m.source_labels, &m.source_namespace));
        let tcp = routes.tcp.iter().flat_map(|r| &r.r#match).map(|m| (&m.source_labels, &m.source_namespace));
        let http = routes.http.iter().flat_map(|r| &r.r#match).map(|m| (&m.source_labels, &m.source_namespace));
        add_sources(&mut self.connection_labels, &mut self.connection_namespaces, tls.chain(tcp));
        add_sources(&mut self.call_labels, &mut self.call_namespaces, http);
    }

    /// Adds those of a rule.
    pub fn add_rule(&mut self, namespace: &Namespace, rule: &DestinationRule) {
        if let Some(selector) = &rule.workload_selector {
            let keys = self.selectors.entry(namespace.clone()).or_default();
            keys.extend(selector.match_labels.keys().cloned());
        }
        let subsets = rule.subsets.iter().filter_map(|s| s.traffic_policy.as_deref());
        rule.traffic_policy.as_deref().into_iter().chain(subsets).for_each(|policy| self.add_policy(policy));
    }

    fn add_policy(&mut self, policy: &TrafficPolicy) {
        self.add_parts(policy.outlier_detection.as_ref(), policy.load_balancer.as_ref());
        let ports = policy.port_level_settings.iter();
        ports.for_each(|p| self.add_parts(p.outlier_detection.as_ref(), p.load_balancer.as_ref()));
    }

    /// Outlier detection alone switches on failover between localities, which the mesh prefers by default.
    fn add_parts(&mut self, outlier: Option<&OutlierDetection>, balancer: Option<&LoadBalancer>) {
        self.locality |= outlier.is_some();
        let Some(balancer) = balancer else { return };
        balancer.locality_lb_setting.iter().for_each(|setting| self.add_preference(setting));
        if let Some(setting) = &balancer.zone_aware_lb_setting {
            self.locality = true;
            self.compare(&setting.failover_priority);
        }
    }

    fn add_preference(&mut self, setting: &LocalityBalancing) {
        self.locality |= !setting.distribute.is_empty() || !setting.failover.is_empty();
        self.compare(&setting.failover_priority);
    }

    fn compare<S: AsRef<str>>(&mut self, priorities: &[S]) {
        let labels = priorities.iter().map(|p| priority(p.as_ref())).filter(|(_, value)| value.is_none());
        self.compared.extend(labels.map(|(label, _)| Str::from(label)));
    }
}

fn add_sources<'a>(
    labels: &mut BTreeSet<(Str, Str)>,
    namespaces: &mut BTreeSet<Namespace>,
    conditions: impl Iterator<Item = (&'a Labels, &'a Str)>,
) {
    for (wanted, namespace) in conditions {
        labels.extend(wanted.iter().map(|(k, v)| (k.clone(), v.clone())));
        if !namespace.is_empty() {
            namespaces.insert(Namespace::new(namespace.clone()));
        }
    }
}
