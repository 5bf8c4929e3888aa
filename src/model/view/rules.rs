//! Which DestinationRule is in force for a caller.

use crate::base::{Host, Labels, Namespace};
use crate::model::facts::{Handle, Rule, Service};
use crate::model::snapshot::HostRules;

use super::{FactKey, View};

impl View<'_> {
    /// The DestinationRule in force for calls to a service: the caller's namespace first (but for the root
    /// namespace, whose own rules are for all), then the service's, then the root's (istio
    /// `pilot/pkg/model/push_context.go`, `destinationRule`). A rule with a workload selector is for callers of its
    /// own namespace whose labels it matches.
    pub fn rule(&self, service: &Service, caller: &Labels) -> Option<Handle<Rule>> {
        let found = self.rules(service);
        let selected = |r: &&Handle<Rule>| {
            r.namespace == self.namespace
                && r.selector.as_ref().is_some_and(|s| s.iter().all(|(k, v)| caller.get(k) == Some(v)))
        };
        let rule = found.iter().find(selected).or_else(|| found.iter().rfind(|r| r.selector.is_none()));
        rule.iter().for_each(|rule| self.credit_rule(rule));
        rule.cloned()
    }

    /// The rules among which [`View::rule`] chooses by the caller's labels.
    pub(in crate::model) fn rules(&self, service: &Service) -> Vec<Handle<Rule>> {
        let root = &self.snapshot.mesh.root;
        let mut found = Vec::new();
        if !self.namespace.is_empty() {
            found = self.host_rules(&self.namespace, &service.host, |r| &r.local);
        }
        for namespace in [&service.namespace, root] {
            if !found.is_empty() {
                break;
            }
            let exported = self.host_rules(namespace, &service.host, |r| &r.exported);
            found = exported.into_iter().filter(|r| self.sees(r)).collect();
        }
        found
    }

    /// Whether some rule for a service names the calling workloads it is for.
    pub fn rule_selects(&self, service: &Service) -> bool {
        !self.namespace.is_empty()
            && self.host_rules(&self.namespace, &service.host, |r| &r.local).iter().any(|r| r.selector.is_some())
    }

    /// The rules of a namespace for the most specific pattern that covers a host: the host itself, then the longest
    /// wildcard.
    fn host_rules(
        &self,
        namespace: &Namespace,
        host: &Host,
        pick: impl Fn(&HostRules) -> &Vec<Handle<Rule>>,
    ) -> Vec<Handle<Rule>> {
        self.note(FactKey::Rule(namespace.clone(), host.clone()));
        if let Some(rules) = self.snapshot.rules.get(&(namespace.clone(), host.clone())) {
            let found = pick(rules);
            if !found.is_empty() {
                return found.clone();
            }
        }
        self.note(FactKey::WildRules(namespace.clone()));
        let Some(wild) = self.snapshot.wild_rules.get(namespace) else { return Vec::new() };
        let covering = wild.iter().filter(|(pattern, rules)| pattern.covers(host) && !pick(rules).is_empty());
        covering.max_by_key(|(pattern, _)| pattern.len()).map(|(_, rules)| pick(rules).clone()).unwrap_or_default()
    }

    fn sees(&self, rule: &Rule) -> bool {
        rule.export_to.is_empty() || rule.export_to.contains("*") || rule.export_to.contains(self.namespace.as_str())
    }
}
