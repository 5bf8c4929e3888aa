//! What becomes of rules where not everything can be told.

use envoy_types::pb::envoy::config::rbac::v3::permission::Rule as On;
use envoy_types::pb::envoy::config::rbac::v3::principal::Identifier;
use envoy_types::pb::envoy::config::rbac::v3::{Permission, Principal};
use envoy_types::pb::envoy::r#type::matcher::v3::string_matcher::MatchPattern;

use super::*;
use crate::api::authorization_policy::{Action, Condition, From, Operation, Rule, Source, To};
use crate::base::Labels;
use crate::model::facts::Reach;

fn strings(all: &[&str]) -> Vec<Str> {
    all.iter().map(|s| (*s).into()).collect()
}

fn from(source: Source) -> From {
    From { source: Some(source) }
}

fn to(operation: Operation) -> To {
    To { operation: Some(operation) }
}

/// The policy that a rule of `shop` becomes.
fn built(rule: Rule, verdict: Verdict, form: Form, identity: bool, templates: bool) -> Option<Policy> {
    let policy = AuthzPolicy {
        namespace: "shop".into(),
        name: "p".into(),
        reach: Reach { home: "shop".into(), labels: Labels::new(), targets: Vec::new() },
        action: Action::Allow,
        provider: Str::default(),
        dry_run: false,
        rules: vec![rule],
    };
    let knowledge = Knowledge { trust_domains: strings(&["td", "old"]), identity, templates };
    let statement = Statement { name: "s".into(), policy: Handle::new(policy), rule: Some(0) };
    let judge = Judge {
        verdict,
        enforced: Some(vec![statement.clone()]),
        shadow: None,
        shadow_prefix: "",
        knowledge: Handle::new(knowledge),
    };
    judge.policy(&statement, form)
}

/// How many conditions each alternative has.
fn conditions(policy: &Policy) -> (Vec<usize>, Vec<usize>) {
    let on = |p: &Permission| match &p.rule {
        Some(On::AndRules(set)) => set.rules.iter().filter(|r| !matches!(r.rule, Some(On::Any(_)))).count(),
        other => panic!("{other:?}"),
    };
    let of = |p: &Principal| match &p.identifier {
        Some(Identifier::AndIds(set)) => {
            set.ids.iter().filter(|i| !matches!(i.identifier, Some(Identifier::Any(_)))).count()
        }
        other => panic!("{other:?}"),
    };
    (policy.permissions.iter().map(on).collect(), policy.principals.iter().map(of).collect())
}

#[test]
fn on_bytes_a_rule_that_asks_for_http_lets_nothing_in_and_refuses_by_what_is_left_of_it() {
    let rule = || Rule {
        to: vec![
            to(Operation { methods: strings(&["GET"]), ports: strings(&["80"]), ..Operation::default() }),
            to(Operation { not_hosts: strings(&["a"]), ..Operation::default() }),
        ],
        when: vec![Condition { key: "request.headers[a]".into(), values: strings(&["b"]), ..Condition::default() }],
        ..Rule::default()
    };
    let whole = built(rule(), Verdict::Allow, Form::Calls, true, true).unwrap();
    assert_eq!(conditions(&whole), (vec![2, 1], vec![1]));
    assert!(built(rule(), Verdict::Allow, Form::Bytes, true, true).is_none());
    for verdict in [Verdict::Deny, Verdict::Log] {
        let left = built(rule(), verdict, Form::Bytes, true, true).unwrap();
        assert_eq!(conditions(&left), (vec![1, 0], vec![0]));
    }
}

#[test]
fn where_callers_prove_nothing_identities_never_let_in_and_always_refuse() {
    let rule = || Rule {
        from: vec![
            from(Source { namespaces: strings(&["a"]), ..Source::default() }),
            from(Source { not_principals: strings(&["td/ns/a/sa/b"]), ..Source::default() }),
            from(Source { ip_blocks: strings(&["10.0.0.0/8"]), ..Source::default() }),
        ],
        ..Rule::default()
    };
    for form in [Form::Calls, Form::Bytes] {
        let allowed = built(rule(), Verdict::Allow, form, false, true).unwrap();
        assert_eq!(conditions(&allowed), (vec![0], vec![1]), "only the address can be told");
        let denied = built(rule(), Verdict::Deny, form, false, true).unwrap();
        assert_eq!(conditions(&denied), (vec![0], vec![0, 0, 1]));
    }
    let when = vec![Condition { key: "source.principal".into(), not_values: strings(&["x"]), ..Condition::default() }];
    let rule = || Rule { when: when.clone(), ..Rule::default() };
    assert!(built(rule(), Verdict::Allow, Form::Calls, false, true).is_none());
    assert_eq!(conditions(&built(rule(), Verdict::Deny, Form::Calls, false, true).unwrap()), (vec![0], vec![0]));
    assert_eq!(conditions(&built(rule(), Verdict::Deny, Form::Calls, true, true).unwrap()), (vec![0], vec![1]));
}

#[test]
fn a_template_that_cannot_be_compared_counts_for_what_lets_less_in() {
    let rule = |paths: &[&str]| Rule {
        to: vec![to(Operation { paths: strings(paths), ..Operation::default() })],
        ..Rule::default()
    };
    assert!(built(rule(&["/a/{*}", "/b"]), Verdict::Allow, Form::Calls, true, false).is_none());
    let denied = built(rule(&["/a/{*}", "/b"]), Verdict::Deny, Form::Calls, true, false).unwrap();
    assert_eq!(conditions(&denied), (vec![0], vec![0]), "not only /b is refused");
    let known = built(rule(&["/a/{*}/{**}"]), Verdict::Deny, Form::Calls, true, true).unwrap();
    let text = format!("{known:?}");
    assert!(text.contains("UriTemplate"), "{text}");
}

#[test]
fn whoever_is_named_under_one_trust_domain_is_meant_under_all() {
    let domains = strings(&["td", "old-td"]);
    let of = |value: &str| domains::identities(&strings(&[value]), &domains);
    assert_eq!(of("td/ns/a/sa/b"), ["td/ns/a/sa/b", "old-td/ns/a/sa/b"]);
    assert_eq!(of("cluster.local/ns/a/sa/b"), ["td/ns/a/sa/b", "old-td/ns/a/sa/b"]);
    assert_eq!(of("*td/ns/a/sa/b"), ["*td/ns/a/sa/b"], "it means both already");
    assert_eq!(of("old*/ns/a/sa/b"), ["td/ns/a/sa/b", "old-td/ns/a/sa/b"]);
    for kept in ["*/ns/a/sa/b", "strange/ns/a/sa/b", "sa/b", "*", "td/ns/a/sa/b/c"] {
        assert_eq!(of(kept), [kept]);
    }
    assert_eq!(domains::with_aliases(&strings(&["td", "x", "td"]), &domains), strings(&["td", "old-td", "x"]));
}

#[test]
fn texts_are_compared_as_they_are_written() {
    let pattern = |text: &str| text::pattern(text).match_pattern.unwrap();
    assert_eq!(pattern("a*"), MatchPattern::Prefix("a".into()));
    assert_eq!(pattern("*a"), MatchPattern::Suffix("a".into()));
    assert_eq!(pattern("a"), MatchPattern::Exact("a".into()));
    assert!(matches!(pattern("*"), MatchPattern::SafeRegex(r) if r.regex == ".+"));
    let after = text::pattern_after("spiffe://", "*/sa/a.b").match_pattern.unwrap();
    assert!(matches!(after, MatchPattern::SafeRegex(r) if r.regex == r"spiffe://.*/sa/a\.b"));
    assert_eq!(text::quote("a-b.c"), r"a-b\.c", "a hyphen stays, as in Go");
}

#[test]
fn claims_may_lie_in_one_another() {
    let path = |key: &str| {
        let when = Condition { key: key.into(), values: strings(&["v"]), ..Condition::default() };
        let rule = Rule { when: vec![when], ..Rule::default() };
        let policy = built(rule, Verdict::Allow, Form::Calls, true, true)?;
        Some(format!("{policy:?}").matches("segment: Some").count())
    };
    assert_eq!(path("request.auth.claims[a]"), Some(2));
    assert_eq!(path("request.auth.claims[a][b]"), Some(3));
    assert_eq!(path("request.auth.claims[a[b]"), Some(2), "brackets that do not pair belong to the name");
    assert_eq!(path("request.auth.claims[a][]"), None, "Envoy takes no empty names");
}
