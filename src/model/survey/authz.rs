//! AuthorizationPolicies and RequestAuthentications.

use std::collections::{BTreeMap, BTreeSet};

use crate::api::authorization_policy::{Action, AuthorizationPolicy};
use crate::api::mesh::Authorizer;
use crate::api::request_authentication::RequestAuthentication;
use crate::api::selector::MatchLabels;
use crate::api::{Kind, Object, Spec, nearest};
use crate::base::{Finding, Labels, Namespace, Str};

use super::known::Known;
use super::notes::Notes;

pub(super) fn authorization_policy(policy: &AuthorizationPolicy, known: &Known<'_>, notes: &mut Notes<'_>) {
    selector(policy.selector.as_ref(), known, notes);
    let sources = policy.rules.iter().enumerate().flat_map(|(index, rule)| {
        rule.from.iter().enumerate().filter_map(move |(from, f)| Some((index, from, f.source.as_ref()?)))
    });
    for (rule, from, source) in sources {
        let field = format!("spec.rules[{rule}].from[{from}].source");
        for (index, namespace) in source.namespaces.iter().enumerate() {
            if !namespace.contains('*') && !known.has_namespace(namespace) {
                let text = format!("there is nothing in a namespace {namespace:?}, so that this entry matches nobody");
                notes.warning("unknown-namespace", format_args!("{field}.namespaces[{index}]"), text);
            }
        }
    }
    if policy.action == Action::Custom {
        provider(policy, known, notes);
    }
}

pub(super) fn request_authentication(policy: &RequestAuthentication, known: &Known<'_>, notes: &mut Notes<'_>) {
    selector(policy.selector.as_ref(), known, notes);
}

/// Labels that no workload has; in the root namespace, workloads of the whole mesh are meant.
fn selector(selector: Option<&MatchLabels>, known: &Known<'_>, notes: &mut Notes<'_>) {
    let Some(labels) = selector.map(|s| &s.match_labels).filter(|labels| !labels.is_empty()) else { return };
    let (found, among) = match *notes.namespace() == known.survey.snapshot.mesh.root {
        true => (known.selects_anywhere(labels), "the mesh".to_owned()),
        false => (known.selects(notes.namespace(), labels), format!("the namespace {}", notes.namespace())),
    };
    if known.has_workloads() && !found {
        let text = format!("no workload of {among} has these labels; the policy is for none");
        notes.warning("selects-nothing", "spec.selector.matchLabels", text);
    }
}

/// Whoever cannot be asked is taken to refuse.
fn provider(policy: &AuthorizationPolicy, known: &Known<'_>, notes: &mut Notes<'_>) {
    const REFUSED: &str = "every call that the rules match is refused";
    let name = policy.provider.as_ref().map(|p| p.name.as_str()).unwrap_or_default();
    let providers = &known.survey.snapshot.mesh.config.extension_providers;
    let all: Vec<_> = providers.iter().filter_map(|p| Some((p.name.as_str(), Authorizer::of(p)?))).collect();
    let mut named = all.iter().filter(|(other, _)| *other == name).map(|(_, read)| read);
    let text = match (named.next(), named.next()) {
        (None, _) => {
            let hint = nearest(name, all.iter().map(|(name, _)| *name));
            let hint = hint.map(|guess| format!(" (perhaps {guess} is meant)")).unwrap_or_default();
            format!("the mesh config has no extensionProvider {name:?} that can be asked{hint}; {REFUSED}")
        }
        (_, Some(_)) => format!("the mesh config has several extensionProviders {name:?}; {REFUSED}"),
        (Some(Err(text)), _) => format!("the mesh config's extensionProvider {name:?} is wrong: {text}; {REFUSED}"),
        (Some(Ok(said)), _) if !known.survey.snapshot.located(&said.service).1 => {
            format!(
                "the extensionProvider's service {:?} is not there, or is in several namespaces; {REFUSED}",
                said.service
            )
        }
        _ => return,
    };
    notes.error("unknown-provider", "spec.provider.name", text);
}

/// Policies that ask different services about calls to one workload: none of them is asked.
pub(super) fn claims(known: &Known<'_>, out: &mut Vec<Finding>) {
    let asking: Vec<(&Object, &Labels, &Str)> = known.of_kind(Kind::AuthorizationPolicy).filter_map(asking).collect();
    let providers: BTreeSet<&Str> = asking.iter().map(|(.., provider)| *provider).collect();
    if providers.len() < 2 {
        return;
    }
    let root = &known.survey.snapshot.mesh.root;
    let mut told: BTreeMap<&Namespace, BTreeSet<&Str>> = BTreeMap::new();
    for (namespace, labels) in known.workloads() {
        let concerns = |(object, wanted, _): &&(&Object, &Labels, &Str)| {
            (object.meta.namespace == *root || object.meta.namespace == *namespace)
                && wanted.iter().all(|(k, v)| labels.get(k) == Some(v))
        };
        let all: Vec<_> = asking.iter().filter(concerns).collect();
        let names: BTreeSet<&str> = all.iter().map(|(.., provider)| provider.as_str()).collect();
        if names.len() < 2 {
            continue;
        }
        let names = names.into_iter().collect::<Vec<_>>().join(", ");
        for (object, ..) in all {
            if told.entry(&object.meta.namespace).or_default().insert(&object.meta.name) {
                let text = format!(
                    "policies for one workload (in the namespace {namespace}) ask different services ({names}), which is \
                     not supported; none is asked there, and every call that their rules match is refused"
                );
                Notes::new(object, out).error("several-providers", "spec.provider.name", text);
            }
        }
    }
}

fn asking(object: &Object) -> Option<(&Object, &Labels, &Str)> {
    const ALL: &Labels = &Labels::new();
    let Spec::AuthorizationPolicy(policy) = &object.spec else { return None };
    let provider = policy.provider.as_ref().filter(|_| policy.action == Action::Custom)?;
    Some((object, policy.selector.as_ref().map_or(ALL, |s| &s.match_labels), &provider.name))
}

/// What a policy means at an Envoy without the filters that decide.
pub(super) fn unguarded(spec: &Spec, notes: &mut Notes<'_>) {
    let tried = notes.object.meta.annotations.contains_key("istio.io/dry-run");
    let binds = match spec {
        Spec::AuthorizationPolicy(policy) => policy.action != Action::Audit && !tried,
        Spec::RequestAuthentication(policy) => !policy.jwt_rules.is_empty(),
        _ => false,
    };
    if binds {
        notes.warning(
            "no-authorization",
            "spec",
            "a connected Envoy lacks one of envoy.filters.http.rbac, envoy.filters.network.rbac and \
             envoy.filters.http.jwt_authn; beside a workload that this policy is for, it lets nothing in where it would \
             need the one that it lacks",
        );
    }
}

/// What a policy means at an Envoy whose callers cannot prove who they are.
pub(super) fn anonymous(policy: &AuthorizationPolicy, notes: &mut Notes<'_>) {
    const KEYS: [&str; 4] = ["source.principal", "source.namespace", "source.serviceAccount", "source.trustDomain"];
    let by_source = policy.rules.iter().flat_map(|rule| &rule.from).filter_map(|from| from.source.as_ref()).any(|s| {
        let lists = [
            &s.principals,
            &s.not_principals,
            &s.namespaces,
            &s.not_namespaces,
            &s.service_accounts,
            &s.not_service_accounts,
            &s.trust_domains,
            &s.not_trust_domains,
        ];
        lists.iter().any(|list| !list.is_empty())
    });
    let by_key = policy.rules.iter().flat_map(|rule| &rule.when).any(|c| KEYS.contains(&c.key.as_str()));
    if by_source || by_key {
        notes.warning(
            "no-identity",
            "spec.rules",
            "a connected Envoy has no identity yet (no agent beside it), so that its callers prove nothing to it; beside \
             a workload that this policy is for, what it says of identities never lets a call in, and always refuses",
        );
    }
}
