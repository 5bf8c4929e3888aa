use super::{check, findings};

#[test]
fn virtual_services_have_valid_hosts_and_gateways() {
    let route = "http: [{route: [{destination: {host: web}}]}]";
    for (head, expected) in [
        ("hosts: [web, www.example.com, '*.example.org', 192.0.2.1]", &[][..]),
        ("hosts: ['*'], gateways: [public]", &[]),
        ("hosts: [outbound_.80_._.web.shop.global], gateways: [public]", &[]),
        ("hosts: ['*']", &["hosts[0]: must not be * for sidecars, only for gateways"]),
        ("hosts: [a_b.com]", &["hosts[0]: must be a DNS name, found \"a_b.com\", whose part \"a_b\" is none"]),
        (
            "hosts: [www.example.com, '*.example.com']",
            &["hosts[1]: \"*.example.com\" overlaps with \"www.example.com\""],
        ),
        (
            "hosts: [a], gateways: [x/y/z]",
            &["gateways[0]: must be the namespace and name of a Gateway, found \"x/y/z\""],
        ),
        (
            "gateways: [public]",
            &["gateways: must not be set in a VirtualService without hosts, which others delegate to"],
        ),
        ("hosts: [a], exportTo: ['~']", &["exportTo[0]: must be ., * or a namespace, found \"~\""]),
        ("hosts: [a], exportTo: [., shop]", &["exportTo[1]: names \"shop\" a second time"]),
        (
            "hosts: [a], exportTo: ['*', other]",
            &["exportTo: must not have other entries beside *, which is all namespaces"],
        ),
        (
            "hosts: [a], gateways: [g.ns.svc.cluster.local]",
            &["deprecated gateways[0]: \"g.ns.svc.cluster.local\" is written ns/g today"],
        ),
    ] {
        assert_eq!(findings("VirtualService", &format!("{{{head}, {route}}}")), expected, "{head}");
    }
    check("VirtualService", &[("{hosts: [a]}", &["spec: must have at least one of http, tls and tcp"])]);
}

/// Asserts what is found in one HTTP route of a VirtualService.
fn check_http(cases: &[(&str, &[&str])]) {
    for (route, expected) in cases {
        let found = findings("VirtualService", &format!("{{hosts: [a], http: [{{{route}}}]}}"));
        let found: Vec<_> = found.iter().map(|f| f.replacen("http[0].", "", 1)).collect();
        assert_eq!(found, *expected, "{route}");
    }
}

#[test]
fn http_routes_do_one_thing() {
    check_http(&[
        ("name: x", &["http[0]: must have one of route, redirect, directResponse and delegate"]),
        (
            "redirect: {uri: /}, directResponse: {status: 200}",
            &["http[0]: may have only one of redirect and directResponse"],
        ),
        ("redirect: {uri: /}, route: [{destination: {host: b}}]", &["route: must not be set beside redirect"]),
        ("delegate: {name: b}, redirect: {uri: /}", &["redirect: must not be set beside delegate"]),
        ("redirect: {}", &["redirect: must have at least one of uri, prefixRewrite, authority, scheme and port"]),
        (
            "redirect: {scheme: ftp, redirectCode: 200}",
            &[
                "redirect.redirectCode: must be a status from 300 to 399, found 200",
                "redirect.scheme: must be http or https, found \"ftp\"",
            ],
        ),
        (
            "directResponse: {status: 600}",
            &["directResponse.status: must be an HTTP status from 200 to 599, found 600"],
        ),
    ]);
}

#[test]
fn http_destinations_are_valid_and_get_something() {
    check_http(&[
        ("route: [{destination: {host: b, subset: v1, port: {number: 80}}, weight: 0}]", &[]),
        ("route: [{weight: 1}]", &["route[0].destination.host: must not be empty"]),
        ("route: [{destination: {host: '*'}}]", &["route[0].destination.host: must not be *"]),
        (
            "route: [{destination: {host: b, port: {number: 70000}}}]",
            &["route[0].destination.port.number: must be a port from 1 to 65535, found 70000"],
        ),
        ("route: [{destination: {host: b}}, {destination: {host: c}}]", &["route: must not all have the weight 0"]),
        ("route: [{destination: {host: b}, weight: -1}]", &["route[0].weight: must not be negative, found -1"]),
    ]);
}

#[test]
fn http_conditions_are_what_envoy_takes() {
    let check_match = |cases: &[(&str, &[&str])]| {
        for (condition, expected) in cases {
            let found = findings(
                "VirtualService",
                &format!("{{hosts: [a], http: [{{match: [{{{condition}}}], route: [{{destination: {{host: b}}}}]}}]}}"),
            );
            let found: Vec<_> = found.iter().map(|f| f.replacen("http[0].match[0].", "", 1)).collect();
            assert_eq!(found, *expected, "{condition}");
        }
    };
    check_match(&[
        ("uri: {prefix: ''}, headers: {x-a: {}, ':method': {exact: GET}}, withoutHeaders: {x-b: {regex: '*'}}", &[]),
        ("method: {prefix: ''}", &["method.prefix: must not be empty"]),
        ("headers: {'a b': {}}", &["headers[a b]: must be named as headers are"]),
        (
            "headers: {'@request.auth.claims.group': {exact: a}}",
            &[
                "headers[@request.auth.claims.group]: stands for a claim of a token, on which only routes of gateways may depend",
            ],
        ),
        ("sourceLabels: {'a b': c}", &["sourceLabels[a b]: must be named as labels of Kubernetes are"]),
        ("sourceNamespace: a.b", &["sourceNamespace: must be a namespace, found \"a.b\""]),
        ("port: 99999", &["port: must be a port from 1 to 65535, found 99999"]),
    ]);
    let found =
        findings("VirtualService", "{hosts: [a], http: [{match: [{uri: {regex: '(?=x)'}}], redirect: {uri: /b}}]}");
    assert!(
        found[0].starts_with(
            "http[0].match[0].uri.regex: must be a regular expression (RE2), found \"(?=x)\": look-around"
        ),
        "{found:?}"
    );
}

#[test]
fn http_actions_are_what_envoy_takes() {
    let with_route = |action: &str| {
        let found = findings(
            "VirtualService",
            &format!("{{hosts: [a], http: [{{{action}, route: [{{destination: {{host: b}}}}]}}]}}"),
        );
        found.iter().map(|f| f.replacen("http[0].", "", 1)).collect::<Vec<_>>()
    };
    for (action, expected) in [
        ("timeout: 0s", &["timeout: must be at least 1ms, found 0s"][..]),
        ("timeout: 1500us", &["timeout: must be in whole milliseconds, found 0.001500s"]),
        ("retries: {attempts: 2, retryOn: '5xx,gateway-error,503', perTryTimeout: 2s}", &[]),
        (
            "retries: {attempts: 0, retryOn: '5xx'}",
            &["retries.attempts: must be greater than 0 where it is said how to retry"],
        ),
        (
            "retries: {attempts: 1, retryOn: '5xx, reset'}",
            &["retries.retryOn: must be conditions of Envoy or status codes, found \" reset\""],
        ),
        ("rewrite: {}", &["rewrite: must have at least one of uri, uriRegexRewrite and authority"]),
        ("rewrite: {uriRegexRewrite: {match: /a}}", &["rewrite.uriRegexRewrite.rewrite: must not be empty"]),
        (
            "rewrite: {authority: x}, headers: {request: {set: {host: b}}}",
            &["http[0]: must not set the authority more than once"],
        ),
        (
            "headers: {request: {set: {x: '%REQ(A'}}}",
            &[
                "headers.request.set[x]: must be a value of Envoy's header format, found \"%REQ(A\": a per cent sign begins no operator that Envoy has, such as %REQ(X)% (one that stands for itself is written %%)",
            ],
        ),
        (
            "headers: {response: {set: {':status': '1'}}}",
            &["headers.response.set[:status]: must not change a pseudo header"],
        ),
        (
            "headers: {response: {remove: [Host]}}",
            &["headers.response.remove[0]: must not change the authority of the call"],
        ),
        ("fault: {}", &["fault: must have at least one of abort and delay"]),
        (
            "fault: {delay: {fixedDelay: 5s, percentage: {value: 101}}}",
            &["fault.delay.percentage.value: must be from 0 to 100, found 101"],
        ),
        (
            "fault: {abort: {grpcStatus: BAD}}",
            &["fault.abort.grpcStatus: must be the name of a gRPC status such as UNAVAILABLE, found \"BAD\""],
        ),
        ("fault: {abort: {http2Error: x}}", &["fault.abort.http2Error: is not supported"]),
        (
            "corsPolicy: {allowMethods: [FLY], maxAge: 1500ms}",
            &[
                "corsPolicy.allowMethods[0]: must be an HTTP method or *, found \"FLY\"",
                "corsPolicy.maxAge: must be in whole seconds",
            ],
        ),
        ("mirror: {host: c}, mirrorPercent: 50", &["deprecated mirrorPercent: has the successor mirrorPercentage"]),
        (
            "mirror: {host: c}, mirrors: [{destination: {host: d}}]",
            &["http[0]: may have only one of mirror and mirrors"],
        ),
    ] {
        assert_eq!(with_route(action), expected, "{action}");
    }
}

#[test]
fn layer_4_routes_are_valid() {
    check(
        "VirtualService",
        &[
            (
                "{hosts: ['*.example.com'], tls: [{match: [{sniHosts: [a.example.com]}], route: [{destination: {host: b}}]}]}",
                &[],
            ),
            (
                "{hosts: [a.com], tls: [{match: [{sniHosts: [b.com]}], route: [{destination: {host: b}}]}, {route: []}]}",
                &[
                    "tls[0].match[0].sniHosts[0]: must be covered by the hosts of the object, found \"b.com\"",
                    "tls[1].match: must not be empty",
                    "tls[1].route: must not be empty",
                ],
            ),
            (
                "{hosts: [a], tcp: [{match: [{destinationSubnets: [10.0.0.0/40]}], route: [{destination: {host: b}}]}]}",
                &[
                    "tcp[0].match[0].destinationSubnets[0]: must be an IP address or a range such as 10.1.0.0/16, found \"10.0.0.0/40\"",
                ],
            ),
        ],
    );
}

#[test]
fn rules_that_are_never_reached_are_warned_of() {
    let to = "route: [{destination: {host: b}}]";
    let rules = |rules: &str| findings("VirtualService", &format!("{{hosts: [a], http: [{rules}]}}"));
    assert_eq!(
        rules(&format!("{{{to}}}, {{{to}}}, {{match: [{{port: 80}}], {to}}}")),
        [
            "ineffective http[1]: is never reached: rule 0 before it has no conditions",
            "ineffective http[2]: is never reached: rule 0 before it has no conditions",
        ]
    );
    assert_eq!(
        rules(&format!(
            "{{match: [{{uri: {{prefix: /a}}, name: x}}], {to}}},
             {{match: [{{uri: {{prefix: /a}}}}, {{uri: {{prefix: /ab}}}}, {{uri: {{prefix: /ab}}, port: 80}}], {to}}}"
        )),
        [
            "ineffective http[1].match[0]: is never reached: rule 0 has the same condition",
            "ineffective http[1].match[1]: is never reached: rule 0 has the prefix \"/a\"",
        ]
    );
}
