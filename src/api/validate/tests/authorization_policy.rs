//! AuthorizationPolicies.

use super::{findings, refused};

/// Asserts what is found in specs, written without the outer braces.
fn check(cases: &[(&str, &[&str])]) {
    for (spec, expected) in cases {
        assert_eq!(found(spec), *expected, "{spec}");
    }
}

fn found(spec: &str) -> Vec<String> {
    findings("AuthorizationPolicy", &format!("{{{spec}}}"))
}

#[test]
fn policies_say_what_they_are_for_and_who_is_asked() {
    check(&[
        ("", &[]),
        ("selector: {matchLabels: {app: web}}, action: DENY, rules: [{}]", &[]),
        (
            "selector: {matchLabels: {app: web}}, targetRefs: [{kind: Service, name: a}]",
            &["spec: may have only one of selector, targetRef and targetRefs"],
        ),
        (
            "targetRef: {kind: Pod, name: ''}",
            &[
                "targetRef.name: must not be empty",
                "targetRef: must be a Service, a ServiceEntry of networking.istio.io, or a Gateway or GatewayClass of \
                     gateway.networking.k8s.io, found \"Pod\" of \"\"",
            ],
        ),
        (
            "action: DENY",
            &["rules: must have a rule, as DENY without rules is never in force; an empty rule {} is for every call"],
        ),
        ("action: CUSTOM, rules: [{}]", &["provider.name: must be set, as the action is CUSTOM"]),
        ("provider: {name: x}", &["provider: is for the action CUSTOM only"]),
        (
            "action: CUSTOM, provider: {name: x}, rules: [{from: [{source: {namespaces: [a]}}], when: [{key: source.principal, values: [b]}]}]",
            &[
                "rules[0].from[0].source.namespaces: is not supported with the action CUSTOM",
                "rules[0].when[0].key: is not supported with the action CUSTOM",
            ],
        ),
    ]);
}

#[test]
fn rules_compare_calls_with_values_that_can_be() {
    check(&[
        ("rules: [{from: [{}]}]", &["rules[0].from[0].source: must be set"]),
        ("rules: [{to: [{operation: {}}]}]", &["rules[0].to[0].operation: must not be empty"]),
        (
            "rules: [{from: [{source: {ipBlocks: [10.0.0.0/40], serviceAccounts: ['a*'], namespaces: [b], trustDomains: ['a*b']}}]}]",
            &[
                "rules[0].from[0].source.ipBlocks[0]: must be an IP address or a range such as 10.1.0.0/16, found \"10.0.0.0/40\"",
                "rules[0].from[0].source.serviceAccounts[0]: must be a service account, as name or namespace/name without a \
                     wildcard, in at most 320 letters, found \"a*\"",
                "rules[0].from[0].source.trustDomains[0]: may have one asterisk, at its beginning or its end, found \"a*b\"",
                "rules[0].from[0].source.serviceAccounts: must not be beside namespaces or principals",
            ],
        ),
        (
            "rules: [{to: [{operation: {ports: ['65536', '+1'], methods: ['']}}]}]",
            &[
                "rules[0].to[0].operation.ports[0]: must be a port, found \"65536\"",
                "rules[0].to[0].operation.ports[1]: must be a port, found \"+1\"",
                "rules[0].to[0].operation.methods[0]: must not be empty",
            ],
        ),
        (
            "rules: [{to: [{operation: {paths: ['/a/{*}/{**}', '/{**}/b', '/{**}/{*}', '/{id}', '/a*/{*}']}}]}]",
            &[
                "rules[0].to[0].operation.paths[2]: must have {**} as the last operator, found \"/{**}/{*}\"",
                "rules[0].to[0].operation.paths[3]: may have braces only in segments that are {*} or {**}, found \"/{id}\"",
                "rules[0].to[0].operation.paths[4]: must have other segments of letters, digits and signs of URLs, found \"/a*/{*}\"",
            ],
        ),
        (
            "rules: [{to: [{operation: {paths: ['//{*}', '{*}/a', '/a/{**}//', '/a/{*}/']}}]}]",
            &[
                "rules[0].to[0].operation.paths[0]: must begin with a slash, have no two slashes in a row and at most 256 letters, found \"//{*}\"",
                "rules[0].to[0].operation.paths[1]: must begin with a slash, have no two slashes in a row and at most 256 letters, found \"{*}/a\"",
                "rules[0].to[0].operation.paths[2]: must begin with a slash, have no two slashes in a row and at most 256 letters, found \"/a/{**}//\"",
            ],
        ),
        (
            "rules: [{when: [{key: source.ips, values: [a]}, {key: source.ip}, {key: 'request.headers[]', values: [a]}, {key: destination.user, values: [a]}]}]",
            &[
                "rules[0].when[0].key: is no attribute of calls: \"source.ips\" (perhaps source.ip is meant)",
                "rules[0].when[1]: must have values or notValues",
                "rules[0].when[2].key: must have a name in brackets, as request.headers[x-role], found \"request.headers[]\"",
                "rules[0].when[3].key: destination.user was an attribute of the API's first version",
            ],
        ),
        (
            "rules: [{from: [{source: {principals: ['spiffe://td/ns/a/sa/b']}}]}]",
            &[
                "ineffective rules[0].from[0].source.principals[0]: must be written without spiffe://; as it is, it matches nobody",
            ],
        ),
    ]);
}

#[test]
fn a_rule_that_refuses_by_http_alone_is_told_what_it_does_to_other_ports() {
    let text = "on ports that are not HTTP, hosts, methods, paths and tokens cannot be told, and the rule refuses connections \
                whatever they carry; name the ports that are meant";
    let line = format!("ineffective rules[0]: {text}");
    let of = |rule: &str| found(&format!("action: DENY, rules: [{rule}]"));
    assert_eq!(of("{to: [{operation: {methods: [GET]}}]}"), std::slice::from_ref(&line));
    assert_eq!(of("{from: [{source: {requestPrincipals: ['*']}}]}"), [line]);
    for fine in [
        "{to: [{operation: {methods: [GET], ports: ['80']}}]}",
        "{to: [{operation: {methods: [GET]}}], when: [{key: destination.port, values: ['80']}]}",
        "{from: [{source: {ipBlocks: [10.0.0.1]}}]}",
        "{}",
    ] {
        assert_eq!(of(fine), [""; 0], "{fine}");
    }
}

#[test]
fn a_policy_is_on_trial_only_where_the_proxy_decides() {
    let of = |action: &str, said: &str| {
        let provider = if action == "CUSTOM" { "provider: {name: x}, " } else { "" };
        refused(&format!(
            "{{apiVersion: security.istio.io/v1, kind: AuthorizationPolicy,
               metadata: {{name: a, annotations: {{istio.io/dry-run: '{said}'}}}}, spec: {{action: {action}, {provider}rules: [{{}}]}}}}"
        ))
    };
    assert_eq!(of("ALLOW", "true"), [""; 0]);
    assert_eq!(of("DENY", "f"), [""; 0]);
    assert_eq!(of("DENY", "yes"), ["metadata.annotations[istio.io/dry-run]: must be true or false, found \"yes\""]);
    assert_eq!(
        of("CUSTOM", "true"),
        ["metadata.annotations[istio.io/dry-run]: is for the actions ALLOW and DENY, not for CUSTOM"]
    );
}
