//! Where traces go (istio `pilot/pkg/networking/core/tracing.go`).

use envoy_types::pb::envoy::config::core::v3::header_value_option::HeaderAppendAction;
use envoy_types::pb::envoy::config::core::v3::http_uri::HttpUpstreamType;
use envoy_types::pb::envoy::config::core::v3::{
    HeaderValue, HeaderValueOption, HttpService, HttpUri, TypedExtensionConfig,
};
use envoy_types::pb::envoy::config::trace::v3::tracing::{Http, http};
use envoy_types::pb::envoy::config::trace::v3::zipkin_config::{CollectorEndpointVersion, TraceContextOption};
use envoy_types::pb::envoy::config::trace::v3::{DatadogConfig, OpenTelemetryConfig, SkyWalkingConfig, ZipkinConfig};
use envoy_types::pb::envoy::extensions::tracers::opentelemetry::resource_detectors::v3::{
    DynatraceResourceDetectorConfig, EnvironmentResourceDetectorConfig,
};
use envoy_types::pb::envoy::extensions::tracers::opentelemetry::samplers::v3::DynatraceSamplerConfig;
use envoy_types::pb::google::protobuf::Any;
use prost::Name;

use crate::base::{Duration, Str};
use crate::generate::proto;
use crate::wire::any;

use super::log_service::Backend;

/// Where traces go.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Tracer {
    /// To Zipkin.
    Zipkin(ZipkinTracer),
    /// To Datadog's agent, under this name of the service.
    Datadog(Backend, Str),
    /// To SkyWalking's collector.
    Skywalking(Backend),
    /// To a collector of OpenTelemetry.
    Opentelemetry(Box<OtelTracer>),
}

/// Zipkin.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ZipkinTracer {
    /// Where it is.
    pub backend: Backend,
    /// The path that spans are posted to.
    pub path: Str,
    /// Whether ids of traces are long.
    pub long_ids: bool,
    /// Whether W3C's headers join spans too.
    pub w3c: bool,
    /// How posts are made; the way of old proxies, without time limit and headers, if absent.
    pub posts: Option<Posts>,
}

/// How posts are made.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Posts {
    /// How long one may take.
    pub timeout: Duration,
    /// Their headers.
    pub headers: Vec<(Str, Str)>,
}

/// A collector of OpenTelemetry.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OtelTracer {
    /// Where it is.
    pub backend: Backend,
    /// The name of the service in traces.
    pub service: Str,
    /// How spans get there.
    pub export: OtelExport,
    /// Where attributes of the proxy come from: from its environment, and from Dynatrace's files.
    pub detectors: [bool; 2],
    /// Who decides which calls are traced, in place of a percentage.
    pub sampler: Option<Sampler>,
}

/// How spans get to a collector of OpenTelemetry.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum OtelExport {
    /// Over HTTP, to this URI.
    Http(Str, Posts),
    /// Over gRPC, with a time limit and metadata.
    Grpc(Option<Duration>, Vec<(Str, Str)>),
}

/// Dynatrace's sampler.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sampler {
    /// The tenant.
    pub tenant: Str,
    /// The cluster of Dynatrace.
    pub cluster_id: i32,
    /// How many traces start in a minute.
    pub per_minute: u32,
    /// The URI where it asks, and the cluster of Envoy that is there.
    pub uri: (Str, Str),
    /// How it asks.
    pub posts: Posts,
}

impl Tracer {
    /// The type of its configuration, by which a proxy says whether it has it.
    pub fn extension(&self) -> String {
        match self {
            Self::Zipkin(_) => ZipkinConfig::full_name(),
            Self::Datadog(..) => DatadogConfig::full_name(),
            Self::Skywalking(_) => SkyWalkingConfig::full_name(),
            Self::Opentelemetry(_) => OpenTelemetryConfig::full_name(),
        }
    }

    /// The types of what it is put together from.
    pub fn parts(&self) -> Vec<String> {
        let Self::Opentelemetry(otel) = self else { return Vec::new() };
        let [environment, dynatrace] = otel.detectors;
        let parts = [
            environment.then(EnvironmentResourceDetectorConfig::full_name),
            dynatrace.then(DynatraceResourceDetectorConfig::full_name),
            otel.sampler.as_ref().map(|_| DynatraceSamplerConfig::full_name()),
        ];
        parts.into_iter().flatten().collect()
    }

    pub(crate) fn build(&self) -> Http {
        let (name, config) = match self {
            Self::Zipkin(zipkin) => ("envoy.tracers.zipkin", zipkin.build()),
            Self::Datadog(backend, service) => ("envoy.tracers.datadog", datadog(backend, service)),
            Self::Skywalking(backend) => {
                let config = SkyWalkingConfig { grpc_service: Some(backend.service()), ..SkyWalkingConfig::default() };
                ("envoy.tracers.skywalking", any(&config))
            }
            Self::Opentelemetry(otel) => ("envoy.tracers.opentelemetry", otel.build()),
        };
        Http { name: name.to_owned(), config_type: Some(http::ConfigType::TypedConfig(config)) }
    }
}

fn datadog(backend: &Backend, service: &str) -> Any {
    any(&DatadogConfig {
        collector_cluster: backend.cluster.to_string(),
        service_name: service.to_owned(),
        collector_hostname: backend.host.to_string(),
        ..DatadogConfig::default()
    })
}

impl ZipkinTracer {
    fn build(&self) -> Any {
        let Backend { cluster, host } = &self.backend;
        let mut config = ZipkinConfig {
            trace_id_128bit: self.long_ids,
            shared_span_context: Some(proto::bool_value(false)),
            collector_endpoint_version: CollectorEndpointVersion::HttpJson.into(),
            ..ZipkinConfig::default()
        };
        if self.w3c {
            config.trace_context_option = TraceContextOption::UseB3WithW3cPropagation.into();
        }
        match &self.posts {
            Some(posts) => {
                let uri = format!("http://{host}{}", self.path);
                config.collector_service = Some(posts.service(&uri, cluster));
            }
            None => {
                config.collector_cluster = cluster.to_string();
                config.collector_endpoint = self.path.to_string();
                config.collector_hostname = host.to_string();
            }
        }
        any(&config)
    }
}

impl Posts {
    fn service(&self, uri: &str, cluster: &str) -> HttpService {
        let header = |(key, value): &(Str, Str)| HeaderValueOption {
            header: Some(header(key, value)),
            append_action: HeaderAppendAction::OverwriteIfExistsOrAdd.into(),
            ..HeaderValueOption::default()
        };
        HttpService {
            http_uri: Some(HttpUri {
                uri: uri.to_owned(),
                timeout: Some(proto::duration(self.timeout)),
                http_upstream_type: Some(HttpUpstreamType::Cluster(cluster.to_owned())),
            }),
            request_headers_to_add: self.headers.iter().map(header).collect(),
            ..HttpService::default()
        }
    }
}

fn header(key: &str, value: &str) -> HeaderValue {
    HeaderValue { key: key.to_owned(), value: value.to_owned(), ..HeaderValue::default() }
}

impl OtelTracer {
    fn build(&self) -> Any {
        let mut config =
            OpenTelemetryConfig { service_name: self.service.to_string(), ..OpenTelemetryConfig::default() };
        match &self.export {
            OtelExport::Http(uri, posts) => config.http_service = Some(posts.service(uri, &self.backend.cluster)),
            OtelExport::Grpc(timeout, metadata) => {
                let mut service = self.backend.service();
                service.timeout = timeout.map(proto::duration);
                service.initial_metadata = metadata.iter().map(|(key, value)| header(key, value)).collect();
                config.grpc_service = Some(service);
            }
        }
        let detector = |name: &str, config: Any| TypedExtensionConfig {
            name: format!("envoy.tracers.opentelemetry.resource_detectors.{name}"),
            typed_config: Some(config),
        };
        if self.detectors[0] {
            let config_of = any(&EnvironmentResourceDetectorConfig {});
            config.resource_detectors.push(detector("environment", config_of));
        }
        if self.detectors[1] {
            let config_of = any(&DynatraceResourceDetectorConfig {});
            config.resource_detectors.push(detector("dynatrace", config_of));
        }
        config.sampler = self.sampler.as_ref().map(Sampler::build);
        any(&config)
    }
}

impl Sampler {
    fn build(&self) -> TypedExtensionConfig {
        let config = DynatraceSamplerConfig {
            tenant: self.tenant.to_string(),
            cluster_id: self.cluster_id,
            http_service: Some(self.posts.service(&self.uri.0, &self.uri.1)),
            root_spans_per_minute: self.per_minute,
        };
        TypedExtensionConfig {
            name: "envoy.tracers.opentelemetry.samplers.dynatrace".to_owned(),
            typed_config: Some(any(&config)),
        }
    }
}
