//! How large everything is, taken for a scrape.

mod filters;
mod providers;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering::Relaxed;
use std::time::SystemTime;

use super::State;
use crate::api::Kind;
use crate::base::{Finding, Severity};
use crate::debug::{Client, PATIENCE};
use crate::engine::Core;
use crate::metrics::{CacheCounts, ClassCount, State as Sizes};
use crate::model::facts::{Health, Resolution};
use crate::model::{Scope, Snapshot, View};
use crate::progress::Progress;
use crate::proxy::Role;
use crate::store::{Happening, Tally};
use crate::wire::{Cache, ResourceType};

/// Everything there is to measure; `None` when the engine is gone. The engine is held for what only it can count.
pub(super) async fn take(state: &State) -> Option<Sizes> {
    let taken = state.engine.with(|core| (core.index().snapshot().clone(), core.index().survey(), of_core(core)));
    let (snapshot, survey, mut sizes) = taken.await?;
    of_snapshot(&snapshot, &mut sizes);
    (sizes.hosts_without_pods, sizes.without_pods) = survey.endpoints_without_pods();
    let findings = state.findings.now(&state.engine).await?;
    let found = |kind: &str, code: &str| findings.iter().filter(|f| f.code == code && f.object.kind == kind).count();
    sizes.duplicate_domains = found("VirtualService", "duplicate-host");
    sizes.duplicate_subsets = found("DestinationRule", "duplicate-subset");
    sizes.findings = by_code(&findings);
    sizes.duplicate_hosts = found("ServiceEntry", "duplicate-host");
    for finding in findings.iter().filter(|f| f.code == "server-conflict") {
        let gateway = format!("{}/{}", finding.object.namespace, finding.object.name).into();
        *sizes.rejected_gateways.entry(gateway).or_default() += 1;
    }
    sizes.unreachable_providers = providers::unreachable(&survey);
    sizes.patches_left_out = state.filter_stats.then(|| filters::left_out(&survey, &findings));
    sizes.cache = of_cache(&state.cache);
    sizes.cached = state.cache_stats.then(|| state.cache.len());
    sizes.behind = behind(&state.clients.clients(), &state.progress);
    Some(sizes)
}

/// All types have a number, so that an alert sees the 0.
fn behind(clients: &[Client], progress: &Progress) -> BTreeMap<&'static str, usize> {
    let now = SystemTime::now();
    let mut behind: BTreeMap<_, usize> = ResourceType::ALL.iter().map(|kind| (kind.short(), 0)).collect();
    for kind in clients.iter().flat_map(|client| client.unanswered(now, PATIENCE)) {
        *behind.entry(kind).or_default() += 1;
    }
    behind.insert("any", progress.behind(PATIENCE).len());
    behind
}

fn of_core(core: &Core) -> Sizes {
    let mut sizes = Sizes {
        unknown_proxies: unknown_proxies(core),
        met_without_pods: core.index().met_without_pods(),
        inbound_conflicts: core.plan().inbound_conflicts(),
        outbound_conflicts: core.plan().outbound_conflicts(),
        virtual_services: core.index().objects().filter(|o| o.kind() == Kind::VirtualService).count(),
        addresses: core.index().allocations().iter().count(),
        ..Sizes::default()
    };
    count_events(core.tally(), &mut sizes);
    let class = |c: crate::plan::ClassSize| ClassCount { sort: c.sort, classes: c.classes, resources: c.resources };
    sizes.classes = core.plan().sizes().into_iter().map(class).collect();
    sizes
}

/// Counts what happened, by kind and under the names that istiod gives to updates and to reasons for a push.
fn count_events(tally: &Tally, sizes: &mut Sizes) {
    for (kind, happening, count) in tally.iter() {
        let event = match happening {
            Happening::Added => "add",
            Happening::Updated => "update",
            Happening::Repeated => "updatesame",
            Happening::Deleted => "delete",
        };
        if kind.is_istio() {
            *sizes.config_events.entry((kind.as_str(), event)).or_default() += count;
        } else if let Some(name) = registry_name(kind) {
            *sizes.registry_events.entry((name, event)).or_default() += count;
        }
        if happening != Happening::Repeated {
            let (update, trigger) = consequence(kind, happening);
            *sizes.updates.entry(update).or_default() += count;
            *sizes.triggers.entry(trigger).or_default() += count;
        }
    }
}

/// istiod's name for the events of a sort of Kubernetes' objects, where it counts them
/// (`serviceregistry/kube/controller`).
fn registry_name(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Service => Some("Services"),
        Kind::EndpointSlice => Some("EndpointSlice"),
        Kind::Pod => Some("Pods"),
        Kind::Node => Some("Nodes"),
        Kind::Namespace => Some("Namespaces"),
        _ => None,
    }
}

/// What istiod would count a change as: the type of `pilot_inbound_updates` and that of `pilot_push_triggers`.
fn consequence(kind: Kind, happening: Happening) -> (&'static str, &'static str) {
    match kind {
        Kind::Service if happening == Happening::Deleted => ("svcdelete", "service"),
        Kind::Service => ("svc", "service"),
        Kind::EndpointSlice | Kind::Pod | Kind::WorkloadEntry => ("eds", "endpoint"),
        Kind::ServiceEntry => ("config", "service"),
        Kind::Node => ("config", "proxy"),
        Kind::Namespace => ("config", "namespace"),
        Kind::Secret => ("config", "secret"),
        _ => ("config", "config"),
    }
}

/// Sidecars at whose first address nothing is known. O(log n) each.
fn unknown_proxies(core: &Core) -> usize {
    let view = View::new(core.index().snapshot(), &Scope::Public);
    let sidecars = core.plan().proxies().filter(|(_, proxy)| proxy.role == Role::Sidecar);
    sidecars
        .filter(|(_, proxy)| proxy.addresses.first().is_none_or(|at| view.instance(proxy.cluster(), at).is_none()))
        .count()
}

fn by_code(findings: &[Finding]) -> BTreeMap<(&'static str, &'static str), usize> {
    let mut counts = BTreeMap::new();
    for finding in findings {
        let severity = match finding.severity {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        *counts.entry((finding.code, severity)).or_default() += 1;
    }
    counts
}

fn of_snapshot(snapshot: &Snapshot, sizes: &mut Sizes) {
    let mut answered = BTreeSet::new();
    for ((host, namespace), endpoints) in snapshot.endpoints() {
        if !endpoints.list.is_empty() {
            answered.insert((host, namespace));
        }
        sizes.not_ready +=
            endpoints.list.iter().filter(|e| !matches!(e.health, Health::Healthy | Health::Unknown)).count();
    }
    for service in snapshot.services() {
        sizes.services += 1;
        let empty = !service.ports.is_empty() && !answered.contains(&(&service.host, &service.namespace));
        match service.resolution {
            Resolution::Static => sizes.without_endpoints += usize::from(empty),
            Resolution::Dns | Resolution::DnsRoundRobin => sizes.without_names += usize::from(empty),
            Resolution::Passthrough | Resolution::DynamicDns | Resolution::Alias => {}
        }
    }
}

fn of_cache(cache: &Cache) -> CacheCounts {
    let stats = cache.stats();
    CacheCounts {
        hits: stats.hits.load(Relaxed),
        misses: stats.misses.load(Relaxed),
        bytes_saved: stats.saved.load(Relaxed),
        failures: stats.failures.load(Relaxed),
    }
}
