//! What a route does with the calls that it takes.

use serde_json::json;

use crate::evaluator::{Call, Outcome};
use crate::world::{Mesh, outbound, routes, rule};

fn web(http: &str) -> Mesh {
    let subsets = ["v1", "v2", "v3"].map(|v| format!("{{name: {v}, labels: {{version: {v}}}}}")).join(", ");
    Mesh::shop(&[
        routes("shop/web", &format!("hosts: [web], http: [{http}]")),
        rule("shop/web", &format!("host: web, subsets: [{subsets}]")),
    ])
}

fn status(status: u64) -> Outcome {
    Outcome::Answered(status, String::new())
}

#[test]
fn the_first_route_that_matches_takes_the_call() {
    let held = web("{match: [{uri: {prefix: /a}}], directResponse: {status: 501}},
                    {match: [{uri: {exact: /a/b}}], directResponse: {status: 502}},
                    {directResponse: {status: 503}}")
    .sidecar("shop");
    assert_eq!(held.call(&Call::get("http://web/a/b")), status(501));
    assert_eq!(held.call(&Call::get("http://web/c")), status(503));
}

#[test]
fn all_parts_of_a_condition_must_hold_and_one_of_several_conditions() {
    let held = web("{match: [{uri: {prefix: /a}, method: {exact: PUT}, headers: {x-a: {prefix: b}}},
                             {queryParams: {id: {exact: '7'}}}], directResponse: {status: 501}},
                    {directResponse: {status: 503}}")
    .sidecar("shop");
    let put = Call::get("http://web/a").method("PUT");
    assert_eq!(held.call(&put.clone().with("x-a", "bc")), status(501));
    assert_eq!(held.call(&put), status(503));
    assert_eq!(held.call(&Call::get("http://web/a").with("x-a", "bc")), status(503));
    assert_eq!(held.call(&Call::get("http://web/z?id=7")), status(501));
    assert_eq!(held.call(&Call::get("http://web/z?id=77")), status(503));
}

#[test]
fn regular_expressions_match_whole_texts() {
    let held =
        web("{match: [{uri: {regex: '/v[0-9]+'}}, {headers: {x-a: {regex: 'b+'}}}], directResponse: {status: 501}},
                    {directResponse: {status: 503}}")
        .sidecar("shop");
    assert_eq!(held.call(&Call::get("http://web/v12")), status(501));
    assert_eq!(held.call(&Call::get("http://web/v12/")), status(503));
    assert_eq!(held.call(&Call::get("http://web/").with("x-a", "bb")), status(501));
    assert_eq!(held.call(&Call::get("http://web/").with("x-a", "bbc")), status(503));
}

#[test]
fn an_empty_condition_on_a_header_asks_for_its_presence() {
    let held = web("{match: [{headers: {x-a: {}}}], directResponse: {status: 501}},
                    {match: [{withoutHeaders: {x-b: {}}}], directResponse: {status: 502}},
                    {match: [{withoutHeaders: {x-c: {exact: d}}}], directResponse: {status: 504}},
                    {directResponse: {status: 503}}")
    .sidecar("shop");
    let call = |headers: &[(&str, &str)]| {
        let call = headers.iter().fold(Call::get("http://web/"), |call, (name, value)| call.with(name, value));
        held.call(&call)
    };
    assert_eq!(call(&[("x-a", "")]), status(501));
    assert_eq!(call(&[]), status(502));
    assert_eq!(call(&[("x-b", "1")]), status(504), "a header that is missing is not like d");
    assert_eq!(call(&[("x-b", "1"), ("x-c", "d")]), status(503));
}

#[test]
fn case_in_paths_matters_unless_a_condition_ignores_it() {
    let held = web("{match: [{uri: {prefix: /Shop}, ignoreUriCase: true}], directResponse: {status: 501}},
                    {match: [{uri: {exact: /Cart}}], directResponse: {status: 502}},
                    {directResponse: {status: 503}}")
    .sidecar("shop");
    assert_eq!(held.call(&Call::get("http://web/sHOP/x")), status(501));
    assert_eq!(held.call(&Call::get("http://web/cart")), status(503));
}

#[test]
fn what_comes_after_a_route_for_everything_is_never_reached() {
    let held =
        web("{route: [{destination: {host: web, subset: v1}}]}, {directResponse: {status: 501}}").sidecar("shop");
    assert_eq!(held.cluster(&Call::get("http://web/")), outbound(80, "v1", "web"));
    let routes = held.0["routes"]["80"]["virtualHosts"].as_array().unwrap();
    let host = routes.iter().find(|h| h["name"] == "web.shop.svc.cluster.local:80").unwrap();
    assert_eq!(host["routes"].as_array().unwrap().len(), 1);
}

#[test]
fn calls_are_shared_by_weight_and_a_weight_of_zero_has_no_share() {
    let to = |subset, weight| format!("{{destination: {{host: web, subset: {subset}}}, weight: {weight}}}");
    let held = web(&format!("{{route: [{}, {}, {}]}}", to("v1", 10), to("v2", 90), to("v3", 0))).sidecar("shop");
    let shares = held.clusters(&Call::get("http://web/"));
    assert_eq!(shares, [(outbound(80, "v2", "web"), 90), (outbound(80, "v1", "web"), 10)]);
    let alone = web("{route: [{destination: {host: web, subset: v1}, weight: 0}]}").sidecar("shop");
    assert_eq!(alone.cluster(&Call::get("http://web/")), outbound(80, "v1", "web"), "a single one gets everything");
}

#[test]
fn a_rewrite_replaces_the_prefix_that_was_matched_and_keeps_the_query() {
    let held = web("{match: [{uri: {prefix: /old}}], rewrite: {uri: /new, authority: inner}, route: [{destination: {host: web}}]},
                    {match: [{uri: {exact: /one}}], rewrite: {uri: /two}, route: [{destination: {host: web}}]},
                    {rewrite: {uriRegexRewrite: {match: '/([a-z]+)/([0-9]+)', rewrite: '/\\2/\\1'}}, route: [{destination: {host: web}}]}")
    .sidecar("shop");
    let sent = held.sent(&Call::get("http://web/old/a?b=c"));
    assert_eq!((&*sent.path, &*sent.headers["host"]), ("/new/a?b=c", "inner"));
    assert_eq!(held.sent(&Call::get("http://web/one")).path, "/two");
    assert_eq!(held.sent(&Call::get("http://web/item/7?x")).path, "/7/item?x");
}

#[test]
fn headers_are_removed_then_set_and_added_and_the_authority_is_no_header() {
    let held = web("{headers: {request: {set: {x-set: new, Host: other}, add: {x-add: more, x-fresh: one}, remove: [x-gone, x-none]}},
                     route: [{destination: {host: web}, headers: {request: {set: {x-own: own}, add: {x-set: extra}}}}]}")
    .sidecar("shop");
    let call = [("x-set", "old"), ("x-add", "old"), ("x-gone", "old")];
    let call = call.iter().fold(Call::get("http://web/"), |call, (name, value)| call.with(name, value));
    let sent = held.sent(&call);
    let of = |name: &str| sent.headers.get(name).map(String::as_str);
    assert_eq!((of("x-set"), of("x-add"), of("x-fresh")), (Some("new,extra"), Some("old,more"), Some("one")));
    assert_eq!((of("x-own"), of("x-gone"), of("host")), (Some("own"), None, Some("other")));
}

#[test]
fn a_redirect_keeps_what_it_does_not_name() {
    let held = web("{match: [{uri: {prefix: /a}}], redirect: {authority: new.example}},
                    {match: [{uri: {prefix: /b}}], redirect: {uri: /there, scheme: https, redirectCode: 302}},
                    {match: [{uri: {prefix: /c}}], redirect: {prefixRewrite: /d, port: 444, scheme: https}},
                    {match: [{uri: {prefix: /e}}], redirect: {derivePort: FROM_REQUEST_PORT, scheme: https, authority: x.example}},
                    {redirect: {port: 443, scheme: https, redirectCode: 308}}")
    .sidecar("shop");
    let to = |status: &str, place: &str| Outcome::Redirected(status.to_owned(), place.to_owned());
    let call = |path: &str| held.call(&Call::get(&format!("http://web{path}")));
    assert_eq!(call("/a/b?c=d"), to("MOVED_PERMANENTLY", "http://new.example/a/b?c=d"));
    assert_eq!(call("/b/b"), to("FOUND", "https://web/there"));
    assert_eq!(call("/c/x"), to("MOVED_PERMANENTLY", "https://web:444/d/x"));
    assert_eq!(call("/e"), to("MOVED_PERMANENTLY", "https://x.example:80/e"));
    assert_eq!(call("/z"), to("PERMANENT_REDIRECT", "https://web/z"), "443 is the scheme's own");
}

#[test]
fn copies_go_to_mirrors_by_their_share_and_none_where_it_is_zero() {
    let held = web(
        "{match: [{uri: {prefix: /a}}], route: [{destination: {host: web}}], mirror: {host: api}, mirrorPercentage: {value: 12.5}},
         {match: [{uri: {prefix: /b}}], route: [{destination: {host: web}}],
          mirrors: [{destination: {host: web, subset: v2}}, {destination: {host: bare}, percentage: {value: 0}}]},
         {route: [{destination: {host: web}}], mirror: {host: api}}",
    )
    .sidecar("shop");
    assert_eq!(held.sent(&Call::get("http://web/a")).copies, [(outbound(80, "", "api"), 12.5)]);
    assert_eq!(held.sent(&Call::get("http://web/b")).copies, [(outbound(80, "v2", "web"), 100.0)]);
    assert_eq!(held.sent(&Call::get("http://web/")).copies, [(outbound(80, "", "api"), 100.0)]);
}

#[test]
fn attempts_are_repeated_by_istios_default_the_meshs_or_the_routes() {
    let http = "{match: [{uri: {prefix: /own}}], route: [{destination: {host: web}}],
          retries: {attempts: 5, retryOn: 'gateway-error,503', perTryTimeout: 2s, backoff: 25ms, retryRemoteLocalities: true,
                    retryIgnorePreviousHosts: false}},
        {match: [{uri: {prefix: /none}}], route: [{destination: {host: web}}], retries: {attempts: 0}},
        {route: [{destination: {host: web}}]}";
    let policy = |mesh: &mut Mesh, path: &str| {
        mesh.sidecar("shop").sent(&Call::get(&format!("http://web{path}"))).action["retryPolicy"].clone()
    };
    let mut mesh = web(http);
    let own = policy(&mut mesh, "/own");
    assert_eq!((&own["numRetries"], &own["perTryTimeout"]), (&json!(5), &json!("2s")));
    assert_eq!(own["retryOn"], "gateway-error,retriable-status-codes");
    assert_eq!(own["retriableStatusCodes"], json!([503]));
    assert_eq!(own["retryBackOff"]["baseInterval"], "0.025s");
    assert!(own.get("retryHostPredicate").is_none() && own["retryPriority"].is_object(), "{own}");
    assert!(policy(&mut mesh, "/none").is_null());
    let default = policy(&mut mesh, "/");
    assert_eq!((&default["numRetries"], default["retryHostPredicate"].as_array().unwrap().len()), (&json!(2), 1));

    let settings = "defaultHttpRetryPolicy: {attempts: 1, retryOn: reset}";
    let rule = routes("shop/web", &format!("hosts: [web], http: [{http}]"));
    let mut mesh = Mesh::new(&[crate::world::shop(), vec![rule]].concat(), settings);
    assert_eq!(policy(&mut mesh, "/")["retryOn"], "reset");
    assert_eq!(policy(&mut mesh, "/own")["numRetries"], 5);
    let plain = mesh.sidecar("shop").sent(&Call::get("http://api/")).action["retryPolicy"]["numRetries"].clone();
    assert_eq!(plain, 1, "services without rules too");
}

#[test]
fn faults_and_cross_origin_rules_are_the_routes_own() {
    let held = web("{match: [{uri: {prefix: /a}}], fault: {delay: {fixedDelay: 1.5s, percentage: {value: 0.5}}, abort: {grpcStatus: UNAVAILABLE, percentage: {value: 100}}},
                     corsPolicy: {allowOrigins: [{prefix: 'https://'}], unmatchedPreflights: IGNORE}, route: [{destination: {host: web}}]},
                    {route: [{destination: {host: web}}]}")
    .sidecar("shop");
    let filters = held.sent(&Call::get("http://web/a")).filters;
    let fault = &filters["envoy.filters.http.fault"];
    assert_eq!((&fault["delay"]["fixedDelay"], &fault["abort"]["grpcStatus"]), (&json!("1.500s"), &json!(14)));
    assert_eq!(fault["delay"]["percentage"], json!({"numerator": 5000, "denominator": "MILLION"}));
    assert_eq!(filters["envoy.filters.http.cors"]["forwardNotMatchingPreflights"], false);
    assert!(held.sent(&Call::get("http://web/")).filters.is_null());
}
