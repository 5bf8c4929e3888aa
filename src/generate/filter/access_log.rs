//! Logs of calls and connections (istio `pilot/pkg/networking/core/accesslog.go`, `pilot/pkg/model/telemetry_logging.go`).

use envoy_types::pb::envoy::config::accesslog::v3::access_log::ConfigType;
use envoy_types::pb::envoy::config::accesslog::v3::access_log_filter::FilterSpecifier;
use envoy_types::pb::envoy::config::accesslog::v3::{
    AccessLog as EnvoyAccessLog, AccessLogFilter, AndFilter, ExtensionFilter, ResponseFlagFilter, extension_filter,
};
use envoy_types::pb::envoy::config::core::v3::data_source::Specifier;
use envoy_types::pb::envoy::config::core::v3::substitution_format_string::Format;
use envoy_types::pb::envoy::config::core::v3::{
    DataSource, JsonFormatOptions, SubstitutionFormatString, TypedExtensionConfig,
};
use envoy_types::pb::envoy::data::accesslog::v3::AccessLogType;
use envoy_types::pb::envoy::extensions::access_loggers::file::v3::FileAccessLog;
use envoy_types::pb::envoy::extensions::access_loggers::file::v3::file_access_log::AccessLogFormat;
use envoy_types::pb::envoy::extensions::access_loggers::filters::cel::v3::ExpressionFilter;
use envoy_types::pb::envoy::extensions::formatter::req_without_query::v3::ReqWithoutQuery;
use envoy_types::pb::google::protobuf::Any;

use crate::api::Json;
use crate::base::Str;
use crate::wire::any;

use super::log_service::{GrpcSink, OtelSink};
use super::standard::of_type;
use super::typed::fields;

/// A log of calls or connections.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AccessLog {
    /// Where entries go.
    pub sink: LogSink,
    /// The CEL expression that is true for what is logged; everything is if absent.
    pub filter: Option<Str>,
}

/// Where entries of a log go.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LogSink {
    /// To a file.
    File(FileSink),
    /// To Envoy's access log service.
    Grpc(GrpcSink),
    /// To a collector of OpenTelemetry.
    Otel(OtelSink),
}

/// A log that is written to a file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FileSink {
    /// The file's path.
    pub path: Str,
    /// What a line holds; Envoy's own line if absent.
    pub format: Option<LogFormat>,
    /// Whether values that are missing are left out.
    pub omit_empty: bool,
    /// Whether the format needs Envoy's extension for `%REQ_WITHOUT_QUERY%`.
    pub without_query: bool,
}

/// What a line of a log holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LogFormat {
    /// Text with Envoy's operators, ending in a newline.
    Text(Str),
    /// A JSON object whose strings hold Envoy's operators.
    Json(Json),
}

impl AccessLog {
    /// The log of every call or connection.
    pub(crate) fn build(&self) -> EnvoyAccessLog {
        self.filtered(None)
    }

    /// The log of connections that are logged when they are there too, for metrics: here only once, at the end.
    pub(super) fn build_once(&self) -> EnvoyAccessLog {
        let mut log = self.build();
        let at_end = of_type(AccessLogType::TcpUpstreamConnected, true);
        log.filter = all_of([at_end].into_iter().chain(log.filter).collect());
        log
    }

    /// The log of connections that no filter chain took: no other log tells of those.
    pub(crate) fn build_unmatched(&self) -> EnvoyAccessLog {
        let flags = ResponseFlagFilter { flags: vec!["NR".to_owned()] };
        self.filtered(Some(FilterSpecifier::ResponseFlagFilter(flags)))
    }

    fn filtered(&self, only: Option<FilterSpecifier>) -> EnvoyAccessLog {
        let (name, config) = match &self.sink {
            LogSink::File(file) => ("envoy.access_loggers.file", file.build()),
            LogSink::Grpc(service) => service.build(),
            LogSink::Otel(collector) => ("envoy.access_loggers.open_telemetry", collector.build()),
        };
        let filters = only.into_iter().chain(self.filter.as_deref().map(expression)).map(of);
        EnvoyAccessLog {
            name: name.to_owned(),
            filter: all_of(filters.collect()),
            config_type: Some(ConfigType::TypedConfig(config)),
        }
    }
}

fn of(specifier: FilterSpecifier) -> AccessLogFilter {
    AccessLogFilter { filter_specifier: Some(specifier) }
}

fn all_of(mut filters: Vec<AccessLogFilter>) -> Option<AccessLogFilter> {
    if filters.len() < 2 { filters.pop() } else { Some(of(FilterSpecifier::AndFilter(AndFilter { filters }))) }
}

fn expression(cel: &str) -> FilterSpecifier {
    let config = any(&ExpressionFilter { expression: cel.to_owned(), ..ExpressionFilter::default() });
    FilterSpecifier::ExtensionFilter(ExtensionFilter {
        name: "envoy.access_loggers.extension_filters.cel".to_owned(),
        config_type: Some(extension_filter::ConfigType::TypedConfig(config)),
    })
}

impl FileSink {
    fn build(&self) -> Any {
        let format = self.format.as_ref().map(|format| AccessLogFormat::LogFormat(self.line(format)));
        any(&FileAccessLog { path: self.path.to_string(), access_log_format: format })
    }

    fn line(&self, format: &LogFormat) -> SubstitutionFormatString {
        let (format, json_format_options) = match format {
            LogFormat::Text(text) => {
                let inline = Specifier::InlineString(text.to_string());
                let source = DataSource { specifier: Some(inline), ..DataSource::default() };
                (Format::TextFormatSource(source), None)
            }
            LogFormat::Json(json) => (Format::JsonFormat(fields(json)), Some(JsonFormatOptions::default())),
        };
        SubstitutionFormatString {
            omit_empty_values: self.omit_empty,
            formatters: self.without_query.then(without_query).into_iter().collect(),
            json_format_options,
            format: Some(format),
            ..SubstitutionFormatString::default()
        }
    }
}

/// Envoy's extension for `%REQ_WITHOUT_QUERY%`.
pub(super) fn without_query() -> TypedExtensionConfig {
    TypedExtensionConfig {
        name: "envoy.formatter.req_without_query".to_owned(),
        typed_config: Some(any(&ReqWithoutQuery {})),
    }
}
