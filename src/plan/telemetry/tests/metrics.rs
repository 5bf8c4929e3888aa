//! Istio's metrics.

use super::*;
use crate::generate::filter::Stats;

fn stats(telemetries: &[String], inbound: bool) -> Vec<Stats> {
    let mesh = world(json!({"defaultProviders": {"metrics": ["prometheus"]}}), telemetries);
    ask(&mesh, &shop(), |t| t.stats(inbound, false))
}

fn overriding(namespace: &str, name: &str, overrides: &str) -> String {
    telemetry(namespace, name, &format!("metrics: [{{overrides: [{overrides}]}}]"))
}

/// Name, whether it is dropped, labels added and labels removed.
fn changes(stats: &[Stats]) -> Vec<String> {
    let [stats] = stats else { panic!("{stats:?}") };
    let change = |c: &crate::generate::filter::MetricChange| {
        let added: String = c.added.iter().map(|(name, cel)| format!(" {name}={cel}")).collect();
        let removed: String = c.removed.iter().map(|name| format!(" -{name}")).collect();
        format!("{}{}{added}{removed}", c.name, if c.dropped { " dropped" } else { "" })
    };
    stats.changes.iter().map(change).collect()
}

#[test]
fn a_change_holds_for_its_side_and_adds_to_what_wider_levels_say() {
    let root = overriding("istio-system", "m", "{match: {metric: REQUEST_SIZE, mode: CLIENT}, disabled: true}");
    let own = overriding(
        "shop",
        "own",
        "{match: {metric: REQUEST_SIZE}, tagOverrides: {a: {value: 'x.y'}, b: {operation: REMOVE}}}, {match: {customMetric: mine}, disabled: true}",
    );
    assert_eq!(
        changes(&stats(&[root.clone(), own.clone()], false)),
        ["request_bytes dropped a=x.y -b", "mine dropped"]
    );
    assert_eq!(changes(&stats(&[root, own], true)), ["request_bytes a=x.y -b", "mine dropped"]);
}

#[test]
fn all_metrics_disabled_is_no_filter_until_a_narrower_level_wants_one() {
    let off = overriding("istio-system", "m", "{match: {metric: ALL_METRICS}, disabled: true}");
    let on = overriding("shop", "own", "{match: {metric: REQUEST_COUNT, mode: SERVER}, disabled: false}");
    assert!(stats(std::slice::from_ref(&off), true).is_empty());
    assert!(stats(&[off.clone(), on.clone()], false).is_empty());
    assert_eq!(changes(&stats(&[off, on], true)), ["requests_total"]);
}

#[test]
fn a_change_to_all_metrics_is_one_to_each() {
    let tag = overriding("shop", "own", "{tagOverrides: {a: {value: 'x'}}}");
    assert_eq!(changes(&stats(&[tag], true)).len(), 10);
}

#[test]
fn only_prometheus_counts_and_only_where_it_is_named_last() {
    let other = telemetry("shop", "own", "metrics: [{providers: [{name: envoy}]}]");
    assert!(stats(&[other], true).is_empty());
    let interval = telemetry("istio-system", "m", "metrics: [{reportingInterval: 9s}]");
    let found = stats(&[interval], true);
    assert_eq!(found[0].interval.map(|i| i.split().0), Some(9));
}
