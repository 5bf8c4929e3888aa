//! What mizzen may do is what it needs.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use mizzen::api::Kind;
use serde_json::{Value, json};

use crate::support::cluster::{Cluster, eventually};
use crate::support::documents;
use crate::support::replica::{Replica, SOON};
use crate::support::source::Source;

const ACCOUNT: &str = "istio-system/istiod";

/// What says who mizzen is and what it may do.
fn manifest() -> Vec<Value> {
    let all = documents::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/manifests/mizzen.yaml"));
    let kinds = ["ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"];
    all.into_iter().filter(|d| kinds.iter().any(|kind| d["kind"] == *kind)).collect()
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// Every right of a role: verb, group, resource and name of the object, which is empty for all.
fn granted(kind: &str) -> BTreeSet<[String; 4]> {
    let role = manifest().into_iter().find(|d| d["kind"] == kind).unwrap();
    let mut out = BTreeSet::new();
    for rule in role["rules"].as_array().unwrap() {
        let names: Vec<&str> = texts(&rule["resourceNames"]).collect();
        for name in if names.is_empty() { vec![""] } else { names } {
            for group in texts(&rule["apiGroups"]) {
                for resource in texts(&rule["resources"]) {
                    for verb in texts(&rule["verbs"]) {
                        let right = [verb, group, resource, name].map(str::to_owned);
                        assert!(out.insert(right.clone()), "{right:?} is granted twice");
                    }
                }
            }
        }
    }
    out
}

/// An object of each kind of Istio, with which something is wrong.
fn odd_ones() -> Vec<Value> {
    let spec = |kind: Kind| match kind {
        Kind::VirtualService => json!({"hosts": ["a"], "http": [{"route": [{"destination": {"host": "nowhere"}}]}]}),
        Kind::DestinationRule => json!({"host": "a"}),
        Kind::ServiceEntry => json!({"hosts": ["a.example.com"], "resolution": "DNS",
                                     "ports": [{"number": 80, "name": "http", "protocol": "HTTP"}]}),
        Kind::WorkloadEntry => json!({"address": "10.0.0.1"}),
        Kind::WorkloadGroup => json!({"template": {}}),
        Kind::Sidecar => json!({"egress": [{"hosts": ["*/*"]}]}),
        Kind::Gateway => json!({"selector": {"a": "b"}, "servers": [
            {"hosts": ["*"], "port": {"number": 80, "name": "http", "protocol": "HTTP"}}]}),
        Kind::EnvoyFilter => json!({"configPatches": []}),
        Kind::WasmPlugin => json!({"url": "oci://example.com/a"}),
        Kind::TrafficExtension => json!({"wasm": {"url": "oci://example.com/a"}}),
        _ => json!({}),
    };
    let meta = json!({"name": "odd", "namespace": "shop", "annotations": {"sidecar.istio.io/injct": "false"}});
    Kind::all()
        .filter(|kind| kind.is_istio())
        .map(|kind| {
            json!({"apiVersion": kind.api_version(), "kind": kind.as_str(), "metadata": meta, "spec": spec(kind)})
        })
        .collect()
}

/// An API server that keeps an account of who does what.
fn audited(folder: &Path) -> Cluster {
    let policy = folder.join("policy.yaml");
    let text = "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules: [{level: Metadata}]\n";
    fs::write(&policy, text).unwrap();
    let flags = [
        format!("--audit-policy-file={}", policy.display()),
        format!("--audit-log-path={}", folder.join("audit.log").display()),
    ];
    let cluster = Cluster::with_flags(&flags.each_ref().map(String::as_str));
    cluster.install_crds();
    cluster
}

/// What the account did successfully: verb, group, resource, name. What it may by virtue of being anybody, as to ask
/// which kinds there are, has no resource.
fn used(folder: &Path) -> Vec<[String; 4]> {
    let log = fs::read_to_string(folder.join("audit.log")).unwrap();
    let mut out = Vec::new();
    for line in log.lines() {
        let Ok(event) = serde_json::from_str::<Value>(line) else { continue };
        let own = event["user"]["username"] == format!("system:serviceaccount:{}", ACCOUNT.replace('/', ":"));
        let about = &event["objectRef"];
        if !own || !about["resource"].is_string() || event["responseStatus"]["code"].as_u64() == Some(403) {
            continue;
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let resource = match about["subresource"].as_str() {
            Some(sub) => format!("{}/{sub}", text(&about["resource"])),
            None => text(&about["resource"]),
        };
        out.push([text(&event["verb"]), text(&about["apiGroup"]), resource, text(&about["name"])]);
    }
    out
}

/// Whether a right is for something that was done. Servers before Kubernetes 1.32 cannot send a list as the beginning of
/// a watch: what is watched here is listed there.
fn covers(right: &[String; 4], done: &[String; 4]) -> bool {
    let same = right[0] == done[0] || (right[0] == "list" && done[0] == "watch");
    same && right[1..3] == done[1..3] && (right[3].is_empty() || right[3] == done[3])
}

#[test]
fn the_roles_suffice_for_everything_that_is_read_and_written_and_nothing_in_them_is_unused() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = audited(folder.path());
    cluster.api().apply(manifest());
    // Another revision holds the lock, so that it matters which is the default one.
    let record = json!({"holderIdentity": "istiod-1", "holderKey": "canary", "leaseDurationSeconds": 30});
    let lock = |identity: &str| {
        let mut record = record.clone();
        record["holderIdentity"] = identity.into();
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "istio-ip-autoallocate",
            "namespace": "istio-system", "annotations": {"control-plane.alpha.kubernetes.io/leader": record.to_string()}}})
    };
    cluster.api().apply(odd_ones());
    cluster.api().apply(vec![lock("istiod-1")]);
    let kubeconfig = cluster.kubeconfig_of(ACCOUNT);
    let replica = Replica::start(&kubeconfig, "mizzen-1");
    let conditioned = |kind: Kind| {
        let path = format!("/apis/{}/namespaces/shop/{}/odd", kind.api_version(), kind.plural());
        let object = cluster.api().get(&path);
        object["status"]["conditions"][0]["type"] == "Accepted"
    };
    // It waits for the other until it is asked for a second time.
    eventually("word of the other", SOON, || replica.holder("istio-ip-autoallocate") == "istiod-1");
    cluster.api().delete(&lock("istiod-1"));
    for kind in Kind::all().filter(|kind| kind.is_istio()) {
        eventually(&format!("the condition of the {kind}"), SOON, || conditioned(kind));
    }
    eventually("the lock", SOON, || replica.leads("istio-ip-autoallocate"));
    // What is wrong, is mended, and is wrong again is counted in the series of its Event.
    let mut route = odd_ones().into_iter().find(|d| d["kind"] == "VirtualService").unwrap();
    let right = route.clone();
    for host in ["odd.shop.svc.cluster.local", "nowhere"] {
        route["spec"]["http"][0]["route"][0]["destination"]["host"] = host.into();
        route["metadata"]["annotations"] =
            if host == "nowhere" { right["metadata"]["annotations"].clone() } else { json!({}) };
        cluster.api().apply(vec![
            route.clone(),
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "odd", "namespace": "shop"},
                   "spec": {"ports": [{"name": "http", "port": 80}]}}),
        ]);
        eventually("the condition to follow", SOON, || conditioned(Kind::VirtualService) == (host == "nowhere"));
    }
    let series = || {
        let events = cluster.api().get("/apis/events.k8s.io/v1/namespaces/shop/events");
        let items = events["items"].as_array().cloned().unwrap_or_default();
        items.iter().any(|event| event["series"]["count"] == 2)
    };
    eventually("the series", SOON, series);
    let token = cluster.api().token_for("istio-system", "istiod", &["istio-ca"]);
    assert_eq!(replica.page_from_elsewhere("/debug/syncz", Some(&token)).0, 200);
    replica.stop();

    let done = used(folder.path());
    let all: BTreeSet<[String; 4]> = granted("ClusterRole").union(&granted("Role")).cloned().collect();
    let unused: Vec<_> = all.iter().filter(|right| !done.iter().any(|done| covers(right, done))).collect();
    assert!(unused.is_empty(), "granted and not used: {unused:#?}");
    let uncovered: Vec<_> = done.iter().filter(|done| !all.iter().any(|right| covers(right, done))).collect();
    assert!(uncovered.is_empty(), "done by another right: {uncovered:#?}");
    assert!(!replica_log_complains(folder.path()), "some request was refused");
}

/// Whether any request of the account was refused.
fn replica_log_complains(folder: &Path) -> bool {
    let log = fs::read_to_string(folder.join("audit.log")).unwrap();
    let refused = |line: &str| line.contains("serviceaccount:istio-system:istiod") && line.contains(r#""code":403"#);
    log.lines().any(refused)
}

#[test]
fn without_a_right_everything_else_is_written_and_one_warning_names_it() {
    let cluster = Cluster::with_crds();
    let mut rights = manifest();
    for role in rights.iter_mut().filter(|d| d["kind"] == "ClusterRole" || d["kind"] == "Role") {
        let rules = role["rules"].as_array_mut().unwrap();
        rules.retain(|rule| {
            texts(&rule["resources"]).all(|r| r != "events" && r != "configmaps" || rule["verbs"][0] == "list")
        });
    }
    cluster.api().apply(rights);
    cluster.api().apply(odd_ones());
    let replica = Replica::start(&cluster.kubeconfig_of(ACCOUNT), "mizzen-1");
    eventually("a condition", SOON, || {
        let path = "/apis/networking.istio.io/v1/namespaces/shop/virtualservices/odd";
        cluster.api().get(path)["status"]["conditions"].is_array()
    });
    let told = |text: &str| replica.log().matches(text).count();
    eventually("word of the events", SOON, || told("resources: [events], verbs: [create]") > 0);
    eventually("word of the lock", SOON, || told("resources: [configmaps], verbs: [get, create, update]") > 0);
    let failed = || replica.metric(r#"mizzen_status_writes{result="failed",what="event"}"#);
    let before = failed();
    let mut another = odd_ones().into_iter().find(|d| d["kind"] == "VirtualService").unwrap();
    another["metadata"]["name"] = "another".into();
    cluster.api().apply(vec![another]);
    eventually("another event that cannot be written", SOON, || failed() > before);
    assert_eq!((told("resources: [events]"), told("resources: [configmaps]")), (1, 1), "{}", replica.log());
}

#[test]
fn with_the_rights_of_its_service_account_everything_is_read() {
    let cluster = Cluster::with_crds();
    let (bindings, rest): (Vec<_>, Vec<_>) =
        manifest().into_iter().partition(|d| d["kind"].as_str().is_some_and(|kind| kind.ends_with("Binding")));
    cluster.api().apply(rest);
    let kubeconfig = cluster.kubeconfig_of(ACCOUNT);
    let mut source = Source::by(kubeconfig);
    source.until("word of the missing rights", SOON, |s| s.codes().contains(&"refused"));
    assert!(!source.synced);
    cluster.api().apply(bindings);
    source.until("everything to be read", SOON, |s| s.synced);
    source.until("no more complaint", SOON, |s| s.findings.is_empty());
}
