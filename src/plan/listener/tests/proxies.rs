//! What is different from proxy to proxy.

use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::base::Locality;
use crate::plan::Plan;
use crate::proxy::Capabilities;
use crate::wire::{Publication, ResourceType};

const LEDGER: &str = "
{apiVersion: v1, kind: Service, metadata: {name: ledger, namespace: shop},
 spec: {clusterIP: None, selector: {app: ledger}, ports: [{name: tcp, port: 7051}, {name: raft, port: 7151}, {name: http, port: 80}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: ledger-0, namespace: shop, labels: {app: ledger}},
 spec: {containers: [{name: a}]}, status: {podIP: 10.1.0.5, podIPs: [{ip: 10.1.0.5}], conditions: [{type: Ready, status: 'True'}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: ledger-1, namespace: shop, labels: {app: ledger}},
 spec: {containers: [{name: a}]}, status: {podIP: 10.1.0.6, podIPs: [{ip: 10.1.0.6}], conditions: [{type: Ready, status: 'True'}]}}
---
{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, addressType: IPv4,
 metadata: {name: ledger-a, namespace: shop, labels: {kubernetes.io/service-name: ledger}},
 endpoints: [{addresses: [10.1.0.5], conditions: {ready: true}, targetRef: {kind: Pod, name: ledger-0, namespace: shop}},
             {addresses: [10.1.0.6], conditions: {ready: false}, targetRef: {kind: Pod, name: ledger-1, namespace: shop}}],
 ports: [{name: tcp, port: 7051}, {name: raft, port: 7151}, {name: http, port: 80}]}";

fn at(ip: &str) -> Proxy {
    let metadata = json!({"CLUSTER_ID": "Kubernetes", "NAMESPACE": "shop", "INSTANCE_IPS": ip});
    let id = format!("sidecar~{ip}~pod.shop~shop.svc.cluster.local");
    Proxy::new(&id, "client", Locality::default(), &metadata, Default::default()).unwrap()
}

/// An Envoy that is not Istio's build, with an agent beside it or without.
fn stock(agent: bool) -> Proxy {
    let types = [
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
        "envoy.extensions.filters.http.router.v3.Router",
        "envoy.extensions.filters.http.set_filter_state.v3.Config",
        "envoy.extensions.filters.http.fault.v3.HTTPFault",
        "envoy.extensions.filters.listener.http_inspector.v3.HttpInspector",
        "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
        "envoy.extensions.filters.listener.original_dst.v3.OriginalDst",
        "envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig",
    ];
    let mut metadata = json!({"NAMESPACE": "shop", "INSTANCE_IPS": "10.1.0.5"});
    if agent {
        metadata["PROXY_CONFIG"] = json!({});
    }
    stating(metadata, &types)
}

fn stating(metadata: serde_json::Value, types: &[&str]) -> Proxy {
    let id = "sidecar~10.1.0.5~c.shop~shop.svc.cluster.local";
    Proxy::new(id, "c", Locality::default(), &metadata, types.iter().copied().collect()).unwrap()
}

/// An Envoy that counts Istio's metrics, beside this workload.
fn counting(workload: &str) -> Proxy {
    let Capabilities::Stock { extensions, .. } = stock(false).capabilities else { panic!("it is Istio's") };
    let more = [
        "envoy.extensions.access_loggers.stats.v3.Config",
        "envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
        "envoy.extensions.filters.http.header_to_metadata.v3.Config",
    ];
    let types: Vec<&str> = extensions.iter().map(|t| t.as_str()).chain(more).collect();
    let labels = json!({"app": workload});
    stating(
        json!({"NAMESPACE": "shop", "INSTANCE_IPS": "10.1.0.5", "WORKLOAD_NAME": workload, "LABELS": labels}),
        &types,
    )
}

/// The names of the filters for calls.
fn http_filters(listener: &Listener) -> Vec<String> {
    let filter = listener.filter_chains[0].filters.last().unwrap();
    let Some(ConfigType::TypedConfig(config)) = &filter.config_type else { panic!("no config") };
    let manager = HttpConnectionManager::decode(&config.value[..]).unwrap();
    manager.http_filters.into_iter().map(|f| f.name).collect()
}

#[test]
fn pods_of_a_headless_service_have_listeners_ready_or_not_but_not_for_themselves() {
    let world = World::new(LEDGER);
    let names = |proxy: &Proxy| listeners(&world, proxy).into_keys().collect::<Vec<_>>();
    let all = ["0.0.0.0_80", "10.1.0.5_7051", "10.1.0.5_7151", "10.1.0.6_7051", "10.1.0.6_7151", "virtualOutbound"];
    assert_eq!(names(&at("10.1.0.9")), all);
    assert_eq!(names(&at("10.1.0.5")), [all[0], all[3], all[4], all[5]]);
}

#[test]
fn only_the_listeners_of_pods_differ_from_pod_to_pod() {
    let world = World::new(LEDGER);
    let scope = world.snapshot().scope(&"shop".into());
    let view = View::new(world.snapshot(), &scope);
    let same = |facets: fn(&View<'_>, &Proxy) -> ListenerFacets, a: &str, b: &str| {
        facets(&view, &at(a)) == facets(&view, &at(b))
    };
    assert!(same(byte_facets, "10.1.0.5", "10.1.0.6") && same(call_facets, "10.1.0.5", "10.1.0.6"));
    assert!(!same(pod_byte_facets, "10.1.0.5", "10.1.0.6"));
    assert!(same(pod_byte_facets, "10.1.0.8", "10.1.0.9"));
}

#[test]
fn only_listeners_that_read_calls_say_which_workload_calls() {
    let world = World::new("");
    let view = View::new(world.snapshot(), &Scope::Public);
    let named = |name: &str| sidecar("shop", json!({"LABELS": {"service.istio.io/canonical-name": name}}));
    assert!(byte_facets(&view, &named("a")) == byte_facets(&view, &named("b")));
    assert!(call_facets(&view, &named("a")) != call_facets(&view, &named("b")));
}

#[test]
fn ports_of_the_proxy_itself_are_left_to_it() {
    let world = world(&[service("a", "10.96.0.1", 15021, "http"), service("b", "10.96.0.2", 15021, "tcp")]);
    let proxy = sidecar("shop", json!({"ENVOY_STATUS_PORT": 15021}));
    assert_eq!(listeners(&world, &proxy).keys().collect::<Vec<_>>(), ["10.96.0.2_15021", "virtualOutbound"]);
}

#[test]
fn without_capture_the_proxy_listens_on_its_own_machine() {
    let world = world(&[service("a", "10.96.0.1", 80, "http"), service("b", "10.96.0.2", 8000, "main")]);
    let proxy = sidecar("shop", json!({"INTERCEPTION_MODE": "NONE", "UNPRIVILEGED_POD": "true"}));
    let all = listeners(&world, &proxy);
    assert_eq!(all.keys().collect::<Vec<_>>(), ["127.0.0.1_8000"], "a port below 1024 is not for it");
    assert!(all["127.0.0.1_8000"].bind_to_port.is_none());
}

#[test]
fn without_capture_a_detected_service_takes_the_place_of_http() {
    let world = world(&[service("a", "10.96.0.1", 8000, "http"), service("b", "10.96.0.2", 8000, "main")]);
    let proxy = sidecar("shop", json!({"INTERCEPTION_MODE": "NONE"}));
    let want =
        ["http/1.1 h2c raw_buffer > routes b.shop.svc.cluster.local:8000", "> outbound|8000||b.shop.svc.cluster.local"];
    assert_eq!(chains(&listeners(&world, &proxy)["127.0.0.1_8000"]), want);
}

#[test]
fn unknown_destinations_go_where_the_mesh_says() {
    let mut world = world(&[service("a", "10.96.0.1", 80, "http")]);
    world.settings(json!({"outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"}, "proxyHttpPort": 3128}));
    let all = listeners(&world, &client());
    assert_eq!(chains(&all["virtualOutbound"]), ["> BlackHoleCluster", "> BlackHoleCluster"]);
    assert_eq!(chains(&all["0.0.0.0_80"])[1], "> BlackHoleCluster");
    assert_eq!(chains(&all["127.0.0.1_3128"]), ["> routes http_proxy"]);
}

#[test]
fn calls_to_unknown_hosts_are_told_from_other_connections_where_the_proxy_finds_hosts_by_dns() {
    let mut world = world(&[service("a", "10.96.0.1", 80, "http")]);
    world.settings(json!({"outboundTrafficPolicy": {"mode": "ALLOW_ANY_DYNAMIC_DNS"}}));
    let all = listeners(&world, &client());
    let want = ["> BlackHoleCluster", "http/1.1 h2c >", "> PassthroughCluster"];
    assert_eq!(chains(&all["virtualOutbound"]).iter().map(|c| c.trim_end()).collect::<Vec<_>>(), want);
    assert_eq!(all["virtualOutbound"].listener_filters.len(), 1);
    let filters = http_filters(&all["0.0.0.0_80"]);
    assert_eq!(filters[filters.len() - 2], "envoy.filters.http.dynamic_forward_proxy");
}

#[test]
fn another_envoy_gets_no_filter_that_it_does_not_list() {
    let world = world(&[service("a", "10.96.0.1", 80, "http")]);
    let filters = |proxy: &Proxy| http_filters(&listeners(&world, proxy)["0.0.0.0_80"]).join(" ");
    let istio = "istio.metadata_exchange envoy.filters.http.grpc_stats istio.alpn envoy.filters.http.fault \
                 envoy.filters.http.cors envoy.filters.http.router";
    assert_eq!(filters(&client()), istio);
    let offers = "envoy.filters.http.set_filter_state envoy.filters.http.fault envoy.filters.http.router";
    assert_eq!(filters(&stock(true)), offers, "it offers the mesh's protocols by other means");
    assert_eq!(filters(&stock(false)), "envoy.filters.http.fault envoy.filters.http.router", "it has no identity");
}

#[test]
fn an_envoy_without_what_every_listener_needs_gets_none() {
    let world = world(&[service("a", "10.96.0.1", 80, "http")]);
    let extensions = ["x.Y"].into_iter().collect();
    let id = "sidecar~10.1.0.5~c.shop~shop.svc.cluster.local";
    let bare = Proxy::new(id, "c", Locality::default(), &json!({}), extensions).unwrap();
    assert!(listeners(&world, &bare).is_empty());
}

#[test]
fn workloads_that_count_share_listeners_and_each_introduces_itself() {
    let mut world = world(&[service("a", "10.96.0.1", 80, "http"), service("b", "10.96.0.2", 3306, "mysql")]);
    world.settings(json!({"defaultProviders": {"metrics": ["prometheus"]}}));
    let mut plan = Plan::new(Arc::new(Cache::default()));
    let mut join = |workload| plan.join(world.snapshot(), counting(workload)).1;
    let (cart, web) = (join("cart"), join("web"));
    let all = |publication: &Publication, kind| {
        publication.of(kind).iter().map(|e| (e.name().to_string(), e.message().to_vec())).collect::<BTreeMap<_, _>>()
    };
    let listeners = all(&cart, ResourceType::Listener);
    assert!(listeners.contains_key("0.0.0.0_80") && listeners.contains_key("10.96.0.2_3306"));
    let own = "virtualInbound";
    let others = all(&web, ResourceType::Listener);
    assert!(listeners.iter().all(|(name, listener)| name == own || others[name] == *listener));
    let filters = http_filters(&Listener::decode(&listeners["0.0.0.0_80"][..]).unwrap());
    assert!(filters.contains(&"mizzen.introduce".to_owned()), "{filters:?}");
    let tells = |publication: &Publication, text: &str| {
        let told =
            publication.of(ResourceType::Extension).get("mizzen.introduce").expect("it introduces itself").clone();
        String::from_utf8_lossy(&told.message()).contains(text)
    };
    assert!(tells(&cart, "'cart;shop;cart;latest;cart;unknown;unknown'"));
    assert!(tells(&web, "'web;shop;web;latest;web;unknown;unknown'"));
}
