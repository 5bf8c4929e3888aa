//! What routes look like.

use envoy_types::pb::envoy::config::route::v3::route::Action;
use envoy_types::pb::envoy::config::route::v3::route_action::{ClusterSpecifier, HostRewriteSpecifier};
use envoy_types::pb::envoy::config::route::v3::{RedirectAction, RetryPolicy, Route, RouteAction};
use serde_json::{Value, json};

use super::*;
use crate::api::Spec;
use crate::api::virtual_service::HttpRoute;
use crate::model::facts::{ExportTo, Handle, VirtualService};

const ALL: Extensions = Extensions { fault: true, cors: true, previous_hosts: true, previous_priorities: true };

fn defaults() -> Arc<Defaults> {
    Arc::new(Defaults { attempt_count: true, plain_shadows: true, extensions: ALL, ..Defaults::default() })
}

/// A VirtualService `r` with one route, for calls to port 80, under its first condition if it has any.
fn recipe(route: Value) -> Rule {
    let http = vec![said(route)];
    let picks = vec![Pick { route: 0, condition: condition_of(&http[0]) }];
    let rule = VirtualService {
        name: "r".into(),
        namespace: "shop".into(),
        created: 0,
        hosts: vec!["api.shop".into()],
        gateways: vec!["mesh".into()],
        export_to: ExportTo::All,
        http,
        tls: Vec::new(),
        tcp: Vec::new(),
        by_path_segment: false,
    };
    Rule {
        rule: Handle::new(rule),
        port: 80,
        picks,
        targets: Default::default(),
        hashes: Default::default(),
        defaults: defaults(),
        edge: None,
    }
}

/// A route as users write it.
fn said(route: Value) -> HttpRoute {
    let document = json!({"apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
                          "metadata": {"name": "r", "namespace": "shop"},
                          "spec": {"hosts": ["api.shop"], "gateways": ["shop/front"], "http": [route]}});
    let decoded = crate::api::decode(document, None);
    match decoded.object.map(|o| o.spec) {
        Some(Spec::VirtualService(mut spec)) => spec.http.remove(0),
        _ => panic!("{:?}", decoded.findings),
    }
}

fn condition_of(route: &HttpRoute) -> Option<usize> {
    (!route.r#match.is_empty()).then_some(0)
}

fn route(said: Value) -> Route {
    recipe(said).routes().remove(0)
}

/// The action of a route to `a.b`, with whatever else is said.
fn forward(more: Value) -> RouteAction {
    let mut said = json!({"route": [{"destination": {"host": "a.b"}}]});
    more.as_object().unwrap().iter().for_each(|(key, value)| said[key] = value.clone());
    match route(said).action {
        Some(Action::Route(action)) => action,
        other => panic!("{other:?}"),
    }
}

fn retry(said: Value) -> Option<RetryPolicy> {
    forward(json!({ "retries": said })).retry_policy
}

fn redirect(said: Value) -> RedirectAction {
    match route(json!({ "redirect": said })).action {
        Some(Action::Redirect(action)) => action,
        other => panic!("{other:?}"),
    }
}

#[test]
fn calls_are_tried_again_twice_and_elsewhere_unless_something_else_is_said() {
    let policy = forward(json!({})).retry_policy.unwrap();
    assert_eq!(policy.num_retries.unwrap().value, 2);
    assert_eq!(policy.retry_on, "connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes");
    assert_eq!((policy.retry_host_predicate.len(), policy.host_selection_retry_max_attempts), (1, 5));
    assert_eq!(retry(json!({"attempts": 0})), None);
    let policy =
        retry(json!({"attempts": 1, "retryIgnorePreviousHosts": false, "retryRemoteLocalities": true})).unwrap();
    assert!(policy.retry_host_predicate.is_empty() && policy.retry_priority.is_some());
}

#[test]
fn status_codes_among_the_conditions_of_retries_are_told_apart() {
    let on = |text: &str| {
        let policy = retry(json!({"attempts": 1, "retryOn": text})).unwrap();
        (policy.retry_on, policy.retriable_status_codes)
    };
    assert_eq!(on("5xx,503,reset,418"), ("5xx,reset,retriable-status-codes".to_owned(), vec![503, 418]));
    assert_eq!(on("retriable-status-codes,503"), ("retriable-status-codes".to_owned(), vec![503]));
}

#[test]
fn retries_stay_with_the_endpoint_where_calls_are_hashed() {
    let mut rule = recipe(json!({"route": [{"destination": {"host": "a.b"}}]}));
    rule.hashes.insert((0, 0), Some(HashKey::HttpHeaderName("x-user".into())));
    let Some(Action::Route(action)) = rule.routes().remove(0).action else { panic!("no action") };
    assert_eq!(action.hash_policy.len(), 1);
    assert!(action.retry_policy.unwrap().retry_host_predicate.is_empty());
}

#[test]
fn destinations_without_weight_get_nothing_beside_others() {
    let of = |weights: [i32; 2]| {
        let to = |w: &i32| json!({"destination": {"host": "a.b", "subset": format!("v{w}")}, "weight": w});
        let action = forward(json!({"route": weights.iter().map(to).collect::<Vec<_>>()}));
        match action.cluster_specifier {
            Some(ClusterSpecifier::WeightedClusters(all)) => all.clusters.into_iter().map(|c| c.name).collect(),
            other => panic!("{other:?}"),
        }
    };
    let names: Vec<String> = of([100, 0]);
    assert_eq!(names, ["outbound|80|v100|a.b"]);
}

#[test]
fn the_name_of_a_single_destination_is_that_of_the_operation() {
    let of = |said: Value| route(said).decorator.unwrap().operation;
    assert_eq!(of(json!({"route": [{"destination": {"host": "a.b", "port": {"number": 81}}}]})), "a.b:81/*");
    assert_eq!(of(json!({"match": [{"uri": {"exact": "/x"}}], "directResponse": {"status": 200}})), "r:80/x");
    let two = json!([{"destination": {"host": "a.b"}, "weight": 1}, {"destination": {"host": "c.d"}, "weight": 1}]);
    assert_eq!(of(json!({"match": [{"uri": {"regex": "/y.*"}}], "route": two})), "r:80/y.*");
}

#[test]
fn an_alias_is_called_by_what_it_stands_for() {
    let mut rule = recipe(json!({"route": [{"destination": {"host": "old.b"}}], "mirror": {"host": "old.b"}}));
    rule.targets.insert("old.b".into(), "new.b".into());
    let Some(Action::Route(action)) = rule.routes().remove(0).action else { panic!("no action") };
    assert_eq!(action.cluster_specifier, Some(ClusterSpecifier::Cluster("outbound|80||new.b".to_owned())));
    assert_eq!(action.request_mirror_policies[0].cluster, "outbound|80||new.b");
}

#[test]
fn the_authority_is_changed_by_a_rewrite_or_as_a_header() {
    let header = json!({"request": {"set": {"Host": "by-header", "x-a": "1"}}});
    let of = |more: Value| match forward(more).host_rewrite_specifier {
        Some(HostRewriteSpecifier::HostRewriteLiteral(name)) => name,
        other => format!("{other:?}"),
    };
    assert_eq!(of(json!({ "headers": header })), "by-header");
    assert_eq!(of(json!({"rewrite": {"authority": "by-rewrite"}})), "by-rewrite");
    assert_eq!(of(json!({"headers": header, "rewrite": {"uri": "/"}})), "by-header");
    assert_eq!(of(json!({"route": [{"destination": {"host": "a.b"}, "headers": header}]})), "by-header");
    let added = route(json!({"route": [{"destination": {"host": "a.b"}}], "headers": header})).request_headers_to_add;
    assert_eq!(added.into_iter().map(|h| h.header.unwrap().key).collect::<Vec<_>>(), ["x-a"]);
}

#[test]
fn headers_of_a_single_destination_become_those_of_the_route_after_its_own() {
    let request = |name: &str| json!({"request": {"set": {name: "1"}, "remove": [name]}});
    let to = json!([{"destination": {"host": "a.b"}, "headers": request("x-b")}]);
    let route = route(json!({"headers": request("x-a"), "route": to}));
    let added = route.request_headers_to_add.into_iter().map(|h| h.header.unwrap().key);
    assert_eq!(added.collect::<Vec<_>>(), ["x-a", "x-b"]);
    assert_eq!(route.request_headers_to_remove, ["x-a", "x-b"]);
}

#[test]
fn redirects_leave_out_the_port_that_goes_without_saying() {
    let port = |said: Value| redirect(said).port_redirect;
    assert_eq!(port(json!({"port": 80})), 0);
    assert_eq!(port(json!({"port": 443, "scheme": "https"})), 0);
    assert_eq!(port(json!({"port": 443})), 443);
    assert_eq!(port(json!({"derivePort": "FROM_REQUEST_PORT", "scheme": "https"})), 80);
    assert_eq!(port(json!({"derivePort": "FROM_PROTOCOL_DEFAULT"})), 0);
}

#[test]
fn mirrors_get_all_calls_unless_a_share_is_said_and_none_of_zero() {
    let shares = |more: Value| -> Vec<u32> {
        let mirrors = forward(more).request_mirror_policies.into_iter();
        mirrors.map(|m| m.runtime_fraction.unwrap().default_value.unwrap().numerator).collect()
    };
    assert_eq!(shares(json!({"mirror": {"host": "m.b"}})), [100]);
    assert_eq!(shares(json!({"mirror": {"host": "m.b"}, "mirrorPercent": 20})), [20]);
    assert_eq!(shares(json!({"mirror": {"host": "m.b"}, "mirrorPercentage": {"value": 33.3}})), [333_000]);
    assert_eq!(shares(json!({"mirror": {"host": "m.b"}, "mirrorPercentage": {"value": 0}})), [0; 0]);
    let two = json!([{"destination": {"host": "m.b"}}, {"destination": {"host": "n.b"}, "percentage": {"value": 5}}]);
    assert_eq!(shares(json!({ "mirrors": two })), [100, 50_000]);
}

#[test]
fn headers_are_matched_in_order_and_absent_ones_count_as_different() {
    let said = json!({"headers": {"x-c": {"exact": "1"}, "x-a": {}}, "withoutHeaders": {"x-b": {"prefix": "p"}, "x-d": {"regex": "*"}}, "method": {"exact": "GET"}});
    let headers = route(json!({"match": [said], "route": [{"destination": {"host": "a.b"}}]})).r#match.unwrap().headers;
    let names: Vec<&str> = headers.iter().map(|h| h.name.as_str()).collect();
    assert_eq!(names, ["x-a", "x-b", "x-c", "x-d", ":method"]);
    let inverted: Vec<_> = headers.iter().map(|h| (h.invert_match, h.treat_missing_header_as_empty)).collect();
    assert_eq!(inverted, [(false, false), (true, true), (false, false), (true, false), (false, false)]);
}

#[test]
fn claims_of_tokens_are_matched_where_their_filter_put_them() {
    let of = |name: &str| {
        let said = json!({"headers": {name: {"exact": "admin"}}});
        let found = route(json!({"match": [said], "route": [{"destination": {"host": "a.b"}}]})).r#match.unwrap();
        (found.dynamic_metadata.len(), found.headers.len(), found.dynamic_metadata.first().map(|m| m.path.len()))
    };
    assert_eq!(of("@request.auth.claims.group.id"), (1, 0, Some(3)));
    assert_eq!(of("@request.auth.claims[group][sub.id]"), (1, 0, Some(3)));
    assert_eq!(of("x-claims"), (0, 1, None));
}

#[test]
fn faults_and_cross_origin_rules_are_left_out_where_their_filter_is_missing() {
    let said = json!({"route": [{"destination": {"host": "a.b"}}], "corsPolicy": {"allowOrigins": [{"exact": "https://a"}]},
                      "fault": {"abort": {"grpcStatus": "UNAVAILABLE", "percentage": {"value": 1}}}});
    let mut rule = recipe(said);
    let filters = |rule: &Rule| {
        let mut names: Vec<String> = rule.routes().remove(0).typed_per_filter_config.into_keys().collect();
        names.sort();
        names
    };
    assert_eq!(filters(&rule), ["envoy.filters.http.cors", "envoy.filters.http.fault"]);
    rule.defaults = Arc::default();
    assert!(filters(&rule).is_empty());
}

#[test]
fn unknown_hosts_are_allowed_resolved_or_refused() {
    let name = |unknown| CatchAll { unknown, defaults: defaults() }.build().unwrap().routes[0].name.clone();
    assert_eq!(name(Unknown::Allow), "allow_any");
    assert_eq!(name(Unknown::Resolve), "allow_any_dynamic_dns");
    assert_eq!(name(Unknown::Block), "block_all");
}

#[test]
fn an_ipv6_host_stands_in_brackets() {
    assert_eq!(domain("fd00::1", 80), "[fd00::1]:80");
    assert_eq!(domain("a.b", 80), "a.b:80");
}
