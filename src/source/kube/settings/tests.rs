use serde_json::json;

use super::*;
use crate::api;

fn map(name: &str, mesh: &str) -> Option<Arc<Object>> {
    let document = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "istio-system"}, "data": {"mesh": mesh}});
    api::decode(document, None).object.map(Arc::new)
}

#[test]
fn without_a_config_map_the_defaults_hold() {
    let mut settings = Settings::new();
    assert_eq!(settings.take_changed().map(|m| m.mesh), Some(Arc::default()));
    assert_eq!(settings.take_changed(), None);
}

#[test]
fn a_config_map_is_taken_live_and_a_bad_one_leaves_everything_as_it_was() {
    let mut settings = Settings::new();
    settings.take(Role::Own, map("istio", "accessLogFile: /dev/stdout"));
    assert_eq!(settings.take_changed().unwrap().mesh.access_log_file, "/dev/stdout");
    for bad in ["accessLogFile: [", "proxyListenPort: no"] {
        settings.take(Role::Own, map("istio", bad));
        assert_eq!(settings.take_changed(), None, "{bad}");
        assert_eq!(settings.findings().last().map(|f| f.code), Some("last-good"), "{bad}");
    }
    settings.take(Role::Own, map("istio", "accessLogFile: /dev/stderr"));
    assert_eq!(settings.take_changed().unwrap().mesh.access_log_file, "/dev/stderr");
    assert!(settings.findings().is_empty());
    settings.take(Role::Own, None);
    assert_eq!(settings.take_changed().map(|m| m.mesh), Some(Arc::default()));
}

#[test]
fn the_shared_config_is_applied_first() {
    let mut settings = Settings::new();
    let shared = "{accessLogFile: /dev/stdout, connectTimeout: 3s, trustDomainAliases: [a], defaultConfig: {proxyMetadata: {A: '1', B: '1'}, statNameLength: 7}}";
    settings.take(Role::Shared, map("shared", shared));
    let own = "{connect_timeout: 4s, trustDomainAliases: [b], defaultConfig: {proxyMetadata: {B: '2'}}}";
    settings.take(Role::Own, map("istio", own));
    assert_eq!(settings.findings(), []);
    let mesh = settings.take_changed().unwrap().mesh;
    assert_eq!((mesh.access_log_file.as_str(), mesh.connect_timeout.nanos()), ("/dev/stdout", 4_000_000_000));
    assert_eq!(mesh.trust_domain_aliases, ["a", "b"]);
    let metadata: Vec<_> = mesh.default_config.proxy_metadata.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!((metadata, mesh.default_config.stat_name_length), (vec![("A", "1"), ("B", "2")], 7));
}

#[test]
fn the_config_map_of_a_revision_is_found_by_name() {
    assert_eq!(["", "default", "blue"].map(name), ["istio", "istio", "istio-blue"]);
}

#[test]
fn a_file_counts_over_the_shared_config_and_says_itself_what_is_wrong_with_it() {
    let mut settings = Settings::new();
    settings.take(Role::Shared, map("shared", "{accessLogFile: /dev/stdout, proxyListenPort: 7}"));
    let written = json!({"proxyListenPort": 8, "nonsense": 1});
    let (mesh, findings) = MeshConfig::parse(written.clone());
    assert_eq!(findings.len(), 1);
    settings.take_file(MeshUpdate { mesh: Arc::new(mesh), written: Arc::new(written) });
    let mesh = settings.take_changed().unwrap().mesh;
    assert_eq!((mesh.access_log_file.as_str(), mesh.proxy_listen_port), ("/dev/stdout", 8));
    assert_eq!(settings.findings(), []);
}
