//! Access logs (istio `pilot/pkg/model/telemetry_logging.go`).

use std::collections::BTreeMap;

use envoy_types::pb::envoy::extensions::access_loggers::file::v3::FileAccessLog;
use envoy_types::pb::envoy::extensions::access_loggers::filters::cel::v3::ExpressionFilter;
use envoy_types::pb::envoy::extensions::access_loggers::grpc::v3::{HttpGrpcAccessLogConfig, TcpGrpcAccessLogConfig};
use envoy_types::pb::envoy::extensions::access_loggers::open_telemetry::v3::OpenTelemetryAccessLogConfig;
use prost::Name;

use crate::api::mesh::{AccessLogEncoding, FileLog, FileLogFormat, GrpcLog, MeshConfig, Observer, OtelLog};
use crate::api::{Json, is_log_format, is_log_object};
use crate::base::Str;
use crate::generate::filter::{AccessLog, Backend, FileSink, GrpcSink, LogFormat, LogSink, OtelSink};
use crate::proxy::Capabilities;

use super::line::{DEFAULT_LINE, default_fields, fields, line};
use super::{Place, Telemetries, allowed, merge, side};

/// Envoy's operator that needs an extension.
const WITHOUT_QUERY: &str = "%REQ_WITHOUT_QUERY";

/// What Istio's filters know of the other side of a connection.
const PEERS: [&str; 2] = ["upstream_peer", "downstream_peer"];
/// The same under the names of today and of old.
const ALL_PEERS: [&str; 6] = [
    "upstream_peer",
    "downstream_peer",
    "wasm.upstream_peer",
    "wasm.upstream_peer_id",
    "wasm.downstream_peer",
    "wasm.downstream_peer_id",
];

impl Telemetries<'_> {
    /// The logs of a place for calls in, or for calls out and at the edge. Without any provider that can log, the
    /// mesh's old settings hold.
    pub(in crate::plan) fn logs(&self, inbound: bool, place: Place) -> Vec<AccessLog> {
        let mesh = &self.view.mesh().config;
        let merged = merge::logs(self.logging(), &mesh.default_providers.access_logging, side(inbound));
        let mut found: Vec<(&Str, AccessLog, bool)> = Vec::new();
        for (name, spec) in &merged {
            let Some((name, observer)) = self.observer(name) else { continue };
            let Some(sink) = self.sink(name, observer) else { continue };
            found.push((name, AccessLog { sink, filter: spec.filter.clone() }, spec.disabled));
        }
        let mut logs: Vec<AccessLog> = match found.is_empty() {
            true => self.logs_of_old(mesh, place),
            false => {
                found.sort_by_key(|(name, ..)| *name);
                found.into_iter().filter(|(.., disabled)| !disabled).map(|(_, log, _)| log).collect()
            }
        };
        logs.retain(|log| self.can_log(log));
        logs
    }

    /// Whether the proxy has what the log is made of, and takes it.
    fn can_log(&self, log: &AccessLog) -> bool {
        let sink = match &log.sink {
            LogSink::File(_) => FileAccessLog::full_name(),
            LogSink::Grpc(service) if service.calls => HttpGrpcAccessLogConfig::full_name(),
            LogSink::Grpc(_) => TcpGrpcAccessLogConfig::full_name(),
            LogSink::Otel(_) => OpenTelemetryAccessLogConfig::full_name(),
        };
        let filters = log.filter.is_none() || self.has(&ExpressionFilter::full_name());
        self.has(&sink) && filters && allowed(&log.build())
    }

    fn sink(&self, name: &str, observer: &Observer) -> Option<LogSink> {
        let capabilities = &self.proxy.capabilities;
        match observer {
            Observer::FileLog(file) if name == "envoy" && file.log_format.is_none() && !file.omit_empty_values => {
                Some(LogSink::File(of_mesh(&self.view.mesh().config, path_of(file), capabilities)))
            }
            Observer::FileLog(file) => Some(LogSink::File(of_provider(file, capabilities))),
            Observer::HttpLog(log) => {
                let backend = self.backend(&log.service, log.port)?;
                Some(LogSink::Grpc(grpc_sink(log, backend, Some("http_envoy_accesslog"))))
            }
            Observer::TcpLog(log) => {
                let backend = self.backend(&log.service, log.port)?;
                Some(LogSink::Grpc(grpc_sink(log, backend, None)))
            }
            Observer::OtelLog(log) => {
                Some(LogSink::Otel(otel_sink(log, self.backend(&log.service, log.port)?, capabilities)))
            }
            _ => None,
        }
    }

    /// The file of the mesh's old settings, and the log service of a proxy's bootstrap.
    fn logs_of_old(&self, mesh: &MeshConfig, place: Place) -> Vec<AccessLog> {
        let capabilities = &self.proxy.capabilities;
        let file = (!mesh.access_log_file.is_empty())
            .then(|| LogSink::File(of_mesh(mesh, mesh.access_log_file.clone(), capabilities)));
        let name = match place {
            Place::Calls => "http_envoy_accesslog",
            Place::Bytes => "tcp_envoy_accesslog",
            Place::Listener => "listener_envoy_accesslog",
        };
        // The cluster is one of the bootstrap that Istio's agent writes.
        let service = (mesh.enable_envoy_access_log_service && capabilities.is_istio()).then(|| {
            LogSink::Grpc(GrpcSink {
                calls: place == Place::Calls,
                name: name.into(),
                backend: Backend { cluster: "envoy_accesslog_service".into(), host: Str::default() },
                state: ALL_PEERS.map(Str::from).to_vec(),
                headers: Default::default(),
            })
        });
        file.into_iter().chain(service).map(|sink| AccessLog { sink, filter: None }).collect()
    }
}

/// Istio's API says what the default is; istiod forgets it for its own provider, whose log is then refused.
fn path_of(file: &FileLog) -> Str {
    if file.path.is_empty() { "/dev/stdout".into() } else { file.path.clone() }
}

fn of_provider(file: &FileLog, capabilities: &Capabilities) -> FileSink {
    let format = match &file.log_format {
        None => Some(LogFormat::Text(line(""))),
        Some(FileLogFormat::Unset) => None,
        Some(FileLogFormat::Text(text)) => Some(LogFormat::Text(line(text))),
        Some(FileLogFormat::Labels(labels)) if labels.is_empty() => Some(LogFormat::Json(default_fields())),
        Some(FileLogFormat::Labels(labels)) => Some(LogFormat::Json(fields(Some(object(labels))))),
    };
    file_sink(path_of(file), format, file.omit_empty_values, capabilities)
}

fn object(labels: &BTreeMap<Str, Json>) -> Json {
    Json::Object(labels.iter().map(|(name, value)| (name.to_string(), value.clone())).collect())
}

/// A log in the format of the mesh's settings.
fn of_mesh(mesh: &MeshConfig, path: Str, capabilities: &Capabilities) -> FileSink {
    let format = match mesh.access_log_encoding {
        AccessLogEncoding::Text => LogFormat::Text(line(&mesh.access_log_format)),
        AccessLogEncoding::Json => {
            let said = serde_json::from_str(&mesh.access_log_format).ok().filter(Json::is_object);
            LogFormat::Json(fields(said))
        }
    };
    file_sink(path, Some(format), false, capabilities)
}

/// Istiod overlooks the operator within nested objects, and sends a listener that is refused. Its own proxies get
/// what it sends; others get the extension.
fn file_sink(path: Str, format: Option<LogFormat>, omit_empty: bool, capabilities: &Capabilities) -> FileSink {
    let without_query = match &format {
        None => false,
        Some(LogFormat::Text(text)) => text.contains(WITHOUT_QUERY),
        Some(LogFormat::Json(json)) if capabilities.is_istio() => {
            json.as_object().is_some_and(|o| o.values().any(uses))
        }
        Some(LogFormat::Json(json)) => json.to_string().contains(WITHOUT_QUERY),
    };
    FileSink { path, format, omit_empty, without_query }
}

fn uses(json: &Json) -> bool {
    json.as_str().is_some_and(|text| text.contains(WITHOUT_QUERY))
}

/// A log of calls has a name to fall back on; one of connections has another.
fn grpc_sink(log: &GrpcLog, backend: Backend, of_calls: Option<&str>) -> GrpcSink {
    let state = &log.filter_state_objects_to_log;
    let default = of_calls.unwrap_or("tcp_envoy_accesslog");
    GrpcSink {
        calls: of_calls.is_some(),
        name: if log.log_name.is_empty() { default.into() } else { log.log_name.clone() },
        backend,
        state: if state.is_empty() { PEERS.map(Str::from).to_vec() } else { state.clone() },
        headers: [
            log.additional_request_headers_to_log.clone(),
            log.additional_response_headers_to_log.clone(),
            log.additional_response_trailers_to_log.clone(),
        ],
    }
}

/// An attribute that is no string is empty, as in istiod; one that Envoy cannot read is left out.
fn otel_sink(log: &OtelLog, backend: Backend, capabilities: &Capabilities) -> OtelSink {
    let format = log.log_format.as_ref();
    let said = format.map(|f| f.text.clone()).filter(|text| !text.is_empty() && is_log_format(text));
    let body = said.unwrap_or_else(|| DEFAULT_LINE.into());
    let labels = format.map(|f| &f.labels).into_iter().flatten().filter(|(_, value)| is_log_object(value));
    let attributes: Vec<(Str, Str)> =
        labels.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().into())).collect();
    let name = if log.log_name.is_empty() { "otel_envoy_accesslog".into() } else { log.log_name.clone() };
    let needed = [&body].into_iter().chain(attributes.iter().map(|(_, v)| v)).any(|t| t.contains(WITHOUT_QUERY));
    let state = if capabilities.is_istio() { ALL_PEERS.map(Str::from).to_vec() } else { Vec::new() };
    OtelSink { name, backend, state, body, attributes, without_query: needed }
}
