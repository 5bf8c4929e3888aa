//! Telemetries of several levels put together (istio `pilot/pkg/model/telemetry.go`, `mergeLogs` and `mergeMetrics`).

use std::collections::{BTreeMap, BTreeSet};

use crate::api::telemetry::{
    AccessLogging, IstioMetric, MetricName, MetricSelector, Metrics, ProviderRef, TagOperation, TagOverride,
    WorkloadMode,
};
use crate::base::{Duration, Str};

/// What holds for a provider of logs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Logging {
    /// Whether it logs nothing.
    pub(super) disabled: bool,
    /// The CEL expression that is true for what is logged.
    pub(super) filter: Option<Str>,
}

/// The providers that log at one side of calls, by name. The narrowest level that names any decides which; what wider
/// levels say of those holds until a narrower one says otherwise.
pub(super) fn logs<'a>(
    levels: impl Iterator<Item = &'a [AccessLogging]>,
    defaults: &[Str],
    side: WorkloadMode,
) -> BTreeMap<Str, Logging> {
    let levels: Vec<&[AccessLogging]> = levels.collect();
    if levels.is_empty() {
        return defaults.iter().map(|name| (name.clone(), Logging::default())).collect();
    }
    let concerns = |entry: &AccessLogging| entry.r#match.is_none_or(|m| m.mode.includes(side));
    let mut filters: BTreeMap<Str, Option<Str>> = BTreeMap::new();
    let mut in_scope: BTreeSet<Str> = defaults.iter().cloned().collect();
    for level in &levels {
        let mut names = BTreeSet::new();
        for entry in level.iter().filter(|e| concerns(e)) {
            for provider in &entry.providers {
                names.insert(provider.name.clone());
                let filter = entry.filter.as_ref().map(|f| f.expression.clone());
                filters.insert(provider.name.clone(), filter);
            }
        }
        if !names.is_empty() {
            in_scope = names;
        }
    }
    let mut parents: Vec<Str> = defaults.to_vec();
    let mut merged = BTreeMap::new();
    for entry in levels.into_iter().flatten() {
        if !entry.providers.is_empty() {
            parents = names_of(&entry.providers);
        }
        if !concerns(entry) {
            continue;
        }
        for name in parents.iter().filter(|name| in_scope.contains(*name)) {
            let spec = match entry.disabled {
                Some(true) => Logging { disabled: true, filter: None },
                _ => Logging { disabled: false, filter: filters.get(name).cloned().flatten() },
            };
            merged.insert(name.clone(), spec);
        }
    }
    merged
}

fn names_of(providers: &[ProviderRef]) -> Vec<Str> {
    providers.iter().map(|p| p.name.clone()).collect()
}

/// What holds for a provider of metrics, at one side of calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counting {
    /// Whether nothing is counted.
    pub(super) disabled: bool,
    /// How often an open TCP connection is reported.
    pub(super) interval: Option<Duration>,
    /// Changes to metrics, by the names that Telemetries have for them.
    pub(super) changes: BTreeMap<Str, Change>,
}

/// A change to a metric.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Change {
    disabled: Option<bool>,
    tags: BTreeMap<Str, TagOverride>,
}

impl Change {
    pub(super) fn dropped(&self) -> bool {
        self.disabled == Some(true)
    }

    /// Labels that are added or replaced, each with its CEL expression.
    pub(super) fn added(&self) -> impl Iterator<Item = (&Str, &Str)> {
        self.tags.iter().filter(|(_, tag)| tag.operation == TagOperation::Upsert).map(|(name, tag)| (name, &tag.value))
    }

    /// Labels that are left out.
    pub(super) fn removed(&self) -> impl Iterator<Item = &Str> {
        self.tags.iter().filter(|(_, tag)| tag.operation == TagOperation::Remove).map(|(name, _)| name)
    }
}

/// The providers that count at one side of calls, by name.
pub(super) fn metrics<'a>(
    entries: impl Iterator<Item = &'a Metrics>,
    defaults: &[Str],
    side: WorkloadMode,
) -> BTreeMap<Str, Counting> {
    let entries: Vec<&Metrics> = entries.collect();
    if entries.is_empty() {
        return defaults.iter().map(|name| (name.clone(), Counting::default())).collect();
    }
    let last = entries.iter().rfind(|m| !m.providers.is_empty()).map(|m| names_of(&m.providers));
    let in_scope = last.unwrap_or_else(|| defaults.to_vec());
    let mut parents = defaults.to_vec();
    let mut merged: BTreeMap<Str, Counting> = BTreeMap::new();
    for entry in entries {
        if !entry.providers.is_empty() {
            parents = names_of(&entry.providers);
        }
        for name in parents.iter().filter(|name| in_scope.contains(name)) {
            let counting = merged.entry(name.clone()).or_default();
            counting.interval = entry.reporting_interval.or(counting.interval);
            let concerns =
                |m: &&crate::api::telemetry::MetricsOverride| m.r#match.as_ref().is_none_or(|m| m.mode.includes(side));
            for change in entry.overrides.iter().filter(concerns) {
                counting.change(change.r#match.as_ref(), change.disabled, &change.tag_overrides);
            }
        }
    }
    merged
}

impl Counting {
    /// All metrics switched off at once is another thing than each by itself: any later change switches the rest on
    /// again.
    fn change(&mut self, of: Option<&MetricSelector>, disabled: Option<bool>, tags: &BTreeMap<Str, TagOverride>) {
        let all = IstioMetric::EACH.map(|metric| Str::from(metric.as_str()));
        let names = match of.and_then(|m| m.metric.as_ref()) {
            None | Some(MetricName::Metric(IstioMetric::AllMetrics)) => {
                if disabled == Some(true) {
                    self.disabled = true;
                    return;
                }
                all.to_vec()
            }
            Some(MetricName::Metric(metric)) => vec![metric.as_str().into()],
            Some(MetricName::CustomMetric(name)) => vec![name.clone()],
        };
        self.disabled = false;
        for name in names {
            let change = self.changes.entry(name).or_default();
            change.disabled = disabled.or(change.disabled);
            change.tags.extend(tags.iter().map(|(name, tag)| (name.clone(), tag.clone())));
        }
    }
}
