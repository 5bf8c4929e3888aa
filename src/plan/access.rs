//! Which calls a proxy lets in: the steps of the decision, from the AuthorizationPolicies and RequestAuthentications for
//! its workload.
//!
//! An Envoy that cannot take a step lets in nothing that the step would decide on: who is to be asked and cannot be is
//! taken to refuse, and without the filter that decides, nothing is let in at all.

use std::collections::BTreeMap;

use envoy_types::pb::envoy::extensions::filters::http::ext_authz::v3::ExtAuthz;
use envoy_types::pb::envoy::extensions::filters::http::jwt_authn::v3::JwtAuthentication;
use envoy_types::pb::envoy::extensions::filters::http::rbac::v3::Rbac;
use envoy_types::pb::envoy::extensions::filters::network::ext_authz::v3::ExtAuthz as NetworkExtAuthz;
use envoy_types::pb::envoy::extensions::filters::network::rbac::v3::Rbac as NetworkRbac;
use envoy_types::pb::envoy::extensions::path::r#match::uri_template::v3::UriTemplateMatchConfig;
use prost::Name;

use crate::api::authorization_policy::Action;
use crate::api::mesh::Authorizer;
use crate::base::{Labels, Str};
use crate::generate::filter::{
    Access as Step, Ask, BytesSettings, CallSettings, HttpFilter, Judge, Knowledge, Request, Statement, Tokens, Verdict,
};
use crate::model::View;
use crate::model::facts::{AuthzPolicy, Handle};
use crate::proxy::{Proxy, Role};

/// In front of the names of policies that ask somebody.
const ASKING: &str = "istio-ext-authz";

/// The steps of the decision; `None` where nothing may be let in.
pub(super) struct Access {
    /// For calls.
    pub(super) calls: Option<Vec<HttpFilter>>,
    /// For bytes.
    pub(super) bytes: Option<Vec<Handle<Step>>>,
}

impl Access {
    /// Whether nothing may be let in: of bytes, of calls.
    pub(super) fn shut(&self) -> [bool; 2] {
        [self.bytes.is_none(), self.calls.is_none()]
    }

    /// What chains for bytes share, with those steps.
    pub(super) fn guard(&self, open: &Handle<BytesSettings>) -> Handle<BytesSettings> {
        match self.bytes.as_deref() {
            None | Some([]) => open.clone(),
            Some(steps) => Handle::new(BytesSettings { access: steps.to_vec(), ..(**open).clone() }),
        }
    }

    /// What chains for calls share, with those steps.
    pub(super) fn guard_calls(&self, mut open: CallSettings) -> Handle<CallSettings> {
        let steps = self.calls.as_deref().unwrap_or_default();
        if !steps.is_empty() {
            open.filters.extend_from_slice(steps);
            open.filters.sort();
        }
        Handle::new(open)
    }
}

/// The steps for a workload with these labels.
pub(super) fn access(view: &View<'_>, proxy: &Proxy, labels: &Labels) -> Access {
    let tokens = tokens(view, proxy, labels);
    let policies = view.authz(&proxy.namespace, labels);
    if policies.is_empty() {
        let calls = tokens.map(|tokens| tokens.map(HttpFilter::Tokens).into_iter().collect());
        return Access { calls, bytes: Some(Vec::new()) };
    }
    let mesh = &view.mesh().config;
    let knowledge = Knowledge {
        trust_domains: [&mesh.trust_domain].into_iter().chain(&mesh.trust_domain_aliases).cloned().collect(),
        identity: proxy.capabilities.has_identity(),
        templates: proxy.capabilities.has(&UriTemplateMatchConfig::full_name()),
    };
    let knowledge = Handle::new(knowledge);
    let of = |form| Deciding { view, proxy, policies: &policies, knowledge: &knowledge, form }.steps();
    let calls = of(Form::Calls).zip(tokens).map(|([asked, judged], tokens)| {
        let asked = (0..).zip(asked).map(|(place, step)| HttpFilter::Asked(place, step));
        let judged = (0..).zip(judged).map(|(place, step)| HttpFilter::Access(place, step));
        asked.chain(tokens.map(HttpFilter::Tokens)).chain(judged).collect()
    });
    Access { calls, bytes: of(Form::Bytes).map(|steps| steps.concat()) }
}

/// Whose tokens are looked at, by issuer; `None` where that would be needed and cannot be done. At gateways the route
/// may depend on what they say (istio `pilot/pkg/networking/plugin/authn/authentication.go`).
fn tokens(view: &View<'_>, proxy: &Proxy, labels: &Labels) -> Option<Option<Handle<Tokens>>> {
    let policies = view.authenticators(&proxy.namespace, labels);
    let mut rules: Vec<_> = policies.iter().flat_map(|policy| &policy.rules).cloned().collect();
    if rules.is_empty() {
        return Some(None);
    }
    rules.sort_by(|a, b| a.issuer.cmp(&b.issuer));
    let able = proxy.capabilities.has(&JwtAuthentication::full_name());
    able.then(|| Some(Handle::new(Tokens { rules, reroutes: proxy.role != Role::Sidecar })))
}

/// What is let in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Calls,
    Bytes,
}

struct Deciding<'a, 's> {
    view: &'a View<'s>,
    proxy: &'a Proxy,
    policies: &'a [Handle<AuthzPolicy>],
    knowledge: &'a Handle<Knowledge>,
    form: Form,
}

impl Deciding<'_, '_> {
    /// The steps, in order: questions to others, and what the proxy decides itself (istio
    /// `pilot/pkg/networking/core/networkfilter.go`, `buildCompleteNetworkFilters`).
    fn steps(&self) -> Option<[Vec<Handle<Step>>; 2]> {
        let order = [(Action::Audit, Verdict::Log), (Action::Deny, Verdict::Deny), (Action::Allow, Verdict::Allow)];
        let judged = order.into_iter().filter_map(|(action, verdict)| self.judged(action, verdict)).collect();
        let steps: [Vec<Step>; 2] = [self.asked(), judged];
        let binding = |step: &Step| match step {
            Step::Judge(judge) => judge.verdict != Verdict::Log && judge.enforced.is_some(),
            Step::Ask(_) => true,
        };
        match self.has(&[&Rbac::full_name(), &NetworkRbac::full_name()]) {
            true => Some(steps.map(|steps| steps.into_iter().map(Handle::new).collect())),
            false => (!steps.iter().flatten().any(binding)).then(<[Vec<Handle<Step>>; 2]>::default),
        }
    }

    /// Whether the proxy has an extension, under its name for calls or for bytes.
    fn has(&self, [calls, bytes]: &[&str; 2]) -> bool {
        self.proxy.capabilities.has(if self.form == Form::Calls { calls } else { bytes })
    }

    /// The policies of one action, first those in force, then those on trial.
    fn judged(&self, action: Action, verdict: Verdict) -> Option<Step> {
        let of = |dry_run: bool| {
            let mut some = self.policies.iter().filter(|p| p.action == action && p.dry_run == dry_run).peekable();
            some.peek().is_some().then(|| some.flat_map(|policy| statements(policy, "", "")).collect())
        };
        let [enforced, shadow]: [Option<Vec<Statement>>; 2] = [of(false), of(true)];
        if enforced.is_none() && shadow.is_none() {
            return None;
        }
        let shadow_prefix = match (&shadow, verdict) {
            (None, _) | (_, Verdict::Allow) => "istio_dry_run_allow_",
            (_, Verdict::Deny) => "istio_dry_run_deny_",
            (_, Verdict::Log) => "",
        };
        Some(self.judge(verdict, enforced, shadow, shadow_prefix))
    }

    fn judge(
        &self,
        verdict: Verdict,
        enforced: Option<Vec<Statement>>,
        shadow: Option<Vec<Statement>>,
        shadow_prefix: &'static str,
    ) -> Step {
        Step::Judge(Judge { verdict, enforced, shadow, shadow_prefix, knowledge: self.knowledge.clone() })
    }

    /// For each service that is asked, by its name: a step that marks what it is asked about, and the question. Where
    /// it cannot be asked, or two would be, it is taken to refuse. Services that know only HTTP are not asked about
    /// bytes.
    fn asked(&self) -> Vec<Step> {
        let mut by_provider: BTreeMap<&Str, Vec<&Handle<AuthzPolicy>>> = BTreeMap::new();
        for policy in self.policies.iter().filter(|p| p.action == Action::Custom) {
            by_provider.entry(&policy.provider).or_default().push(policy);
        }
        let alone = by_provider.len() == 1;
        let mut steps = Vec::new();
        for (provider, policies) in by_provider {
            let head = format!("{ASKING}-{provider}");
            let of =
                |end: &str| policies.iter().flat_map(|policy| statements(policy, &format!("{head}-"), end)).collect();
            match self.authorizer(provider).filter(|_| alone) {
                None => {
                    let refusing = of("-deny-due-to-bad-CUSTOM-action");
                    steps.push(self.judge(Verdict::Deny, Some(refusing), None, ""));
                }
                Some((said, _)) if self.form == Form::Bytes && !said.grpc => {}
                Some((said, request)) => {
                    steps.push(self.judge(Verdict::Deny, None, Some(of("")), "istio_ext_authz_"));
                    steps.push(Step::Ask(Ask { said: Handle::new(said), request, asked_by: head.into() }));
                }
            }
        }
        steps
    }

    /// A service that can be asked.
    fn authorizer(&self, name: &Str) -> Option<(Authorizer, Request)> {
        let providers = &self.view.mesh().config.extension_providers;
        let mut named = providers.iter().filter(|p| p.name == *name).filter_map(Authorizer::of);
        let (Some(Ok(said)), None) = (named.next(), named.next()) else { return None };
        let able = self.has(&[&ExtAuthz::full_name(), &NetworkExtAuthz::full_name()]);
        let unasked = self.form == Form::Bytes && !said.grpc;
        let host = self.view.located(&said.service)?;
        let cluster = format!("outbound|{}||{host}", said.port).into();
        (able || unasked).then_some((said, Request { host, cluster }))
    }
}

/// The rules of a policy under the names that Envoy knows them by; one without rules has one that nothing matches.
fn statements<'p>(policy: &'p Handle<AuthzPolicy>, head: &str, end: &str) -> impl Iterator<Item = Statement> + use<'p> {
    let (head, end) = (head.to_owned(), end.to_owned());
    let rules = if policy.rules.is_empty() { vec![None] } else { (0..policy.rules.len()).map(Some).collect() };
    rules.into_iter().map(move |rule| {
        let AuthzPolicy { namespace, name, .. } = &**policy;
        let number = rule.unwrap_or(0);
        let name = format!("{head}ns[{namespace}]-policy[{name}]-rule[{number}]{end}").into();
        Statement { name, policy: policy.clone(), rule }
    })
}
