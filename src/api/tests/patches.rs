//! What is said of patches of EnvoyFilters.

use super::*;

/// The findings of an EnvoyFilter with one patch.
fn patch_findings(patch: &str) -> Vec<String> {
    findings(&format!(
        "apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nmetadata: {{name: filter, namespace: shop}}\n\
         spec:\n  configPatches:\n  - {patch}"
    ))
}

#[test]
fn a_patch_that_cannot_be_applied_is_left_out_and_the_others_hold() {
    let wrong = |patch: &str, field: &str, text: &str| {
        let found = patch_findings(patch);
        assert!(
            found.iter().any(|f| f.starts_with(&format!("Error patch spec.configPatches[0].{field}: {text}"))),
            "{found:?}"
        );
    };
    wrong("{patch: {operation: MERGE, value: {}}}", "applyTo", "must say");
    wrong("{applyTo: CLUSTER}", "patch", "must be set");
    wrong("{applyTo: CLUSTER, patch: {value: {}}}", "patch.operation", "must be set");
    wrong("{applyTo: CLUSTER, patch: {operation: MERGE}}", "patch.value", "must be set");
    wrong("{applyTo: CLUSTER, patch: {operation: MERGE, value: {name: true}}}", "patch.value", "is no envoy.config");
    wrong("{applyTo: CLUSTER, patch: {operation: ADD, value: {connect_timeout: 0s}}}", "patch.value", "Envoy would");
    wrong("{applyTo: HTTP_FILTER, patch: {operation: ADD, value: {name: x}}}", "patch.value", "has no typedConfig");
    wrong(
        "{applyTo: HTTP_FILTER, patch: {operation: ADD, value: {name: x, typed_config: {'@type': a/b.C}}}}",
        "patch.value",
        "is no envoy.extensions",
    );
    let merge = "patch: {operation: MERGE, value: {}}";
    wrong(&format!("{{applyTo: CLUSTER, match: {{listener: {{}}}}, {merge}}}"), "match", "must be cluster");
    wrong(&format!("{{applyTo: HTTP_ROUTE, match: {{cluster: {{}}}}, {merge}}}"), "match", "must be routeConf");
    wrong(&format!("{{applyTo: LISTENER, match: {{cluster: {{}}}}, {merge}}}"), "match", "must be listener");
    wrong(
        &format!("{{applyTo: CLUSTER, match: {{proxy: {{proxyVersion: 'a++('}}}}, {merge}}}"),
        "match.proxy.proxyVersion",
        "must be",
    );
    let filter = |f: &str| format!("match: {{listener: {{filterChain: {{filter: {f}}}}}}}, {merge}");
    let at = "match.listener.filterChain.filter";
    wrong(&format!("{{applyTo: NETWORK_FILTER, {}}}", filter("{}")), at, "must have a name");
    let sub = filter("{name: x, subFilter: {name: sub}}");
    wrong(&format!("{{applyTo: NETWORK_FILTER, {sub}}}"), &format!("{at}.subFilter"), "is for applyTo HTTP_FILTER");
    wrong(&format!("{{applyTo: HTTP_FILTER, {sub}}}"), &format!("{at}.subFilter"), "needs a filter");
}

#[test]
fn what_a_patch_says_in_vain_is_a_warning() {
    let warned = |patch: &str, code: &str| {
        let found = patch_findings(patch);
        assert!(found.len() == 1 && found[0].starts_with(&format!("Warning {code}")), "{found:?}");
    };
    warned("{applyTo: CLUSTER, patch: {operation: REPLACE, value: {name: x}}}", "ineffective");
    warned("{applyTo: ROUTE_CONFIGURATION, patch: {operation: REMOVE}}", "ineffective");
    warned("{applyTo: CLUSTER, patch: {operation: MERGE, value: {no_such_field: 1}}}", "unknown-field");
    let long = "x".repeat(1025);
    warned(
        &format!("{{applyTo: CLUSTER, match: {{proxy: {{proxyVersion: {long}}}}}, patch: {{operation: REMOVE}}}}"),
        "ineffective",
    );
}
