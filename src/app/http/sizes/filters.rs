//! Patches of EnvoyFilters that are left out somewhere (`pilot_envoy_filter_status`).

use std::collections::BTreeSet;

use crate::api::envoy_filter::ApplyTo;
use crate::api::{Key, Kind, Spec};
use crate::base::{Finding, Namespace, Str};
use crate::model::Survey;

/// Each as `namespace/name` and istiod's word for what it patches.
pub(super) fn left_out(survey: &Survey, findings: &[Finding]) -> BTreeSet<(Str, &'static str)> {
    let patches = findings.iter().filter(|finding| finding.code == "patch");
    patches.filter_map(|finding| left_out_by(survey, finding)).collect()
}

fn left_out_by(survey: &Survey, finding: &Finding) -> Option<(Str, &'static str)> {
    let (namespace, name) = (&finding.object.namespace, &finding.object.name);
    let key = Key::new(Kind::EnvoyFilter, Namespace::new(namespace.clone()), name.clone());
    let Spec::EnvoyFilter(filter) = &survey.object(&key)?.spec else { return None };
    let index = finding.field.strip_prefix("spec.configPatches[")?.split(']').next()?;
    let patch = filter.config_patches.get(index.parse::<usize>().ok()?)?;
    Some((format!("{namespace}/{name}").into(), word(patch.apply_to)?))
}

fn word(apply_to: ApplyTo) -> Option<&'static str> {
    Some(match apply_to {
        ApplyTo::Cluster => "cluster",
        ApplyTo::Listener => "listener",
        ApplyTo::ListenerFilter => "listenerfilter",
        ApplyTo::FilterChain => "filterchain",
        ApplyTo::NetworkFilter => "networkfilter",
        ApplyTo::HttpFilter => "httpfilter",
        ApplyTo::RouteConfiguration | ApplyTo::HttpRoute => "route",
        ApplyTo::VirtualHost => "vhost",
        _ => return None,
    })
}
