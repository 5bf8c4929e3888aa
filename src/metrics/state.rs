//! How large everything is, taken in as a whole whenever somebody asks.

use std::collections::BTreeMap;

use prometheus::{GaugeVec, IntCounterVec};

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
