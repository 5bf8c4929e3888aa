//! Whom the ports of a workload take.

mod access;

use serde_json::json;

use super::*;
use crate::base::Locality;
use crate::generate::filter::{Calls, Routes};
use crate::generate::inbound::InboundChain;
use crate::generate::listener::Content;
use crate::plan::tests::world::{World, sidecar};
use crate::wire::Recipe;

const CART: &str = "
{apiVersion: v1, kind: Service, metadata: {name: cart, namespace: shop},
 spec: {clusterIP: 10.96.0.1, selector: {app: cart}, ports: [{name: http, port: 80, targetPort: 8080}, {name: tcp, port: 81, targetPort: 9000}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: later, namespace: shop},
 spec: {clusterIP: 10.96.0.2, selector: {app: cart}, ports: [{name: tcp, port: 80, targetPort: 8080}, {name: tcp-status, port: 82, targetPort: 15021}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: cart-0, namespace: shop, labels: {app: cart}},
 spec: {containers: [{name: a}]}, status: {podIP: 10.1.0.5, podIPs: [{ip: 10.1.0.5}], conditions: [{type: Ready, status: 'True'}]}}";

fn authn(spec: &str) -> String {
    format!(
        "{{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {{name: p, namespace: shop}}, spec: {{{spec}}}}}"
    )
}

fn cart() -> Proxy {
    sidecar("shop", json!({"ENVOY_STATUS_PORT": 15021}))
}

/// An Envoy that is not Istio's build and has no agent beside it.
fn stock() -> Proxy {
    let types = [
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
        "envoy.extensions.filters.http.router.v3.Router",
        "envoy.extensions.filters.listener.http_inspector.v3.HttpInspector",
        "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
        "envoy.extensions.filters.listener.original_dst.v3.OriginalDst",
        "envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig",
    ];
    let extensions = types.into_iter().collect();
    let metadata = json!({"NAMESPACE": "shop", "INSTANCE_IPS": "10.1.0.5", "CLUSTER_ID": "Kubernetes"});
    Proxy::new("sidecar~10.1.0.5~c.shop~shop.svc.cluster.local", "c", Locality::default(), &metadata, extensions)
        .unwrap()
}

fn listener(world: &World, proxy: &Proxy) -> Option<Handle<VirtualInbound>> {
    let scope = world.snapshot().scope(&proxy.namespace);
    facets(&View::new(world.snapshot(), &scope), proxy).into_iter().next()
}

/// A line for each chain of a port: what it takes, and what becomes of it.
fn chains(world: &World, proxy: &Proxy, port: Option<u16>) -> Vec<String> {
    let listener = listener(world, proxy).expect("there is a listener");
    listener.build().expect("it can be built");
    let line = |c: &InboundChain| {
        let offered = c.protocols.join(" ");
        let ends = if c.tls.is_some() { "ends TLS, " } else { "" };
        let to = match &c.content {
            Content::Calls(_) => "calls".to_owned(),
            Content::Bytes(bytes) => format!("bytes to {}", bytes.proxy.stat_prefix),
        };
        format!("{} {offered}: {ends}{to}", c.transport.as_str())
    };
    listener.chains.iter().filter(|c| c.port == port && c.name != "virtualInbound-blackhole").map(line).collect()
}

#[test]
fn a_port_takes_mutual_tls_and_clear_text_unless_something_else_is_said() {
    let world = World::new(CART);
    let mesh = "istio istio-peer-exchange istio-http/1.0 istio-http/1.1 istio-h2";
    assert_eq!(
        chains(&world, &cart(), Some(8080)),
        [format!("tls {mesh}: ends TLS, calls"), "raw_buffer : calls".into()]
    );
    let bytes = "bytes to inbound|9000||";
    let want = [format!("tls {mesh}: ends TLS, {bytes}"), format!("tls : {bytes}"), format!("raw_buffer : {bytes}")];
    assert_eq!(chains(&world, &cart(), Some(9000)), want);
    assert_eq!(chains(&world, &cart(), None).len(), 5);
}

#[test]
fn of_two_services_on_one_port_the_first_says_what_is_spoken_and_ports_of_the_proxy_are_left_out() {
    let listener = listener(&World::new(CART), &cart()).unwrap();
    let ports: std::collections::BTreeSet<_> = listener.chains.iter().filter_map(|c| c.port).collect();
    assert_eq!(ports.into_iter().collect::<Vec<_>>(), [8080, 9000, 15006]);
}

#[test]
fn a_ports_own_mode_counts_even_where_no_service_has_the_port() {
    let mut world = World::new(CART);
    world.apply(&authn(
        "selector: {matchLabels: {app: cart}}, mtls: {mode: STRICT}, portLevelMtls: {9000: {mode: DISABLE}, 7: {mode: PERMISSIVE}}",
    ));
    assert_eq!(chains(&world, &cart(), Some(8080)), ["tls : ends TLS, calls"]);
    assert_eq!(chains(&world, &cart(), Some(9000)), ["raw_buffer : bytes to inbound|9000||"]);
    assert_eq!(chains(&world, &cart(), Some(7)).len(), 5);
    let unknown = [
        "tls istio-http/1.0 istio-http/1.1 istio-h2: ends TLS, calls",
        "tls : ends TLS, bytes to InboundPassthroughCluster",
    ];
    assert_eq!(chains(&world, &cart(), None), unknown);
}

#[test]
fn an_envoy_that_cannot_prove_who_it_is_takes_clear_text_and_refuses_it_where_it_must() {
    let mut world = World::new(CART);
    assert_eq!(chains(&world, &stock(), Some(8080)), ["raw_buffer : calls"]);
    world.apply(&authn("mtls: {mode: STRICT}"));
    assert_eq!(chains(&world, &stock(), Some(8080)), ["tls : bytes to BlackHoleCluster"]);
    assert_eq!(chains(&world, &stock(), None), ["tls : bytes to BlackHoleCluster"]);
    world.apply(&authn("mtls: {mode: DISABLE}"));
    assert_eq!(chains(&world, &stock(), Some(8080)), ["raw_buffer : calls"]);
}

#[test]
fn pods_of_one_workload_share_a_listener() {
    let world = World::new(CART);
    let with = |name: &str| sidecar("shop", json!({"NAME": name, "NODE_NAME": name}));
    assert!(listener(&world, &with("cart-0")) == listener(&world, &with("cart-1")));
}

#[test]
fn without_capture_nothing_is_listened_for() {
    assert!(listener(&World::new(CART), &sidecar("shop", json!({"INTERCEPTION_MODE": "NONE"}))).is_none());
}

#[test]
fn only_ports_whose_chains_differ_by_it_are_looked_at() {
    let built = listener(&World::new(CART), &cart()).unwrap().build().unwrap();
    let names: Vec<_> = built.listener_filters.iter().map(|f| f.name.rsplit('.').next().unwrap()).collect();
    assert_eq!(names, ["original_dst", "tls_inspector", "http_inspector"]);
    let off = |i: usize| format!("{:?}", built.listener_filters[i].filter_disabled);
    assert!(off(1).contains("15006") && !off(1).contains("9000"), "TLS is looked for everywhere but there");
    assert!(off(2).contains("8080") && off(2).contains("9000"), "both ports say what they speak");

    let mut world = World::new(CART);
    world.apply(&authn(
        "selector: {matchLabels: {app: cart}}, mtls: {mode: DISABLE}, portLevelMtls: {9000: {mode: STRICT}}",
    ));
    let built = listener(&world, &cart()).unwrap().build().unwrap();
    let rule = format!("{:?}", built.listener_filters[1].filter_disabled);
    assert!(rule.contains("NotMatch") && rule.contains("9000"), "{rule}");
}

#[test]
fn the_mesh_says_how_calls_in_are_tried_again() {
    use envoy_types::pb::envoy::config::route::v3::route::Action;
    let mut world = World::new(CART);
    let policy = |world: &World| {
        let listener = listener(world, &cart()).expect("there is a listener");
        let calls = listener.chains.iter().find_map(|c| match &c.content {
            Content::Calls(Calls { routes: Routes::Inbound(route), .. }) => Some(route.build()),
            _ => None,
        });
        match calls.unwrap().virtual_hosts.remove(0).routes.remove(0).action {
            Some(Action::Route(action)) => action.retry_policy,
            other => panic!("not to the application: {other:?}"),
        }
    };
    let usual = policy(&world).unwrap();
    assert_eq!((usual.retry_on.as_str(), usual.num_retries.unwrap().value), ("reset-before-request", 2));
    world.settings(json!({"defaultInboundHttpRetryPolicy": {
        "attempts": 5, "retryOn": "connect-failure,503", "perTryTimeout": "2s", "backoff": "1s"}}));
    let said = policy(&world).unwrap();
    assert_eq!(said.retry_on, "connect-failure,retriable-status-codes");
    assert_eq!((said.num_retries.unwrap().value, said.retriable_status_codes), (5, vec![503]));
    assert!(said.per_try_timeout.is_none() && said.retry_back_off.is_some());
    world.settings(json!({"defaultInboundHttpRetryPolicy": {"attempts": 0}}));
    assert!(policy(&world).is_none());
}
