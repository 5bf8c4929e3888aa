//! Which patches hold for whom.

use serde_json::{Value, json};

use super::{Patches, Resolved, Side};
use crate::model::View;
use crate::plan::tests::world::{World, sidecar};
use crate::proxy::Proxy;
use crate::wire::ResourceType;

/// An EnvoyFilter with one patch to clusters, and more fields in its spec or in its patch.
fn filter(namespace: &str, name: &str, spec: &str, patch: &str) -> String {
    format!(
        "apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nmetadata: {{name: {name}, namespace: {namespace}}}\n\
         spec:\n  configPatches:\n  - applyTo: CLUSTER\n    patch: {{operation: MERGE, value: {{altStatName: {name}}}}}\n\
         {patch}{spec}"
    )
}

fn resolved(world: &World, proxy: &Proxy, kind: ResourceType, side: Side) -> Patches {
    let scope = world.snapshot().scope(&proxy.namespace);
    Resolved::of(&View::new(world.snapshot(), &scope), proxy)?.of_sort(kind, side)
}

/// The names of the EnvoyFilters whose patches hold, in order.
fn names(world: &World, proxy: &Proxy) -> String {
    let set = resolved(world, proxy, ResourceType::Cluster, Side::Out);
    set.map(|s| s.patches.iter().map(|p| p.filter.to_string()).collect::<Vec<_>>().join(" ")).unwrap_or_default()
}

fn client(more: Value) -> Proxy {
    sidecar("shop", more)
}

fn world(filters: &[String]) -> World {
    World::new(&filters.join("\n---\n"))
}

#[test]
fn those_of_the_root_namespace_go_first_unless_priority_says_otherwise() {
    let world = world(&[
        filter("shop", "a", "", ""),
        filter("istio-system", "b", "", ""),
        filter("shop", "c", "  priority: -1\n", ""),
        filter("istio-system", "d", "  priority: 1\n", ""),
        filter("elsewhere", "e", "", ""),
    ]);
    assert_eq!(names(&world, &client(json!({}))), "c b a d");
    assert_eq!(names(&world, &sidecar("istio-system", json!({}))), "b d");
}

#[test]
fn a_selector_and_what_a_node_says_choose_proxies() {
    let meta = "    match: {proxy: {metadata: {tier: front}}}\n";
    let old = "    match: {proxy: {proxyVersion: '^1\\.22.*'}}\n";
    let odd = "    match: {proxy: {proxyVersion: '1\\.(22|23)\\.'}}\n";
    let world = world(&[
        filter("shop", "a", "  workloadSelector: {labels: {app: cart}}\n", ""),
        filter("shop", "b", "", meta),
        filter("shop", "c", "", old),
        filter("shop", "d", "", odd),
    ]);
    assert_eq!(names(&world, &client(json!({}))), "");
    assert_eq!(names(&world, &client(json!({"LABELS": {"app": "cart"}}))), "a");
    assert_eq!(names(&world, &client(json!({"tier": "front"}))), "b");
    assert_eq!(names(&world, &client(json!({"ISTIO_VERSION": "1.22.3"}))), "c d");
    assert_eq!(names(&world, &client(json!({"ISTIO_VERSION": "1.23.0"}))), "d");
}

#[test]
fn one_that_names_gateways_is_for_no_sidecar() {
    let refs = "  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: g}]\n";
    let world = world(&[filter("shop", "a", refs, "")]);
    assert_eq!(names(&world, &client(json!({}))), "");
    assert_eq!(names(&world, &client(json!({"LABELS": {"gateway.networking.k8s.io/gateway-name": "g"}}))), "a");
}

#[test]
fn only_the_sorts_that_a_patch_touches_tell_proxies_apart() {
    let inbound = "    match: {context: SIDECAR_INBOUND}\n";
    let world = world(&[filter("shop", "a", "", inbound)]);
    let of = |kind, side| resolved(&world, &client(json!({})), kind, side).is_some();
    assert!(of(ResourceType::Cluster, Side::In) && of(ResourceType::Cluster, Side::Both));
    assert!(!of(ResourceType::Cluster, Side::Out) && !of(ResourceType::Cluster, Side::Added));
    assert!(!of(ResourceType::Listener, Side::In) && !of(ResourceType::Route, Side::Out));
}

#[test]
fn a_patch_that_needs_what_a_stock_envoy_does_not_list_is_left_out() {
    let extension = "'@type': type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    let value = format!(
        "typed_extension_protocol_options: {{x: {{{extension}, explicit_http_config: {{http_protocol_options: {{}}}}}}}}"
    );
    let needy = filter("shop", "a", "", "").replace("altStatName: a", &value);
    let world = world(&[needy, filter("shop", "b", "", "")]);
    let router = ["envoy.extensions.filters.http.router.v3.Router"].into_iter().collect();
    let id = "sidecar~10.1.0.9~client.shop~shop.svc.cluster.local";
    let metadata = json!({"NAMESPACE": "shop"});
    let stock = Proxy::new(id, "client", Default::default(), &metadata, router).unwrap();
    assert_eq!(names(&world, &client(json!({}))), "a b");
    assert_eq!(names(&world, &stock), "b");
    let set = resolved(&world, &stock, ResourceType::Cluster, Side::Out);
    let said = super::lacking(&set);
    assert_eq!(said.len(), 1);
    assert!(said[0].why.ends_with("HttpProtocolOptions") && said[0].place.is_some());
}

#[test]
fn configurations_of_extensions_are_for_any_context() {
    let at = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router";
    let extension = filter("shop", "a", "", "    match: {context: GATEWAY}\n")
        .replace("CLUSTER", "EXTENSION_CONFIG")
        .replace("MERGE", "ADD")
        .replace("{altStatName: a}", &format!("{{name: ext, typed_config: {{'@type': {at}}}}}"));
    let world = world(&[extension]);
    let of = |kind, side| resolved(&world, &client(json!({})), kind, side).is_some();
    assert!(of(ResourceType::Extension, Side::Added) && !of(ResourceType::Cluster, Side::Added));
}

#[test]
fn a_port_of_a_gateways_routes_is_that_of_the_server() {
    let gateway = "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: g, namespace: shop}\n\
                   spec: {selector: {app: gate}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']}]}\n";
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: gate, namespace: shop}\n\
                   spec: {selector: {app: gate}, ports: [{name: http, port: 80, targetPort: 8080}]}\n";
    let slice = "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n\
                 metadata: {name: gate-1, namespace: shop, labels: {kubernetes.io/service-name: gate}}\n\
                 addressType: IPv4\nports: [{name: http, port: 8080}]\nendpoints: [{addresses: [10.1.0.9]}]\n";
    let port = "    match: {routeConfiguration: {portNumber: 80}}\n";
    let of_routes = |matches: &str| {
        let patch = filter("shop", "a", "", matches).replace("CLUSTER", "ROUTE_CONFIGURATION");
        patch.replace("altStatName: a", "mostSpecificHeaderMutationsWins: true")
    };
    let id = "router~10.1.0.9~gate.shop~shop.svc.cluster.local";
    let metadata = json!({"NAMESPACE": "shop", "CLUSTER_ID": "Kubernetes", "INSTANCE_IPS": "10.1.0.9",
                          "LABELS": {"app": "gate"}});
    let gate = Proxy::new(id, "gate", Default::default(), &metadata, Default::default()).unwrap();
    let ports = |matches: &str| {
        let world = world(&[gateway.to_owned(), service.to_owned(), slice.to_owned(), of_routes(matches)]);
        resolved(&world, &gate, ResourceType::Route, Side::Out).unwrap().ports.clone()
    };
    assert_eq!(ports(port), [(8080, vec![80])]);
    assert_eq!(ports(""), [], "nobody asks");
}

#[test]
fn a_cluster_for_calls_in_is_that_of_all_services_at_its_port() {
    let service = |name: &str, port: u16| {
        format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: shop}}\n\
             spec: {{selector: {{app: cart}}, ports: [{{name: http, port: {port}, targetPort: 8080}}]}}\n"
        )
    };
    let slice = |name: &str| {
        format!(
            "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n\
             metadata: {{name: {name}-1, namespace: shop, labels: {{kubernetes.io/service-name: {name}}}}}\n\
             addressType: IPv4\nports: [{{name: http, port: 8080}}]\nendpoints: [{{addresses: [10.1.0.5]}}]\n"
        )
    };
    let asks = "    match: {cluster: {service: other.shop.svc.cluster.local}}\n";
    let objects =
        [service("cart", 80), slice("cart"), service("other", 81), slice("other"), filter("shop", "a", "", asks)];
    let world = world(&objects);
    let cart = client(json!({"LABELS": {"app": "cart"}}));
    let set = |side| resolved(&world, &cart, ResourceType::Cluster, side).unwrap();
    let hosts = ["cart", "other"].map(|name| crate::base::Host::new(format!("{name}.shop.svc.cluster.local")));
    assert_eq!(set(Side::In).services, [(8080, hosts.to_vec())]);
    assert_eq!(set(Side::Out).services, [], "names of clusters for calls out say their service");
}
