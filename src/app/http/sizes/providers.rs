//! Providers that somebody uses and whose service is not there (`provider_lookup_cluster_failures`).

use std::collections::{BTreeMap, BTreeSet};

use crate::api::Spec;
use crate::api::mesh::{Authorizer, MeshConfig, Observer};
use crate::base::Str;
use crate::model::{Scope, Survey, View};

/// How many there are, by istiod's words for their sorts. Looks at every object.
pub(super) fn unreachable(survey: &Survey) -> BTreeMap<&'static str, u64> {
    let view = View::new(survey.snapshot(), &Scope::Public);
    let config = &view.mesh().config;
    let mut missing: BTreeSet<(&'static str, Str)> = BTreeSet::new();
    for name in used(survey, config) {
        let provider = view.mesh().observers.get(name).and_then(|(_, observer)| observer);
        if let Some((sort, (service, _))) = provider.and_then(|p| Some((sort(p)?, p.service()?)))
            && view.located(service).is_none()
        {
            missing.insert((sort, name.clone()));
        }
    }
    for name in asked(survey) {
        let of_name = config.extension_providers.iter().filter(|provider| provider.name == *name);
        let mut services = of_name.filter_map(|provider| Some(Authorizer::of(provider)?.ok()?.service));
        if services.any(|service| view.located(&service).is_none()) {
            missing.insert(("authz", name.clone()));
        }
    }
    let mut counts = BTreeMap::new();
    missing.into_iter().for_each(|(sort, _)| *counts.entry(sort).or_default() += 1);
    counts
}

/// The providers of telemetry that Telemetries and the mesh config name.
fn used<'s>(survey: &'s Survey, config: &'s MeshConfig) -> impl Iterator<Item = &'s Str> {
    let telemetries = survey.objects().filter_map(|object| match &object.spec {
        Spec::Telemetry(telemetry) => Some(telemetry),
        _ => None,
    });
    let named = telemetries.flat_map(|telemetry| {
        // Of providers of traces the first counts.
        let traces = telemetry.tracing.iter().filter_map(|entry| entry.providers.first());
        traces.chain(telemetry.access_logging.iter().flat_map(|entry| &entry.providers)).map(|provider| &provider.name)
    });
    let by_default = &config.default_providers;
    named.chain(by_default.tracing.first()).chain(&by_default.access_logging)
}

/// Those that are asked whether calls are let in.
fn asked(survey: &Survey) -> impl Iterator<Item = &Str> {
    survey.objects().filter_map(|object| match &object.spec {
        Spec::AuthorizationPolicy(policy) => policy.provider.as_ref().map(|provider| &provider.name),
        _ => None,
    })
}

/// istiod's word.
fn sort(observer: &Observer) -> Option<&'static str> {
    Some(match observer {
        Observer::FileLog(_) | Observer::Prometheus => return None,
        Observer::HttpLog(_) => "envoyHTTPAls",
        Observer::TcpLog(_) => "envoyTCPAls",
        Observer::OtelLog(_) => "envoyOtelAls",
        Observer::Zipkin(_) => "zipkin",
        Observer::Datadog(_) => "datadog",
        Observer::Skywalking(_) => "skywalking",
        Observer::Opentelemetry(_) => "opentelemetry",
    })
}
