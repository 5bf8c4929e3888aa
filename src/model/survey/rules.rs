//! DestinationRules.

use std::collections::BTreeMap;

use crate::api::destination_rule::{DestinationRule, Subset, TrafficPolicy};
use crate::api::{Kind, Spec};
use crate::base::{Finding, Host};
use crate::model::facts::{Handle, Rule, Service};

use super::destinations::port_numbers;
use super::known::Known;
use super::notes::Notes;
use super::visibility;

pub(super) fn destination_rule(rule: &DestinationRule, known: &Known<'_>, notes: &mut Notes<'_>) {
    visibility::export_to(&rule.export_to, known, notes);
    callers(rule, known, notes);
    let host = known.resolve(&rule.host, notes.namespace());
    let definitions = known.definitions(&host);
    if definitions.is_empty() {
        let hint = known.hint(&host);
        let text = format!("no service has the host {host}{hint}; the rule has no effect until one does");
        return notes.warning("unknown-host", "spec.host", text);
    }
    if let Some(policy) = &rule.traffic_policy {
        ports(policy, "spec.trafficPolicy", &host, &definitions, notes);
    }
    for (at, subset) in rule.subsets.iter().enumerate() {
        if let Some(policy) = &subset.traffic_policy {
            ports(policy, &format!("spec.subsets[{at}].trafficPolicy"), &host, &definitions, notes);
        }
    }
    place(rule, &host, &definitions, known, notes);
}

/// The callers that a rule is for.
fn callers(rule: &DestinationRule, known: &Known<'_>, notes: &mut Notes<'_>) {
    let Some(selector) = &rule.workload_selector else { return };
    let labels = &selector.match_labels;
    if known.has_workloads() && !labels.is_empty() && !known.selects(notes.namespace(), labels) {
        let text = format!(
            "no workload of the namespace {} has these labels; the rule is for no caller until one does",
            notes.namespace()
        );
        notes.warning("selects-nothing", "spec.workloadSelector.matchLabels", text);
    }
}

/// Policies for ports that the host does not have.
fn ports(policy: &TrafficPolicy, path: &str, host: &Host, definitions: &[&Handle<Service>], notes: &mut Notes<'_>) {
    if host.is_wildcard() {
        return;
    }
    for (at, of_port) in policy.port_level_settings.iter().enumerate() {
        let Some(port) = of_port.port else { continue };
        if !definitions.iter().any(|s| s.port(port.number as u16).is_some()) {
            let text = format!(
                "{host} has no port {}, only {}; these settings have no effect",
                port.number,
                port_numbers(definitions)
            );
            notes.warning("unknown-port", format_args!("{path}.portLevelSettings[{at}].port.number"), text);
        }
    }
}

/// A subset whose labels no endpoint has. Where no endpoint is known at all, nothing can be said.
fn endpoints(subset: &Subset, at: usize, rule: &Rule, known: &Known<'_>, notes: &mut Notes<'_>) {
    let snapshot = &known.survey.snapshot;
    if rule.host.is_wildcard() || subset.labels.is_empty() {
        return;
    }
    let definitions = known.definitions(&rule.host);
    let all = definitions.iter().filter_map(|s| snapshot.endpoints.get(&(s.host.clone(), s.namespace.clone())));
    let mut all = all.flat_map(|e| &e.list).map(|e| &e.workload.labels).peekable();
    if all.peek().is_some() && !all.any(|labels| subset.labels.iter().all(|(k, v)| labels.get(k) == Some(v))) {
        let wanted: Vec<String> = subset.labels.iter().map(|(k, v)| format!("{k}: {v}")).collect();
        let text = format!(
            "no endpoint of {} has the labels {}; calls to the subset {} fail until one does",
            rule.host,
            wanted.join(", "),
            subset.name
        );
        notes.warning("empty-subset", format_args!("spec.subsets[{at}].labels"), text);
    }
}

/// A rule in a namespace that is neither the service's nor the root is for callers of that namespace only, whatever
/// its `exportTo` says (istio `pilot/pkg/model/push_context.go`, `destinationRule`).
fn place(
    rule: &DestinationRule,
    host: &Host,
    definitions: &[&Handle<Service>],
    known: &Known<'_>,
    notes: &mut Notes<'_>,
) {
    let own = notes.namespace();
    let private = rule.workload_selector.is_some()
        || (!rule.export_to.is_empty() && rule.export_to.iter().all(|n| n == "." || n == own.as_str()));
    let at_home = definitions.iter().any(|s| s.namespace == *own) || *own == known.survey.snapshot.mesh.root;
    if private || at_home || host.is_wildcard() {
        return;
    }
    let text = format!(
        "the service is of the namespace {}, so only callers in {own} follow this rule; put it there if it is meant for all",
        definitions[0].namespace
    );
    notes.info("callers-here-only", "spec.host", text);
}

/// Rules of one namespace for one host, joined: what of the younger ones is not in force, and whether the subsets that
/// are have endpoints.
pub(super) fn joined(known: &Known<'_>, out: &mut Vec<Finding>) {
    let snapshot = &known.survey.snapshot;
    let wild = snapshot.wild_rules.values().flat_map(|w| w.values());
    for rules in snapshot.rules.values().map(|r| &**r).chain(wild) {
        for rule in rules.local.iter().chain(&rules.exported) {
            join(rule, known, out);
        }
    }
}

fn join(rule: &Rule, known: &Known<'_>, out: &mut Vec<Finding>) {
    let mut policy = None;
    let mut subsets = BTreeMap::new();
    for (at, (namespace, name)) in rule.from.iter().enumerate() {
        let Some(object) = known.object(Kind::DestinationRule, namespace, name) else { continue };
        let Spec::DestinationRule(spec) = &object.spec else { continue };
        let notes = &mut Notes::new(object, out);
        if at > 0 {
            let text = format!(
                "DestinationRule {}/{} is for {} too and older, or first by name; this one is joined to it",
                rule.namespace, rule.name, rule.host
            );
            notes.info("joined", "spec.host", text);
        }
        if spec.traffic_policy.is_some() {
            match policy {
                Some(first) => {
                    let text = format!(
                        "is ignored: for {} that of DestinationRule {namespace}/{first} is in force, which is older, or first by name",
                        rule.host
                    );
                    notes.warning("duplicate-policy", "spec.trafficPolicy", text);
                }
                None => policy = Some(name),
            }
        }
        for (i, subset) in spec.subsets.iter().enumerate() {
            match subsets.get(&subset.name) {
                Some(first) if *first != name => {
                    let text = format!(
                        "is ignored: DestinationRule {namespace}/{first} defines the subset {} of {} already, and is older, or first by name",
                        subset.name, rule.host
                    );
                    notes.warning("duplicate-subset", format_args!("spec.subsets[{i}].name"), text);
                }
                Some(_) => {}
                None => {
                    subsets.insert(&subset.name, name);
                    endpoints(subset, i, rule, known, notes);
                }
            }
        }
    }
}
