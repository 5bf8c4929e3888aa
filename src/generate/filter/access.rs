//! Filters that decide whether a call or a connection is let in (istio `pilot/pkg/security/authz/builder`).
//!
//! Comes in: [`Access`], one step of the decision with the policies that it is made of. Goes out: Envoy's filter for
//! calls, or the one for bytes, which knows nothing of HTTP.
//!
//! Invariant: what cannot be told where a filter stands never lets in more: a rule that lets in is left out, a rule
//! that refuses loses the condition.

mod authorizer;
mod domains;
mod metadata;
mod peer;
mod rule;
mod target;
mod text;

#[cfg(test)]
mod tests;

pub use authorizer::{Ask, Request};

use envoy_types::pb::envoy::config::listener::v3::Filter;
use envoy_types::pb::envoy::config::rbac::v3::{Policy, Rbac, rbac};
use envoy_types::pb::envoy::extensions::filters::http::ext_authz::v3::ExtAuthz as HttpAsk;
use envoy_types::pb::envoy::extensions::filters::http::rbac::v3::Rbac as HttpJudge;
use envoy_types::pb::envoy::extensions::filters::network::rbac::v3::Rbac as NetworkJudge;
use envoy_types::pb::google::protobuf::Any;
use prost::Name;

use crate::base::Str;
use crate::model::facts::{AuthzPolicy, Handle};
use crate::wire::any;

use super::bytes::filter;

/// Where the steps for calls keep what they found out.
const HTTP_JUDGE: &str = "envoy.filters.http.rbac";
const NETWORK_JUDGE: &str = "envoy.filters.network.rbac";
/// The prefix of every name under which connections are counted.
const CONNECTIONS: &str = "tcp.";

/// One step of the decision.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// The proxy decides itself.
    Judge(Judge),
    /// It asks a service.
    Ask(Ask),
}

/// Policies by which the proxy decides.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Judge {
    /// What becomes of calls that match.
    pub verdict: Verdict,
    /// Rules that are in force; `None` decides nothing.
    pub enforced: Option<Vec<Statement>>,
    /// Rules of which it is only told what they would decide,
    pub shadow: Option<Vec<Statement>>,
    /// under names with this in front.
    pub shadow_prefix: &'static str,
    /// What can be told of callers and calls.
    pub knowledge: Handle<Knowledge>,
}

/// What becomes of calls that match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// They are let in, and no others.
    Allow,
    /// They are refused.
    Deny,
    /// They are marked.
    Log,
}

/// One rule of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Statement {
    /// The name under which it is known to Envoy.
    pub name: Str,
    /// Its policy.
    pub policy: Handle<AuthzPolicy>,
    /// Which of the policy's rules it is; `None` for one that no call matches.
    pub rule: Option<usize>,
}

/// What can be told of callers and calls.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Knowledge {
    /// The mesh's trust domain and its aliases.
    pub trust_domains: Vec<Str>,
    /// Whether callers can prove who they are.
    pub identity: bool,
    /// Whether paths can be compared with templates.
    pub templates: bool,
}

/// What a filter stands in front of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Calls that are read.
    Calls,
    /// Bytes that are not.
    Bytes,
}

impl Access {
    /// The type of its configuration among calls.
    pub fn call_extension(&self) -> String {
        match self {
            Self::Judge(_) => HttpJudge::full_name(),
            Self::Ask(_) => HttpAsk::full_name(),
        }
    }

    /// The name and the configuration of the filter for calls.
    pub(super) fn build_for_calls(&self) -> (&'static str, Any) {
        match self {
            Self::Judge(judge) => (
                HTTP_JUDGE,
                any(&HttpJudge {
                    rules: judge.rules(judge.enforced.as_deref(), Form::Calls),
                    shadow_rules: judge.rules(judge.shadow.as_deref(), Form::Calls),
                    shadow_rules_stat_prefix: judge.shadow_prefix.to_owned(),
                    ..HttpJudge::default()
                }),
            ),
            Self::Ask(ask) => ("envoy.filters.http.ext_authz", any(&ask.for_calls(HTTP_JUDGE))),
        }
    }

    /// The filter for bytes.
    pub(super) fn build_for_bytes(&self) -> Filter {
        match self {
            Self::Judge(judge) => filter(
                NETWORK_JUDGE,
                any(&NetworkJudge {
                    rules: judge.rules(judge.enforced.as_deref(), Form::Bytes),
                    shadow_rules: judge.rules(judge.shadow.as_deref(), Form::Bytes),
                    shadow_rules_stat_prefix: judge.shadow_prefix.to_owned(),
                    stat_prefix: CONNECTIONS.to_owned(),
                    ..NetworkJudge::default()
                }),
            ),
            Self::Ask(ask) => filter("envoy.filters.network.ext_authz", any(&ask.for_bytes(NETWORK_JUDGE))),
        }
    }
}

impl Judge {
    fn rules(&self, statements: Option<&[Statement]>, form: Form) -> Option<Rbac> {
        let policy = |s: &Statement| Some((s.name.to_string(), self.policy(s, form)?));
        Some(Rbac {
            action: match self.verdict {
                Verdict::Allow => rbac::Action::Allow,
                Verdict::Deny => rbac::Action::Deny,
                Verdict::Log => rbac::Action::Log,
            }
            .into(),
            policies: statements?.iter().filter_map(policy).collect(),
            ..Rbac::default()
        })
    }

    fn policy(&self, statement: &Statement, form: Form) -> Option<Policy> {
        let context = rule::Context {
            home: &statement.policy.namespace,
            widens: self.verdict != Verdict::Allow,
            form,
            knowledge: &self.knowledge,
        };
        match statement.rule {
            None => Some(rule::never()),
            Some(index) => rule::policy(statement.policy.rules.get(index)?, &context),
        }
    }
}
