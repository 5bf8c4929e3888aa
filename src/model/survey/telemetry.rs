//! Telemetries: providers that do not exist, cannot do what is asked, or lead nowhere.

use std::collections::BTreeMap;

use crate::api::mesh::Observer;
use crate::api::telemetry::{ProviderRef, Telemetry};
use crate::api::{Kind, Object, Spec, nearest};
use crate::base::{Finding, Host};

use super::known::Known;
use super::notes::Notes;

pub(super) fn telemetry(telemetry: &Telemetry, known: &Known<'_>, notes: &mut Notes<'_>) {
    if let Some(selector) = &telemetry.selector {
        let labels = &selector.match_labels;
        if known.has_workloads() && !labels.is_empty() && !known.selects(notes.namespace(), labels) {
            let text = format!("no workload of the namespace {} has these labels; it is for none", notes.namespace());
            notes.warning("selects-nothing", "spec.selector.matchLabels", text);
        }
    }
    for (index, entry) in telemetry.tracing.iter().enumerate() {
        let first = entry.providers.get(..1).unwrap_or_default();
        providers(first, &format!("spec.tracing[{index}]"), Use::Traces, known, notes);
    }
    for (index, entry) in telemetry.metrics.iter().enumerate() {
        providers(&entry.providers, &format!("spec.metrics[{index}]"), Use::Metrics, known, notes);
    }
    for (index, entry) in telemetry.access_logging.iter().enumerate() {
        providers(&entry.providers, &format!("spec.accessLogging[{index}]"), Use::Logs, known, notes);
    }
}

/// What a provider is named for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Traces,
    Metrics,
    Logs,
}

impl Use {
    fn takes(self, observer: &Observer) -> bool {
        match self {
            Self::Traces => observer.traces(),
            Self::Metrics => matches!(observer, Observer::Prometheus),
            Self::Logs => observer.logs(),
        }
    }

    /// The thing that is not done.
    fn lost(self) -> &'static str {
        match self {
            Self::Traces => "nothing is traced",
            Self::Metrics => "it counts nothing",
            Self::Logs => "it logs nothing",
        }
    }
}

fn providers(list: &[ProviderRef], at: &str, of: Use, known: &Known<'_>, notes: &mut Notes<'_>) {
    let mesh = &known.survey.snapshot.mesh;
    for (index, provider) in list.iter().enumerate() {
        let field = format!("{at}.providers[{index}].name");
        let lost = of.lost();
        let Some((_, observer)) = mesh.observers.get(&provider.name) else {
            let names = mesh.config.extension_providers.iter().map(|p| p.name.as_str());
            let hint = nearest(&provider.name, names).map(|n| format!(" (perhaps {n} is meant)")).unwrap_or_default();
            let text = format!("the mesh config has no provider {}{hint}; {lost}", provider.name);
            notes.warning("unknown-provider", field, text);
            continue;
        };
        let Some(observer) = observer.filter(|o| of.takes(o)) else {
            let what = match of {
                Use::Traces => "no collector of traces that Istio supports",
                Use::Metrics => "not prometheus, the only one for metrics",
                Use::Logs => "no log that Istio supports",
            };
            notes.warning("wrong-provider", field, format!("the provider {} is {what}; {lost}", provider.name));
            continue;
        };
        if let Some((service, port)) = observer.service() {
            collector(service, port, &field, lost, known, notes);
        }
    }
}

/// Says what is wrong with the service of a provider.
fn collector(service: &str, port: u32, field: &str, lost: &str, known: &Known<'_>, notes: &mut Notes<'_>) {
    let (namespace, name) = match service.split_once('/') {
        Some((namespace, name)) => (Some(namespace), name),
        None => (None, service),
    };
    let host = Host::from(name);
    let all: Vec<_> = known.survey.snapshot.services.get(&host).into_iter().flat_map(|all| all.iter()).collect();
    let mut found: Vec<_> = all.iter().filter(|s| namespace.is_none_or(|n| s.namespace.as_str() == n)).collect();
    found.sort_by_key(|s| &s.namespace);
    found.dedup_by_key(|s| &s.namespace);
    let text = match &found[..] {
        [] if name.is_empty() => format!("the provider has no service; {lost}"),
        [] => {
            let wanted = namespace.map(|n| format!(" in the namespace {n}")).unwrap_or_default();
            let hint = all.first().map(|s| format!(" (it is in {})", s.namespace)).unwrap_or_else(|| known.hint(&host));
            format!("no service has the host {host}{wanted}{hint}, where this provider is; {lost}")
        }
        [_] => {
            let has = all.iter().any(|s| u16::try_from(port).is_ok_and(|port| s.port(port).is_some()));
            if has {
                return;
            }
            format!(
                "the service {host} has no port {port}, where this provider is; {lost}, and Istio's proxies may refuse their listeners"
            )
        }
        several => {
            let names: Vec<&str> = several.iter().map(|s| s.namespace.as_str()).collect();
            let names = names.join(", ");
            format!(
                "several namespaces define {host}, where this provider is ({names}); the provider must say which, as namespace/host; {lost}"
            )
        }
    };
    notes.warning("unreachable-provider", field, text);
}

/// Several Telemetries for a whole namespace: the oldest is in force.
pub(super) fn claims(known: &Known<'_>, out: &mut Vec<Finding>) {
    let mut first: BTreeMap<&str, Vec<&Object>> = BTreeMap::new();
    for object in known.of_kind(Kind::Telemetry) {
        let Spec::Telemetry(telemetry) = &object.spec else { continue };
        let selects = telemetry.selector.as_ref().is_some_and(|s| !s.match_labels.is_empty());
        if !selects && telemetry.targets().next().is_none() {
            first.entry(&object.meta.namespace).or_default().push(object);
        }
    }
    for (namespace, mut all) in first {
        all.sort_by_key(|o| (o.meta.created, &o.meta.name));
        for object in all.iter().skip(1) {
            let text = format!(
                "Telemetry {namespace}/{} is for the whole namespace too and older, or first by name; this one is ignored",
                all[0].meta.name
            );
            Notes::new(object, out).warning("duplicate-policy", "spec", text);
        }
    }
}
