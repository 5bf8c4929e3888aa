//! Traces (istio `pilot/pkg/networking/core/tracing.go`).

mod provider;
mod tags;

use crate::api::mesh::{Observer, ProxyConfig};
use crate::api::telemetry::CustomTag;
use crate::base::{Double, Str};
use crate::generate::filter::{Tag, Tracer, Tracing};
use crate::proxy::Role;

use super::{Telemetries, allowed, side};

/// What Telemetries say of traces at one side of calls.
struct Spec<'a> {
    provider: Option<&'a Observer>,
    disabled: bool,
    sampling: Option<Double>,
    tags: Option<&'a std::collections::BTreeMap<Str, CustomTag>>,
    by_id: bool,
    istio_tags: bool,
    no_propagation: bool,
}

impl<'a> Telemetries<'a> {
    /// How calls are traced, and whether their id tells if they are. `own` are the proxy's settings, which hold where
    /// no Telemetry and no default provider is.
    pub(in crate::plan) fn tracing(&self, inbound: bool, own: &ProxyConfig) -> (Option<Tracing>, bool) {
        let said = own.tracing.as_ref();
        let Some(spec) = self.spec(inbound) else {
            let old = self.view.mesh().config.enable_tracing.then(|| self.of_old(own));
            return (old, true);
        };
        let provider = spec.provider.filter(|_| !spec.disabled);
        let Some((tracer, length)) = provider.and_then(|p| self.tracer(p)) else { return (None, true) };
        let able = self.has(&tracer.extension()) && tracer.parts().iter().all(|part| self.has(part));
        if !able || !allowed(&tracer.build()) {
            return (None, true);
        }
        let decided = matches!(&tracer, Tracer::Opentelemetry(otel) if otel.sampler.is_some());
        let sampling = match spec.sampling {
            _ if decided => Double::new(100.0),
            Some(percent) => percent,
            None => tags::sampling(said, self.view.mesh().features.trace_sampling),
        };
        let tracing = Tracing {
            separate_span: self.proxy.role == Role::Router || matches!(tracer, Tracer::Skywalking(_)),
            no_propagation: spec.no_propagation && self.proxy.version() >= (1, 30),
            tracer: Some(tracer),
            sampling,
            tags: self.tags(&spec, said),
            max_path_length: if length != 0 { length } else { said.map_or(0, |t| t.max_path_tag_length) },
        };
        (Some(tracing), spec.by_id)
    }

    /// As before there were Telemetries: to where the proxy's bootstrap says.
    fn of_old(&self, own: &ProxyConfig) -> Tracing {
        let said = own.tracing.as_ref();
        let istio_tags = said.is_none_or(|t| t.enable_istio_tags != Some(false));
        let mut all = if istio_tags { self.istio_tags() } else { Vec::new() };
        all.extend(said.into_iter().flat_map(tags::of_proxy));
        Tracing {
            tracer: None,
            separate_span: false,
            no_propagation: false,
            sampling: tags::sampling(said, self.view.mesh().features.trace_sampling),
            tags: sorted(all),
            max_path_length: said.map_or(0, |t| t.max_path_tag_length),
        }
    }

    fn tags(&self, spec: &Spec<'_>, said: Option<&crate::api::mesh::Tracing>) -> Vec<Tag> {
        let mut all = if spec.istio_tags { self.istio_tags() } else { Vec::new() };
        match spec.tags.filter(|tags| !tags.is_empty()) {
            Some(own) => all.extend(own.iter().filter_map(|(name, tag)| self.custom_tag(name, tag))),
            None => all.extend(said.into_iter().flat_map(tags::of_proxy)),
        }
        sorted(all)
    }

    /// `None` where neither a Telemetry nor a default provider says anything.
    fn spec(&self, inbound: bool) -> Option<Spec<'a>> {
        let side = side(inbound);
        let default = self.view.mesh().config.default_providers.tracing.first();
        if default.is_none() && self.traces().next().is_none() {
            return None;
        }
        let observer = |name: &str| self.observer(name).map(|(_, observer)| observer);
        let mut spec = Spec {
            provider: default.and_then(|name| observer(name)),
            disabled: false,
            sampling: None,
            tags: None,
            by_id: true,
            istio_tags: true,
            no_propagation: false,
        };
        for entry in self.traces().filter(|t| t.r#match.is_none_or(|m| m.mode.includes(side))) {
            if let Some(first) = entry.providers.first() {
                spec.provider = observer(&first.name);
            }
            spec.disabled = entry.disable_span_reporting.unwrap_or(spec.disabled);
            spec.tags = entry.custom_tags.as_ref().or(spec.tags);
            spec.sampling = entry.random_sampling_percentage.or(spec.sampling);
            spec.by_id = entry.use_request_id_for_trace_sampling.unwrap_or(spec.by_id);
            spec.istio_tags = entry.enable_istio_tags.unwrap_or(spec.istio_tags);
            spec.no_propagation = entry.disable_context_propagation.unwrap_or(spec.no_propagation);
        }
        Some(spec)
    }
}

fn sorted(mut tags: Vec<Tag>) -> Vec<Tag> {
    tags.sort_by(|a, b| a.name.cmp(&b.name));
    tags
}
