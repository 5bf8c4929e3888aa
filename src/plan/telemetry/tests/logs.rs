//! Access logs.

use envoy_types::pb::envoy::extensions::access_loggers::file::v3::FileAccessLog;
use envoy_types::pb::envoy::extensions::access_loggers::filters::cel::v3::ExpressionFilter;
use prost::Name;

use super::*;
use crate::generate::filter::{AccessLog, FileSink, LogFormat, LogSink};
use crate::plan::telemetry::Place;
use crate::plan::telemetry::line::{DEFAULT_LINE, default_fields};

fn logs(world: &World, proxy: &Proxy, inbound: bool) -> Vec<AccessLog> {
    ask(world, proxy, |t| t.logs(inbound, Place::Calls))
}

/// The path of each log in a file, the log's name of each other, and what is logged.
fn told(world: &World, inbound: bool) -> Vec<(String, String)> {
    let name = |log: &AccessLog| match &log.sink {
        LogSink::File(file) => file.path.to_string(),
        LogSink::Grpc(service) => service.name.to_string(),
        LogSink::Otel(collector) => collector.name.to_string(),
    };
    let all = logs(world, &shop(), inbound);
    all.iter().map(|log| (name(log), log.filter.as_deref().unwrap_or("").to_owned())).collect()
}

fn all(names: &[&str]) -> Vec<(String, String)> {
    names.iter().map(|name| ((*name).to_owned(), String::new())).collect()
}

fn file(settings: Value) -> FileSink {
    file_of(&world(settings, &[]))
}

fn file_of(world: &World) -> FileSink {
    let mut logs = logs(world, &shop(), false);
    assert_eq!(logs.len(), 1);
    match logs.remove(0).sink {
        LogSink::File(file) => file,
        other => panic!("{other:?}"),
    }
}

fn providers() -> Value {
    json!({"accessLogFile": "/old", "extensionProviders": [
        {"name": "a", "envoyFileAccessLog": {"path": "/a"}}, {"name": "b", "envoyFileAccessLog": {"path": "/b"}},
        {"name": "http", "envoyHttpAls": {"service": COLLECTOR, "port": 4317}},
        {"name": "tcp", "envoyTcpAls": {"service": format!("watch/{COLLECTOR}"), "port": 4317, "logName": "mine"}},
        {"name": "gone", "envoyHttpAls": {"service": format!("shop/{COLLECTOR}"), "port": 4317}},
        {"name": "twice", "envoyHttpAls": {"service": "twice.example.com", "port": 80}},
        {"name": "otel", "envoy_otel_als": {"service": "watch/twice.example.com", "port": 80}}]})
}

fn under(telemetries: &[String]) -> World {
    world(providers(), telemetries)
}

#[test]
fn nothing_is_logged_unless_something_is_said() {
    assert!(logs(&world(json!({}), &[]), &shop(), false).is_empty());
}

#[test]
fn a_line_ends_in_a_newline_and_an_operator_brings_its_extension() {
    let said = file(json!({"accessLogFile": "/dev/stdout", "accessLogFormat": "%REQ_WITHOUT_QUERY(:PATH)%"}));
    assert_eq!(said.format, Some(LogFormat::Text("%REQ_WITHOUT_QUERY(:PATH)%\n".into())));
    assert!(said.without_query);
    assert!(!file(json!({"accessLogFile": "/dev/stdout"})).without_query);
}

#[test]
fn a_default_provider_goes_before_the_file_of_old() {
    let labels = json!({"code": "%RESPONSE_CODE%"});
    let provider = json!({"name": "mine", "envoyFileAccessLog": {"path": "/a", "logFormat": {"labels": labels}}});
    let settings = |name: &str| json!({"accessLogFile": "/old", "defaultProviders": {"accessLogging": [name]}, "extensionProviders": [provider]});
    let found = file(settings("MINE"));
    assert_eq!((found.path.as_str(), &found.format), ("/a", &Some(LogFormat::Json(labels))));
    assert_eq!(file(settings("prometheus")).path, "/old");
}

#[test]
fn the_built_in_provider_takes_the_format_of_the_mesh() {
    let settings = json!({"accessLogEncoding": "JSON", "defaultProviders": {"accessLogging": ["envoy"]}});
    assert_eq!(file(settings).format, Some(LogFormat::Json(default_fields())));
}

#[test]
fn a_format_that_envoy_cannot_read_is_replaced_by_istios_own() {
    let own = Some(LogFormat::Text(DEFAULT_LINE.into()));
    assert_eq!(file_of(&odd(json!({"accessLogFile": "/a", "accessLogFormat": "%REQ(:PATH%"}))).format, own);
    let json =
        json!({"accessLogFile": "/a", "accessLogEncoding": "JSON", "accessLogFormat": r#"{"path": "%REQ(:PATH%"}"#});
    assert_eq!(file_of(&odd(json)).format, Some(LogFormat::Json(default_fields())));
    let of_provider = |format: Value| {
        let provider = json!({"name": "mine", "envoyFileAccessLog": {"logFormat": format}});
        let settings = json!({"defaultProviders": {"accessLogging": ["mine"]}, "extensionProviders": [provider]});
        file_of(&odd(settings)).format
    };
    assert_eq!(of_provider(json!({"text": "50%"})), own);
    assert_eq!(of_provider(json!({"labels": {"a": ["50%"]}})), Some(LogFormat::Json(default_fields())));
    let otel = json!({"name": "mine", "envoyOtelAls": {"service": COLLECTOR, "port": 4317,
        "logFormat": {"text": "50%", "labels": {"good": "%PROTOCOL%", "bad": "%PROTOCOL"}}}});
    let mesh = odd(json!({"defaultProviders": {"accessLogging": ["mine"]}, "extensionProviders": [otel]}));
    let LogSink::Otel(sink) = &logs(&mesh, &shop(), false)[0].sink else { panic!() };
    assert_eq!(sink.body, DEFAULT_LINE);
    assert_eq!(sink.attributes, [("good".into(), "%PROTOCOL%".into())]);
}

#[test]
fn the_built_in_provider_too_writes_to_standard_output_where_no_path_is_said() {
    let provider = json!({"name": "envoy", "envoyFileAccessLog": {}});
    let settings = json!({"defaultProviders": {"accessLogging": ["envoy"]}, "extensionProviders": [provider]});
    assert_eq!(file(settings).path, "/dev/stdout");
}

#[test]
fn others_than_istios_get_the_extension_for_nested_fields_too() {
    let format = json!({"http": {"path": "%REQ_WITHOUT_QUERY(:PATH)%"}}).to_string();
    let settings = json!({"accessLogFile": "/a", "accessLogEncoding": "JSON", "accessLogFormat": format});
    assert!(!file(settings.clone()).without_query);
    let other = logs(&world(settings, &[]), &stock(&[FileAccessLog::full_name()]), false);
    assert!(matches!(&other[0].sink, LogSink::File(file) if file.without_query));
}

#[test]
fn the_narrowest_level_that_names_providers_decides() {
    let root = telemetry("istio-system", "m", "accessLogging: [{providers: [{name: a}, {name: b}]}]");
    let own = telemetry("shop", "own", "accessLogging: [{providers: [{name: b}]}]");
    let pods =
        telemetry("shop", "w", "selector: {matchLabels: {app: cart}}, accessLogging: [{providers: [{name: http}]}]");
    let others = telemetry("shop", "x", "selector: {matchLabels: {app: x}}, accessLogging: [{disabled: true}]");
    assert_eq!(told(&under(std::slice::from_ref(&root)), true), all(&["/a", "/b"]));
    assert_eq!(told(&under(&[root.clone(), own.clone(), others]), true), all(&["/b"]));
    assert_eq!(told(&under(&[root, own, pods]), false), all(&["http_envoy_accesslog"]));
}

#[test]
fn a_side_keeps_what_wider_levels_say_where_a_narrower_one_speaks_of_the_other() {
    let root = telemetry("istio-system", "m", "accessLogging: [{providers: [{name: a}]}]");
    let own = telemetry(
        "shop",
        "own",
        "accessLogging: [{match: {mode: SERVER}, providers: [{name: b}], filter: {expression: 'a.b'}}]",
    );
    let mesh = under(&[root, own]);
    assert_eq!(told(&mesh, false), all(&["/a"]));
    assert_eq!(told(&mesh, true), [("/b".to_owned(), "a.b".to_owned())]);
}

#[test]
fn what_is_disabled_is_not_replaced_by_the_file_of_old() {
    let root = telemetry("istio-system", "m", "accessLogging: [{providers: [{name: a}]}]");
    let quiet = telemetry("shop", "own", "accessLogging: [{disabled: true}]");
    assert_eq!(told(&under(&[root, quiet]), true), []);
}

#[test]
fn a_log_whose_service_is_missing_or_not_one_leaves_the_file_of_old() {
    let of =
        |name: &str| under(&[telemetry("shop", "own", &format!("accessLogging: [{{providers: [{{name: {name}}}]}}]"))]);
    for name in ["gone", "twice", "nobody"] {
        assert_eq!(told(&of(name), true), all(&["/old"]), "{name}");
    }
    assert_eq!(told(&of("tcp"), true), all(&["mine"]));
    assert_eq!(told(&of("otel"), true), all(&["otel_envoy_accesslog"]));
}

#[test]
fn a_log_that_a_proxy_cannot_filter_is_left_out() {
    let filtered = telemetry("shop", "own", "accessLogging: [{providers: [{name: a}], filter: {expression: 'a.b'}}]");
    let mesh = under(&[filtered]);
    let file = FileAccessLog::full_name();
    assert!(logs(&mesh, &stock(std::slice::from_ref(&file)), true).is_empty());
    assert_eq!(logs(&mesh, &stock(&[file, ExpressionFilter::full_name()]), true).len(), 1);
}

#[test]
fn the_log_service_of_old_has_a_name_for_each_place() {
    let world = world(json!({"enableEnvoyAccessLogService": true}), &[]);
    let name = |place| {
        let logs = ask(&world, &shop(), |t| t.logs(true, place));
        let LogSink::Grpc(service) = &logs[0].sink else { panic!("{logs:?}") };
        (service.name.to_string(), service.calls)
    };
    assert_eq!(name(Place::Calls), ("http_envoy_accesslog".to_owned(), true));
    assert_eq!(name(Place::Bytes), ("tcp_envoy_accesslog".to_owned(), false));
    assert_eq!(name(Place::Listener), ("listener_envoy_accesslog".to_owned(), false));
}
