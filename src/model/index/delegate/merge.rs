//! One route of a delegate under the route that points to it (istio `pilot/pkg/model/virtualservice.go`).

use std::collections::BTreeMap;

use crate::api::virtual_service::{HttpMatch, HttpRoute, StringMatch};
use crate::base::Str;

/// The delegate's route with everything it does not say itself taken from the root; none where it would match calls
/// that the root does not.
pub(super) fn route(root: &HttpRoute, mut leaf: HttpRoute) -> Option<HttpRoute> {
    leaf.r#match = matches(&root.r#match, leaf.r#match)?;
    leaf.name = joined(&root.name, leaf.name);
    leaf.rewrite = leaf.rewrite.or_else(|| root.rewrite.clone());
    leaf.direct_response = leaf.direct_response.or_else(|| root.direct_response.clone());
    leaf.timeout = leaf.timeout.or(root.timeout);
    leaf.retries = leaf.retries.or_else(|| root.retries.clone());
    leaf.fault = leaf.fault.or_else(|| root.fault.clone());
    leaf.mirror = leaf.mirror.or_else(|| root.mirror.clone());
    leaf.mirror_percent = leaf.mirror_percent.or(root.mirror_percent);
    leaf.mirror_percentage = leaf.mirror_percentage.or(root.mirror_percentage);
    leaf.cors_policy = leaf.cors_policy.or_else(|| root.cors_policy.clone());
    leaf.headers = leaf.headers.or_else(|| root.headers.clone());
    if leaf.mirrors.is_empty() {
        leaf.mirrors.clone_from(&root.mirrors);
    }
    Some(leaf)
}

/// Each condition of the delegate joined with each of the root's that it narrows. None if one narrows nothing.
fn matches(root: &[HttpMatch], leaf: Vec<HttpMatch>) -> Option<Vec<HttpMatch>> {
    if root.is_empty() {
        return Some(leaf);
    }
    if leaf.is_empty() {
        return Some(root.to_vec());
    }
    let mut out = Vec::new();
    for leaf in &leaf {
        let before = out.len();
        out.extend(root.iter().filter(|root| !conflicts(root, leaf)).map(|root| condition(root, leaf)));
        if out.len() == before {
            return None;
        }
    }
    Some(out)
}

fn condition(root: &HttpMatch, leaf: &HttpMatch) -> HttpMatch {
    let either = |a: &Option<StringMatch>, b: &Option<StringMatch>| a.clone().or_else(|| b.clone());
    let text = |a: &Str, b: &Str| if a.is_empty() { b.clone() } else { a.clone() };
    HttpMatch {
        name: joined(&root.name, leaf.name.clone()),
        uri: either(&leaf.uri, &root.uri),
        scheme: either(&leaf.scheme, &root.scheme),
        method: either(&leaf.method, &root.method),
        authority: either(&leaf.authority, &root.authority),
        headers: over(&root.headers, &leaf.headers),
        without_headers: over(&root.without_headers, &leaf.without_headers),
        query_params: over(&root.query_params, &leaf.query_params),
        port: if leaf.port == 0 { root.port } else { leaf.port },
        source_labels: over(&root.source_labels, &leaf.source_labels),
        source_namespace: text(&leaf.source_namespace, &root.source_namespace),
        gateways: if leaf.gateways.is_empty() { root.gateways.clone() } else { leaf.gateways.clone() },
        stat_prefix: text(&leaf.stat_prefix, &root.stat_prefix),
        ignore_uri_case: leaf.ignore_uri_case,
    }
}

fn joined(root: &Str, leaf: Str) -> Str {
    match (root.is_empty(), leaf.is_empty()) {
        (_, true) => root.clone(),
        (true, _) => leaf,
        _ => format!("{root}-{leaf}").into(),
    }
}

fn over<V: Clone>(root: &BTreeMap<Str, V>, leaf: &BTreeMap<Str, V>) -> BTreeMap<Str, V> {
    root.iter().chain(leaf).map(|(k, v)| (k.clone(), v.clone())).collect()
}

/// Whether the delegate's condition may hold where the root's does not.
fn conflicts(root: &HttpMatch, leaf: &HttpMatch) -> bool {
    let pairs = [
        (&root.uri, &leaf.uri),
        (&root.scheme, &leaf.scheme),
        (&root.method, &leaf.method),
        (&root.authority, &leaf.authority),
    ];
    let among = |root: &BTreeMap<Str, StringMatch>, leaf: &BTreeMap<Str, StringMatch>| {
        leaf.iter().any(|(key, leaf)| root.get(key).is_some_and(|root| !narrows(root, leaf)))
    };
    pairs.iter().any(|(root, leaf)| matches!((root, leaf), (Some(r), Some(l)) if !narrows(r, l)))
        || among(&root.headers, &leaf.headers)
        || among(&root.without_headers, &leaf.without_headers)
        || among(&root.query_params, &leaf.query_params)
        || root.ignore_uri_case != leaf.ignore_uri_case
        || (root.port > 0 && leaf.port > 0 && root.port != leaf.port)
        || (!root.source_namespace.is_empty() && root.source_namespace != leaf.source_namespace)
        || leaf.source_labels.iter().any(|(k, v)| root.source_labels.get(k).is_some_and(|other| other != v))
        || gateways_conflict(&root.gateways, &leaf.gateways)
}

fn gateways_conflict(root: &[Str], leaf: &[Str]) -> bool {
    !root.is_empty() && (leaf.len() > root.len() || leaf.iter().any(|g| !root.contains(g)))
}

/// Whether every text that `leaf` matches is one that `root` matches. Regular expressions are not compared: beside one
/// there may be none other.
fn narrows(root: &StringMatch, leaf: &StringMatch) -> bool {
    match (root, leaf) {
        (StringMatch::Exact(root), StringMatch::Exact(leaf)) => !root.is_empty() && root == leaf,
        (StringMatch::Prefix(root), StringMatch::Prefix(leaf) | StringMatch::Exact(leaf)) => {
            !root.is_empty() && !leaf.is_empty() && leaf.starts_with(root.as_str())
        }
        _ => false,
    }
}
