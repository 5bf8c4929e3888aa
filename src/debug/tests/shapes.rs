//! The shapes of pages of which istiod's answers are described here, of the users' mesh with two proxies: the gateway and
//! `greeter`.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::clients::node;
use super::mesh::users_mesh;
use super::{printed, sample};
use crate::api::Object;
use crate::debug::{
    Ambient, authorization, collections, held, held_sizes, instances, list, multi_cluster_services, network_gateways,
    proxy_telemetry, push_context, registry, schemas, sidecar_scope, telemetry,
};
use crate::engine::Core;
use crate::model::{Scope, Snapshot, View};
use crate::plan::{self, targets};
use crate::proxy::Proxy;
use crate::wire::Publication;

const GATEWAY: &str = "istio-ingressgateway-7d9f.istio-system";
const GREETER: &str = "greeter-5b7c-aaaaa.shop";
const ENDPOINTS: &str = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment";

struct Joined {
    core: Core,
    gateway: Proxy,
}

impl Joined {
    fn new() -> Self {
        let mut core = users_mesh();
        let [gateway, greeter] = ["gateway", "greeter"].map(|name| crate::app::node::proxy(&node(name)).unwrap());
        assert_eq!((&*gateway.name, &*greeter.name), (GATEWAY, GREETER));
        core.join(gateway.clone());
        core.join(greeter);
        Self { core, gateway }
    }

    fn snapshot(&self) -> &Snapshot {
        self.core.index().snapshot()
    }

    fn objects(&self) -> Vec<Arc<Object>> {
        self.core.index().objects().cloned().collect()
    }

    fn publications(&self) -> Vec<Arc<Publication>> {
        self.core.plan().publications().cloned().collect()
    }
}

/// The names of an object's fields.
fn fields(value: &Value) -> BTreeSet<String> {
    value.as_object().unwrap_or_else(|| panic!("{value} is no object")).keys().cloned().collect()
}

fn names(list: &[&str]) -> BTreeSet<String> {
    list.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn policies_are_listed_by_namespace() {
    let joined = Joined::new();
    let none = json!({"namespace_to_policies": {}, "root_namespace": "istio-system"});
    let page = printed(authorization(joined.snapshot(), &joined.objects()));
    assert_eq!(page, json!({"authorization_policies": none}));
    let page = printed(push_context(joined.snapshot(), &[], &joined.objects()));
    assert_eq!(page, json!({"AuthorizationPolicies": none, "NetworkGateways": null, "UnresolvedGateways": null}));

    let policy = json!({"apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy",
        "metadata": {"name": "callers", "namespace": "shop", "annotations": {"a": "b"}},
        "spec": {"action": "DENY", "rules": [{}]}});
    let policy = Arc::new(crate::api::decode(policy, None).object.unwrap());
    let page = printed(authorization(joined.snapshot(), &[policy]));
    let listed = &page["authorization_policies"]["namespace_to_policies"]["shop"][0];
    assert_eq!(fields(listed), names(&["name", "namespace", "annotations", "spec"]));
    assert_eq!((&listed["annotations"], &listed["spec"]["action"]), (&json!({"a": "b"}), &json!("DENY")));
}

#[test]
fn telemetries_are_listed_by_namespace_or_put_together_for_a_proxy() {
    let joined = Joined::new();
    let page = printed(telemetry(joined.snapshot(), &joined.objects()));
    let all = &page["telemetries"];
    assert_eq!(fields(&page), names(&["telemetries"]));
    assert_eq!(all["root_namespace"], "istio-system");
    assert_eq!(fields(&all["namespace_to_telemetries"]), names(&["istio-system"]));
    let only = &all["namespace_to_telemetries"]["istio-system"][0];
    assert_eq!(fields(only), names(&["name", "namespace", "spec"]));
    assert_eq!((&only["name"], &only["namespace"]), (&json!("mesh-default"), &json!("istio-system")));
    let tracing = &only["spec"]["tracing"][0];
    assert_eq!(fields(tracing), names(&["providers", "randomSamplingPercentage", "customTags"]));
    assert_eq!(tracing["randomSamplingPercentage"], 12.5);

    let view = View::new(joined.snapshot(), &Scope::Public);
    let keys = plan::telemetries(&view, &joined.gateway);
    let found: Vec<_> = keys.iter().filter_map(|key| joined.core.index().object(key).cloned()).collect();
    let page = printed(proxy_telemetry(joined.snapshot(), &joined.gateway.namespace, &found));
    let expected = ["Root", "Proxy", "Namespace", "Workload", "Metrics", "Logging", "Tracing"];
    assert_eq!(fields(&page), names(&expected));
    assert_eq!(page["Root"], json!({"Namespace": "istio-system", "Name": "mesh-default"}));
    assert_eq!(page["Workload"], json!({"Namespace": "", "Name": ""}));
    assert_eq!((&page["Logging"], &page["Tracing"][0]), (&json!([]), tracing));
}

#[test]
fn each_proxy_has_the_services_that_its_workload_answers_for() {
    let joined = Joined::new();
    let view = View::new(joined.snapshot(), &Scope::Public);
    let proxies: Vec<_> = joined.core.plan().proxies().map(|(_, p)| (p.name.clone(), targets(&view, p))).collect();
    let page = printed(instances(joined.snapshot(), &joined.objects(), proxies));
    assert_eq!(fields(&page), names(&[GATEWAY, GREETER]));
    let greeter = page[GREETER].as_array().unwrap();
    assert_eq!(greeter.len(), 1);
    assert_eq!(fields(&greeter[0]), names(&["Service", "Port"]));
    assert_eq!(greeter[0]["Port"], json!({"name": "grpc", "port": 50051, "protocol": "GRPC", "TargetPort": 50051}));
    let of_registry = printed(registry(joined.snapshot(), &joined.objects()));
    assert!(of_registry.as_array().unwrap().contains(&greeter[0]["Service"]), "as registryz prints it");
    let ports: Vec<_> = page[GATEWAY].as_array().unwrap().iter().map(|i| i["Port"]["TargetPort"].clone()).collect();
    assert_eq!(ports, [15021, 8080, 8443]);
    let page = printed(instances(joined.snapshot(), &[], vec![("a.b".into(), Vec::new())]));
    assert_eq!(page, json!({"a.b": null}));
}

#[test]
fn what_a_proxy_sees_has_istiods_fields() {
    let joined = Joined::new();
    let (scope, _) = plan::sidecar::scope(joined.snapshot(), &joined.gateway);
    let place = (&scope, &joined.gateway.namespace);
    let page = printed(sidecar_scope(joined.snapshot(), place, None, &joined.objects()));
    let expected = [
        "destinationRules",
        "egressListenerServices",
        "name",
        "namespace",
        "outboundTrafficPolicy",
        "services",
        "servicesByHostname",
        "sidecar",
        "version",
    ];
    assert_eq!(fields(&page), names(&expected));
    assert_eq!((&page["name"], &page["namespace"]), (&json!("default-sidecar"), &json!("istio-system")));
    assert_eq!((&page["egressListenerServices"], &page["destinationRules"]), (&json!([null]), &json!({})));
    assert_eq!((&page["sidecar"], &page["outboundTrafficPolicy"]), (&Value::Null, &Value::Null));
    assert!(page["version"].is_string());
    let hosts = |list: &Value| -> BTreeSet<String> {
        list.as_array().unwrap().iter().map(|s| s["hostname"].as_str().unwrap().to_owned()).collect()
    };
    let all = hosts(&sample("registryz"));
    assert_eq!(hosts(&page["services"]), all, "everything is exported to everybody");
    assert_eq!(fields(&page["servicesByHostname"]), all);
    let one = &page["services"][0];
    assert_eq!(page["servicesByHostname"][one["hostname"].as_str().unwrap()], *one);
}

#[test]
fn a_sidecar_narrows_what_is_seen() {
    let mut joined = Joined::new();
    let sidecar = json!({"apiVersion": "networking.istio.io/v1", "kind": "Sidecar",
        "metadata": {"name": "narrow", "namespace": "shop"},
        "spec": {"egress": [{"hosts": ["./greeter.shop.svc.cluster.local"]}],
                 "outboundTrafficPolicy": {"mode": "ALLOW_ANY"}}});
    let sidecar = Arc::new(crate::api::decode(sidecar, None).object.unwrap());
    joined.core.note(vec![crate::store::Event::Upsert(sidecar.clone())], None, Arc::new([]));
    joined.core.settle();
    let greeter = crate::app::node::proxy(&node("greeter")).unwrap();
    let (scope, _) = plan::sidecar::scope(joined.snapshot(), &greeter);
    let place = (&scope, &greeter.namespace);
    let page = printed(sidecar_scope(joined.snapshot(), place, Some(&sidecar), &joined.objects()));
    assert_eq!(page["name"], "narrow");
    assert_eq!(page["outboundTrafficPolicy"], json!({"mode": "ALLOW_ANY"}));
    assert_eq!(page["egressListenerServices"][0].as_array().unwrap().len(), 1);
    assert_eq!(page["services"].as_array().unwrap().len(), 1);
    assert_eq!(page["sidecar"]["egress"][0]["hosts"], json!(["./greeter.shop.svc.cluster.local"]));
}

#[test]
fn the_cache_has_names_by_type_and_sizes() {
    let joined = Joined::new();
    let page = printed(held(&joined.publications()));
    let expected = [
        "outbound|15021||istio-ingressgateway.istio-system.svc.cluster.local",
        "outbound|443||istio-ingressgateway.istio-system.svc.cluster.local",
        "outbound|443||kubernetes.default.svc.cluster.local",
        "outbound|50051||greeter.shop.svc.cluster.local",
        "outbound|80||istio-ingressgateway.istio-system.svc.cluster.local",
        "outbound|80||web.shop.svc.cluster.local",
    ];
    assert_eq!(page[ENDPOINTS], json!(expected));
    assert!(page.as_object().unwrap().values().all(Value::is_array));
    let sizes = printed(held_sizes(&joined.publications()));
    let types: BTreeSet<String> = fields(&page).into_iter().chain(["total".to_owned()]).collect();
    assert_eq!(fields(&sizes), types);
    assert!(sizes["total"].as_str().unwrap().ends_with("kB"), "{sizes}");
}

#[test]
fn the_kinds_that_are_read_are_istiods() {
    let page = printed(schemas());
    let kinds: Vec<String> = page
        .as_array()
        .unwrap()
        .iter()
        .map(|s| format!("{}/{} {}", s["group"], s["version"], s["kind"]).replace('"', ""))
        .collect();
    assert_eq!(
        kinds,
        [
            "security.istio.io/v1 AuthorizationPolicy",
            "networking.istio.io/v1 DestinationRule",
            "networking.istio.io/v1alpha3 EnvoyFilter",
            "networking.istio.io/v1 Gateway",
            "security.istio.io/v1 PeerAuthentication",
            "networking.istio.io/v1beta1 ProxyConfig",
            "security.istio.io/v1 RequestAuthentication",
            "networking.istio.io/v1 ServiceEntry",
            "networking.istio.io/v1 Sidecar",
            "telemetry.istio.io/v1 Telemetry",
            "extensions.istio.io/v1alpha1 TrafficExtension",
            "networking.istio.io/v1 VirtualService",
            "extensions.istio.io/v1alpha1 WasmPlugin",
            "networking.istio.io/v1 WorkloadEntry",
            "networking.istio.io/v1 WorkloadGroup",
            "networking.k8s.io/v1 Ingress",
        ]
    );
}

#[test]
fn collections_are_in_the_shape_of_krts_and_show_no_content() {
    let joined = Joined::new();
    let page = printed(collections(&joined.objects(), true));
    let services = page.as_array().unwrap().iter().find(|c| c["name"] == "Service").unwrap();
    assert_eq!(fields(services), names(&["name", "state", "uid"]));
    assert_eq!(services["state"]["synced"], true);
    assert_eq!(services["state"]["outputs"]["shop/greeter"], json!({}));
    let uids: BTreeSet<String> = page.as_array().unwrap().iter().map(|c| c["uid"].to_string()).collect();
    assert_eq!(uids.len(), page.as_array().unwrap().len());
}

#[test]
fn what_there_is_none_of_prints_as_gos_nil_does() {
    assert_eq!(printed(network_gateways(&[])), Value::Null);
    assert_eq!(printed(multi_cluster_services()), Value::Null);
    assert_eq!(printed(Ambient::default()), json!({"workloads": null, "services": null, "policies": null}));
    let gateway = crate::model::facts::Gateway {
        address: "1.2.3.4".into(),
        port: 15443,
        network: "far".into(),
        cluster: "Kubernetes".into(),
    };
    let expected = json!([{"Network": "far", "Cluster": "Kubernetes", "Addr": "1.2.3.4", "Port": 15443, "HBONEPort": 0,
        "ServiceAccount": {"Namespace": "", "Name": ""}}]);
    assert_eq!(printed(network_gateways(&[gateway])), expected);
}

#[test]
fn every_page_of_istiods_is_there() {
    let istiods = [
        "adsz",
        "adsz?push=true",
        "ambientz",
        "authorizationz",
        "cachez",
        "cachez?clear=true",
        "cachez?sizes=true",
        "clusterz",
        "config_dump",
        "configz",
        "connections",
        "ecdsz",
        "edsz",
        "endpointShardz",
        "endpointz",
        "inject",
        "instancesz",
        "krtz",
        "mcsz",
        "mesh",
        "ndsz",
        "networkz",
        "push_status",
        "pushcontext",
        "registryz",
        "resourcesz",
        "sidecarz",
        "syncz",
        "telemetryz",
    ];
    let ours = list();
    assert!(istiods.iter().all(|name| ours.contains(name)));
    let own: Vec<_> = ours.iter().filter(|name| !istiods.contains(name)).collect();
    assert_eq!(own, [&"changez", &"findings", &"leaders"]);
}
