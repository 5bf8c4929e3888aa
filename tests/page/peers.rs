//! Who may look, what is served, and what was there before.

use std::collections::BTreeMap;

use crate::scene::{ELSEWHERE, PAGE, Scene};
use crate::support::http::{Request, Response, call};

/// The answer to a request with headers.
fn ask(scene: &Scene, path: &str, authority: &str, headers: &[(&str, &str)]) -> Response {
    let request = Request { method: "GET", authority, path, headers };
    scene.network().inside(|| call(PAGE.parse().unwrap(), &request)).expect("mizzen answers")
}

#[test]
fn callers_from_elsewhere_and_strangers_pages_are_refused_as_debug_pages_are() {
    let scene = Scene::open(&[]);
    for path in ["/ui/", "/ui/app.js", "/ui/api/overview", "/debug/syncz"] {
        assert_eq!(scene.get(ELSEWHERE, path).0, 401, "{path}");
        assert_eq!(scene.get(PAGE, path).0, 200, "{path}");
    }
    assert!(scene.get(ELSEWHERE, "/ui/").1.contains("the machine that mizzen runs on"), "it says what to do");
    for path in ["/ui/", "/ui/api/overview"] {
        assert_eq!(ask(&scene, path, "localhost:15014", &[]).status, 200);
        let stranger = ask(&scene, path, "rebound.evil.example", &[]);
        assert_eq!(stranger.status, 421, "{path}");
        assert!(stranger.body.contains("localhost"), "it says what to do");
    }
}

#[test]
fn no_path_that_istiod_has_is_another_one_and_the_page_is_on_the_monitoring_port_alone() {
    let scene = Scene::open(&[]);
    let of = |address: &str| -> BTreeMap<&str, u16> {
        let paths = ["/metrics", "/version", "/debug", "/debug/syncz", "/ready", "/nonsense", "/ui/nonsense", "/ui/"];
        paths.into_iter().map(|path| (path, scene.get(address, path).0)).collect()
    };
    let monitoring = of(PAGE);
    assert_eq!((monitoring["/metrics"], monitoring["/version"], monitoring["/debug"]), (200, 200, 200));
    assert_eq!((monitoring["/ready"], monitoring["/nonsense"], monitoring["/ui/nonsense"]), (404, 404, 404));
    let http = of("127.0.0.1:8080");
    assert_eq!((http["/ready"], http["/debug/syncz"], http["/ui/"]), (200, 200, 404));
    let front = ask(&scene, "/", PAGE, &[]);
    assert_eq!((front.status, front.header("location")), (307, "/ui/"));
}

#[test]
fn answers_forbid_what_the_page_does_not_need_and_are_not_sent_twice() {
    let scene = Scene::open(&[]);
    for (path, kind) in [
        ("/ui/", "text/html; charset=utf-8"),
        ("/ui/app.js", "text/javascript; charset=utf-8"),
        ("/ui/api/services", "application/json"),
    ] {
        let first = ask(&scene, path, PAGE, &[]);
        assert_eq!((first.status, first.header("content-type")), (200, kind));
        let policy = first.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!((first.header("x-content-type-options"), first.header("cache-control")), ("nosniff", "no-cache"));
        let again = ask(&scene, path, PAGE, &[("if-none-match", first.header("etag"))]);
        assert_eq!((again.status, again.body.as_str()), (304, ""), "{path}");
    }
    let wrong = ask(&scene, "/ui/api/holdings?id=nobody.shop", PAGE, &[]);
    assert_eq!(
        (wrong.status, wrong.said()["error"].as_str().unwrap()),
        (404, "this proxy is not connected to this replica")
    );
}
