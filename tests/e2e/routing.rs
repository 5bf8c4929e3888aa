//! Where calls go by what VirtualServices say, and what becomes of them on the way.

use std::collections::BTreeSet;

use super::site::{ONE, Site, THREE, TWO, WEB, policy, routes, versions};
use crate::support::http::Request;
use crate::support::process::{PATIENCE, eventually};

fn to(subset: &str) -> String {
    format!("route: [{{destination: {{host: web, subset: {subset}}}}}]")
}

#[test]
fn headers_query_and_path_decide_which_version_answers() {
    let http = [
        format!("{{match: [{{headers: {{end-user: {{exact: ann}}}}}}], {}}}", to("v2")),
        format!("{{match: [{{queryParams: {{try: {{regex: 'n.w'}}}}, uri: {{prefix: /shop}}}}], {}}}", to("v3")),
        format!("{{match: [{{withoutHeaders: {{end-user: {{}}}}, method: {{exact: PUT}}}}], {}}}", to("v3")),
        format!("{{{}}}", to("v1")),
    ];
    let site = Site::open(&[ONE, TWO, THREE], &(routes(&http.join(", ")) + &versions()));
    let answers = |path: &str, headers: &[(&str, &str)]| site.get(path, headers).backend();
    assert_eq!(answers("/", &[("end-user", "ann")]), "web-2");
    assert_eq!(answers("/", &[("end-user", "anna")]), "web-1");
    assert_eq!(answers("/shop/a?try=new", &[]), "web-3");
    assert_eq!(answers("/a?try=new", &[]), "web-1");
    assert_eq!(answers("/shop?try=newer", &[]), "web-1");
    let put = |headers| site.call(&Request { method: "PUT", authority: WEB, path: "/", headers }).backend();
    assert_eq!(put(&[]), "web-3");
    assert_eq!(put(&[("end-user", "bob")]), "web-1");
}

#[test]
fn calls_are_shared_by_weight_and_none_goes_to_a_weight_of_zero() {
    let share = |subset, weight| format!("{{destination: {{host: web, subset: {subset}}}, weight: {weight}}}");
    let http = format!("{{route: [{}, {}, {}]}}", share("v1", 75), share("v2", 25), share("v3", 0));
    let site = Site::open(&[ONE, TWO, THREE], &(routes(&http) + &versions()));
    let answers: Vec<String> = (0..400).map(|_| site.get("/", &[]).backend()).collect();
    let of = |name: &str| answers.iter().filter(|a| *a == name).count();
    // Five standard deviations around three quarters.
    assert!((257..=343).contains(&of("web-1")), "web-1 answered {} of 400", of("web-1"));
    assert_eq!((of("web-1") + of("web-2"), of("web-3")), (400, 0));
}

#[test]
fn alike_calls_stay_with_one_backend_and_others_are_spread() {
    let hashing = "loadBalancer: {consistentHash: {httpHeaderName: x-user}}";
    let site = Site::open(&[ONE, TWO, THREE], &policy(hashing));
    let by = |user: &str| site.get("/", &[("x-user", user)]).backend();
    let mut used = BTreeSet::new();
    for user in (0..12).map(|n| format!("user-{n}")) {
        let first = by(&user);
        assert!((0..5).all(|_| by(&user) == first), "{user} was sent away from {first}");
        used.insert(first);
    }
    assert!(used.len() > 1, "twelve users are all with {used:?}");
}

#[test]
fn paths_authorities_and_headers_are_changed_on_the_way() {
    let http = "{match: [{uri: {prefix: /old/}}],
          rewrite: {uri: /new/, authority: inner.example},
          headers: {request: {set: {x-set: '1'}, add: {x-add: '2'}, remove: [x-gone]},
                    response: {set: {x-answer: '3'}}},
          route: [{destination: {host: web}}]},
        {match: [{uri: {prefix: /items/}}], rewrite: {uriRegexRewrite: {match: '^/items/(\\d+)$', rewrite: '/by-id?id=\\1'}},
          route: [{destination: {host: web}}]},
        {route: [{destination: {host: web}}]}";
    let site = Site::open(&[ONE], &routes(http));
    let answer = site.get("/old/a?b=c", &[("x-gone", "here"), ("x-set", "0"), ("x-add", "0")]);
    let said = answer.said();
    assert_eq!((&said["path"], &said["authority"]), (&"/new/a?b=c".into(), &"inner.example".into()));
    let headers = &said["headers"];
    assert_eq!((&headers["x-set"], headers.get("x-gone")), (&"1".into(), None));
    assert!(headers["x-add"].as_str().unwrap().contains('2'), "{headers}");
    assert_eq!(answer.header("x-answer"), "3");
    assert_eq!(site.get("/items/42", &[]).said()["path"], "/by-id?id=42");
    let untouched = site.get("/other", &[]).said();
    assert_eq!((&untouched["path"], &untouched["authority"]), (&"/other".into(), &WEB.into()));
}

#[test]
fn redirects_and_fixed_answers_reach_no_backend() {
    let http = "{match: [{uri: {prefix: /moved}}],
          redirect: {authority: new.example, prefixRewrite: /here, scheme: https, port: 8443, redirectCode: 307}},
        {match: [{uri: {exact: /teapot}}], directResponse: {status: 418, body: {string: short and stout}}}";
    let site = Site::open(&[ONE], &routes(http));
    let moved = site.get("/moved/a?b=c", &[]);
    assert_eq!((moved.status, moved.header("location")), (307, "https://new.example:8443/here/a?b=c"));
    let teapot = site.get("/teapot", &[]);
    assert_eq!((teapot.status, &*teapot.body), (418, "short and stout"));
    assert_eq!(site.get("/nothing", &[]).status, 404, "no route takes it");
    assert!(site.backends[0].asked().is_empty());
}

#[test]
fn a_mirror_gets_a_copy_of_each_call_and_its_answers_go_nowhere() {
    let http = format!("{{{}, mirrors: [{{destination: {{host: web, subset: v2}}}}]}}", to("v1"));
    let site = Site::open(&[ONE, TWO], &(routes(&http) + &versions()));
    let paths: Vec<String> = (0..10).map(|n| format!("/{n}")).collect();
    site.backends[1].fail(usize::MAX);
    for path in &paths {
        let answer = site.get(path, &[]);
        assert_eq!((answer.status, answer.backend()), (200, "web-1".to_owned()));
    }
    let copies = eventually(PATIENCE, "all copies", || {
        Some(site.backends[1].asked()).filter(|asked| asked.len() == paths.len())
    });
    let copied: BTreeSet<String> = copies.iter().map(|asked| asked.path.clone()).collect();
    assert_eq!(copied, paths.into_iter().collect());
    assert!(copies.iter().all(|asked| asked.authority == WEB), "{copies:?}");
}

#[test]
fn browsers_are_told_which_origins_may_call() {
    let http = "{corsPolicy: {allowOrigins: [{exact: 'https://shop.example'}, {regex: 'https://.*[.]shop[.]example'}],
          allowMethods: [GET, PUT], allowHeaders: [x-token], exposeHeaders: [x-rest], maxAge: 60s,
          allowCredentials: true},
          route: [{destination: {host: web}}]}";
    let site = Site::open(&[ONE], &routes(http));
    let preflight = |origin: &str| {
        let headers = [("origin", origin), ("access-control-request-method", "PUT")];
        site.call(&Request { method: "OPTIONS", authority: WEB, path: "/", headers: &headers })
    };
    let allowed = preflight("https://shop.example");
    assert_eq!((allowed.status, allowed.header("access-control-allow-origin")), (200, "https://shop.example"));
    assert_eq!(allowed.header("access-control-allow-methods"), "GET,PUT");
    assert_eq!(allowed.header("access-control-allow-headers"), "x-token");
    assert_eq!(
        (allowed.header("access-control-max-age"), allowed.header("access-control-allow-credentials")),
        ("60", "true")
    );
    assert_eq!(preflight("https://a.shop.example").header("access-control-allow-origin"), "https://a.shop.example");
    assert!(site.backends[0].asked().is_empty(), "the proxy answers such calls itself");

    let foreign = preflight("https://evil.example");
    assert_eq!((foreign.header("access-control-allow-origin"), foreign.backend()), ("", "web-1".to_owned()));
    let call = site.get("/", &[("origin", "https://shop.example")]);
    assert_eq!(call.header("access-control-expose-headers"), "x-rest");
}
