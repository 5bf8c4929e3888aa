//! Traces.

use envoy_types::pb::envoy::config::trace::v3::ZipkinConfig;
use prost::Name;

use super::*;
use crate::api::mesh::ProxyConfig;
use crate::generate::filter::{OtelExport, TagValue, Tracer, Tracing};

fn providers() -> Value {
    json!({"extensionProviders": [
        {"name": "zipkin", "zipkin": {"service": COLLECTOR, "port": 9411, "maxTagLength": 7}},
        {"name": "http", "opentelemetry": {"service": COLLECTOR, "port": 4317, "http": {"path": "v1/../v2//traces/"}}},
        {"name": "grpc", "opentelemetry": {"service": COLLECTOR, "port": 4317, "serviceAttributeEnrichment": "OTEL_SEMANTIC_CONVENTIONS"}},
        {"name": "no-port", "zipkin": {"service": COLLECTOR, "port": 1}},
        {"name": "walker", "skywalking": {"service": COLLECTOR, "port": 4317}},
        {"name": "gone", "datadog": {"service": "nobody.example.com", "port": 1}}]})
}

fn traced(telemetries: &[&str], proxy: &Proxy, inbound: bool) -> (Option<Tracing>, bool) {
    let all: Vec<String> = telemetries
        .iter()
        .enumerate()
        .map(|(i, spec)| {
            let namespace = if i == 0 { "istio-system" } else { "shop" };
            telemetry(namespace, "t", &format!("tracing: [{spec}]"))
        })
        .collect();
    let own = ProxyConfig::default();
    ask(&world(providers(), &all), proxy, |t| t.tracing(inbound, &own))
}

fn tracing(spec: &str) -> Tracing {
    traced(&[spec], &shop(), false).0.unwrap()
}

fn custom(tracing: &Tracing) -> Vec<&str> {
    tracing.tags.iter().map(|t| t.name.as_str()).filter(|name| !name.starts_with("istio.")).collect()
}

#[test]
fn without_telemetry_traces_go_where_the_bootstrap_says_if_the_mesh_traces_at_all() {
    let own = ProxyConfig::default();
    let ask_under = |settings| ask(&world(settings, &[]), &shop(), |t| t.tracing(true, &own)).0;
    let old = ask_under(json!({})).unwrap();
    assert_eq!((old.tracer.is_none(), old.sampling.get(), old.tags.len()), (true, 1.0, 9));
    assert!(ask_under(json!({"enableTracing": false})).is_none());
}

#[test]
fn a_telemetry_without_a_provider_that_exists_switches_traces_off() {
    for spec in [
        "{randomSamplingPercentage: 5}",
        "{providers: [{name: nobody}]}",
        "{providers: [{name: gone}]}",
        "{providers: [{name: envoy}]}",
    ] {
        assert!(traced(&[spec], &shop(), true).0.is_none(), "{spec}");
    }
}

#[test]
fn levels_add_up_field_by_field_and_tags_as_a_whole() {
    let root = "{providers: [{name: zipkin}], randomSamplingPercentage: 5, customTags: {a: {literal: {value: x}}}}";
    let own = "{match: {mode: SERVER}, customTags: {b: {header: {name: x}}}, useRequestIdForTraceSampling: false, enableIstioTags: false}";
    let (server, by_id) = traced(&[root, own], &shop(), true);
    let server = server.unwrap();
    assert_eq!((server.sampling.get(), custom(&server), server.tags.len(), by_id), (5.0, vec!["b"], 1, false));
    let (client, by_id) = traced(&[root, own], &shop(), false);
    assert_eq!((custom(&client.unwrap()), by_id), (vec!["a"], true));
    assert!(traced(&[root, "{disableSpanReporting: true}"], &shop(), true).0.is_none());
}

#[test]
fn tags_that_envoy_would_refuse_are_left_out() {
    let spec =
        "{providers: [{name: zipkin}], customTags: {a: {formatter: {value: '%REQ(x)%'}}, b: {environment: {name: B}}}}";
    assert_eq!(custom(&tracing(spec)), ["a", "b"]);
    let old = sidecar("shop", json!({"ISTIO_VERSION": "1.28.3"}));
    assert_eq!(custom(&traced(&[spec], &old, false).0.unwrap()), ["b"]);
    let mesh = world(providers(), &[]);
    let tag = |tag| ask(&mesh, &shop(), |t| t.custom_tag(&"x".into(), &tag));
    use crate::api::mesh::{Literal, RequestHeader};
    use crate::api::telemetry::CustomTag;
    assert!(tag(CustomTag::Unset).is_none());
    assert!(tag(CustomTag::Header(RequestHeader { name: "x y".into(), ..RequestHeader::default() })).is_none());
    assert!(tag(CustomTag::Formatter(Literal { value: "%REQ(x".into() })).is_none());
    let good = tag(CustomTag::Header(RequestHeader { name: ":path".into(), ..RequestHeader::default() }));
    assert!(matches!(good.unwrap().value, TagValue::Header(..)));
}

#[test]
fn tags_of_the_proxys_settings_that_envoy_would_refuse_are_left_out_too() {
    let tags = json!({"a": {"literal": {"value": "x"}}, "b": {"literal": {"value": ""}}, "c": {"header": {"name": "x y"}},
        "d": {"environment": {"name": ""}}, "e": {"header": {"name": ":path"}}, "": {"literal": {"value": "x"}}, "f": {}});
    let own = ProxyConfig::of_node(&json!({"tracing": {"customTags": tags}})).unwrap();
    let tracing = ask(&world(providers(), &[]), &shop(), |t| t.tracing(true, &own)).0.unwrap();
    assert_eq!(custom(&tracing), ["a", "e"]);
}

#[test]
fn a_tracer_that_envoy_would_refuse_is_none() {
    let settings = |name: &str, value: &str, timeout: &str| {
        let headers = json!([{"name": name, "value": value}]);
        let zipkin = json!({"service": COLLECTOR, "port": 9411, "timeout": timeout, "headers": headers});
        json!({"extensionProviders": [{"name": "z", "zipkin": zipkin}], "defaultProviders": {"tracing": ["z"]}})
    };
    let traced = |world: World| ask(&world, &shop(), |t| t.tracing(true, &ProxyConfig::default())).0.is_some();
    assert!(traced(world(settings("x-tenant", "tokyo", "3s"), &[])));
    assert!(!traced(odd(settings("", "tokyo", "3s"))));
    assert!(!traced(odd(settings("x-tenant", "tokyo\nosaka", "3s"))));
    assert!(!traced(odd(settings("x-tenant", "tokyo", "-3s"))));
}

#[test]
fn what_zipkin_gets_depends_on_the_version_of_the_proxy() {
    let zipkin = |version: &str| {
        let proxy = sidecar("shop", json!({"ISTIO_VERSION": version}));
        match traced(&["{providers: [{name: zipkin}], disableContextPropagation: true}"], &proxy, false).0 {
            Some(Tracing { tracer: Some(Tracer::Zipkin(zipkin)), no_propagation, max_path_length, .. }) => {
                (zipkin.posts.map(|p| p.timeout.split().0), zipkin.path.to_string(), no_propagation, max_path_length)
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(zipkin("1.32.0"), (Some(5), "/api/v2/spans".to_owned(), true, 7));
    assert_eq!(zipkin("1.29.1"), (Some(5), "/api/v2/spans".to_owned(), false, 7));
    assert_eq!(zipkin("1.28.0"), (None, "/api/v2/spans".to_owned(), false, 7));
}

#[test]
fn opentelemetry_gets_a_clean_uri_a_time_limit_and_a_name() {
    let otel = |name: &str| match tracing(&format!("{{providers: [{{name: {name}}}]}}")).tracer {
        Some(Tracer::Opentelemetry(otel)) => otel,
        other => panic!("{other:?}"),
    };
    let http = otel("http");
    let OtelExport::Http(uri, posts) = &http.export else { panic!("{http:?}") };
    assert_eq!((uri.as_str(), posts.timeout.split().0), ("collector.watch.svc.cluster.local/v2/traces/", 3));
    assert_eq!((http.service.as_str(), http.detectors), ("client", [false, false]));
    let grpc = otel("grpc");
    assert_eq!((grpc.service.as_str(), grpc.detectors), ("client", [true, false]));
    assert!(tracing("{providers: [{name: walker}]}").separate_span);
}

#[test]
fn a_stock_envoy_traces_only_with_what_it_lists_and_to_where_it_can_reach() {
    let listed = stock(&[ZipkinConfig::full_name()]);
    let named =
        |name: &str, proxy: &Proxy| traced(&[&format!("{{providers: [{{name: {name}}}]}}")], proxy, true).0.is_some();
    assert!(named("zipkin", &listed) && named("no-port", &shop()));
    assert!(!named("no-port", &listed));
    assert!(!named("http", &listed));
    assert!(!named("zipkin", &stock(&[])));
}
