//! AuthorizationPolicy (istio `pkg/config/validation/validation.go`, `ValidateAuthorizationPolicy`).

mod attribute;
mod values;

use super::at::At;
use crate::api::Meta;
use crate::api::authorization_policy::{Action, AuthorizationPolicy, Operation, Rule, Source};
use crate::api::envoy_filter::TargetRef;
use crate::api::selector::MatchLabels;

pub(super) fn authorization_policy(policy: &AuthorizationPolicy, at: &At<'_>) {
    at.scope(policy.selector.as_ref(), policy.target_ref.as_ref(), &policy.target_refs);
    let named = policy.provider.as_ref().is_some_and(|p| !p.name.is_empty());
    let custom = policy.action == Action::Custom;
    let provider = at.field("provider");
    provider.require(custom || policy.provider.is_none(), "is for the action CUSTOM only");
    provider.field("name").require(!custom || named, "must be set, as the action is CUSTOM");
    if matches!(policy.action, Action::Deny | Action::Custom) && policy.rules.is_empty() {
        at.field("rules").invalid(format_args!(
            "must have a rule, as {} without rules is never in force; an empty rule {{}} is for every call",
            policy.action.as_str()
        ));
    }
    at.field("rules").each(&policy.rules, |rule, at| at.rule(rule, policy.action));
}

/// Whether a policy is on trial is said by an annotation.
pub(super) fn dry_run(policy: &AuthorizationPolicy, meta: &Meta, at: &At<'_>) {
    let Some(said) = meta.annotations.get("istio.io/dry-run") else { return };
    let annotations = at.field("annotations");
    let at = annotations.key("istio.io/dry-run");
    let known = ["1", "t", "T", "true", "TRUE", "True", "0", "f", "F", "false", "FALSE", "False"];
    let tried = matches!(policy.action, Action::Allow | Action::Deny);
    at.require(tried, format_args!("is for the actions ALLOW and DENY, not for {}", policy.action.as_str()));
    at.require(known.contains(&said.as_str()), format_args!("must be true or false, found {said:?}"));
}

impl At<'_> {
    /// Whom a policy is for.
    pub(super) fn scope(&self, selector: Option<&MatchLabels>, target: Option<&TargetRef>, targets: &[TargetRef]) {
        self.field("selector").match_labels(selector);
        if let Some(target) = target {
            self.field("targetRef").target(target);
        }
        self.field("targetRefs").each(targets, |target, at| at.target(target));
        let said = [selector.is_some(), target.is_some(), !targets.is_empty()];
        let alone = said.iter().filter(|said| **said).count() <= 1;
        self.require(alone, "may have only one of selector, targetRef and targetRefs");
    }

    fn target(&self, target: &TargetRef) {
        const GATEWAYS: &str = "gateway.networking.k8s.io";
        self.field("name").require(!target.name.is_empty(), "must not be empty");
        self.field("namespace").require(target.namespace.is_empty(), "must not be set: it is the policy's own");
        let known = match (target.group.as_str(), target.kind.as_str()) {
            ("" | "core", "Service") | ("networking.istio.io", "ServiceEntry") => true,
            (group, "Gateway" | "GatewayClass") => group == GATEWAYS,
            _ => false,
        };
        let text = "must be a Service, a ServiceEntry of networking.istio.io, or a Gateway or GatewayClass of";
        self.require(known, format_args!("{text} {GATEWAYS}, found {:?} of {:?}", target.kind, target.group));
    }

    fn rule(&self, rule: &Rule, action: Action) {
        self.field("from").each(&rule.from, |from, at| match &from.source {
            Some(source) => at.field("source").source(source, action),
            None => at.field("source").invalid("must be set"),
        });
        self.field("to").each(&rule.to, |to, at| match &to.operation {
            Some(operation) => at.field("operation").operation(operation),
            None => at.field("operation").invalid("must be set"),
        });
        self.field("when").each(&rule.when, |condition, at| at.condition(condition, action));
        if action == Action::Deny && is_for_http_only(rule) {
            self.ineffective(
                "on ports that are not HTTP, hosts, methods, paths and tokens cannot be told, and the rule refuses \
                 connections whatever they carry; name the ports that are meant",
            );
        }
    }

    fn source(&self, source: &Source, action: Action) {
        let mut any = false;
        for (name, [values, not_values], sort) in source.lists() {
            any |= !values.is_empty() || !not_values.is_empty();
            let field = self.field(name);
            field.values(sort, values);
            let negative = format!("not{}{}", name[..1].to_ascii_uppercase(), &name[1..]);
            let negative = self.field(&negative);
            negative.values(sort, not_values);
            if action == Action::Custom && sort != values::Sort::Address {
                for (at, list) in [(field, values), (negative, not_values)] {
                    at.require(list.is_empty(), "is not supported with the action CUSTOM");
                }
            }
        }
        self.require(any, "must not be empty");
        for (name, list) in [("principals", &source.principals), ("notPrincipals", &source.not_principals)] {
            self.field(name).each(list, |value, at| {
                if value.starts_with("spiffe://") {
                    at.ineffective("must be written without spiffe://; as it is, it matches nobody");
                }
            });
        }
        let accounts = !source.service_accounts.is_empty() || !source.not_service_accounts.is_empty();
        let lists = [&source.principals, &source.not_principals, &source.namespaces, &source.not_namespaces];
        let others = lists.iter().any(|list| !list.is_empty());
        self.field("serviceAccounts").require(!(accounts && others), "must not be beside namespaces or principals");
    }

    fn operation(&self, operation: &Operation) {
        use values::Sort::{Path, Port, Text};
        let mut any = false;
        for (name, list, sort) in [
            ("hosts", &operation.hosts, Text),
            ("notHosts", &operation.not_hosts, Text),
            ("ports", &operation.ports, Port),
            ("notPorts", &operation.not_ports, Port),
            ("methods", &operation.methods, Text),
            ("notMethods", &operation.not_methods, Text),
            ("paths", &operation.paths, Path),
            ("notPaths", &operation.not_paths, Path),
        ] {
            any |= !list.is_empty();
            self.field(name).values(sort, list);
        }
        self.require(any, "must not be empty");
    }
}

impl Source {
    /// Each list with its opposite, under the name of the former.
    fn lists(&self) -> [(&'static str, [&[crate::base::Str]; 2], values::Sort); 7] {
        use values::Sort::{Account, Address, Text, TrustDomain};
        [
            ("principals", [&self.principals, &self.not_principals], Text),
            ("requestPrincipals", [&self.request_principals, &self.not_request_principals], Text),
            ("namespaces", [&self.namespaces, &self.not_namespaces], Text),
            ("ipBlocks", [&self.ip_blocks, &self.not_ip_blocks], Address),
            ("remoteIpBlocks", [&self.remote_ip_blocks, &self.not_remote_ip_blocks], Address),
            ("serviceAccounts", [&self.service_accounts, &self.not_service_accounts], Account),
            ("trustDomains", [&self.trust_domains, &self.not_trust_domains], TrustDomain),
        ]
    }
}

/// Whether a rule names calls by what only HTTP has, and no ports.
fn is_for_http_only(rule: &Rule) -> bool {
    let by_peer = |source: &Source| {
        let of_peer = source.lists().into_iter().filter(|(name, ..)| *name != "requestPrincipals");
        of_peer.into_iter().any(|(_, lists, _)| lists.iter().any(|list| !list.is_empty()))
    };
    let by_port = |operation: &Operation| !operation.ports.is_empty() || !operation.not_ports.is_empty();
    let mut operations = rule.to.iter().filter_map(|to| to.operation.as_ref());
    let mut sources = rule.from.iter().filter_map(|from| from.source.as_ref());
    let blind = match rule.to.is_empty() {
        true => !rule.from.is_empty() && !sources.any(by_peer),
        false => !operations.any(by_port),
    };
    blind && rule.when.iter().all(|condition| condition.key != "destination.port")
}
