//! What users see of what is wrong: conditions, Events, and how kubectl prints both.

use std::process::Command;

use envoy_types::pb::envoy::config::core::v3::Node;
use envoy_types::pb::envoy::service::discovery::v3::DeltaDiscoveryRequest;
use envoy_types::pb::envoy::service::discovery::v3::aggregated_discovery_service_client::AggregatedDiscoveryServiceClient;
use envoy_types::pb::google::rpc::Status;
use serde_json::{Value, json};
use tokio_stream::wrappers::UnboundedReceiverStream;

use crate::support::cluster::{Cluster, eventually};
use crate::support::replica::{Replica, SOON, home};

const LOCK: &str = "istio-status-leader";
const DONE: &str = r#"mizzen_status_writes{result="done",what="condition"}"#;

fn route(name: &str, to: &str) -> Value {
    json!({"apiVersion": "networking.istio.io/v1", "kind": "VirtualService",
           "metadata": {"name": name, "namespace": "shop"},
           "spec": {"hosts": [format!("{name}.example.com")], "http": [{"route": [{"destination": {"host": to}}]}]}})
}

fn service(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "shop"},
           "spec": {"ports": [{"name": "http", "port": 80}]}})
}

/// A ServiceEntry that no pod answers for.
fn entry() -> Value {
    json!({"apiVersion": "networking.istio.io/v1", "kind": "ServiceEntry",
           "metadata": {"name": "db", "namespace": "shop"},
           "spec": {"hosts": ["db.example.com"], "resolution": "STATIC", "location": "MESH_EXTERNAL",
                    "ports": [{"number": 3306, "name": "tcp", "protocol": "TCP"}]}})
}

fn get(cluster: &Cluster, plural: &str, name: &str) -> Value {
    cluster.api().get(&format!("/apis/networking.istio.io/v1/namespaces/shop/{plural}/{name}"))
}

/// The condition of ours; null if there is none.
fn accepted(object: &Value) -> Value {
    let all = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
    all.into_iter().find(|condition| condition["type"] == "Accepted").unwrap_or_default()
}

/// The Events of an object, as pairs of reason and note.
fn events(cluster: &Cluster, kind: &str, name: &str) -> Vec<(String, String)> {
    let list = cluster.api().get("/apis/events.k8s.io/v1/events");
    let items = list["items"].as_array().cloned().unwrap_or_default();
    let own = items.iter().filter(|e| e["regarding"]["kind"] == kind && e["regarding"]["name"] == name);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    own.map(|event| (text(&event["reason"]), text(&event["note"]))).collect()
}

fn kubectl(cluster: &Cluster, arguments: &[&str]) -> String {
    let mut command = Command::new("kubectl");
    command.arg("--kubeconfig").arg(cluster.kubeconfig()).args(arguments);
    let output = command.output().unwrap_or_else(|e| panic!("kubectl: {e}; run tests/setup.sh"));
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn kubectl_shows_columns_that_help_and_describes_what_is_wrong_with_a_broken_object() {
    let cluster = Cluster::with_crds();
    let rule = json!({"apiVersion": "networking.istio.io/v1", "kind": "DestinationRule",
                      "metadata": {"name": "cart", "namespace": "shop"}, "spec": {"host": "cart"}});
    cluster.api().apply(vec![home(), route("cart", "nowhere"), entry(), service("cart"), rule]);
    let _replica = Replica::start(&cluster.kubeconfig(), "mizzen-1");
    eventually("a condition of each", SOON, || {
        ["virtualservices/cart", "serviceentries/db"].iter().all(|path| {
            let (plural, name) = path.split_once('/').unwrap();
            accepted(&get(&cluster, plural, name)).is_object()
        })
    });
    eventually("the event", SOON, || !events(&cluster, "VirtualService", "cart").is_empty());
    let columns = kubectl(&cluster, &["get", "se,vs,dr", "-A"]);
    for expected in [
        "NAMESPACE   NAME",
        "HOSTS                LOCATION        RESOLUTION   AGE",
        r#"["db.example.com"]   MESH_EXTERNAL   STATIC"#,
        "GATEWAYS   HOSTS",
        r#"["cart.example.com"]"#,
        "HOST   AGE",
    ] {
        assert!(columns.contains(expected), "{expected:?} is not in\n{columns}");
    }
    let described = kubectl(&cluster, &["describe", "virtualservice", "-n", "shop", "cart"]);
    for expected in [
        "spec.http[0].route[0].destination.host:",
        "nowhere",
        "Reason:                Errors",
        "Status:                False",
        "Type:                  Accepted",
        "Observed Generation:   1",
        "Warning  Errors",
        "mizzen",
    ] {
        assert!(described.contains(expected), "{expected:?} is not in\n{described}");
    }
    let described = kubectl(&cluster, &["describe", "serviceentry", "-n", "shop", "db"]);
    for expected in ["neither endpoints nor a workloadSelector", "Warnings", "240.240.", "2001:2::"] {
        assert!(described.contains(expected), "{expected:?} is not in\n{described}");
    }
}

#[test]
fn a_condition_comes_with_the_first_finding_and_goes_with_the_last_and_what_others_wrote_stays() {
    let cluster = Cluster::with_crds();
    let healthy = json!({"apiVersion": "networking.istio.io/v1", "kind": "WorkloadEntry",
                         "metadata": {"name": "vm", "namespace": "shop", "annotations": {"sidecar.istio.io/injct": "x"}},
                         "spec": {"address": "10.0.0.1"},
                         "status": {"conditions": [{"type": "Healthy", "status": "True"}]}});
    let well = route("well", "cart");
    cluster.api().apply(vec![home(), service("cart"), route("cart", "nowhere"), well, healthy.clone()]);
    let before = get(&cluster, "virtualservices", "well");
    let replica = Replica::start(&cluster.kubeconfig(), "mizzen-1");
    eventually("the condition of the entry", SOON, || {
        accepted(&get(&cluster, "workloadentries", "vm"))["reason"] == "Warnings"
    });
    eventually("the condition of the route", SOON, || {
        accepted(&get(&cluster, "virtualservices", "cart"))["status"] == "False"
    });
    let conditions = get(&cluster, "workloadentries", "vm")["status"]["conditions"].clone();
    assert_eq!((conditions.as_array().unwrap().len(), &conditions[0]["type"]), (2, &json!("Healthy")));

    // What cannot be used at all is said to be so; what was good before stays in force.
    let mut broken = route("cart", "nowhere");
    broken["spec"]["http"][0]["match"] = json!([{"uri": {"regex": "("}}]);
    cluster.api().apply(vec![broken]);
    eventually("word that it is invalid", SOON, || {
        accepted(&get(&cluster, "virtualservices", "cart"))["reason"] == "Invalid"
    });
    let condition = accepted(&get(&cluster, "virtualservices", "cart"));
    let message = condition["message"].as_str().unwrap();
    assert!(message.contains("spec.http[0].match[0].uri.regex: must be a regular expression"), "{message}");
    assert_eq!(condition["observedGeneration"], 2);

    // All is mended.
    let mut vm = healthy;
    vm["metadata"]["annotations"] = json!({});
    vm.as_object_mut().unwrap().remove("status");
    cluster.api().apply(vec![route("cart", "cart"), vm]);
    eventually("the conditions to go", SOON, || {
        accepted(&get(&cluster, "virtualservices", "cart")).is_null()
            && accepted(&get(&cluster, "workloadentries", "vm")).is_null()
    });
    assert!(get(&cluster, "virtualservices", "cart")["status"]["conditions"].is_null());
    let conditions = get(&cluster, "workloadentries", "vm")["status"]["conditions"].clone();
    assert_eq!((conditions.as_array().unwrap().len(), &conditions[0]["type"]), (1, &json!("Healthy")));
    eventually("word of it", SOON, || {
        events(&cluster, "VirtualService", "cart").iter().any(|(reason, _)| reason == "Accepted")
    });
    let reasons = events(&cluster, "VirtualService", "cart").into_iter().map(|(reason, _)| reason);
    let mut reasons: Vec<String> = reasons.collect();
    reasons.sort();
    assert_eq!(reasons, ["Accepted", "Errors", "Invalid"]);
    assert_eq!(get(&cluster, "virtualservices", "well"), before, "what was never wrong is never written");
    assert!(replica.leads(LOCK));
}

#[test]
fn another_life_writes_nothing_that_stands_there_and_takes_away_what_no_longer_holds() {
    let cluster = Cluster::with_crds();
    let mut odd = service("cart");
    odd["metadata"]["annotations"] = json!({"networking.istio.io/exprtTo": "*"});
    cluster.api().apply(vec![home(), odd, route("a", "nowhere"), route("b", "nowhere"), entry()]);
    let replica = Replica::start(&cluster.kubeconfig(), "mizzen-1");
    eventually("three conditions", SOON, || replica.metric(DONE) >= 3.0);
    eventually("three events", SOON, || {
        let told = |name: &&str| !events(&cluster, "VirtualService", name).is_empty();
        ["a", "b"].iter().all(told) && !events(&cluster, "Service", "cart").is_empty()
    });
    replica.stop();
    cluster.api().apply(vec![route("b", "cart")]);
    let versions = || {
        [("virtualservices", "a"), ("serviceentries", "db")]
            .map(|(plural, name)| get(&cluster, plural, name)["metadata"]["resourceVersion"].clone())
    };
    let before = versions();
    let replica = Replica::start(&cluster.kubeconfig(), "mizzen-2");
    eventually("the condition that no longer holds to go", SOON, || {
        accepted(&get(&cluster, "virtualservices", "b")).is_null()
    });
    // What comes now is looked at after all that was there.
    cluster.api().apply(vec![route("c", "nowhere")]);
    eventually("the condition of the last", SOON, || accepted(&get(&cluster, "virtualservices", "c")).is_object());
    eventually("the event of the last", SOON, || !events(&cluster, "VirtualService", "c").is_empty());
    assert_eq!(versions(), before);
    // A write is counted when the API server has answered.
    eventually("the last write to be counted", SOON, || replica.metric(DONE) >= 2.0);
    assert_eq!(replica.metric(DONE), 2.0, "one went and one came");
    assert_eq!(events(&cluster, "VirtualService", "a").len(), 1);
    assert_eq!(events(&cluster, "Service", "cart").len(), 1, "of what has no conditions it is told by its name");
    assert_eq!(replica.metric(r#"mizzen_status_writes{result="failed",what="event"}"#), 0.0);
}

/// istiod cannot add addresses to a status in which something else stands already.
#[test]
fn a_condition_comes_after_the_addresses_that_istiod_is_about_to_give() {
    let cluster = Cluster::with_crds();
    let held = |second: u32| {
        let record = json!({"holderIdentity": "istiod-1", "holderKey": "default", "leaseDurationSeconds": 30,
                            "renewTime": format!("2020-01-01T00:00:{second:02}Z")});
        let lock = json!({"control-plane.alpha.kubernetes.io/leader": record.to_string()});
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "istio-ip-autoallocate",
            "namespace": "istio-system", "annotations": lock}})
    };
    cluster.api().apply(vec![held(1), service("cart"), entry(), route("a", "nowhere")]);
    let _replica = Replica::start(&cluster.kubeconfig(), "mizzen-1");
    for (second, name) in [(2, "a"), (3, "b"), (4, "c")] {
        cluster.api().apply(vec![held(second), route(name, "nowhere")]);
        eventually("the condition of a route", SOON, || accepted(&get(&cluster, "virtualservices", name)).is_object());
        assert!(get(&cluster, "serviceentries", "db")["status"].is_null(), "there are no addresses yet");
    }
    let mut given = entry();
    given["status"]["addresses"] = json!([{"value": "240.240.0.1", "host": "db.example.com"}]);
    cluster.api().apply(vec![given.clone()]);
    eventually("the condition of the entry", SOON, || accepted(&get(&cluster, "serviceentries", "db")).is_object());
    assert_eq!(get(&cluster, "serviceentries", "db")["status"]["addresses"], given["status"]["addresses"]);
}

#[test]
fn kinds_of_kubernetes_and_the_meshs_settings_get_events() {
    let cluster = Cluster::with_crds();
    let mut odd = service("cart");
    odd["metadata"]["annotations"] = json!({"networking.istio.io/exprtTo": "*"});
    let mesh = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "istio", "namespace": "istio-system"},
                      "data": {"mesh": "accessLogEncoding: [nonsense"}});
    cluster.api().apply(vec![odd, mesh]);
    let _replica = Replica::start(&cluster.kubeconfig(), "mizzen-1");
    eventually("the event of the Service", SOON, || !events(&cluster, "Service", "cart").is_empty());
    eventually("the event of the ConfigMap", SOON, || !events(&cluster, "ConfigMap", "istio").is_empty());
    let described = kubectl(&cluster, &["describe", "service", "-n", "shop", "cart"]);
    assert!(described.contains("networking.istio.io/exportTo is meant"), "{described}");
    let described = kubectl(&cluster, &["describe", "configmap", "-n", "istio-system", "istio"]);
    assert!(described.contains("Invalid") || described.contains("Errors"), "{described}");
}

#[test]
fn a_list_that_is_not_believed_is_told_of_mizzens_own_pod() {
    let mut cluster = Cluster::with_crds();
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "mizzen-1", "namespace": "istio-system"},
                     "spec": {"containers": [{"name": "discovery", "image": "mizzen"}]}});
    cluster.api().apply((0..6).map(|n| service(&format!("s{n}"))).chain([pod]).collect());
    let replica = Replica::ready(&cluster.kubeconfig(), "mizzen-1");
    eventually("the lock", SOON, || replica.leads(LOCK));
    cluster.stop_server();
    cluster.forget("/registry/services/specs/shop/");
    cluster.start_server();
    eventually("word of the doubt", SOON, || {
        events(&cluster, "Pod", "mizzen-1").iter().any(|(reason, _)| reason == "HeldList")
    });
    let described = kubectl(&cluster, &["describe", "pod", "-n", "istio-system", "mizzen-1"]);
    assert!(described.contains("suddenly lists 6 of 7 no more"), "{described}");
}

#[test]
fn what_a_proxy_refuses_is_told_of_the_object_behind_it() {
    const CLUSTERS: &str = "type.googleapis.com/envoy.config.cluster.v3.Cluster";
    let cluster = Cluster::with_crds();
    let rule = json!({"apiVersion": "networking.istio.io/v1", "kind": "DestinationRule",
                      "metadata": {"name": "limits", "namespace": "shop"},
                      "spec": {"host": "cart", "trafficPolicy": {"connectionPool": {"tcp": {"maxConnections": 7}}}}});
    cluster.api().apply(vec![home(), service("cart"), rule]);
    let replica = Replica::ready(&cluster.kubeconfig(), "mizzen-1");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _stream = runtime.block_on(async {
        let channel = tonic::transport::Channel::from_shared(format!("http://{}", replica.xds()))
            .unwrap()
            .connect()
            .await
            .unwrap();
        let mut client = AggregatedDiscoveryServiceClient::new(channel);
        let (requests, sent) = tokio::sync::mpsc::unbounded_channel();
        let id = "sidecar~10.0.0.1~a.shop~shop.svc.cluster.local".to_owned();
        let node = Some(Node { id, ..Node::default() });
        requests.send(DeltaDiscoveryRequest { node, type_url: CLUSTERS.to_owned(), ..Default::default() }).unwrap();
        let stream = client.delta_aggregated_resources(UnboundedReceiverStream::new(sent)).await;
        let mut responses = stream.unwrap().into_inner();
        let response = responses.message().await.unwrap().unwrap();
        let message = "Error adding cluster outbound|80||cart.shop.svc.cluster.local: too few".to_owned();
        let refusal = DeltaDiscoveryRequest {
            type_url: CLUSTERS.to_owned(),
            response_nonce: response.nonce,
            error_detail: Some(Status { code: 13, message, details: Vec::new() }),
            ..Default::default()
        };
        requests.send(refusal).unwrap();
        (requests, responses)
    });
    eventually("the event", SOON, || !events(&cluster, "DestinationRule", "limits").is_empty());
    let (reason, note) = events(&cluster, "DestinationRule", "limits").remove(0);
    assert_eq!(reason, "Refused");
    assert!(note.contains("outbound|80||cart.shop.svc.cluster.local: too few"), "{note}");
    assert!(events(&cluster, "Service", "cart").is_empty(), "the likeliest cause is told of, and no other");
}
