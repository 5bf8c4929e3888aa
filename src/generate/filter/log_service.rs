//! Logs that go to a service (istio `pilot/pkg/model/telemetry_logging.go`).

use envoy_types::pb::envoy::config::core::v3::ApiVersion;
use envoy_types::pb::envoy::extensions::access_loggers::grpc::v3::{
    CommonGrpcAccessLogConfig, HttpGrpcAccessLogConfig, TcpGrpcAccessLogConfig,
};
use envoy_types::pb::envoy::extensions::access_loggers::open_telemetry::v3::OpenTelemetryAccessLogConfig;
use envoy_types::pb::google::protobuf::Any;
use envoy_types::pb::opentelemetry::proto::common::v1::any_value::Value;
use envoy_types::pb::opentelemetry::proto::common::v1::{AnyValue, KeyValue, KeyValueList};

use crate::base::Str;
use crate::generate::proto;
use crate::wire::any;

use super::access_log::without_query;

/// A service that a proxy itself calls.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Backend {
    /// The cluster.
    pub cluster: Str,
    /// The host, as calls name it; empty if they name none.
    pub host: Str,
}

/// Envoy's access log service.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GrpcSink {
    /// Whether entries are about calls; about connections otherwise.
    pub calls: bool,
    /// The name of the log.
    pub name: Str,
    /// Where it is.
    pub backend: Backend,
    /// State of filters that is logged.
    pub state: Vec<Str>,
    /// For calls, headers of the call, headers of the answer and its trailers that are logged.
    pub headers: [Vec<Str>; 3],
}

/// A collector of OpenTelemetry.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OtelSink {
    /// The name of the log.
    pub name: Str,
    /// Where it is.
    pub backend: Backend,
    /// State of filters that is logged.
    pub state: Vec<Str>,
    /// The body of an entry, with Envoy's operators.
    pub body: Str,
    /// Attributes, with Envoy's operators, by name.
    pub attributes: Vec<(Str, Str)>,
    /// Whether something in it needs Envoy's extension for `%REQ_WITHOUT_QUERY%`.
    pub without_query: bool,
}

impl Backend {
    pub(super) fn service(&self) -> envoy_types::pb::envoy::config::core::v3::GrpcService {
        proto::grpc_service(&self.cluster, &self.host)
    }

    fn common(&self, name: &str, state: &[Str]) -> CommonGrpcAccessLogConfig {
        CommonGrpcAccessLogConfig {
            log_name: name.to_owned(),
            grpc_service: Some(self.service()),
            transport_api_version: ApiVersion::V3.into(),
            filter_state_objects_to_log: state.iter().map(Str::to_string).collect(),
            ..CommonGrpcAccessLogConfig::default()
        }
    }
}

impl GrpcSink {
    pub(super) fn build(&self) -> (&'static str, Any) {
        let common_config = Some(self.backend.common(&self.name, &self.state));
        if !self.calls {
            return ("envoy.tcp_grpc_access_log", any(&TcpGrpcAccessLogConfig { common_config }));
        }
        let [request, response, trailers] = &self.headers;
        let names = |list: &Vec<Str>| list.iter().map(Str::to_string).collect();
        let config = HttpGrpcAccessLogConfig {
            common_config,
            additional_request_headers_to_log: names(request),
            additional_response_headers_to_log: names(response),
            additional_response_trailers_to_log: names(trailers),
        };
        ("envoy.access_loggers.http_grpc", any(&config))
    }
}

impl OtelSink {
    #[expect(deprecated, reason = "it is what istiod sends, and what Istio's proxies of all versions know")]
    pub(super) fn build(&self) -> Any {
        let attribute = |(key, value): &(Str, Str)| KeyValue {
            key: key.to_string(),
            value: Some(text(value)),
            ..KeyValue::default()
        };
        let values: Vec<KeyValue> = self.attributes.iter().map(attribute).collect();
        any(&OpenTelemetryAccessLogConfig {
            common_config: Some(self.backend.common(&self.name, &self.state)),
            disable_builtin_labels: true,
            body: Some(text(&self.body)),
            attributes: (!values.is_empty()).then_some(KeyValueList { values }),
            formatters: self.without_query.then(without_query).into_iter().collect(),
            ..OpenTelemetryAccessLogConfig::default()
        })
    }
}

fn text(text: &str) -> AnyValue {
    AnyValue { value: Some(Value::StringValue(text.to_owned())) }
}
