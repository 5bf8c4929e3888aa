//! Endpoints as they are planned.

use envoy_types::pb::envoy::config::endpoint::v3::ClusterLoadAssignment;
use prost::Message;
use serde_json::{Value, json};

use super::*;
use crate::plan::Class;
use crate::plan::tests::world::{World, sidecar};
use crate::wire::Cache;

/// A service with a pod in each of two zones of one region.
const TWO_ZONES: &str = r#"
apiVersion: v1
kind: Service
metadata: {name: cart, namespace: shop}
spec: {selector: {app: cart}, clusterIP: 10.96.0.1, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Node
metadata: {name: n1, labels: {topology.kubernetes.io/region: eu, topology.kubernetes.io/zone: a}}
---
apiVersion: v1
kind: Node
metadata: {name: n2, labels: {topology.kubernetes.io/region: eu, topology.kubernetes.io/zone: b}}
---
apiVersion: v1
kind: Pod
metadata: {name: cart-1, namespace: shop, labels: {app: cart, version: v1, security.istio.io/tlsMode: istio}}
spec: {nodeName: n1, containers: [{name: app}]}
status: {phase: Running, podIP: 10.1.0.1, podIPs: [{ip: 10.1.0.1}], conditions: [{type: Ready, status: "True"}]}
---
apiVersion: v1
kind: Pod
metadata: {name: cart-2, namespace: shop, labels: {app: cart, version: v2, security.istio.io/tlsMode: istio}}
spec: {nodeName: n2, containers: [{name: app}]}
status: {phase: Running, podIP: 10.1.0.2, podIPs: [{ip: 10.1.0.2}], conditions: [{type: Ready, status: "True"}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: cart-x, namespace: shop, labels: {kubernetes.io/service-name: cart}}
addressType: IPv4
endpoints:
- {addresses: [10.1.0.1], conditions: {ready: true}, nodeName: n1, targetRef: {kind: Pod, name: cart-1, namespace: shop}}
- {addresses: [10.1.0.2], conditions: {ready: true}, nodeName: n2, targetRef: {kind: Pod, name: cart-2, namespace: shop}}
ports: [{name: http, port: 8080, protocol: TCP}]
"#;

fn rule(spec: &str) -> String {
    format!(
        "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {{name: cart, namespace: shop}}\n\
         spec: {{host: cart, {spec}}}"
    )
}

fn facets_of(world: &World, proxy: &Proxy) -> EndpointFacets {
    let scope = world.snapshot().scope(&proxy.namespace);
    facets(&View::new(world.snapshot(), &scope), proxy)
}

fn planned(world: &World, proxy: &Proxy) -> Vec<ClusterLoadAssignment> {
    let class: Class<Endpoints> = Class::new(world.snapshot(), facets_of(world, proxy), &Cache::default());
    class.layer().values().map(|e| ClusterLoadAssignment::decode(&e.message()[..]).unwrap()).collect()
}

/// Priority and number of members of each group of the first assignment.
fn shape(world: &World, proxy: &Proxy) -> Vec<(u32, usize)> {
    planned(world, proxy)[0].endpoints.iter().map(|g| (g.priority, g.lb_endpoints.len())).collect()
}

/// A client in a zone, on a node, as it states itself.
fn client(zone: &str, node: &str) -> Proxy {
    let labels: Value = json!({"topology.kubernetes.io/region": "eu", "topology.kubernetes.io/zone": zone});
    sidecar("shop", json!({"LABELS": labels, "NODE_NAME": node, "PROXY_CONFIG": {}}))
}

#[test]
fn every_cluster_that_waits_for_endpoints_gets_an_assignment() {
    let subsets = rule("subsets: [{name: v1, labels: {version: v1}}, {name: v9, labels: {version: v9}}]");
    let world = World::new(&format!("{TWO_ZONES}\n---\n{subsets}"));
    let all = planned(&world, &client("a", "n1"));
    let members = |c: &ClusterLoadAssignment| c.endpoints.iter().map(|g| g.lb_endpoints.len()).sum::<usize>();
    let found: Vec<_> = all.iter().map(|c| (c.cluster_name.split('|').nth(2).unwrap(), members(c))).collect();
    assert_eq!(found, [("v1", 1), ("v9", 0), ("", 2)]);
}

#[test]
fn a_cluster_that_goes_where_the_caller_was_going_has_no_assignment() {
    let passthrough = rule("trafficPolicy: {loadBalancer: {simple: PASSTHROUGH}}");
    let world = World::new(&format!("{TWO_ZONES}\n---\n{passthrough}"));
    assert!(planned(&world, &client("a", "n1")).is_empty());
}

#[test]
fn callers_in_different_zones_are_alike_until_outlier_detection_tells_failures() {
    let mut world = World::new(TWO_ZONES);
    assert_eq!(facets_of(&world, &client("a", "n1")), facets_of(&world, &client("b", "n2")));
    assert_eq!(shape(&world, &client("b", "n2")), [(0, 1), (0, 1)]);
    world.apply(&rule("trafficPolicy: {outlierDetection: {consecutive5xxErrors: 3}}"));
    assert_eq!(shape(&world, &client("a", "n1")), [(0, 1), (1, 1)]);
    assert_eq!(shape(&world, &client("b", "n2")), [(1, 1), (0, 1)]);
    world.apply(&rule("trafficPolicy: {outlierDetection: {}, loadBalancer: {localityLbSetting: {enabled: false}}}"));
    assert_eq!(shape(&world, &client("b", "n2")), [(0, 1), (0, 1)]);
}

#[test]
fn callers_share_the_assignments_that_their_place_does_not_change() {
    let other = TWO_ZONES.split("\n---\n").next().unwrap().replace("cart", "bank");
    let detecting = rule("trafficPolicy: {outlierDetection: {}}");
    let world = World::new(&format!("{TWO_ZONES}\n---\n{other}\n---\n{detecting}"));
    let cache = Cache::default();
    let plan = |proxy: &Proxy| -> Class<Endpoints> { Class::new(world.snapshot(), facets_of(&world, proxy), &cache) };
    let (a, b) = (plan(&client("a", "n1")), plan(&client("b", "n2")));
    let same = |host: &str| {
        let name = format!("outbound|80||{host}.shop.svc.cluster.local");
        std::sync::Arc::ptr_eq(&a.layer()[name.as_str()], &b.layer()[name.as_str()])
    };
    assert!(same("bank") && !same("cart"));
}

#[test]
fn a_service_may_want_its_callers_to_stay_in_their_zone() {
    let near = TWO_ZONES.replace("clusterIP: 10.96.0.1", "clusterIP: 10.96.0.1, trafficDistribution: PreferClose");
    let world = World::new(&near);
    assert_eq!(shape(&world, &client("b", "n2")), [(1, 1), (0, 1)]);
}

#[test]
fn a_service_of_the_node_has_only_the_endpoints_there() {
    let local = TWO_ZONES.replace("clusterIP: 10.96.0.1", "clusterIP: 10.96.0.1, internalTrafficPolicy: Local");
    let world = World::new(&local);
    assert_eq!(shape(&world, &client("b", "n2")), [(0, 1)]);
    assert!(planned(&world, &client("b", "n3"))[0].endpoints.is_empty());
}

#[test]
fn labels_that_a_preference_compares_tell_callers_apart_and_others_do_not() {
    let by_version =
        rule("trafficPolicy: {outlierDetection: {}, loadBalancer: {localityLbSetting: {failoverPriority: [version]}}}");
    let world = World::new(&format!("{TWO_ZONES}\n---\n{by_version}"));
    let with = |version: &str, other: &str| {
        sidecar("shop", json!({"LABELS": {"version": version, "other": other}, "PROXY_CONFIG": {}}))
    };
    assert_eq!(shape(&world, &with("v2", "x")), [(1, 1), (0, 1)]);
    assert_eq!(facets_of(&world, &with("v1", "x")), facets_of(&world, &with("v1", "y")));
}

#[test]
fn unready_endpoints_are_not_sent_where_envoy_might_call_them_in_a_panic() {
    let unready = TWO_ZONES.replacen("ready: true", "ready: false, terminating: false", 1);
    let members = |world: &World| shape(world, &client("a", "n1")).iter().map(|(_, n)| n).sum::<usize>();
    let mut world = World::new(&unready);
    assert_eq!(members(&world), 2);
    world.apply(&rule("trafficPolicy: {outlierDetection: {minHealthPercent: 30}}"));
    assert_eq!(members(&world), 1);
}

#[test]
fn a_subset_that_passes_calls_on_gets_no_endpoints_even_where_it_has_settings_for_the_port() {
    let subset = "{name: v1, labels: {version: v1}, trafficPolicy: {loadBalancer: {simple: PASSTHROUGH},
                   portLevelSettings: [{port: {number: 80}, connectionPool: {tcp: {maxConnections: 1}}}]}}";
    let world = World::new(&format!("{TWO_ZONES}\n---\n{}", rule(&format!("subsets: [{subset}]"))));
    let names: Vec<_> = planned(&world, &client("a", "n1")).into_iter().map(|a| a.cluster_name).collect();
    assert_eq!(names, ["outbound|80||cart.shop.svc.cluster.local"]);
}
