//! Access logs, as far as the mesh's settings ask for them (istio `pilot/pkg/model/telemetry_logging.go`).

use serde_json::json;

use crate::api::Json;
use crate::api::mesh::{AccessLogEncoding, ExtensionProvider, MeshConfig};
use crate::base::Str;
use crate::generate::filter::{AccessLog, LogFormat};
use crate::proxy::Capabilities;

/// Envoy's operator that needs an extension.
const WITHOUT_QUERY: &str = "%REQ_WITHOUT_QUERY";

/// The logs of calls and connections: those of the default providers, by name; without any, the file of old.
pub(super) fn logs(mesh: &MeshConfig, capabilities: &Capabilities) -> Vec<AccessLog> {
    let mut names: Vec<&Str> = mesh.default_providers.access_logging.iter().collect();
    names.sort();
    names.dedup();
    let mut providers: Vec<_> = names.into_iter().filter_map(|name| provider(mesh, name)).collect();
    providers.sort_by(|a, b| a.name.cmp(&b.name));
    let logs: Vec<_> = providers.into_iter().filter_map(|p| provided(mesh, p, capabilities)).collect();
    if logs.is_empty() && !mesh.access_log_file.is_empty() {
        return vec![of_mesh(mesh, &mesh.access_log_file, capabilities)];
    }
    logs
}

/// The provider of a name, whatever its case.
pub(super) fn provider<'m>(mesh: &'m MeshConfig, name: &str) -> Option<&'m ExtensionProvider> {
    mesh.extension_providers.iter().find(|p| p.name.eq_ignore_ascii_case(name))
}

/// A provider's log, if it is one that writes files.
fn provided(mesh: &MeshConfig, provider: &ExtensionProvider, capabilities: &Capabilities) -> Option<AccessLog> {
    if provider.r#type != "envoyFileAccessLog" {
        return None;
    }
    let settings = &provider.settings;
    let field = |json: &Json, camel: &str, snake: &str| json.get(camel).or_else(|| json.get(snake)).cloned();
    let path = settings.get("path").and_then(Json::as_str).filter(|p| !p.is_empty()).unwrap_or("/dev/stdout");
    let omit_empty = field(settings, "omitEmptyValues", "omit_empty_values") == Some(Json::Bool(true));
    let format = field(settings, "logFormat", "log_format");
    if provider.name == "envoy" && format.is_none() && !omit_empty {
        return Some(of_mesh(mesh, &path.into(), capabilities));
    }
    let labels = format.as_ref().and_then(|f| f.get("labels")).filter(|l| l.is_object());
    let format = match labels {
        Some(labels) => LogFormat::Json(if labels == &json!({}) { default_fields() } else { labels.clone() }),
        None => {
            let text = format.as_ref().and_then(|f| f.get("text")).and_then(Json::as_str);
            LogFormat::Text(line(text.unwrap_or_default()))
        }
    };
    Some(log(path.into(), format, omit_empty, capabilities))
}

/// A log in the format of the mesh's settings.
fn of_mesh(mesh: &MeshConfig, path: &Str, capabilities: &Capabilities) -> AccessLog {
    let format = match mesh.access_log_encoding {
        AccessLogEncoding::Text => LogFormat::Text(line(&mesh.access_log_format)),
        AccessLogEncoding::Json => {
            let said = serde_json::from_str(&mesh.access_log_format).ok().filter(Json::is_object);
            LogFormat::Json(said.unwrap_or_else(default_fields))
        }
    };
    log(path.clone(), format, false, capabilities)
}

/// Istiod overlooks the operator within nested objects, and sends a listener that is refused. Its own proxies get
/// what it sends; others get the extension.
fn log(path: Str, format: LogFormat, omit_empty: bool, capabilities: &Capabilities) -> AccessLog {
    let uses = |json: &Json| json.as_str().is_some_and(|s| s.contains(WITHOUT_QUERY));
    let without_query = match &format {
        LogFormat::Text(text) => text.contains(WITHOUT_QUERY),
        LogFormat::Json(json) if capabilities.is_istio() => json.as_object().is_some_and(|o| o.values().any(uses)),
        LogFormat::Json(json) => json.to_string().contains(WITHOUT_QUERY),
    };
    AccessLog { path, format, omit_empty, without_query }
}

/// A line of text ends in a newline; an empty one is Istio's own.
fn line(format: &str) -> Str {
    match format {
        "" => DEFAULT_LINE.into(),
        format if format.ends_with('\n') => format.into(),
        format => format!("{format}\n").into(),
    }
}

const DEFAULT_LINE: &str = concat!(
    "[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\" %RESPONSE_CODE% %RESPONSE_FLAGS% ",
    "%RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% \"%UPSTREAM_TRANSPORT_FAILURE_REASON%\" ",
    "%BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% \"%REQ(X-FORWARDED-FOR)%\" ",
    "\"%REQ(USER-AGENT)%\" \"%REQ(X-REQUEST-ID)%\" \"%REQ(:AUTHORITY)%\" \"%UPSTREAM_HOST%\" %UPSTREAM_CLUSTER_RAW% ",
    "%UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% ",
    "%ROUTE_NAME%\n",
);

/// The fields of a JSON log where nothing is said.
fn default_fields() -> Json {
    json!({
        "authority": "%REQ(:AUTHORITY)%",
        "bytes_received": "%BYTES_RECEIVED%",
        "bytes_sent": "%BYTES_SENT%",
        "connection_termination_details": "%CONNECTION_TERMINATION_DETAILS%",
        "downstream_local_address": "%DOWNSTREAM_LOCAL_ADDRESS%",
        "downstream_remote_address": "%DOWNSTREAM_REMOTE_ADDRESS%",
        "duration": "%DURATION%",
        "method": "%REQ(:METHOD)%",
        "path": "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
        "protocol": "%PROTOCOL%",
        "request_id": "%REQ(X-REQUEST-ID)%",
        "requested_server_name": "%REQUESTED_SERVER_NAME%",
        "response_code": "%RESPONSE_CODE%",
        "response_code_details": "%RESPONSE_CODE_DETAILS%",
        "response_flags": "%RESPONSE_FLAGS%",
        "route_name": "%ROUTE_NAME%",
        "start_time": "%START_TIME%",
        "upstream_cluster": "%UPSTREAM_CLUSTER_RAW%",
        "upstream_host": "%UPSTREAM_HOST%",
        "upstream_local_address": "%UPSTREAM_LOCAL_ADDRESS%",
        "upstream_service_time": "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%",
        "upstream_transport_failure_reason": "%UPSTREAM_TRANSPORT_FAILURE_REASON%",
        "user_agent": "%REQ(USER-AGENT)%",
        "x_forwarded_for": "%REQ(X-FORWARDED-FOR)%",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mesh(settings: Json) -> MeshConfig {
        MeshConfig::parse(settings).0
    }

    fn one(settings: Json) -> AccessLog {
        let logs = logs(&mesh(settings), &Capabilities::Istio);
        assert_eq!(logs.len(), 1);
        logs.into_iter().next().expect("there is one")
    }

    #[test]
    fn nothing_is_logged_unless_something_is_said() {
        assert!(logs(&mesh(json!({})), &Capabilities::Istio).is_empty());
    }

    #[test]
    fn a_line_ends_in_a_newline_and_an_operator_brings_its_extension() {
        let log = one(json!({"accessLogFile": "/dev/stdout", "accessLogFormat": "%REQ_WITHOUT_QUERY(:PATH)%"}));
        assert_eq!(log.format, LogFormat::Text("%REQ_WITHOUT_QUERY(:PATH)%\n".into()));
        assert!(log.without_query);
        assert!(!one(json!({"accessLogFile": "/dev/stdout"})).without_query);
    }

    #[test]
    fn a_provider_goes_before_the_file_of_old() {
        let labels = json!({"code": "%RESPONSE_CODE%"});
        let provider = json!({"name": "mine", "envoyFileAccessLog": {"path": "/a", "logFormat": {"labels": labels}}});
        let settings = |name: &str| json!({"accessLogFile": "/old", "defaultProviders": {"accessLogging": [name]}, "extensionProviders": [provider]});
        let log = one(settings("MINE"));
        assert_eq!((log.path.as_str(), &log.format), ("/a", &LogFormat::Json(labels)));
        assert_eq!(one(settings("nobody")).path, "/old");
    }

    #[test]
    fn the_built_in_provider_takes_the_format_of_the_mesh() {
        let settings = json!({"accessLogEncoding": "JSON", "defaultProviders": {"accessLogging": ["envoy"]}});
        assert_eq!(one(settings).format, LogFormat::Json(default_fields()));
    }

    #[test]
    fn others_than_istios_get_the_extension_for_nested_fields_too() {
        let format = json!({"http": {"path": "%REQ_WITHOUT_QUERY(:PATH)%"}}).to_string();
        let settings = json!({"accessLogFile": "/a", "accessLogEncoding": "JSON", "accessLogFormat": format});
        let stock = Capabilities::Stock { types: Default::default(), identity: false };
        assert!(logs(&mesh(settings.clone()), &stock)[0].without_query);
        assert!(!one(settings).without_query);
    }
}
