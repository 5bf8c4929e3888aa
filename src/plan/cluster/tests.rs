//! Clusters as they are planned.

use std::collections::BTreeSet;

use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use prost::Message;
use serde_json::{Value, json};

use super::*;
use crate::model::{FactKey, Snapshot, View};
use crate::plan::tests::world::{World, sidecar};
use crate::plan::{Class, Planner};
use crate::proxy::Proxy;
use crate::wire::Cache;

const CART: &str = r#"
apiVersion: v1
kind: Service
metadata: {name: cart, namespace: shop}
spec:
  selector: {app: cart}
  clusterIP: 10.96.0.1
  ports: [{name: http, port: 80, targetPort: web}, {name: dns, port: 53, protocol: UDP}]
---
apiVersion: v1
kind: Pod
metadata: {name: cart-1, namespace: shop, labels: {app: cart, security.istio.io/tlsMode: istio}}
spec:
  serviceAccountName: cart
  containers: [{name: app, ports: [{name: web, containerPort: 8080}]}]
status: {phase: Running, podIP: 10.1.0.1, podIPs: [{ip: 10.1.0.1}], conditions: [{type: Ready, status: "True"}]}
"#;

const SLICE: &str = r#"
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: cart-x, namespace: shop, labels: {kubernetes.io/service-name: cart}}
addressType: IPv4
endpoints: [{addresses: [10.1.0.1], conditions: {ready: true}, targetRef: {kind: Pod, name: cart-1, namespace: shop}}]
ports: [{name: http, port: 8080, protocol: TCP}]
"#;

const RULE: &str = r#"
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: cart, namespace: shop}
spec:
  host: cart
  trafficPolicy: {connectionPool: {tcp: {maxConnections: 7}}}
  subsets: [{name: v1, labels: {version: v1}}]
"#;

fn facets<F>(snapshot: &Snapshot, proxy: &Proxy, of: impl Fn(&View<'_>, &Proxy) -> F) -> F {
    let scope = snapshot.scope(&proxy.namespace);
    of(&View::new(snapshot, &scope), proxy)
}

fn class<P: Planner>(world: &World, proxy: &Proxy, of: impl Fn(&View<'_>, &Proxy) -> P::Facets) -> Class<P> {
    Class::new(world.snapshot(), facets(world.snapshot(), proxy, of), &Cache::default())
}

fn clusters<P: Planner>(class: &Class<P>) -> Vec<Cluster> {
    class.layer().values().map(|e| Cluster::decode(&e.message()[..]).unwrap()).collect()
}

fn calls(world: &World, proxy: &Proxy) -> Vec<Cluster> {
    clusters(&class::<OutboundClusters>(world, proxy, outbound))
}

fn names(clusters: &[Cluster]) -> Vec<&str> {
    clusters.iter().map(|c| c.name.as_str()).collect()
}

fn client() -> Proxy {
    sidecar("shop", json!({"PROXY_CONFIG": {}}))
}

/// A client at the pod's address.
fn cart(metadata: Value) -> Proxy {
    let mut all = json!({"INSTANCE_IPS": "10.1.0.1", "PROXY_CONFIG": {}});
    for (key, value) in metadata.as_object().into_iter().flatten() {
        all[key] = value.clone();
    }
    sidecar("shop", all)
}

/// A stock Envoy with or without an agent beside it.
fn stock(agent: bool) -> Proxy {
    let metadata = if agent { json!({"NAMESPACE": "shop", "PROXY_CONFIG": {}}) } else { json!({"NAMESPACE": "shop"}) };
    let router = ["envoy.extensions.filters.http.router.v3.Router"].into_iter().collect();
    let id = "sidecar~10.1.0.9~client.shop~shop.svc.cluster.local";
    Proxy::new(id, "client", Default::default(), &metadata, router).unwrap()
}

#[test]
fn a_service_has_a_cluster_per_port_and_subset_and_none_for_datagrams() {
    let world = World::new(&format!("{CART}\n---\n{RULE}"));
    let expected = ["outbound|80|v1|cart.shop.svc.cluster.local", "outbound|80||cart.shop.svc.cluster.local"];
    assert_eq!(names(&calls(&world, &client())), expected);
}

#[test]
fn names_to_resolve_make_a_cluster_only_if_there_are_some() {
    let entry = |selector: &str| {
        format!(
            "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {{name: db, namespace: shop}}\n\
             spec:\n  hosts: [db.example.com]\n  resolution: DNS\n  ports: [{{number: 80, name: http, protocol: HTTP}}]\n{selector}"
        )
    };
    assert_eq!(calls(&World::new(&entry("")), &client()).len(), 1);
    assert!(calls(&World::new(&entry("  workloadSelector: {labels: {app: db}}\n")), &client()).is_empty());
}

#[test]
fn proxies_that_differ_in_nothing_that_matters_are_of_one_class() {
    let world = World::new(&format!("{CART}\n---\n{RULE}\n---\n{SLICE}"));
    let of = |proxy: &Proxy| facets(world.snapshot(), proxy, outbound);
    assert_eq!(of(&client()), of(&cart(json!({"LABELS": {"app": "other"}, "NODE_NAME": "node-7"}))));
    let bought = sidecar("bank", json!({"PROXY_CONFIG": {}}));
    assert_ne!(of(&client()), of(&sidecar("shop", json!({"PROXY_CONFIG": {}, "INSTANCE_IPS": "2001:db8::1"}))));
    assert_eq!(of(&bought).traits, of(&client()).traits);
}

#[test]
fn a_rule_for_selected_workloads_holds_for_these_alone() {
    let selective = RULE.replace("host: cart", "host: cart\n  workloadSelector: {matchLabels: {tier: front}}");
    let world = World::new(&format!("{CART}\n---\n{selective}"));
    let front = sidecar("shop", json!({"PROXY_CONFIG": {}, "LABELS": {"tier": "front", "other": "1"}}));
    assert_eq!(calls(&world, &front).len(), 2);
    assert_eq!(calls(&world, &client()).len(), 1);
}

#[test]
fn pods_that_come_and_go_plan_no_cluster_again() {
    let mut world = World::new(&format!("{CART}\n---\n{SLICE}"));
    let gone = SLICE.replace("ready: true", "ready: false, terminating: false");
    let changed = world.apply(&gone);
    assert!(changed.contains(&FactKey::Endpoints("cart.shop.svc.cluster.local".into())));
    let cache = Cache::default();
    let mut class: Class<OutboundClusters> =
        Class::new(world.snapshot(), facets(world.snapshot(), &client(), outbound), &cache);
    let misses = cache.stats().misses.load(std::sync::atomic::Ordering::Relaxed);
    let hits = cache.stats().hits.load(std::sync::atomic::Ordering::Relaxed);
    assert!(!class.update(world.snapshot(), &changed, &cache));
    assert_eq!(cache.stats().misses.load(std::sync::atomic::Ordering::Relaxed), misses);
    assert_eq!(cache.stats().hits.load(std::sync::atomic::Ordering::Relaxed), hits);
}

#[test]
fn an_edit_of_a_rule_builds_the_clusters_of_its_host_and_no_others() {
    let mut world = World::new(&format!("{CART}\n---\n{}\n---\n{RULE}", CART.replace("cart", "bank")));
    let cache = Cache::default();
    let mut class: Class<OutboundClusters> =
        Class::new(world.snapshot(), facets(world.snapshot(), &client(), outbound), &cache);
    let before = class.layer().clone();
    let changed = world.apply(&RULE.replace("maxConnections: 7", "maxConnections: 8"));
    assert!(class.update(world.snapshot(), &changed, &cache));
    let moved: BTreeSet<&str> = class
        .layer()
        .values()
        .filter(|e| before.get(e.name()).is_none_or(|old| old.version() != e.version()))
        .map(|e| e.name().as_str())
        .collect();
    assert!(moved.len() == 2 && moved.iter().all(|n| n.ends_with("cart.shop.svc.cluster.local")));
}

#[test]
fn mutual_tls_is_used_unless_the_namespace_forbids_it() {
    let sockets = |world: &World| calls(world, &client())[0].transport_socket_matches.len();
    let mut world = World::new(&format!("{CART}\n---\n{SLICE}"));
    assert_eq!(sockets(&world), 2);
    world.apply(
        "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: clear, namespace: shop}\n\
         spec: {mtls: {mode: DISABLE}}",
    );
    assert_eq!(sockets(&world), 0);
}

#[test]
fn headless_services_are_called_in_mutual_tls_only_if_all_their_endpoints_take_it() {
    let headless = CART.replace("clusterIP: 10.96.0.1", "clusterIP: None");
    let socket = |world: &World| calls(world, &client())[0].transport_socket.is_some();
    assert!(socket(&World::new(&format!("{headless}\n---\n{SLICE}"))));
    assert!(!socket(&World::new(&headless)));
    let bare = headless.replace(", security.istio.io/tlsMode: istio", "");
    assert!(!socket(&World::new(&format!("{bare}\n---\n{SLICE}"))));
}

#[test]
fn a_stock_envoy_without_an_agent_calls_in_clear_text() {
    let world = World::new(&format!("{CART}\n---\n{SLICE}"));
    assert_eq!(calls(&world, &stock(true))[0].transport_socket_matches.len(), 2);
    let alone = &calls(&world, &stock(false))[0];
    assert!(alone.transport_socket_matches.is_empty() && alone.transport_socket.is_none());
    assert!(alone.filters.is_empty());
}

#[test]
fn what_a_proxy_cannot_do_is_left_out() {
    let world = World::new(
        r#"
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: any, namespace: shop}
spec:
  hosts: ["*.example.com"]
  resolution: DYNAMIC_DNS
  ports: [{number: 80, name: http, protocol: HTTP}]
"#,
    );
    assert_eq!(names(&calls(&world, &client())), ["outbound|80||*.example.com"]);
    assert!(calls(&world, &stock(true)).is_empty());
}

#[test]
fn inbound_clusters_follow_the_named_ports_of_the_pod() {
    let world = World::new(CART);
    let served = |proxy: &Proxy| names(&clusters(&class::<InboundClusters>(&world, proxy, inbound))).join(" ");
    assert_eq!(served(&cart(json!({}))), "inbound|53|| inbound|8080||");
    assert_eq!(served(&cart(json!({"INTERCEPTION_MODE": "NONE"}))), "");
    assert_eq!(served(&client()), "");
    let stated = json!({
        "LABELS": {"app": "cart"},
        "POD_PORTS": r#"[{"name":"web","containerPort":9090,"protocol":"TCP"}]"#,
    });
    let unknown_pod = sidecar("shop", stated);
    assert_eq!(served(&unknown_pod), "inbound|53|| inbound|9090||");
}

#[test]
fn limits_of_a_rule_hold_on_both_sides_of_a_call() {
    let world = World::new(&format!("{CART}\n---\n{RULE}"));
    let inbound = clusters(&class::<InboundClusters>(&world, &cart(json!({})), inbound));
    let limit = |c: &Cluster| c.circuit_breakers.as_ref().unwrap().thresholds[0].max_connections.unwrap().value;
    assert!(inbound.iter().all(|c| limit(c) == 7));
}

#[test]
fn every_sidecar_has_a_cluster_for_what_matches_nothing() {
    let mut world = World::new("");
    let fixed = |world: &World| {
        let class = class::<FixedClusters>(world, &client(), fixed);
        names(&clusters(&class)).join(" ")
    };
    assert_eq!(fixed(&world), "BlackHoleCluster InboundPassthroughCluster PassthroughCluster");
    world.settings(json!({"outboundTrafficPolicy": {"mode": "ALLOW_ANY_DYNAMIC_DNS"}}));
    assert!(fixed(&world).starts_with("AllowAnyDynamicDNSCluster "));
}
