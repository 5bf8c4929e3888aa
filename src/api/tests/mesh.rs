//! The mesh config, as users write it over istiod's defaults.

use super::*;
use crate::api::mesh::{ClusterName, MeshConfig, OutboundMode};
use crate::base::Duration;

#[test]
fn an_empty_mesh_config_is_the_default() {
    assert_eq!(MeshConfig::parse(json!({})), (MeshConfig::default(), vec![]));
    assert_eq!(MeshConfig::parse(Value::Null), (MeshConfig::default(), vec![]));
    assert_eq!(MeshConfig::parse(MeshConfig::default().to_json()), (MeshConfig::default(), vec![]));
}

#[test]
fn mesh_config_replaces_fields_and_merges_the_proxy_config_and_providers() {
    let (mesh, findings) = MeshConfig::parse(yaml(
        "{outboundTrafficPolicy: {mode: REGISTRY_ONLY}, trustDomainAliases: [b, a, b], localityLbSetting: {},
          defaultConfig: {concurrency: 2, tracingServiceName: CANONICAL_NAME_ONLY, proxyMetadata: {A: b}},
          extensionProviders: [{name: envoy, envoyFileAccessLog: {path: /x}}, {name: z, zipkin: {port: 9411}}],
          defaultServiceExportTo: ['.'], enable_auto_mtls: false, meshMTLS: {minProtocolVersion: TLSV1_3}}",
    ));
    assert_eq!(findings, []);
    assert_eq!(mesh.outbound_traffic_policy.mode, OutboundMode::RegistryOnly);
    assert_eq!(mesh.trust_domain_aliases, ["a", "b"]);
    assert_eq!(mesh.locality_lb_setting.unwrap().enabled, None);
    assert_eq!((mesh.enable_auto_mtls, mesh.connect_timeout), (Some(false), Duration::from_secs(10)));
    assert_eq!((mesh.default_config.concurrency, mesh.default_config.status_port), (Some(2), 15020));
    assert!(matches!(mesh.default_config.cluster_name, Some(ClusterName::TracingServiceName(_))));
    let providers: Vec<_> = mesh.extension_providers.iter().map(|p| (p.name.as_str(), &p.settings)).collect();
    assert_eq!(providers[2], ("envoy", &json!({"path": "/x"})));
    assert_eq!(providers[3], ("z", &json!({"port": 9411})));
    assert!(mesh.mesh_mtls.is_some());
}

#[test]
fn what_envoy_would_refuse_of_logs_and_traces_is_a_warning_and_the_settings_hold() {
    let (mesh, findings) = MeshConfig::parse(yaml(
        "{accessLogFormat: '100% sure', rootNamespace: r,
          defaultConfig: {tracing: {customTags: {a: {header: {name: 'x y'}}, b: {literal: {}}, c: {literal: {value: x}}}}},
          extensionProviders: [
            {name: file, envoyFileAccessLog: {logFormat: {labels: {good: '%PROTOCOL%', bad: {inner: '%PROTOCOL'}}}}},
            {name: otel, envoyOtelAls: {service: a, port: 1, logFormat: {text: '%req%', labels: {x: '%'}}}},
            {name: zipkin, zipkin: {service: a, port: 1, timeout: -1s, headers: [{name: '', value: x}]}},
            {name: traces, opentelemetry: {service: a, port: 1, http: {path: /, headers: [{name: a, value: \"b\\nc\"}]}}}]}",
    ));
    let lines: Vec<_> = findings.iter().map(|f| format!("{} {}", f.code, f.field)).collect();
    assert_eq!(
        lines,
        [
            "ineffective extensionProviders[file].envoyFileAccessLog.logFormat.labels[bad]",
            "ineffective extensionProviders[otel].envoyOtelAls.logFormat.text",
            "ineffective extensionProviders[otel].envoyOtelAls.logFormat.labels[x]",
            "ineffective extensionProviders[zipkin].zipkin.timeout",
            "ineffective extensionProviders[zipkin].zipkin.headers[0]",
            "ineffective extensionProviders[traces].opentelemetry.http.headers[0]",
            "ineffective defaultConfig.tracing.customTags[a]",
            "ineffective defaultConfig.tracing.customTags[b]",
            "ineffective accessLogFormat",
        ]
    );
    assert_eq!(mesh.root_namespace, "r", "what is odd in a log costs no other setting");
    let of_json =
        |format: &str| MeshConfig::parse(json!({"accessLogEncoding": "JSON", "accessLogFormat": format})).1.len();
    assert_eq!(
        ["", "{}", "{\"a\": \"%PROTOCOL%\"}", "{\"a\": \"%PROTOCOL\"}", "[]", "{"].map(of_json),
        [0, 0, 0, 1, 1, 1]
    );
}

#[test]
fn a_wrong_mesh_config_is_a_finding() {
    let (mesh, findings) =
        MeshConfig::parse(json!({"connectTimeout": "2h", "accessLogFil": "x", "rootNamespace": "r"}));
    assert_eq!(mesh, MeshConfig::default());
    let lines: Vec<_> = findings.iter().map(|f| format!("{} {}", f.code, f.field)).collect();
    assert_eq!(lines, ["unknown-field accessLogFil", "invalid connectTimeout"]);
}
