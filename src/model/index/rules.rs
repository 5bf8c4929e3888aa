//! DestinationRules of a namespace for a host, merged.

use std::collections::{BTreeMap, BTreeSet};

use crate::api::destination_rule::DestinationRule;
use crate::api::{Key, Object, Spec};
use crate::base::{Host, Labels, Namespace, Str};
use crate::model::facts::{Handle, Rule};
use crate::model::snapshot::{Changes, FactKey, HostRules};

use super::{Dirty, Index, put};

/// Which DestinationRules there are for a host, by the namespace they are in.
#[derive(Default)]
pub(super) struct Rules {
    by_host: BTreeMap<(Namespace, Host), BTreeSet<Key>>,
    /// The same, host first: in which namespaces there are rules for a host.
    namespaces: BTreeMap<Host, BTreeSet<Namespace>>,
}

impl Rules {
    pub(super) fn update(&mut self, namespace: &Namespace, host: &Host, key: &Key, present: bool) {
        let group = (namespace.clone(), host.clone());
        super::update(&mut self.by_host, group.clone(), key, present);
        super::update(&mut self.namespaces, host.clone(), namespace, self.by_host.contains_key(&group));
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = (Namespace, Host)> {
        self.by_host.keys().cloned()
    }

    /// The namespaces with a rule for exactly this host.
    pub(super) fn namespaces(&self, host: &Host) -> impl Iterator<Item = &Namespace> {
        self.namespaces.get(host).into_iter().flatten()
    }

    /// Wildcard hosts that some rule is for.
    pub(super) fn wildcards(&self) -> impl Iterator<Item = (&Host, &BTreeSet<Namespace>)> {
        self.namespaces.range(Host::from("*")..).take_while(|(host, _)| host.is_wildcard())
    }
}

impl Index {
    pub(super) fn derive_rules(&mut self, dirty: &mut Dirty, changes: &mut Changes) {
        for (namespace, host) in std::mem::take(&mut dirty.rules) {
            let merged = self.merge_rules(&namespace, &host);
            dirty.scopes.insert(host.clone());
            if !host.is_wildcard() {
                let key = (namespace.clone(), host.clone());
                if put(&mut self.snapshot.rules, &key, merged) {
                    changes.keys.insert(FactKey::Rule(namespace, host));
                }
                continue;
            }
            let mut all = self.snapshot.wild_rules.get(&namespace).map(|w| (**w).clone()).unwrap_or_default();
            match merged {
                Some(rules) => drop(all.insert(host, rules)),
                None => drop(all.remove(&host)),
            }
            if put(&mut self.snapshot.wild_rules, &namespace, (!all.is_empty()).then_some(all)) {
                changes.keys.insert(FactKey::WildRules(namespace));
            }
        }
    }

    /// Those with a workload selector first, then by age, name (istio `sortConfigBySelectorAndCreationTime`); one list
    /// for callers of the namespace itself, one for others. Callers of the root namespace look among its private rules
    /// first, and take the others as everybody does (`rootNamespaceLocal`).
    fn merge_rules(&self, namespace: &Namespace, host: &Host) -> Option<HostRules> {
        let keys = self.rules.by_host.get(&(namespace.clone(), host.clone()))?;
        let mut objects: Vec<_> = keys.iter().filter_map(|k| self.objects.get(k)).collect();
        let selects = |o: &Object| matches!(&o.spec, Spec::DestinationRule(r) if r.workload_selector.is_some());
        objects.sort_by_key(|o| (!selects(o), o.meta.created, o.meta.name.clone()));
        let private = self.snapshot.mesh.config.default_destination_rule_export_to.iter().any(|e| e == ".");
        let mut local = Merger::default();
        let mut exported = Merger::default();
        for object in objects {
            let Spec::DestinationRule(rule) = &object.spec else { continue };
            let export: BTreeSet<Str> = match rule.workload_selector {
                Some(_) => BTreeSet::from([".".into()]),
                None => rule.export_to.iter().cloned().collect(),
            };
            let own = export.is_empty() || ["*", ".", namespace.as_str()].iter().any(|w| export.contains(*w));
            let only_own = match export.len() {
                0 => private,
                1 => export.contains(".") || export.contains(namespace.as_str()),
                _ => false,
            };
            if own && (only_own || *namespace != self.snapshot.mesh.root) {
                local.add(object, host, rule, &export);
            }
            if !only_own {
                exported.add(object, host, rule, &export);
            }
        }
        Some(HostRules { local: local.finish(), exported: exported.finish() })
    }
}

/// Joins rules for one host (istio `pilot/pkg/model/destination_rule.go`, `mergeDestinationRule`).
#[derive(Default)]
struct Merger {
    rules: Vec<Rule>,
}

impl Merger {
    /// Merges into those with the same selector whose `exportTo` is the same or narrower; stands alone beside them
    /// where it reaches further, or where there is none.
    fn add(&mut self, object: &Object, host: &Host, rule: &DestinationRule, export: &BTreeSet<Str>) {
        let selector = rule.workload_selector.as_ref().map(|s| &s.match_labels);
        let mut alone = true;
        for existing in &mut self.rules {
            let same = existing.export_to == *export;
            let wider = !existing.export_to.is_empty() && export.is_superset(&existing.export_to);
            if !same && !wider {
                alone = true;
                continue;
            }
            alone = !same;
            if existing.selector.is_some() && selector.is_some() && existing.selector.as_ref() != selector {
                alone = true;
                continue;
            }
            if existing.selector.is_none() == selector.is_none() {
                alone = false;
            }
            join(existing, object, rule);
        }
        if alone {
            self.rules.push(stand_alone(object, host, rule, export, selector));
        }
    }

    fn finish(self) -> Vec<Handle<Rule>> {
        self.rules.into_iter().map(Handle::new).collect()
    }
}

fn stand_alone(
    object: &Object,
    host: &Host,
    rule: &DestinationRule,
    export: &BTreeSet<Str>,
    selector: Option<&Labels>,
) -> Rule {
    Rule {
        name: object.meta.name.clone(),
        namespace: object.meta.namespace.clone(),
        host: host.clone(),
        policy: rule.traffic_policy.as_ref().map(|p| Handle::new((**p).clone())),
        subsets: rule.subsets.clone(),
        selector: selector.cloned(),
        export_to: export.clone(),
        from: vec![(object.meta.namespace.clone(), object.meta.name.clone())],
    }
}

/// Subsets with new names are added, a traffic policy only where there is none.
fn join(existing: &mut Rule, object: &Object, rule: &DestinationRule) {
    existing.from.push((object.meta.namespace.clone(), object.meta.name.clone()));
    for subset in &rule.subsets {
        if existing.subsets.iter().all(|s| s.name != subset.name) {
            existing.subsets.push(subset.clone());
        }
    }
    if existing.policy.is_none() {
        existing.policy = rule.traffic_policy.as_ref().map(|p| Handle::new((**p).clone()));
    }
}
