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
fn a_wrong_mesh_config_is_a_finding() {
    let (mesh, findings) =
        MeshConfig::parse(json!({"connectTimeout": "2h", "accessLogFil": "x", "rootNamespace": "r"}));
    assert_eq!(mesh, MeshConfig::default());
    let lines: Vec<_> = findings.iter().map(|f| format!("{} {}", f.code, f.field)).collect();
    assert_eq!(lines, ["unknown-field accessLogFil", "invalid connectTimeout"]);
}
