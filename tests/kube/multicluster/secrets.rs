//! What a remote cluster has besides services: Secrets for gateways there, WorkloadEntries, and who may read them.

use envoy_types::pb::envoy::config::core::v3::Node;
use envoy_types::pb::envoy::service::discovery::v3::DeltaDiscoveryRequest;
use envoy_types::pb::envoy::service::discovery::v3::aggregated_discovery_service_client::AggregatedDiscoveryServiceClient;
use mizzen::api::Kind;
use mizzen::base::Severity;
use mizzen::debug::json;
use prost::{Message as _, Name as _};
use serde_json::{Value, json};
use tokio_stream::wrappers::UnboundedReceiverStream;

use super::{SOON, endpoints, endpoints_of, secret, service, slice, statuses};
use crate::support::cluster::{Cluster, eventually};
use crate::support::replica::{Replica, home};
use crate::support::source::Source;

const CERTIFICATE: &str = include_str!("../../../src/api/validate/secret/ec.crt");
const KEY: &str = include_str!("../../../src/api/validate/secret/ec.key");
const SECRETS: &str = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";
/// By what the Secrets of these tests are told apart.
const MARKS: [&str; 3] = ["near-pair", "far-pair", "new-pair"];

/// A gateway's key and certificate, with something in it that tells it from others.
fn pair(mark: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "shop", "namespace": "edge"},
           "stringData": {"tls.crt": CERTIFICATE, "tls.key": KEY, "tls.ocsp-staple": mark}})
}

/// Who reads a remote cluster: Services and what belongs to them, and more besides or not.
fn reader(more: bool) -> Vec<Value> {
    let rule = |groups: &[&str], resources: &[&str]| json!({"apiGroups": groups, "resources": resources, "verbs": ["get", "list", "watch"]});
    let mut rules = vec![
        rule(&[""], &["namespaces", "nodes", "services", "pods"]),
        rule(&["discovery.k8s.io"], &["endpointslices"]),
    ];
    if more {
        rules.extend([rule(&[""], &["secrets"]), rule(&["networking.istio.io"], &["workloadentries"])]);
    }
    let group = "rbac.authorization.k8s.io";
    vec![
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "reader", "namespace": "istio-system"}}),
        json!({"apiVersion": format!("{group}/v1"), "kind": "ClusterRole", "metadata": {"name": "reader"}, "rules": rules}),
        json!({"apiVersion": format!("{group}/v1"), "kind": "ClusterRoleBinding", "metadata": {"name": "reader"},
               "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "reader"},
               "subjects": [{"kind": "ServiceAccount", "name": "reader", "namespace": "istio-system"}]}),
    ]
}

#[test]
fn what_may_not_be_read_of_a_remote_cluster_holds_nothing_else_up_and_comes_when_it_may() {
    let here = Cluster::with_crds();
    let east = here.second();
    let password = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "password", "namespace": "edge"},
                          "stringData": {"password": "hunter2"}});
    east.api().apply(reader(false));
    east.api().apply(vec![service("cart"), slice("10.2.0.1"), pair("far-pair"), password]);
    let machines = json!({"apiVersion": "networking.istio.io/v1", "kind": "ServiceEntry",
                          "metadata": {"name": "machines", "namespace": "shop"},
                          "spec": {"hosts": ["machines.example.com"], "resolution": "STATIC",
                                   "workloadSelector": {"labels": {"app": "machine"}},
                                   "ports": [{"number": 80, "name": "http", "protocol": "HTTP"}]}});
    here.api().apply(vec![machines, secret(&east.kubeconfig_text_of("istio-system/reader"))]);
    let mut source = Source::synced(&here);
    assert_eq!(endpoints(&source), ["east 10.2.0.1"]);
    assert_eq!(statuses(&source), ["east istio-system/to-east synced"], "it was not given up");
    for kind in ["secrets", "workloadentries.networking.istio.io"] {
        let told = source.findings.iter().find(|f| f.text.contains(&format!("403: {kind} is forbidden")));
        let told = told.unwrap_or_else(|| panic!("{kind}: {:#?}", source.findings));
        assert_eq!((told.code, told.severity, &*told.object.name), ("refused", Severity::Warning, "to-east"));
        assert!(told.text.ends_with("there are none of them until they may be read"), "{}", told.text);
    }

    east.api().apply(reader(true));
    source.until("its Secrets", SOON, |s| !s.names_in("east", Kind::Secret).is_empty());
    assert_eq!(source.names_in("east", Kind::Secret), ["shop"], "what no gateway can use is not kept");
    east.install_crds();
    let machine = json!({"apiVersion": "networking.istio.io/v1", "kind": "WorkloadEntry",
                         "metadata": {"name": "m1", "namespace": "shop"},
                         "spec": {"address": "10.5.0.2", "labels": {"app": "machine"}}});
    east.api().apply(vec![machine]);
    source.until("its WorkloadEntry", SOON, |s| endpoints_of(s, "machines.") == ["east 10.5.0.2"]);
    source.until("the end of all trouble", SOON, |s| s.findings.is_empty());
    assert_eq!(source.deleted.len(), 0);
}

/// Which pair a gateway that says it is in a cluster is sent under its credentialName, over a stream of its own.
fn sent(replica: &Replica, cluster: &str) -> Option<&'static str> {
    let value = json!({"id": "router~10.9.0.1~gate.edge~edge.svc.cluster.local", "metadata": {"CLUSTER_ID": cluster}});
    let node = json::from_json(&Node::type_url(), value).unwrap();
    let request = DeltaDiscoveryRequest {
        node: Some(Node::decode(&*node).unwrap()),
        type_url: SECRETS.to_owned(),
        resource_names_subscribe: vec!["kubernetes://shop".to_owned()],
        ..Default::default()
    };
    let answer = async {
        let channel = tonic::transport::Channel::from_shared(format!("http://{}", replica.xds())).unwrap();
        let mut client = AggregatedDiscoveryServiceClient::new(channel.connect().await.unwrap());
        let (requests, received) = tokio::sync::mpsc::unbounded_channel();
        requests.send(request).unwrap();
        let stream = client.delta_aggregated_resources(UnboundedReceiverStream::new(received)).await;
        stream.unwrap().into_inner().message().await.unwrap().unwrap()
    };
    let answer = tokio::runtime::Runtime::new().unwrap().block_on(answer);
    let Some(resource) = answer.resources.first() else {
        assert_eq!(answer.removed_resources, ["kubernetes://shop"]);
        return None;
    };
    let bytes = &resource.resource.as_ref().unwrap().value;
    let found = MARKS.into_iter().find(|mark| bytes.windows(mark.len()).any(|part| part == mark.as_bytes()));
    Some(found.expect("a pair of this test"))
}

#[test]
fn a_gateway_of_a_remote_cluster_is_sent_the_keys_of_its_own_cluster_also_while_that_is_away() {
    let here = Cluster::bare();
    let mut east = here.second();
    here.api().apply(vec![home(), pair("near-pair"), secret(&east.kubeconfig_text())]);
    east.api().apply(vec![pair("far-pair")]);
    let replica = Replica::ready(&here.kubeconfig(), "mizzen-1");
    assert_eq!(
        ["Kubernetes", "east", "west"].map(|cluster| sent(&replica, cluster)),
        [Some("near-pair"), Some("far-pair"), None]
    );
    east.api().apply(vec![pair("new-pair")]);
    eventually("the new pair", SOON, || sent(&replica, "east") == Some("new-pair"));
    east.stop_server();
    let away = || replica.page("/debug/findings").is_some_and(|page| page.contains("cluster east: the API server"));
    eventually("word of the outage", SOON, away);
    assert_eq!(sent(&replica, "east"), Some("new-pair"));
    east.start_server();
    east.api().delete(&pair("new-pair"));
    eventually("the pair of the control plane's cluster", SOON, || sent(&replica, "east") == Some("near-pair"));
    for page in ["/debug/configz", "/debug/findings", "/debug/clusterz"] {
        let page = replica.page(page).unwrap();
        assert!(!page.contains("PRIVATE KEY"), "{page}");
    }
}
