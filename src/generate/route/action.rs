//! Calls that are sent on.

use envoy_types::pb::envoy::config::core::v3::RuntimeFractionalPercent;
use envoy_types::pb::envoy::config::route::v3::route_action::{
    ClusterSpecifier, HostRewriteSpecifier, RequestMirrorPolicy,
};
use envoy_types::pb::envoy::config::route::v3::weighted_cluster::{ClusterWeight, cluster_weight};
use envoy_types::pb::envoy::config::route::v3::{Route, RouteAction, WeightedCluster};
use envoy_types::pb::envoy::r#type::matcher::v3::RegexMatchAndSubstitute;
use envoy_types::pb::envoy::r#type::v3::FractionalPercent;

use super::rule::Rule;
use super::{cluster, filters, hash, headers, limited, matching, retry};
use crate::api::virtual_service::{Destination, HttpDestination, HttpRoute, Percent, Rewrite};
use crate::generate::proto::{bool_value, duration, u32_value};

/// The action of a route that sends calls on. Changes of headers that its only destination asks for become the route's.
///
/// `index` is the route's place in the VirtualService, `authority` the one that its changes of headers ask for.
pub(super) fn forward(
    rule: &Rule,
    index: usize,
    said: &HttpRoute,
    authority: Option<String>,
    out: &mut Route,
) -> RouteAction {
    let mut action = limited(said.timeout.map(duration).unwrap_or_default());
    let mut authority = authority;
    if let Some(said) = &said.rewrite {
        rewrite(said, rule.defaults.forwarded_host, &mut action);
        authority = Some(said.authority.to_string()).filter(|a| !a.is_empty()).or(authority);
    }
    action.host_rewrite_specifier = authority.map(HostRewriteSpecifier::HostRewriteLiteral);
    action.request_mirror_policies = mirrors(rule, said);
    let mut hashed = false;
    match &said.route[..] {
        [only] => {
            hashed = rule.hashes.contains_key(&(index, 0));
            single_destination(rule, only, &mut action, out);
        }
        several => {
            // Beside others a destination without weight gets nothing.
            let clusters = several.iter().filter(|d| d.weight != 0).map(|d| weighted(rule, d)).collect();
            let weighted = WeightedCluster { clusters, ..WeightedCluster::default() };
            action.cluster_specifier = Some(ClusterSpecifier::WeightedClusters(weighted));
        }
    }
    let weightless = |at: usize| said.route.len() > 1 && said.route[at].weight == 0;
    let keys = rule.hashes.range((index, 0)..(index + 1, 0)).filter(|((_, at), _)| !weightless(*at));
    action.hash_policy = keys.filter_map(|(_, key)| key.as_ref().map(hash::policy)).collect();
    let retries = said.retries.as_ref().or(rule.defaults.retry.as_ref());
    action.retry_policy = retry::policy(retries, hashed, rule.defaults.extensions);
    action
}

/// Host and port of the cluster, where an action has just one.
pub(super) fn single(action: &RouteAction) -> Option<(&str, &str)> {
    let Some(ClusterSpecifier::Cluster(name)) = &action.cluster_specifier else { return None };
    let mut parts = name.split('|').skip(1);
    let (port, _, host) = (parts.next()?, parts.next()?, parts.next()?);
    Some((host, port))
}

fn rewrite(said: &Rewrite, forwarded_host: bool, action: &mut RouteAction) {
    action.append_x_forwarded_host = forwarded_host;
    match &said.uri_regex_rewrite {
        Some(regex) => {
            action.regex_rewrite = Some(RegexMatchAndSubstitute {
                pattern: Some(matching::regex(&regex.r#match)),
                substitution: regex.rewrite.to_string(),
            });
        }
        None => action.prefix_rewrite = said.uri.to_string(),
    }
}

fn single_destination(rule: &Rule, said: &HttpDestination, action: &mut RouteAction, out: &mut Route) {
    action.cluster_specifier = Some(ClusterSpecifier::Cluster(cluster_of(rule, &said.destination)));
    let Some(said) = said.headers.as_deref() else { return };
    let changes = headers::changes(said);
    out.request_headers_to_add.extend(changes.request_add);
    out.request_headers_to_remove.extend(changes.request_remove);
    out.response_headers_to_add.extend(changes.response_add);
    out.response_headers_to_remove.extend(changes.response_remove);
    // With several destinations Envoy lets the route's authority stand too.
    if action.host_rewrite_specifier.is_none() {
        action.host_rewrite_specifier = changes.authority.map(HostRewriteSpecifier::HostRewriteLiteral);
    }
}

fn weighted(rule: &Rule, said: &HttpDestination) -> ClusterWeight {
    let changes = said.headers.as_deref().map(headers::changes).unwrap_or_default();
    ClusterWeight {
        name: cluster_of(rule, &said.destination),
        weight: Some(u32_value(said.weight.try_into().unwrap_or_default())),
        request_headers_to_add: changes.request_add,
        request_headers_to_remove: changes.request_remove,
        response_headers_to_add: changes.response_add,
        response_headers_to_remove: changes.response_remove,
        host_rewrite_specifier: changes.authority.map(cluster_weight::HostRewriteSpecifier::HostRewriteLiteral),
        ..ClusterWeight::default()
    }
}

/// The cluster of a destination. Without a port of its own it is called on the port that the caller used.
fn cluster_of(rule: &Rule, destination: &Destination) -> String {
    let host = rule.targets.get(&destination.host).map_or(destination.host.as_str(), |target| target.as_str());
    let only = || rule.edge.as_ref().and_then(|edge| edge.ports.get(&destination.host).copied());
    let port = destination.port.map_or_else(|| only().unwrap_or(rule.port).into(), |p| p.number);
    cluster(host, &destination.subset, port)
}

fn mirrors(rule: &Rule, said: &HttpRoute) -> Vec<RequestMirrorPolicy> {
    let first = said.mirror.iter().map(|destination| (destination, mirror_share(said)));
    let others = said.mirrors.iter().map(|m| (&m.destination, share(m.percentage.as_ref())));
    let policy = |(destination, share): (&Destination, Option<FractionalPercent>)| {
        Some(RequestMirrorPolicy {
            cluster: cluster_of(rule, destination),
            runtime_fraction: Some(RuntimeFractionalPercent { default_value: Some(share?), ..Default::default() }),
            trace_sampled: Some(bool_value(false)),
            disable_shadow_host_suffix_append: rule.defaults.plain_shadows,
            ..RequestMirrorPolicy::default()
        })
    };
    first.chain(others).filter_map(policy).collect()
}

/// How many calls go to the single mirror: none of them where the share is said to be zero.
fn mirror_share(said: &HttpRoute) -> Option<FractionalPercent> {
    match (&said.mirror_percentage, said.mirror_percent) {
        (None, Some(percent)) => (percent > 0).then(|| filters::hundredths(percent)),
        (percentage, _) => share(percentage.as_ref()),
    }
}

fn share(said: Option<&Percent>) -> Option<FractionalPercent> {
    match said {
        Some(percent) => (percent.value.get() > 0.0).then(|| filters::percent(percent)),
        None => Some(filters::hundredths(100)),
    }
}
