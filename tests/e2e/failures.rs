//! What sidecars do about servers that fail, are slow or are too many, and the faults they inject themselves.

use std::time::{Duration, Instant};

use super::site::{ONE, Site, THREE, TWO, WEB, policy, routes};
use crate::support::process::{PATIENCE, eventually};

#[test]
fn a_call_is_tried_again_as_often_and_on_what_its_route_says() {
    let http = "{match: [{uri: {exact: /twice}}], retries: {attempts: 2, retryOn: '5xx'},
          route: [{destination: {host: web}}]},
        {match: [{uri: {exact: /never}}], retries: {attempts: 0}, route: [{destination: {host: web}}]},
        {match: [{uri: {exact: /others}}], retries: {attempts: 2, retryOn: '501,connect-failure'},
          route: [{destination: {host: web}}]}";
    let site = Site::open(&[ONE], &routes(http));
    let outcome = |path: &str, failures: usize| {
        let before = site.backends[0].asked().len();
        site.backends[0].fail(failures);
        let status = site.get(path, &[]).status;
        site.backends[0].fail(0);
        (status, site.backends[0].asked().len() - before)
    };
    assert_eq!(outcome("/twice", 2), (200, 3));
    assert_eq!(outcome("/twice", 3), (503, 3));
    assert_eq!(outcome("/never", 1), (503, 1));
    assert_eq!(outcome("/others", 1), (503, 1));
}

/// Envoy looks for another backend six times at random, so that a call in 128 fails nevertheless; one in four if it
/// did not look.
#[test]
fn another_attempt_avoids_the_backend_that_failed() {
    let http = "{retries: {attempts: 1, retryOn: '5xx'}, route: [{destination: {host: web}}]}";
    let site = Site::open(&[ONE, TWO], &(routes(http) + &policy("loadBalancer: {simple: RANDOM}")));
    site.backends[0].fail(usize::MAX);
    let failed = (0..120).filter(|_| site.get("/", &[]).status != 200).count();
    assert!(failed <= 8, "{failed} of 120 calls failed");
    assert!(site.backends[0].asked().len() > 20, "it was hardly tried");
}

#[test]
fn a_call_that_takes_too_long_is_given_up() {
    let http = "{match: [{uri: {exact: /short}}], timeout: 2s, retries: {attempts: 0},
          route: [{destination: {host: web}}]},
        {match: [{uri: {exact: /each}}], timeout: 30s, retries: {attempts: 1, perTryTimeout: 200ms, retryOn: 'reset'},
          route: [{destination: {host: web}}]}";
    let site = Site::open(&[ONE], &routes(http));
    let start = Instant::now();
    assert_eq!(site.get("/short", &[("hold", "")]).status, 504);
    assert_eq!(site.get("/each", &[("hold", "")]).status, 504);
    assert!(start.elapsed() >= Duration::from_millis(2400), "one attempt of 2 s and two of 200 ms each");
    assert_eq!(site.backends[0].asked().len(), 3);
    assert_eq!(site.get("/short", &[]).status, 200);
}

#[test]
fn faults_are_for_those_calls_that_a_route_names() {
    let fault = |user: &str, fault: &str| {
        format!(
            "{{match: [{{headers: {{end-user: {{exact: {user}}}}}}}], fault: {{{fault}}}, \
             route: [{{destination: {{host: web}}}}]}}"
        )
    };
    let http = [
        fault("slow", "delay: {percentage: {value: 100}, fixedDelay: 400ms}"),
        fault("broken", "abort: {percentage: {value: 100}, httpStatus: 418}"),
        fault("grpc", "abort: {percentage: {value: 100}, grpcStatus: NOT_FOUND}"),
        fault("lucky", "abort: {percentage: {value: 0}, httpStatus: 418}"),
        "{route: [{destination: {host: web}}]}".to_owned(),
    ];
    let site = Site::open(&[ONE], &routes(&http.join(", ")));
    let as_user = |user: &str| site.get("/", &[("end-user", user)]);
    assert_eq!(as_user("broken").status, 418);
    let of_grpc = site.get("/", &[("end-user", "grpc"), ("content-type", "application/grpc")]);
    assert_eq!((of_grpc.status, of_grpc.header("grpc-status")), (200, "5"));
    assert!(site.backends[0].asked().is_empty());

    let start = Instant::now();
    assert_eq!(as_user("slow").status, 200);
    assert!(start.elapsed() >= Duration::from_millis(400));
    assert_eq!([as_user("lucky").status, as_user("other").status], [200, 200]);
    assert_eq!(site.client.statistic("http.outbound_0.0.0.0_80;.fault.delays_injected"), 1);
}

#[test]
fn calls_beyond_the_limits_overflow_at_once_and_the_others_are_answered() {
    let limits = "connectionPool: {tcp: {maxConnections: 1}, http: {http1MaxPendingRequests: 1}}";
    let site = Site::open(&[ONE], &policy(limits));
    let cluster = format!("cluster.outbound|80||{WEB};");
    let statistic = |name: &str| site.client.statistic(&format!("{cluster}.{name}"));
    std::thread::scope(|scope| {
        let held = scope.spawn(|| site.get("/held", &[("hold", "")]));
        eventually(PATIENCE, "the first call at the backend", || (site.backends[0].asked().len() == 1).then_some(()));
        let waiting = scope.spawn(|| site.get("/waiting", &[]));
        eventually(PATIENCE, "a waiting call", || (statistic("upstream_rq_pending_active") == 1).then_some(()));

        let refused = site.get("/refused", &[]);
        assert_eq!((refused.status, refused.header("x-envoy-overloaded")), (503, "true"), "{refused:?}");
        site.backends[0].release();
        assert_eq!(held.join().unwrap().status, 200);
        assert_eq!(waiting.join().unwrap().status, 200);
    });
    assert_eq!(statistic("upstream_rq_pending_overflow"), 1);
    let paths: Vec<String> = site.backends[0].asked().into_iter().map(|asked| asked.path).collect();
    assert_eq!(paths, ["/held", "/waiting"]);
}

#[test]
fn calls_leave_a_zone_whose_backends_fail_and_then_the_region() {
    let detection = "outlierDetection: {consecutive5xxErrors: 2, interval: 100ms, baseEjectionTime: 300s,
          maxEjectionPercent: 100}";
    let site = Site::open(&[ONE, TWO, THREE], &policy(detection));
    let only = |name: &str| {
        for _ in 0..20 {
            assert_eq!(site.get("/", &[]).backend(), name);
        }
    };
    let moved_to = |name: &str| {
        eventually(PATIENCE, &format!("calls to move to {name}"), || {
            (site.get("/", &[]).backend() == name).then_some(())
        });
    };
    only("web-1");
    site.backends[0].fail(usize::MAX);
    moved_to("web-2");
    only("web-2");
    site.backends[1].fail(usize::MAX);
    moved_to("web-3");
    only("web-3");
}

#[test]
fn without_outlier_detection_places_do_not_matter() {
    let site = Site::open(&[ONE, TWO, THREE], &policy("loadBalancer: {simple: RANDOM}"));
    let backends: std::collections::BTreeSet<String> = (0..60).map(|_| site.get("/", &[]).backend()).collect();
    assert_eq!(backends.len(), 3, "{backends:?}");
}
