//! From a provider of the mesh config to Envoy's tracer.

use crate::api::mesh::{
    DynatraceSampler, HttpExport, HttpHeader, Observer, Opentelemetry, ServiceAttributeEnrichment, TraceContextOption,
    ZipkinCollector,
};
use crate::base::{Duration, Str};
use crate::generate::filter::{Backend, OtelExport, OtelTracer, Posts, Sampler, Tracer, ZipkinTracer};
use crate::plan::telemetry::Telemetries;

/// How long a post to Zipkin may take where nothing is said.
const ZIPKIN_TIMEOUT: Duration = Duration::from_secs(5);
/// The same for others. Envoy refuses a listener without it, which istiod overlooks; Istio's API says that this is the
/// default.
const HTTP_TIMEOUT: Duration = Duration::from_secs(3);

impl Telemetries<'_> {
    /// The tracer of a provider, and how much of the path a span keeps. `None` where the provider takes no traces, or
    /// its service does not exist.
    pub(super) fn tracer(&self, provider: &Observer) -> Option<(Tracer, u32)> {
        let (service, port) = provider.service()?;
        let backend = || self.backend(service, port);
        let node = || self.proxy.service_cluster.clone();
        match provider {
            Observer::Zipkin(said) => Some((Tracer::Zipkin(self.zipkin(said, backend()?)), said.max_tag_length)),
            Observer::Datadog(said) => Some((Tracer::Datadog(backend()?, node()), said.max_tag_length)),
            Observer::Skywalking(_) => Some((Tracer::Skywalking(backend()?), 0)),
            Observer::Opentelemetry(said) => {
                Some((Tracer::Opentelemetry(Box::new(self.otel(said, backend()?)?)), said.max_tag_length))
            }
            _ => None,
        }
    }

    fn zipkin(&self, said: &ZipkinCollector, backend: Backend) -> ZipkinTracer {
        let version = self.proxy.version();
        let posts = || Posts { timeout: said.timeout.unwrap_or(ZIPKIN_TIMEOUT), headers: headers(&said.headers) };
        ZipkinTracer {
            backend,
            path: if said.path.is_empty() { "/api/v2/spans".into() } else { said.path.clone() },
            long_ids: !said.enable_64bit_trace_id,
            w3c: said.trace_context_option == TraceContextOption::UseB3WithW3cPropagation && version >= (1, 28),
            posts: (version >= (1, 29)).then(posts),
        }
    }

    fn otel(&self, said: &Opentelemetry, backend: Backend) -> Option<OtelTracer> {
        let by_convention = said.service_attribute_enrichment == ServiceAttributeEnrichment::OtelSemanticConventions;
        let detectors = said.resource_detectors.unwrap_or_default();
        let sampler = said.dynatrace_sampler.as_ref();
        let sampler = match sampler {
            Some(sampler) => Some(self.sampler(sampler, said.http.as_ref(), &backend)?),
            None => None,
        };
        let export = match (&said.http, &said.grpc) {
            (Some(http), _) => OtelExport::Http(joined(&backend.host, &http.path), posts(http)),
            (None, Some(grpc)) => OtelExport::Grpc(grpc.timeout, headers(&grpc.initial_metadata)),
            (None, None) => OtelExport::Grpc(None, Vec::new()),
        };
        Some(OtelTracer {
            backend,
            service: if by_convention { self.service_name() } else { self.proxy.service_cluster.clone() },
            export,
            detectors: [detectors.environment.is_some() || by_convention, detectors.dynatrace.is_some()],
            sampler,
        })
    }

    /// Without a service of its own it asks that of the exporter; without either there are no traces.
    fn sampler(&self, said: &DynatraceSampler, exporter: Option<&HttpExport>, at: &Backend) -> Option<Sampler> {
        let (uri, cluster, posts) = match &said.http_service {
            None => (joined(&at.host, "api/v2/samplingConfiguration"), at.cluster.clone(), posts(exporter?)),
            Some(api) => {
                let backend = self.backend(&api.service, api.port)?;
                let http = api.http.clone().unwrap_or_default();
                (joined(&backend.host, &http.path), backend.cluster, posts(&http))
            }
        };
        Some(Sampler {
            tenant: said.tenant.clone(),
            cluster_id: said.cluster_id,
            per_minute: said.root_spans_per_minute,
            uri: (uri, cluster),
            posts,
        })
    }

    /// The name of the service as OpenTelemetry derives it from a Pod (istio `otelServiceName`).
    fn service_name(&self) -> Str {
        let metadata = &self.proxy.metadata;
        let annotations = metadata.map("ANNOTATIONS");
        let pod = self.proxy.name.split_once('.').map(|(pod, _)| pod.into());
        let containers = metadata.text("APP_CONTAINERS");
        let names = [
            annotations.get("resource.opentelemetry.io/service.name").cloned(),
            self.labels.get("app.kubernetes.io/instance").cloned(),
            self.labels.get("app.kubernetes.io/name").cloned(),
            Some(metadata.text("WORKLOAD_NAME").into()),
            pod,
            Some(containers).filter(|names| !names.contains(',')).map(Str::from),
        ];
        let found = names.into_iter().flatten().find(|name| !name.is_empty());
        found.unwrap_or_else(|| "unknown_service".into())
    }
}

fn posts(http: &HttpExport) -> Posts {
    Posts { timeout: http.timeout.unwrap_or(HTTP_TIMEOUT), headers: headers(&http.headers) }
}

fn headers(list: &[HttpHeader]) -> Vec<(Str, Str)> {
    list.iter().map(|header| (header.name.clone(), header.text())).collect()
}

/// Host and path in one, without superfluous slashes and dots (Go's `url.JoinPath`).
fn joined(host: &str, path: &str) -> Str {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let end = if path.ends_with('/') { "/" } else { "" };
    let path: String = parts.iter().flat_map(|part| ["/", part]).collect();
    format!("{host}{path}{end}").into()
}
