//! One rule of an AuthorizationPolicy as one of Envoy's (istio `pilot/pkg/security/authz/model/model.go`).

use envoy_types::pb::envoy::config::rbac::v3::permission::{Rule as PermissionRule, Set as Permissions};
use envoy_types::pb::envoy::config::rbac::v3::principal::{Identifier, Set as Principals};
use envoy_types::pb::envoy::config::rbac::v3::{Permission, Policy, Principal};

use crate::api::authorization_policy::{Condition, Operation, Rule, Source};
use crate::base::{Namespace, Str};

use super::peer::Peer;
use super::target::Target;
use super::{Form, Knowledge};

/// All that the translation of a rule depends on.
pub(super) struct Context<'c> {
    /// The policy's namespace.
    pub(super) home: &'c Namespace,
    /// Whether a rule that matches more calls lets in fewer: all but those that let in.
    pub(super) widens: bool,
    pub(super) form: Form,
    pub(super) knowledge: &'c Knowledge,
}

/// Something cannot be told here.
pub(super) enum Unknown {
    /// As istiod sees it, the whole rule cannot be told.
    Rule,
    /// The caller, or the call, of this one alternative cannot be told.
    Alternative,
}

/// What is compared with values.
pub(super) trait Subject {
    /// Envoy's message.
    type Node: Node;

    /// Whether it is one of these values, which are some.
    fn one_of(&self, values: &[Str], context: &Context<'_>) -> Result<Self::Node, Unknown>;
}

/// Envoy's conditions on calls and on callers have the same connectives.
pub(super) trait Node: Sized {
    fn any() -> Self;
    fn all(nodes: Vec<Self>) -> Self;
    fn either(nodes: Vec<Self>) -> Self;
    fn not(node: Self) -> Self;
}

/// A comparison: one of the values, and none of the others.
#[derive(Clone, Copy)]
struct Test<'r, S> {
    subject: S,
    values: &'r [Str],
    not_values: &'r [Str],
}

/// `None` for a rule that matches no call here.
pub(super) fn policy(rule: &Rule, context: &Context<'_>) -> Option<Policy> {
    let targets: Vec<Test<'_, Target<'_>>> = conditions(&rule.when, Target::of_key);
    let peers: Vec<Test<'_, Peer<'_>>> = conditions(&rule.when, Peer::of_key);
    let operations = rule.to.iter().filter_map(|to| to.operation.as_ref());
    let sources = rule.from.iter().filter_map(|from| from.source.as_ref());
    let permissions = alternatives(operations.map(operation), &targets, context)?;
    let principals = alternatives(sources.map(source), &peers, context)?;
    Some(Policy { permissions, principals, ..Policy::default() })
}

/// A rule that no call matches.
pub(super) fn never() -> Policy {
    Policy {
        permissions: vec![Node::not(Permission::any())],
        principals: vec![Node::not(Principal::any())],
        ..Policy::default()
    }
}

fn conditions<'r, S>(when: &'r [Condition], of_key: impl Fn(&'r str) -> Option<S>) -> Vec<Test<'r, S>> {
    let test = |c: &'r Condition| {
        let subject = of_key(&c.key)?;
        Some(Test { subject, values: &c.values, not_values: &c.not_values })
    };
    when.iter().filter_map(test).collect()
}

fn operation(said: &Operation) -> Vec<Test<'_, Target<'_>>> {
    vec![
        Test { subject: Target::Host, values: &said.hosts, not_values: &said.not_hosts },
        Test { subject: Target::Method, values: &said.methods, not_values: &said.not_methods },
        Test { subject: Target::Path, values: &said.paths, not_values: &said.not_paths },
        Test { subject: Target::Port, values: &said.ports, not_values: &said.not_ports },
    ]
}

fn source(said: &Source) -> Vec<Test<'_, Peer<'_>>> {
    let test = |subject, values, not_values| Test { subject, values, not_values };
    vec![
        test(Peer::Principal, &said.principals[..], &said.not_principals[..]),
        test(Peer::RequestPrincipal, &said.request_principals, &said.not_request_principals),
        test(Peer::ServiceAccount, &said.service_accounts, &said.not_service_accounts),
        test(Peer::TrustDomain, &said.trust_domains, &said.not_trust_domains),
        test(Peer::Namespace, &said.namespaces, &said.not_namespaces),
        test(Peer::RemoteAddress, &said.remote_ip_blocks, &said.not_remote_ip_blocks),
        test(Peer::Address, &said.ip_blocks, &said.not_ip_blocks),
    ]
}

/// The alternatives, each with the conditions that are common to all; those conditions alone if there are none.
/// `None` where not one of them can be told.
fn alternatives<'r, S: Subject + Copy>(
    said: impl Iterator<Item = Vec<Test<'r, S>>>,
    common: &[Test<'r, S>],
    context: &Context<'_>,
) -> Option<Vec<S::Node>> {
    let mut all: Vec<Vec<Test<'r, S>>> = said.collect();
    if all.is_empty() {
        all.push(Vec::new());
    }
    let mut nodes = Vec::new();
    for mut tests in all {
        tests.extend_from_slice(common);
        match all_of(&tests, context) {
            Ok(node) => nodes.push(node),
            Err(Unknown::Alternative) => {}
            Err(Unknown::Rule) => return None,
        }
    }
    (!nodes.is_empty()).then_some(nodes)
}

fn all_of<S: Subject>(tests: &[Test<'_, S>], context: &Context<'_>) -> Result<S::Node, Unknown> {
    let mut all = Vec::new();
    for test in tests {
        for (values, negative) in [(test.values, false), (test.not_values, true)] {
            if values.is_empty() {
                continue;
            }
            match test.subject.one_of(values, context) {
                Ok(node) if negative => all.push(Node::not(node)),
                Ok(node) => all.push(node),
                Err(_) if context.widens => {}
                Err(unknown) => return Err(unknown),
            }
        }
    }
    if all.is_empty() {
        all.push(Node::any());
    }
    Ok(Node::all(all))
}

impl Node for Permission {
    fn any() -> Self {
        Self { rule: Some(PermissionRule::Any(true)) }
    }

    fn all(rules: Vec<Self>) -> Self {
        Self { rule: Some(PermissionRule::AndRules(Permissions { rules })) }
    }

    fn either(rules: Vec<Self>) -> Self {
        Self { rule: Some(PermissionRule::OrRules(Permissions { rules })) }
    }

    fn not(rule: Self) -> Self {
        Self { rule: Some(PermissionRule::NotRule(Box::new(rule))) }
    }
}

impl Node for Principal {
    fn any() -> Self {
        Self { identifier: Some(Identifier::Any(true)) }
    }

    fn all(ids: Vec<Self>) -> Self {
        Self { identifier: Some(Identifier::AndIds(Principals { ids })) }
    }

    fn either(ids: Vec<Self>) -> Self {
        Self { identifier: Some(Identifier::OrIds(Principals { ids })) }
    }

    fn not(id: Self) -> Self {
        Self { identifier: Some(Identifier::NotId(Box::new(id))) }
    }
}
