//! Logs of calls and connections (istio `pilot/pkg/networking/core/accesslog.go`, `pilot/pkg/model/telemetry_logging.go`).

use envoy_types::pb::envoy::config::accesslog::v3::access_log::ConfigType;
use envoy_types::pb::envoy::config::accesslog::v3::access_log_filter::FilterSpecifier;
use envoy_types::pb::envoy::config::accesslog::v3::{AccessLog as EnvoyAccessLog, AccessLogFilter, ResponseFlagFilter};
use envoy_types::pb::envoy::config::core::v3::data_source::Specifier;
use envoy_types::pb::envoy::config::core::v3::substitution_format_string::Format;
use envoy_types::pb::envoy::config::core::v3::{
    DataSource, JsonFormatOptions, SubstitutionFormatString, TypedExtensionConfig,
};
use envoy_types::pb::envoy::extensions::access_loggers::file::v3::FileAccessLog;
use envoy_types::pb::envoy::extensions::access_loggers::file::v3::file_access_log::AccessLogFormat;
use envoy_types::pb::envoy::extensions::formatter::req_without_query::v3::ReqWithoutQuery;

use crate::api::Json;
use crate::base::Str;
use crate::wire::any;

use super::typed::fields;

/// A log that is written to a file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AccessLog {
    /// The file's path.
    pub path: Str,
    /// What a line holds.
    pub format: LogFormat,
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
        let config = FileAccessLog {
            path: self.path.to_string(),
            access_log_format: Some(AccessLogFormat::LogFormat(self.format())),
        };
        EnvoyAccessLog {
            name: "envoy.access_loggers.file".to_owned(),
            filter: None,
            config_type: Some(ConfigType::TypedConfig(any(&config))),
        }
    }

    /// The log of connections that no filter chain took: no other log tells of those.
    pub(crate) fn build_unmatched(&self) -> EnvoyAccessLog {
        let flags = ResponseFlagFilter { flags: vec!["NR".to_owned()] };
        let filter = AccessLogFilter { filter_specifier: Some(FilterSpecifier::ResponseFlagFilter(flags)) };
        EnvoyAccessLog { filter: Some(filter), ..self.build() }
    }

    fn format(&self) -> SubstitutionFormatString {
        let (format, json_format_options) = match &self.format {
            LogFormat::Text(text) => {
                let inline = Specifier::InlineString(text.to_string());
                let source = DataSource { specifier: Some(inline), ..DataSource::default() };
                (Format::TextFormatSource(source), None)
            }
            LogFormat::Json(json) => (Format::JsonFormat(fields(json)), Some(JsonFormatOptions::default())),
        };
        let extension = || TypedExtensionConfig {
            name: "envoy.formatter.req_without_query".to_owned(),
            typed_config: Some(any(&ReqWithoutQuery {})),
        };
        SubstitutionFormatString {
            omit_empty_values: self.omit_empty,
            formatters: self.without_query.then(extension).into_iter().collect(),
            json_format_options,
            format: Some(format),
            ..SubstitutionFormatString::default()
        }
    }
}
