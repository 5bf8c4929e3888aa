//! Which objects a resource is said to follow from.

mod gateways;

use std::sync::Arc;

use serde_json::json;

use super::world::{World, sidecar};
use crate::plan::{Plan, ProxyId};
use crate::proxy::Proxy;
use crate::wire::{Cache, ResourceType};

use ResourceType::{Cluster, Endpoint, Extension, Listener, NameTable, Route};

const MESH: &str = "
{apiVersion: v1, kind: Service, metadata: {name: cart, namespace: shop}, spec: {clusterIP: 10.96.0.1, selector: {app: cart}, ports: [{name: http, port: 80, targetPort: 8080}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: stock, namespace: shop}, spec: {clusterIP: 10.96.0.2, ports: [{name: http, port: 81}, {name: tcp-sync, port: 6000}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: vault, namespace: bank}, spec: {clusterIP: 10.96.0.4, ports: [{name: tcp, port: 6000}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: cart-0, namespace: shop, labels: {app: cart, version: v1}}, spec: {containers: [{name: a}]},
 status: {phase: Running, podIP: 10.1.0.5, podIPs: [{ip: 10.1.0.5}], conditions: [{type: Ready, status: 'True'}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: other-0, namespace: shop, labels: {app: other}}, spec: {containers: [{name: a}]},
 status: {phase: Running, podIP: 10.1.0.6, podIPs: [{ip: 10.1.0.6}], conditions: [{type: Ready, status: 'True'}]}}
---
{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: cart-abc, namespace: shop, labels: {kubernetes.io/service-name: cart}}, addressType: IPv4,
 ports: [{name: http, port: 8080}], endpoints: [{addresses: [10.1.0.5], targetRef: {kind: Pod, name: cart-0, namespace: shop}}]}
---
{apiVersion: networking.istio.io/v1, kind: DestinationRule, metadata: {name: cart-rule, namespace: shop}, spec: {host: cart, subsets: [{name: v1, labels: {version: v1}}]}}
---
{apiVersion: networking.istio.io/v1, kind: DestinationRule, metadata: {name: everybody, namespace: istio-system}, spec: {host: '*.shop.svc.cluster.local'}}
---
{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {name: cart-routes, namespace: shop}, spec: {hosts: [cart], http: [{match: [{uri: {prefix: /}}], delegate: {name: cart-inner}}]}}
---
{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {name: cart-inner, namespace: shop}, spec: {http: [{route: [{destination: {host: cart}}]}]}}
---
{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {name: stock-routes, namespace: shop}, spec: {hosts: [stock], http: [{route: [{destination: {host: stock}}]}]}}";

struct Held {
    world: World,
    plan: Plan,
    id: ProxyId,
}

impl Held {
    fn new(more: &str, proxy: Proxy) -> Self {
        let world = World::new(&format!("{MESH}\n---\n{more}"));
        let mut plan = Plan::new(Arc::new(Cache::default()));
        let (id, _) = plan.join(world.snapshot(), proxy);
        Self { world, plan, id }
    }

    /// The objects that are named, one a line; the mesh's settings, which have a say in nearly everything, left out.
    fn origins(&self, kind: ResourceType, name: &str) -> String {
        let origins = self.plan.origins(self.world.snapshot(), self.id, kind, &name.into());
        let objects = self.world.index().origins(&origins);
        let names = objects.iter().map(|key| format!("{} {}/{}", key.kind.as_str(), key.namespace, key.name));
        names.filter(|name| name != "ConfigMap istio-system/istio").collect::<Vec<_>>().join(", ")
    }
}

fn client() -> Proxy {
    sidecar("shop", json!({"INSTANCE_IPS": "10.1.0.9"}))
}

fn cart() -> Proxy {
    sidecar("shop", json!({"LABELS": {"app": "cart"}}))
}

#[test]
fn a_cluster_follows_from_its_service_and_from_the_rule_in_force_alone() {
    let held = Held::new("", client());
    let expected = "Service shop/cart, DestinationRule shop/cart-rule";
    assert_eq!(held.origins(Cluster, "outbound|80||cart.shop.svc.cluster.local"), expected);
    assert_eq!(held.origins(Cluster, "outbound|80|v1|cart.shop.svc.cluster.local"), expected);
    let of_all = "Service shop/stock, DestinationRule istio-system/everybody";
    assert_eq!(held.origins(Cluster, "outbound|6000||stock.shop.svc.cluster.local"), of_all);
    assert_eq!(held.origins(Cluster, "outbound|80||nobody.shop.svc.cluster.local"), "");
    assert_eq!(held.origins(Cluster, "BlackHoleCluster"), "");
}

#[test]
fn the_settings_of_the_mesh_are_named_too() {
    let held = Held::new("", client());
    let name = "outbound|80||cart.shop.svc.cluster.local".into();
    let origins = held.plan.origins(held.world.snapshot(), held.id, Cluster, &name);
    let last = held.world.index().origins(&origins).pop().unwrap();
    assert_eq!((last.kind.as_str(), &*last.namespace, &*last.name), ("ConfigMap", "istio-system", "istio"));
}

#[test]
fn endpoints_follow_from_slices_and_from_the_pods_in_them() {
    let entry = "
{apiVersion: networking.istio.io/v1, kind: ServiceEntry, metadata: {name: outside, namespace: shop}, spec: {hosts: [out.example], resolution: STATIC,
 ports: [{number: 9000, name: tcp, protocol: TCP}], workloadSelector: {labels: {app: vm}}}}
---
{apiVersion: networking.istio.io/v1, kind: WorkloadEntry, metadata: {name: vm-1, namespace: shop}, spec: {address: 10.9.0.1, labels: {app: vm}}}
---
{apiVersion: networking.istio.io/v1, kind: WorkloadEntry, metadata: {name: vm-2, namespace: shop}, spec: {address: 10.9.0.2, labels: {app: db}}}";
    let held = Held::new(entry, client());
    assert_eq!(
        held.origins(Endpoint, "outbound|80||cart.shop.svc.cluster.local"),
        "Service shop/cart, EndpointSlice shop/cart-abc, Pod shop/cart-0, DestinationRule shop/cart-rule"
    );
    assert_eq!(
        held.origins(Endpoint, "outbound|9000||out.example"),
        "ServiceEntry shop/outside, WorkloadEntry shop/vm-1"
    );
}

#[test]
fn endpoints_follow_from_what_is_said_of_calls_to_the_workloads_behind_them() {
    let peers = |name: &str, app: &str, port: u16| {
        format!(
            "{{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {{name: {name}, namespace: shop}}, \
             spec: {{selector: {{matchLabels: {{{app}}}}}, portLevelMtls: {{{port}: {{mode: DISABLE}}}}}}}}"
        )
    };
    let more = [peers("of-cart", "app: cart", 8080), peers("of-other", "app: other", 8080)].join("\n---\n");
    let held = Held::new(&more, client());
    assert_eq!(
        held.origins(Endpoint, "outbound|80||cart.shop.svc.cluster.local"),
        "Service shop/cart, EndpointSlice shop/cart-abc, Pod shop/cart-0, DestinationRule shop/cart-rule, \
         PeerAuthentication shop/of-cart"
    );
    let of_subset = held.origins(Endpoint, "outbound|80|v1|cart.shop.svc.cluster.local");
    assert!(of_subset.ends_with("PeerAuthentication shop/of-cart"), "{of_subset}");
}

#[test]
fn routes_follow_from_the_services_of_their_port_and_from_rules_with_their_delegates() {
    let held = Held::new("", client());
    // As in istiod, hosts of VirtualServices are on port 80 whatever ports their services have.
    assert_eq!(
        held.origins(Route, "80"),
        "Service shop/cart, Service shop/stock, VirtualService shop/cart-inner, VirtualService shop/cart-routes, \
         VirtualService shop/stock-routes, DestinationRule istio-system/everybody, DestinationRule shop/cart-rule"
    );
    assert_eq!(
        held.origins(Route, "81"),
        "Service shop/stock, VirtualService shop/stock-routes, DestinationRule istio-system/everybody"
    );
}

#[test]
fn a_listener_follows_from_the_services_at_its_address_and_from_what_is_said_of_telemetry() {
    let more = "
{apiVersion: telemetry.istio.io/v1, kind: Telemetry, metadata: {name: all, namespace: istio-system}, spec: {accessLogging: [{providers: [{name: envoy}]}]}}
---
{apiVersion: telemetry.istio.io/v1, kind: Telemetry, metadata: {name: own, namespace: shop}, spec: {accessLogging: [{disabled: true}]}}
---
{apiVersion: telemetry.istio.io/v1, kind: Telemetry, metadata: {name: of-cart, namespace: shop}, spec: {selector: {matchLabels: {app: cart}}, accessLogging: [{disabled: false}]}}
---
{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {name: vault-bytes, namespace: bank}, spec: {hosts: [vault.bank.svc.cluster.local], tcp: [{route: [{destination: {host: vault.bank.svc.cluster.local}}]}]}}";
    let held = Held::new(more, client());
    assert_eq!(
        held.origins(Listener, "10.96.0.4_6000"),
        "Service bank/vault, VirtualService bank/vault-bytes, Telemetry istio-system/all, Telemetry shop/own"
    );
    assert_eq!(
        held.origins(Listener, "10.96.0.2_6000"),
        "Service shop/stock, DestinationRule istio-system/everybody, Telemetry istio-system/all, Telemetry shop/own"
    );
    assert_eq!(
        held.origins(Listener, "0.0.0.0_80"),
        "Service shop/cart, Telemetry istio-system/all, Telemetry shop/own"
    );
}

#[test]
fn what_is_let_in_follows_from_the_policies_that_select_the_workload() {
    let more = "
{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {name: of-all, namespace: istio-system}, spec: {mtls: {mode: STRICT}}}
---
{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {name: of-shop, namespace: shop}, spec: {mtls: {mode: PERMISSIVE}}}
---
{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {name: of-cart, namespace: shop}, spec: {selector: {matchLabels: {app: cart}}, portLevelMtls: {8080: {mode: DISABLE}}}}
---
{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {name: of-other, namespace: shop}, spec: {selector: {matchLabels: {app: other}}, mtls: {mode: STRICT}}}
---
{apiVersion: security.istio.io/v1, kind: AuthorizationPolicy, metadata: {name: cart-callers, namespace: shop}, spec: {selector: {matchLabels: {app: cart}}, rules: [{from: [{source: {namespaces: [shop]}}]}]}}
---
{apiVersion: security.istio.io/v1, kind: AuthorizationPolicy, metadata: {name: other-callers, namespace: shop}, spec: {selector: {matchLabels: {app: other}}}}
---
{apiVersion: security.istio.io/v1, kind: RequestAuthentication, metadata: {name: cart-tokens, namespace: shop}, spec: {selector: {matchLabels: {app: cart}}, jwtRules: [{issuer: me, jwks: '{\"keys\": []}'}]}}
---
{apiVersion: security.istio.io/v1, kind: RequestAuthentication, metadata: {name: other-tokens, namespace: shop}, spec: {selector: {matchLabels: {app: other}}, jwtRules: [{issuer: me, jwks: '{\"keys\": []}'}]}}";
    let held = Held::new(more, cart());
    assert_eq!(
        held.origins(Listener, "virtualInbound"),
        "Service shop/cart, PeerAuthentication shop/of-cart, PeerAuthentication shop/of-shop, \
         AuthorizationPolicy shop/cart-callers, RequestAuthentication shop/cart-tokens"
    );
    assert_eq!(held.origins(Cluster, "inbound|8080||"), "Service shop/cart, DestinationRule shop/cart-rule");
}

#[test]
fn an_envoy_filter_is_named_where_it_makes_a_difference() {
    let filter = |name: &str, cluster: &str| {
        format!(
            "{{apiVersion: networking.istio.io/v1alpha3, kind: EnvoyFilter, metadata: {{name: {name}, namespace: istio-system}}, \
             spec: {{configPatches: [{{applyTo: CLUSTER, match: {{cluster: {{name: '{cluster}'}}}}, \
             patch: {{operation: MERGE, value: {{connect_timeout: 7s}}}}}}]}}}}"
        )
    };
    let routes = "
{apiVersion: networking.istio.io/v1alpha3, kind: EnvoyFilter, metadata: {name: hosts, namespace: shop}, spec: {configPatches: [{applyTo: VIRTUAL_HOST, match: {routeConfiguration: {vhost: {name: 'stock.shop.svc.cluster.local:81'}}},
 patch: {operation: MERGE, value: {request_headers_to_remove: [x-secret]}}}]}}";
    let added = "
{apiVersion: networking.istio.io/v1alpha3, kind: EnvoyFilter, metadata: {name: more, namespace: shop}, spec: {configPatches: [{applyTo: CLUSTER,
 patch: {operation: ADD, value: {name: extra, connect_timeout: 1s, type: STATIC}}}]}}";
    let configured = "
{apiVersion: networking.istio.io/v1alpha3, kind: EnvoyFilter, metadata: {name: settings, namespace: shop}, spec: {configPatches: [{applyTo: EXTENSION_CONFIG,
 patch: {operation: ADD, value: {name: settings, typed_config: {'@type': type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}}}]}}";
    let (cart, vault) = ("outbound|80||cart.shop.svc.cluster.local", "outbound|6000||vault.bank.svc.cluster.local");
    let more = [filter("slow-cart", cart), filter("slow-vault", vault), routes.into(), added.into(), configured.into()]
        .join("\n---\n");
    let held = Held::new(&more, client());
    assert_eq!(
        held.origins(Cluster, cart),
        "Service shop/cart, DestinationRule shop/cart-rule, EnvoyFilter istio-system/slow-cart"
    );
    assert_eq!(held.origins(Cluster, vault), "Service bank/vault, EnvoyFilter istio-system/slow-vault");
    assert!(held.origins(Route, "81").ends_with("EnvoyFilter shop/hosts"), "{}", held.origins(Route, "81"));
    assert!(!held.origins(Route, "80").contains("EnvoyFilter"));
    assert_eq!(held.origins(Cluster, "extra"), "EnvoyFilter shop/more");
    assert_eq!(held.origins(Extension, "settings"), "EnvoyFilter shop/settings");
}

#[test]
fn a_sidecar_is_named_for_what_it_lets_through() {
    let more = "{apiVersion: networking.istio.io/v1, kind: Sidecar, metadata: {name: narrow, namespace: shop}, spec: {egress: [{hosts: ['./cart.shop.svc.cluster.local']}]}}";
    let held = Held::new(more, client());
    let cluster = held.origins(Cluster, "outbound|80||cart.shop.svc.cluster.local");
    assert_eq!(cluster, "Service shop/cart, DestinationRule shop/cart-rule, Sidecar shop/narrow");
    assert!(held.origins(Route, "80").ends_with("Sidecar shop/narrow"));
    assert_eq!(held.origins(Listener, "10.96.0.2_6000"), "", "it is not let through");
    assert_eq!(held.origins(Cluster, "BlackHoleCluster"), "", "it is there whatever a Sidecar says");
}

#[test]
fn a_name_table_follows_from_all_services_that_are_seen() {
    let held = Held::new("", client());
    let table = sidecar("shop", json!({"DNS_CAPTURE": "true"}));
    let with_names = Held::new("", table);
    let all = with_names.origins(NameTable, "");
    for service in ["Service shop/cart", "Service shop/stock", "Service bank/vault"] {
        assert!(all.contains(service), "{all}");
    }
    assert_eq!(held.origins(Cluster, ""), "");
}

#[test]
fn asking_changes_nothing() {
    let held = Held::new("", client());
    let before = held.plan.publication(held.id).unwrap().clone();
    held.origins(Route, "80");
    assert!(Arc::ptr_eq(&before, held.plan.publication(held.id).unwrap()));
}
