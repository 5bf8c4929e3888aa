//! What mizzen may do is what it needs.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use mizzen::api::Kind;
use serde_json::Value;

use crate::support::cluster::Cluster;
use crate::support::documents;
use crate::support::source::Source;

const SOON: Duration = Duration::from_secs(40);

/// What says who mizzen is and what it may do.
fn manifest() -> Vec<Value> {
    let all = documents::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/manifests/mizzen.yaml"));
    let rights =
        |d: &Value| ["ServiceAccount", "ClusterRole", "ClusterRoleBinding"].iter().any(|kind| d["kind"] == *kind);
    all.into_iter().filter(rights).collect()
}

#[test]
fn the_role_has_every_kind_that_is_read_and_no_other() {
    let role = manifest().into_iter().find(|d| d["kind"] == "ClusterRole").unwrap();
    let mut granted = BTreeSet::new();
    for rule in role["rules"].as_array().unwrap() {
        assert_eq!(rule["verbs"], serde_json::json!(["list", "watch"]));
        for resource in rule["resources"].as_array().unwrap() {
            granted.insert(format!("{}/{}", rule["apiGroups"][0].as_str().unwrap(), resource.as_str().unwrap()));
        }
    }
    let read: BTreeSet<String> = Kind::all().map(|kind| format!("{}/{}", kind.group(), kind.plural())).collect();
    assert_eq!(granted, read);
}

#[test]
fn with_the_rights_of_its_service_account_everything_is_read() {
    let cluster = Cluster::with_crds();
    let account = "istio-system/istiod";
    let (bindings, rest): (Vec<_>, Vec<_>) = manifest().into_iter().partition(|d| d["kind"] == "ClusterRoleBinding");
    cluster.api().apply(rest);
    let kubeconfig = cluster.kubeconfig_of(account);
    let mut source = Source::by(kubeconfig);
    source.until("word of the missing rights", SOON, |s| s.codes().contains(&"refused"));
    assert!(!source.synced);
    cluster.api().apply(bindings);
    source.until("everything to be read", SOON, |s| s.synced);
    source.until("no more complaint", SOON, |s| s.findings.is_empty());
}
