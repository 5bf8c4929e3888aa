//! How large everything is, taken in as a whole whenever somebody asks.

use std::collections::{BTreeMap, BTreeSet};

use prometheus::{GaugeVec, IntCounterVec};

use crate::base::Str;

use super::family;

/// How large everything is at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Definitions of services.
    pub services: usize,
    /// VirtualServices.
    pub virtual_services: usize,
    /// Services whose endpoints mizzen would send, and that have none.
    pub without_endpoints: usize,
    /// Services that proxies resolve, without a name to resolve.
    pub without_names: usize,
    /// Endpoints that are not ready.
    pub not_ready: usize,
    /// Hosts of VirtualServices that another one has already.
    pub duplicate_domains: usize,
    /// Subsets of DestinationRules that another one defines already.
    pub duplicate_subsets: usize,
    /// Connected proxies at whose address no pod, no WorkloadEntry and no endpoint is.
    pub unknown_proxies: usize,
    /// Services of which some endpoint names a pod that is not there.
    pub hosts_without_pods: usize,
    /// Endpoints that name a pod that is not there.
    pub without_pods: usize,
    /// How often such an endpoint was met so far.
    pub met_without_pods: u64,
    /// Connected proxies to which several services want one port of the workload, each in a protocol of its own.
    pub inbound_conflicts: usize,
    /// Listeners for calls out that a service wants of which others take all connections already.
    pub outbound_conflicts: usize,
    /// Hosts of ServiceEntries that something else defines already.
    pub duplicate_hosts: usize,
    /// Servers of Gateways that give way to others, by `namespace/name` of the Gateway.
    pub rejected_gateways: BTreeMap<Str, u64>,
    /// Proxies that have not accepted the latest response for long, by type; under `any` those that have not answered a
    /// whole revision.
    pub behind: BTreeMap<&'static str, usize>,
    /// Providers that are in use and whose service is not there, by istiod's words for their sorts.
    pub unreachable_providers: BTreeMap<&'static str, u64>,
    /// Patches of EnvoyFilters that are left out somewhere, as `namespace/name` and what is patched; if they are asked for.
    pub patches_left_out: Option<BTreeSet<(Str, &'static str)>>,
    /// What istiod counts of its cache if it is asked to: resources that are kept.
    pub cached: Option<usize>,
    /// Classes of proxies, by sort of resource.
    pub classes: Vec<ClassCount>,
    /// What the cache of encoded resources did so far.
    pub cache: CacheCounts,
    /// Findings by code and severity.
    pub findings: BTreeMap<(&'static str, &'static str), usize>,
    /// Virtual addresses given so far.
    pub addresses: usize,
    /// Changes of Istio's objects so far, by kind and event (`add`, `update`, `updatesame`, `delete`).
    pub config_events: BTreeMap<(&'static str, &'static str), u64>,
    /// The same for Kubernetes' objects, by istiod's names for their sorts (`Services`, `Pods`, …).
    pub registry_events: BTreeMap<(&'static str, &'static str), u64>,
    /// Changes that had to be planned so far, by what was changed (`config`, `eds`, `svc`, `svcdelete`).
    pub updates: BTreeMap<&'static str, u64>,
    /// The same by istiod's reasons for a push (`endpoint`, `service`, `config`, …).
    pub triggers: BTreeMap<&'static str, u64>,
}

/// The classes of one sort of resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClassCount {
    /// `clusters`, `listeners`, …
    pub sort: &'static str,
    /// How many there are.
    pub classes: usize,
    /// Resources they hold, shared ones counted for each.
    pub resources: usize,
}

/// What the cache of encoded resources did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheCounts {
    /// Resources asked for that were there.
    pub hits: u64,
    /// Resources that were built.
    pub misses: u64,
    /// Bytes that were not built again.
    pub bytes_saved: u64,
    /// Resources that could not be built.
    pub failures: u64,
}

pub(super) struct Families {
    services: GaugeVec,
    virtual_services: GaugeVec,
    without_endpoints: GaugeVec,
    without_names: GaugeVec,
    not_ready: GaugeVec,
    duplicate_domains: GaugeVec,
    duplicate_subsets: GaugeVec,
    unknown_proxies: GaugeVec,
    hosts_without_pods: GaugeVec,
    without_pods: GaugeVec,
    met_without_pods: IntCounterVec,
    inbound_conflicts: GaugeVec,
    outbound_conflicts: GaugeVec,
    duplicate_clusters: GaugeVec,
    rejected: IntCounterVec,
    behind: GaugeVec,
    unreachable_providers: IntCounterVec,
    filter_status: GaugeVec,
    cached: GaugeVec,
    cache_reads: IntCounterVec,
    cache_evictions: IntCounterVec,
    cache_dependents: GaugeVec,
    classes: GaugeVec,
    class_resources: GaugeVec,
    hits: IntCounterVec,
    misses: IntCounterVec,
    saved: IntCounterVec,
    failures: IntCounterVec,
    findings: GaugeVec,
    addresses: GaugeVec,
    config_events: IntCounterVec,
    registry_events: IntCounterVec,
    updates: IntCounterVec,
    triggers: IntCounterVec,
}

impl Families {
    pub(super) fn new(f: &family::Families) -> Self {
        const EVENT: &[&str] = &["type", "event"];
        Self {
            services: f.gauges("pilot_services", "Services that are known", &[]),
            virtual_services: f.gauges("pilot_virt_services", "VirtualServices that are known", &[]),
            without_endpoints: f.gauges("pilot_eds_no_instances", "Services without endpoints", &[]),
            without_names: f.gauges(
                "pilot_dns_cluster_without_endpoints",
                "Services that proxies resolve, without a name to resolve",
                &[],
            ),
            not_ready: f.gauges("pilot_endpoint_not_ready", "Endpoints that are not ready", &[]),
            duplicate_domains: f.gauges(
                "pilot_vservice_dup_domain",
                "Hosts of VirtualServices that another one has already",
                &[],
            ),
            duplicate_subsets: f.gauges(
                "pilot_destrule_subsets",
                "Subsets of DestinationRules that another one defines already",
                &[],
            ),
            unknown_proxies: f.gauges("pilot_no_ip", "Proxies at whose address nothing is known", &[]),
            hosts_without_pods: f.gauges("endpoint_no_pod", "Services with an endpoint whose pod is not there", &[]),
            without_pods: f.gauges("pilot_k8s_endpoints_pending_pod", "Endpoints whose pod is not there", &[]),
            met_without_pods: f.counters(
                "pilot_k8s_endpoints_with_no_pods",
                "How often an endpoint was met whose pod was not there",
                &[],
            ),
            inbound_conflicts: f.gauges(
                "pilot_conflict_inbound_listener",
                "Proxies to which several services want one port in different protocols",
                &[],
            ),
            outbound_conflicts: f.gauges(
                "pilot_conflict_outbound_listener_tcp_over_current_tcp",
                "Listeners of which one service takes what another one wants",
                &[],
            ),
            duplicate_clusters: f.gauges(
                "pilot_duplicate_envoy_clusters",
                "Hosts of ServiceEntries that something else defines already",
                &[],
            ),
            rejected: f.counters(
                "pilot_total_rejected_configs",
                "Servers of Gateways that give way to others",
                &["type", "name"],
            ),
            behind: f.gauges(
                "mizzen_proxies_behind",
                "Proxies that have not accepted the latest response of a type for ten seconds; any: that owe an answer",
                &["type"],
            ),
            unreachable_providers: f.counters(
                "provider_lookup_cluster_failures",
                "Providers that are in use and whose service is not there",
                &["type"],
            ),
            filter_status: f.gauges(
                "pilot_envoy_filter_status",
                "Patches of EnvoyFilters that are left out somewhere",
                &["name", "patch", "result"],
            ),
            cached: f.gauges("xds_cache_size", "Resources that are kept encoded", &[]),
            cache_reads: f.counters("xds_cache_reads", "Resources asked for, by whether they were there", &["type"]),
            // What proxies hold is never put out of the cache, and what they do not is not in it.
            cache_evictions: f.counters(
                "xds_cache_evictions",
                "Resources put out of the cache: none ever is",
                &["type"],
            ),
            // The key of a resource is all that it depends on; there is no list beside it.
            cache_dependents: f.gauges("xds_cache_dependent_config_size", "Objects listed by resource: none are", &[]),
            classes: f.gauges("mizzen_classes", "Classes of proxies that are served alike", &["sort"]),
            class_resources: f.gauges("mizzen_class_resources", "Resources of all classes together", &["sort"]),
            hits: f.counters("mizzen_cache_hits", "Resources that were already encoded", &[]),
            misses: f.counters("mizzen_cache_misses", "Resources that were encoded", &[]),
            saved: f.counters("mizzen_cache_bytes_saved", "Bytes that were not encoded again", &[]),
            failures: f.counters("mizzen_cache_failures", "Resources that could not be built", &[]),
            findings: f.gauges("mizzen_findings", "What is wrong or odd in the configuration", &["code", "severity"]),
            addresses: f.gauges("mizzen_allocated_addresses", "Hosts that were given a virtual address", &[]),
            config_events: f.counters("pilot_k8s_cfg_events", "Changes of Istio's objects", EVENT),
            registry_events: f.counters("pilot_k8s_reg_events", "Changes of Kubernetes' objects", EVENT),
            updates: f.counters("pilot_inbound_updates", "Changes that had to be planned", &["type"]),
            triggers: f.counters("pilot_push_triggers", "Changes that had to be planned, by reason", &["type"]),
        }
    }

    pub(super) fn set(&self, state: &State) {
        for (gauge, value) in [
            (&self.services, state.services),
            (&self.virtual_services, state.virtual_services),
            (&self.without_endpoints, state.without_endpoints),
            (&self.without_names, state.without_names),
            (&self.not_ready, state.not_ready),
            (&self.duplicate_domains, state.duplicate_domains),
            (&self.duplicate_subsets, state.duplicate_subsets),
            (&self.addresses, state.addresses),
            (&self.unknown_proxies, state.unknown_proxies),
            (&self.hosts_without_pods, state.hosts_without_pods),
            (&self.without_pods, state.without_pods),
            (&self.inbound_conflicts, state.inbound_conflicts),
            (&self.outbound_conflicts, state.outbound_conflicts),
            (&self.duplicate_clusters, state.duplicate_hosts),
        ] {
            gauge.with_label_values::<&str>(&[]).set(value as f64);
        }
        for class in &state.classes {
            self.classes.with_label_values(&[class.sort]).set(class.classes as f64);
            self.class_resources.with_label_values(&[class.sort]).set(class.resources as f64);
        }
        for (counter, value) in [
            (&self.hits, state.cache.hits),
            (&self.misses, state.cache.misses),
            (&self.saved, state.cache.bytes_saved),
            (&self.failures, state.cache.failures),
        ] {
            advance(counter, &[], value);
        }
        if state.met_without_pods > 0 {
            advance(&self.met_without_pods, &[], state.met_without_pods);
        }
        // A counter does not go back when a Gateway is mended.
        state.rejected_gateways.iter().for_each(|(name, count)| advance(&self.rejected, &["gateway", name], *count));
        state.behind.iter().for_each(|(kind, count)| self.behind.with_label_values(&[kind]).set(*count as f64));
        if let Some(cached) = state.cached {
            self.cached.with_label_values::<&str>(&[]).set(cached as f64);
            advance(&self.cache_reads, &["hit"], state.cache.hits);
            advance(&self.cache_reads, &["miss"], state.cache.misses);
            ["clear", "size"].iter().for_each(|why| advance(&self.cache_evictions, &[why], 0));
            self.cache_dependents.with_label_values::<&str>(&[]).set(0.0);
        }
        // As of Gateways: a counter does not go back.
        state.unreachable_providers.iter().for_each(|(kind, n)| advance(&self.unreachable_providers, &[kind], *n));
        self.filter_status.reset();
        for (name, patch) in state.patches_left_out.iter().flatten() {
            self.filter_status.with_label_values(&[name, *patch, "error"]).set(1.0);
        }
        // What is no longer found goes.
        self.findings.reset();
        for ((code, severity), count) in &state.findings {
            self.findings.with_label_values(&[code, severity]).set(*count as f64);
        }
        for (counter, counts) in
            [(&self.config_events, &state.config_events), (&self.registry_events, &state.registry_events)]
        {
            counts.iter().for_each(|((kind, event), count)| advance(counter, &[kind, event], *count));
        }
        for (counter, counts) in [(&self.updates, &state.updates), (&self.triggers, &state.triggers)] {
            counts.iter().for_each(|(kind, count)| advance(counter, &[kind], *count));
        }
    }
}

/// Brings a counter up to a count that is kept elsewhere.
fn advance(counters: &IntCounterVec, labels: &[&str], to: u64) {
    let counter = counters.with_label_values(labels);
    counter.inc_by(to.saturating_sub(counter.get()));
}
