//! What workloads hold under a Sidecar, of every sort of resource, and whom edits wake.

use std::collections::BTreeMap;
use std::sync::Arc;

use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use envoy_types::pb::envoy::config::listener::v3::Listener;
use envoy_types::pb::envoy::config::route::v3::RouteConfiguration;
use prost::Message;
use serde_json::json;

use super::world::{World, sidecar as proxy};
use crate::api::Kind;
use crate::plan::Plan;
use crate::proxy::Proxy;
use crate::wire::{Cache, Publication, ResourceType};

const MESH: &str = "
{apiVersion: v1, kind: Service, metadata: {name: cart, namespace: shop}, spec: {clusterIP: 10.96.0.1, selector: {app: cart}, ports: [{name: http, port: 80, targetPort: 8080}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: stock, namespace: shop}, spec: {clusterIP: 10.96.0.2, ports: [{name: http, port: 80}, {name: tcp-sync, port: 6000}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: rates, namespace: bank}, spec: {clusterIP: 10.96.0.3, ports: [{name: http, port: 80}, {name: grpc, port: 9000}, {name: tcp, port: 7000}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: vault, namespace: bank}, spec: {clusterIP: 10.96.0.4, ports: [{name: tcp, port: 7000}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: cart-0, namespace: shop, labels: {app: cart}}, spec: {containers: [{name: a}]},
 status: {phase: Running, podIP: 10.1.0.5, podIPs: [{ip: 10.1.0.5}], conditions: [{type: Ready, status: 'True'}]}}";

fn sidecar_in(namespace: &str, name: &str, spec: &str) -> String {
    format!(
        "{{apiVersion: networking.istio.io/v1, kind: Sidecar, metadata: {{name: {name}, namespace: {namespace}}}, spec: {{{spec}}}}}"
    )
}

fn sidecar(spec: &str) -> String {
    sidecar_in("shop", "s", spec)
}

fn world(more: &[String]) -> World {
    World::new(&format!("{MESH}\n---\n{}", more.join("\n---\n")))
}

fn held(world: &World, proxy: Proxy) -> Arc<Publication> {
    Plan::new(Arc::new(Cache::default())).join(world.snapshot(), proxy).1
}

fn cart() -> Proxy {
    proxy("shop", json!({"LABELS": {"app": "cart"}}))
}

fn names(held: &Publication, kind: ResourceType, prefix: &str) -> Vec<String> {
    let mut all: Vec<String> = held.of(kind).iter().map(|e| e.name().to_string()).collect();
    all.retain(|name| name.starts_with(prefix));
    all.sort();
    all
}

/// The clusters for calls out, without what they have in common.
fn reached(held: &Publication) -> Vec<String> {
    let short = |name: String| name.replace("outbound|", "").replace("||", " ").replace(".svc.cluster.local", "");
    names(held, ResourceType::Cluster, "outbound|").into_iter().map(short).collect()
}

fn decode<M: Message + Default>(held: &Publication, kind: ResourceType) -> BTreeMap<String, M> {
    held.of(kind).iter().map(|e| (e.name().to_string(), M::decode(e.message()).unwrap())).collect()
}

/// The domains of all virtual hosts of a configuration but the last, which takes what is left.
fn domains(held: &Publication, routes: &str) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, RouteConfiguration> = decode(held, ResourceType::Route);
    let mut hosts = all.remove(routes).unwrap_or_else(|| panic!("no routes {routes}")).virtual_hosts;
    assert_eq!(hosts.pop().unwrap().domains, ["*"]);
    hosts.into_iter().map(|host| (host.name, host.domains)).collect()
}

#[test]
fn what_a_sidecar_does_not_name_is_in_no_resource() {
    let held = held(&world(&[sidecar("egress: [{hosts: ['./cart.shop.svc.cluster.local']}]")]), cart());
    assert_eq!(reached(&held), ["80 cart.shop"]);
    assert_eq!(names(&held, ResourceType::Endpoint, ""), ["outbound|80||cart.shop.svc.cluster.local"]);
    assert_eq!(names(&held, ResourceType::Listener, ""), ["0.0.0.0_80", "virtualInbound", "virtualOutbound"]);
    assert_eq!(domains(&held, "80").keys().collect::<Vec<_>>(), ["cart.shop.svc.cluster.local:80"]);
    let table: Vec<_> = held.of(ResourceType::NameTable).iter().map(|e| e.message().to_vec()).collect();
    let table = String::from_utf8_lossy(&table[0]).into_owned();
    assert!(table.contains("cart.shop") && !table.contains("stock.shop") && !table.contains("rates.bank"), "{table}");
}

#[test]
fn the_dot_of_the_root_namespaces_sidecar_is_the_workloads_own_namespace() {
    let root = world(&[sidecar_in("istio-system", "s", "egress: [{hosts: ['./*']}]")]);
    assert_eq!(reached(&held(&root, cart())), ["6000 stock.shop", "80 cart.shop", "80 stock.shop"]);
    let bank = held(&root, proxy("bank", json!({})));
    assert_eq!(reached(&bank), ["7000 rates.bank", "7000 vault.bank", "80 rates.bank", "9000 rates.bank"]);
}

#[test]
fn a_sidecar_with_labels_goes_before_that_of_the_namespace_and_that_before_the_root_namespaces() {
    let only = |host: &str| format!("egress: [{{hosts: ['{host}']}}]");
    let all = [
        sidecar_in("istio-system", "a", &only("bank/vault.bank.svc.cluster.local")),
        sidecar_in("shop", "a", &only("shop/stock.shop.svc.cluster.local")),
        sidecar_in(
            "shop",
            "z",
            &format!("workloadSelector: {{labels: {{app: cart}}}}, {}", only("./cart.shop.svc.cluster.local")),
        ),
    ];
    assert_eq!(reached(&held(&world(&all), cart())), ["80 cart.shop"]);
    let other = Proxy { addresses: vec!["10.1.0.9".into()], ..proxy("shop", json!({})) };
    assert_eq!(reached(&held(&world(&all), other)), ["6000 stock.shop", "80 stock.shop"]);
    assert_eq!(reached(&held(&world(&all), proxy("bank", json!({})))), ["7000 vault.bank"]);
}

#[test]
fn routes_bring_in_the_ports_they_lead_to_and_no_listener() {
    let route = |port: &str| {
        format!(
            "{{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {{name: v, namespace: shop}},
              spec: {{hosts: [cart], http: [{{route: [{{destination: {{host: rates.bank.svc.cluster.local{port}}}}}]}}]}}}}"
        )
    };
    let scope = sidecar("egress: [{hosts: ['./cart.shop.svc.cluster.local']}]");
    let one = held(&world(&[scope.clone(), route(", port: {number: 9000}")]), cart());
    assert_eq!(reached(&one), ["80 cart.shop", "9000 rates.bank"]);
    assert_eq!(names(&one, ResourceType::Listener, "0.0.0.0"), ["0.0.0.0_80"]);
    let all = held(&world(&[scope, route("")]), cart());
    assert_eq!(reached(&all), ["7000 rates.bank", "80 cart.shop", "80 rates.bank", "9000 rates.bank"]);
}

#[test]
fn excluded_hosts_are_taken_out_again() {
    let held =
        held(&world(&[sidecar("egress: [{hosts: ['*/*', '~bank/*', '~/stock.shop.svc.cluster.local']}]")]), cart());
    assert_eq!(reached(&held), ["80 cart.shop"]);
}

#[test]
fn a_listener_with_a_port_has_that_port_alone_and_leaves_others_nothing_there() {
    let own = "{port: {number: 80, protocol: HTTP, name: a}, hosts: ['bank/*']}";
    let only = held(&world(&[sidecar(&format!("egress: [{own}]"))]), cart());
    assert_eq!(reached(&only), ["80 rates.bank"]);
    let both = held(&world(&[sidecar(&format!("egress: [{own}, {{hosts: ['./*']}}]"))]), cart());
    assert_eq!(reached(&both), ["6000 stock.shop", "80 cart.shop", "80 rates.bank", "80 stock.shop"]);
    assert_eq!(names(&both, ResourceType::Listener, "1"), ["10.96.0.2_6000"]);
    assert_eq!(domains(&both, "80").keys().collect::<Vec<_>>(), ["rates.bank.svc.cluster.local:80"]);
}

#[test]
fn a_listener_that_is_not_captured_is_a_socket_of_the_workloads_machine() {
    let spec = "egress: [{port: {number: 7000, protocol: TCP, name: a}, captureMode: NONE, hosts: ['bank/vault.bank.svc.cluster.local']}]";
    let held = held(&world(&[sidecar(spec)]), cart());
    let listeners: BTreeMap<String, Listener> = decode(&held, ResourceType::Listener);
    assert_eq!(listeners["127.0.0.1_7000"].bind_to_port, None);
    assert!(!listeners.contains_key("10.96.0.4_7000"));
}

#[test]
fn a_listener_for_calls_has_routes_even_if_no_service_there_takes_calls() {
    let spec = "egress: [{port: {number: 7000, protocol: HTTP, name: a}, hosts: ['bank/*']}]";
    assert_eq!(domains(&held(&world(&[sidecar(spec)]), cart()), "7000").len(), 0);
}

#[test]
fn a_forward_proxy_and_a_socket_know_hosts_of_every_port() {
    let port =
        |number: u16, protocol: &str| format!("port: {{number: {number}, protocol: {protocol}, name: p{number}}}");
    let spec = format!(
        "egress: [{{{}, hosts: ['bank/*']}}, {{{}, bind: 'unix:///tmp/a.sock', hosts: ['bank/*']}}]",
        port(3128, "HTTP_PROXY"),
        port(0, "HTTP")
    );
    let held = held(&world(&[sidecar(&spec)]), cart());
    let listeners: BTreeMap<String, Listener> = decode(&held, ResourceType::Listener);
    assert!(listeners.contains_key("0.0.0.0_3128"), "{:?}", listeners.keys());
    assert!(format!("{:?}", listeners["unix:///tmp/a.sock_0"].address).contains("path: \"/tmp/a.sock\""));
    for routes in ["3128", "unix:///tmp/a.sock"] {
        let hosts = domains(&held, routes);
        let with_port = |name: &str, domain: &str| hosts[name].contains(&domain.to_owned());
        assert!(with_port("rates.bank.svc.cluster.local:80", "rates.bank.svc.cluster.local"));
        assert!(with_port("rates.bank.svc.cluster.local:80", "rates.bank:80"));
        assert!(with_port("rates.bank.svc.cluster.local:9000", "rates.bank.svc.cluster.local:9000"));
        assert!(!with_port("rates.bank.svc.cluster.local:9000", "rates.bank.svc.cluster.local"));
    }
}

#[test]
fn calls_to_unknown_hosts_go_where_the_sidecar_says() {
    let unknown = |spec: &str| {
        let held = held(&world(&[sidecar(spec)]), cart());
        let listeners: BTreeMap<String, Listener> = decode(&held, ResourceType::Listener);
        let routes: BTreeMap<String, RouteConfiguration> = decode(&held, ResourceType::Route);
        let last = routes["80"].virtual_hosts.last().unwrap();
        (format!("{:?}", listeners["virtualOutbound"]), format!("{last:?}"))
    };
    let bytes = |name: &str| name.as_bytes().iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
    let (listener, routes) = unknown("outboundTrafficPolicy: {mode: REGISTRY_ONLY}");
    assert!(!listener.contains(&bytes("PassthroughCluster")) && routes.contains("block_all"), "{routes}");
    let proxy = "egressProxy: {host: rates.bank.svc.cluster.local, subset: a, port: {number: 9000}}";
    let (listener, routes) = unknown(&format!("outboundTrafficPolicy: {{mode: ALLOW_ANY, {proxy}}}"));
    let cluster = "outbound|9000|a|rates.bank.svc.cluster.local";
    assert!(listener.contains(&bytes(cluster)) && routes.contains(cluster), "{routes}");
}

#[test]
fn ingress_listeners_stand_in_place_of_the_services_ports() {
    let port = |number: u16| format!("port: {{number: {number}, protocol: HTTP, name: p{number}}}");
    let spec = format!(
        "inboundConnectionPool: {{tcp: {{maxConnections: 7}}}},
         ingress: [{{{}, defaultEndpoint: '0.0.0.0:9001', connectionPool: {{tcp: {{maxConnections: 3}}}}}},
                   {{{}, defaultEndpoint: 'unix:///tmp/app'}},
                   {{{}, bind: 10.1.0.5, captureMode: NONE}}]",
        port(9000),
        port(9010),
        port(9020)
    );
    let held = held(&world(&[sidecar(&spec)]), cart());
    let clusters: BTreeMap<String, Cluster> = decode(&held, ResourceType::Cluster);
    assert_eq!(names(&held, ResourceType::Cluster, "inbound|"), ["inbound|9000||", "inbound|9010||", "inbound|9020||"]);
    let limit = |name: &str| {
        let thresholds = &clusters[name].circuit_breakers.as_ref().unwrap().thresholds;
        thresholds[0].max_connections.as_ref().unwrap().value
    };
    assert_eq!((limit("inbound|9000||"), limit("inbound|9010||")), (3, 7));
    let to = |name: &str| format!("{:?}", clusters[name].load_assignment);
    assert!(to("inbound|9000||").contains("\"10.1.0.5\"") && to("inbound|9010||").contains("\"/tmp/app\""));
    assert_eq!(to("inbound|9020||"), "None");
    assert_eq!(names(&held, ResourceType::Listener, "10.1."), ["10.1.0.5_9020"]);
}

#[test]
fn a_sidecar_that_lets_everything_through_puts_no_proxy_into_another_class() {
    let all = world(&[sidecar("egress: [{hosts: ['*/*']}], inboundConnectionPool: {tcp: {maxConnections: 7}}")]);
    let mut plan = Plan::new(Arc::new(Cache::default()));
    plan.join(all.snapshot(), cart());
    plan.join(all.snapshot(), proxy("bank", json!({})));
    let sizes = plan.sizes();
    let classes = |sort| sizes.iter().find(|s| s.sort == sort).map(|s| s.classes);
    assert_eq!([classes("clusters"), classes("endpoints"), classes("names")], [Some(1); 3]);
}

#[test]
fn edits_beyond_the_scope_wake_nobody_and_edits_within_it_do() {
    let mut world = world(&[sidecar("egress: [{hosts: ['./*']}]")]);
    let mut plan = Plan::new(Arc::new(Cache::default()));
    plan.join(world.snapshot(), cart());
    let entry = |namespace: &str| {
        format!(
            "{{apiVersion: networking.istio.io/v1, kind: ServiceEntry, metadata: {{name: new, namespace: {namespace}}},
              spec: {{hosts: [new.example.com], resolution: DNS, ports: [{{number: 80, name: http, protocol: HTTP}}]}}}}"
        )
    };
    let changed = world.apply(&entry("bank"));
    assert_eq!(plan.update(world.snapshot(), &changed).len(), 0);
    let changed = world.apply(&entry("shop"));
    assert_eq!(plan.update(world.snapshot(), &changed).len(), 1);
    let changed = world.remove(Kind::ServiceEntry, "shop", "new");
    let updates = plan.update(world.snapshot(), &changed);
    assert_eq!(reached(&updates[0].1), ["6000 stock.shop", "80 cart.shop", "80 stock.shop"]);
}

#[test]
fn a_pods_labels_decide_anew_which_sidecar_applies() {
    let selecting = "workloadSelector: {labels: {app: cart}}, egress: [{hosts: ['./cart.shop.svc.cluster.local']}]";
    let mut world = world(&[sidecar(selecting)]);
    let mut plan = Plan::new(Arc::new(Cache::default()));
    let (_, first) = plan.join(world.snapshot(), cart());
    assert_eq!(reached(&first), ["80 cart.shop"]);
    let changed = world.apply(
        "{apiVersion: v1, kind: Pod, metadata: {name: cart-0, namespace: shop, labels: {app: other}}, spec: {containers: [{name: a}]},
          status: {phase: Running, podIP: 10.1.0.5, podIPs: [{ip: 10.1.0.5}], conditions: [{type: Ready, status: 'True'}]}}",
    );
    let updates = plan.update(world.snapshot(), &changed);
    assert_eq!(reached(&updates[0].1).len(), 7);
}
