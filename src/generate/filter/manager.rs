//! The HTTP connection manager (istio `pilot/pkg/networking/core/listener_builder.go`, `buildHTTPConnectionManager`).

use envoy_types::pb::envoy::config::accesslog::v3::AccessLog as EnvoyAccessLog;
use envoy_types::pb::envoy::config::core::v3::http_protocol_options::HeadersWithUnderscoresAction;
use envoy_types::pb::envoy::config::core::v3::http1_protocol_options::HeaderKeyFormat;
use envoy_types::pb::envoy::config::core::v3::http1_protocol_options::header_key_format::HeaderFormat;
use envoy_types::pb::envoy::config::core::v3::{
    CidrRange, Http1ProtocolOptions, Http2ProtocolOptions, HttpProtocolOptions, TypedExtensionConfig,
};
use envoy_types::pb::envoy::config::listener::v3::Filter;
use envoy_types::pb::envoy::config::route::v3::RouteConfiguration;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::http_connection_manager::{
    CodecType, ForwardClientCertDetails, InternalAddressConfig, PathWithEscapedSlashesAction, RouteSpecifier,
    ServerHeaderTransformation, SetCurrentClientCertDetails, UpgradeConfig,
};
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::{
    HttpConnectionManager, Rds, RequestIdExtension,
};
use envoy_types::pb::envoy::extensions::http::header_formatters::preserve_case::v3::PreserveCaseFormatterConfig;
use envoy_types::pb::envoy::extensions::request_id::uuid::v3::UuidRequestIdConfig;
use envoy_types::pb::google::protobuf;
use ipnet::IpNet;

use crate::api::mesh::{
    ConnectionSettings, ForwardClientCert, HeadersWithUnderscores, NormalizationType, PathWithEscapedSlashes,
};
use crate::generate::proto;
use crate::generate::route::{CatchAll, head};
use crate::wire::{Fragment, Refusal, any};

use super::access_log::AccessLog;
use super::bytes::filter;
use super::calls::{CallSettings, Calls, ClientCertificate, Routes, ServerHeader};
use super::http::HttpFilter;
use super::standard::Standard;
use super::tracing::Tracing;

impl Calls {
    pub(crate) fn build(&self) -> Result<Filter, Refusal> {
        Ok(filter("envoy.filters.network.http_connection_manager", any(&self.manager()?)))
    }

    fn manager(&self) -> Result<HttpConnectionManager, Refusal> {
        let mut manager = self.settings.manager();
        let mut filters: Vec<&HttpFilter> = self.settings.filters.iter().chain(&self.filters).collect();
        filters.sort();
        manager.http_filters = filters.into_iter().map(HttpFilter::build).collect();
        manager.stat_prefix = self.stat_prefix.to_string();
        manager.route_specifier = Some(match &self.routes {
            Routes::Named(name) => {
                RouteSpecifier::Rds(Rds { config_source: Some(proto::ads()), route_config_name: name.to_string() })
            }
            Routes::Inbound(route) => RouteSpecifier::RouteConfig(route.build()),
            Routes::Unknown(host) => RouteSpecifier::RouteConfig(unknown(host)?),
        });
        if self.absolute_urls {
            let options = manager.http_protocol_options.get_or_insert_default();
            options.allow_absolute_url = Some(proto::bool_value(true));
        }
        if self.http2 {
            manager.http2_protocol_options.get_or_insert_default();
        }
        Ok(manager)
    }
}

/// A route configuration with nothing but this host.
fn unknown(host: &CatchAll) -> Result<RouteConfiguration, Refusal> {
    Ok(RouteConfiguration { virtual_hosts: vec![host.build()?], ..head("allow_any_dynamic_dns") })
}

impl CallSettings {
    /// Everything that does not differ between chains.
    fn manager(&self) -> HttpConnectionManager {
        let (server_name, transformation) = match &self.server {
            ServerHeader::Replace(name) => (name.to_string(), ServerHeaderTransformation::Overwrite),
            ServerHeader::Keep => (String::new(), ServerHeaderTransformation::PassThrough),
        };
        let request_id = UuidRequestIdConfig {
            use_request_id_for_trace_sampling: Some(proto::bool_value(self.sampled_by_id)),
            ..UuidRequestIdConfig::default()
        };
        let mut manager = HttpConnectionManager {
            codec_type: CodecType::Auto.into(),
            server_name,
            server_header_transformation: transformation.into(),
            generate_request_id: self.no_request_id.then(|| proto::bool_value(false)),
            append_x_forwarded_port: self.forwarded_port,
            use_remote_address: Some(proto::bool_value(self.remote_address || self.edge.is_some())),
            xff_num_trusted_hops: self.edge.unwrap_or(0),
            upgrade_configs: vec![UpgradeConfig { upgrade_type: "websocket".to_owned(), ..UpgradeConfig::default() }],
            stream_idle_timeout: Some(protobuf::Duration::default()),
            proxy_100_continue: self.continues,
            access_log: self.logs(),
            tracing: self.tracing.as_ref().map(Tracing::build),
            request_id_extension: Some(RequestIdExtension { typed_config: Some(any(&request_id)) }),
            http_protocol_options: self.http1(),
            internal_address_config: self.internal(),
            ..HttpConnectionManager::default()
        };
        if let Some(idle_timeout) = self.idle_timeout {
            manager.common_http_protocol_options.get_or_insert_default().idle_timeout =
                Some(proto::duration(idle_timeout));
        }
        if let Some(certificate) = &self.certificate {
            certificate.apply(&mut manager);
        }
        normalize(self.normalization, &mut manager);
        if let Some(limits) = &self.limits {
            limit(limits, &mut manager);
        }
        manager
    }

    fn internal(&self) -> Option<InternalAddressConfig> {
        let range = |net: &IpNet| CidrRange {
            address_prefix: net.addr().to_string(),
            prefix_len: Some(proto::u32_value(net.prefix_len().into())),
        };
        let cidr_ranges: Vec<CidrRange> = self.internal.iter().map(range).collect();
        (!cidr_ranges.is_empty()).then(|| InternalAddressConfig { cidr_ranges, ..InternalAddressConfig::default() })
    }

    fn logs(&self) -> Vec<EnvoyAccessLog> {
        let metrics = self.metrics.as_ref().map(Standard::of_calls).unwrap_or_default();
        self.logs.iter().map(AccessLog::build).chain(metrics).collect()
    }

    fn http1(&self) -> Option<Http1ProtocolOptions> {
        let preserve = || HeaderKeyFormat {
            header_format: Some(HeaderFormat::StatefulFormatter(TypedExtensionConfig {
                name: "preserve_case".to_owned(),
                typed_config: Some(any(&PreserveCaseFormatterConfig::default())),
            })),
        };
        (self.http10 || self.keep_case || self.edge.is_some()).then(|| Http1ProtocolOptions {
            accept_http_10: self.http10,
            header_key_format: self.keep_case.then(preserve),
            ..Http1ProtocolOptions::default()
        })
    }
}

impl ClientCertificate {
    fn apply(&self, manager: &mut HttpConnectionManager) {
        manager.forward_client_cert_details = match self.forward {
            ForwardClientCert::Sanitize => ForwardClientCertDetails::Sanitize,
            ForwardClientCert::ForwardOnly => ForwardClientCertDetails::ForwardOnly,
            ForwardClientCert::Undefined | ForwardClientCert::AppendForward => ForwardClientCertDetails::AppendForward,
            ForwardClientCert::SanitizeSet => ForwardClientCertDetails::SanitizeSet,
            ForwardClientCert::AlwaysForwardOnly => ForwardClientCertDetails::AlwaysForwardOnly,
        }
        .into();
        manager.set_current_client_cert_details = self.tells.then(|| SetCurrentClientCertDetails {
            subject: Some(proto::bool_value(self.subject)),
            cert: self.cert,
            chain: self.chain,
            dns: self.dns,
            uri: self.uri,
            ..SetCurrentClientCertDetails::default()
        });
    }
}

fn normalize(normalization: NormalizationType, manager: &mut HttpConnectionManager) {
    use NormalizationType::{DecodeAndMergeSlashes, MergeSlashes, None};
    manager.normalize_path = Some(proto::bool_value(normalization != None));
    manager.merge_slashes = matches!(normalization, MergeSlashes | DecodeAndMergeSlashes);
    let slashes = match normalization {
        DecodeAndMergeSlashes => PathWithEscapedSlashesAction::UnescapeAndForward,
        _ => PathWithEscapedSlashesAction::KeepUnchanged,
    };
    manager.path_with_escaped_slashes_action = slashes.into();
}

/// What a proxy's own settings say goes before what was put there already (istio `connection_settings.go`).
fn limit(limits: &ConnectionSettings, manager: &mut HttpConnectionManager) {
    let stream_idle_timeout = limits.http_stream_idle_timeout.map(proto::duration);
    manager.stream_idle_timeout = stream_idle_timeout.or_else(|| manager.stream_idle_timeout.take());
    manager.request_timeout = limits.http_request_timeout.map(proto::duration);
    manager.request_headers_timeout = limits.http_request_headers_timeout.map(proto::duration);
    manager.drain_timeout = limits.http_drain_timeout.map(proto::duration);
    limit_connections(limits, &mut manager.common_http_protocol_options);
    limit_streams(limits, &mut manager.http2_protocol_options);
    if let Some(merge) = limits.http_merge_slashes {
        manager.merge_slashes = merge;
    }
    let slashes = match limits.http_path_with_escaped_slashes_action {
        PathWithEscapedSlashes::Unspecified => return,
        PathWithEscapedSlashes::KeepUnchanged => PathWithEscapedSlashesAction::KeepUnchanged,
        PathWithEscapedSlashes::RejectRequest => PathWithEscapedSlashesAction::RejectRequest,
        PathWithEscapedSlashes::UnescapeAndRedirect => PathWithEscapedSlashesAction::UnescapeAndRedirect,
        PathWithEscapedSlashes::UnescapeAndForward => PathWithEscapedSlashesAction::UnescapeAndForward,
    };
    manager.path_with_escaped_slashes_action = slashes.into();
}

fn limit_connections(limits: &ConnectionSettings, options: &mut Option<HttpProtocolOptions>) {
    let durations = [limits.http_idle_timeout, limits.http_max_connection_duration, limits.http_max_stream_duration];
    let underscores = match limits.http_headers_with_underscores_action {
        HeadersWithUnderscores::Unspecified => None,
        HeadersWithUnderscores::Allow => Some(HeadersWithUnderscoresAction::Allow),
        HeadersWithUnderscores::RejectRequest => Some(HeadersWithUnderscoresAction::RejectRequest),
        HeadersWithUnderscores::DropHeader => Some(HeadersWithUnderscoresAction::DropHeader),
    };
    if underscores.is_none() && durations.iter().all(Option::is_none) {
        return;
    }
    let [idle, connection, stream] = durations.map(|d| d.map(proto::duration));
    let options = options.get_or_insert_default();
    options.idle_timeout = idle.or_else(|| options.idle_timeout.take());
    options.max_connection_duration = connection;
    options.max_stream_duration = stream;
    options.headers_with_underscores_action = underscores.unwrap_or(HeadersWithUnderscoresAction::Allow).into();
}

/// Negative numbers are taken for absent.
fn limit_streams(limits: &ConnectionSettings, options: &mut Option<Http2ProtocolOptions>) {
    let numbers = [
        limits.http_max_concurrent_streams,
        limits.http2_initial_stream_window_size,
        limits.http2_initial_connection_window_size,
    ];
    if numbers.iter().all(Option::is_none) {
        return;
    }
    let [streams, stream, connection] = numbers.map(|n| n.and_then(|n| u32::try_from(n).ok()).map(proto::u32_value));
    let options = options.get_or_insert_default();
    options.max_concurrent_streams = streams;
    options.initial_stream_window_size = stream;
    options.initial_connection_window_size = connection;
}
