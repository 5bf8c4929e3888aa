//! Which objects the resources of gateways are said to follow from.

use ResourceType::Secret;

use super::*;
use crate::base::Locality;

fn gate() -> Proxy {
    let metadata = json!({"CLUSTER_ID": "Kubernetes", "NAMESPACE": "shop", "INSTANCE_IPS": "10.1.0.7",
                          "LABELS": {"istio": "gate"}});
    let id = "router~10.1.0.7~gate.shop~shop.svc.cluster.local";
    Proxy::new(id, "gate", Locality::default(), &metadata, Default::default()).unwrap()
}

#[test]
fn what_a_gateway_takes_in_follows_from_the_gateways_on_its_port() {
    let more = "
{apiVersion: networking.istio.io/v1, kind: Gateway, metadata: {name: front, namespace: shop}, spec: {selector: {istio: gate}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']}]}}
---
{apiVersion: networking.istio.io/v1, kind: Gateway, metadata: {name: bytes, namespace: shop}, spec: {selector: {istio: gate}, servers: [{port: {number: 6000, name: tcp, protocol: TCP}, hosts: ['*']}]}}
---
{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {name: web, namespace: shop}, spec: {hosts: [www.example], gateways: [front], http: [{route: [{destination: {host: cart}}]}]}}
---
{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {name: sync, namespace: shop}, spec: {hosts: [sync.example], gateways: [bytes], tcp: [{route: [{destination: {host: stock, port: {number: 6000}}}]}]}}
";
    let held = Held::new(more, gate());
    assert_eq!(held.origins(Listener, "0.0.0.0_80"), "Gateway shop/front");
    assert_eq!(
        held.origins(Listener, "0.0.0.0_6000"),
        "Service shop/stock, VirtualService shop/sync, DestinationRule istio-system/everybody, Gateway shop/bytes"
    );
    assert_eq!(
        held.origins(Route, "http.80"),
        "Service shop/cart, VirtualService shop/web, DestinationRule shop/cart-rule, Gateway shop/front"
    );
}

#[test]
fn an_ingress_is_named_for_what_is_made_of_it() {
    let more = "
{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: door, namespace: shop, annotations: {kubernetes.io/ingress.class: istio}},
 spec: {rules: [{host: door.example, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: cart, port: {number: 80}}}}]}}]}}";
    let metadata =
        json!({"NAMESPACE": "istio-system", "INSTANCE_IPS": "10.1.0.7", "LABELS": {"istio": "ingressgateway"}});
    let id = "router~10.1.0.7~in.istio-system~istio-system.svc.cluster.local";
    let held = Held::new(more, Proxy::new(id, "in", Locality::default(), &metadata, Default::default()).unwrap());
    assert_eq!(held.origins(Listener, "0.0.0.0_80"), "Ingress shop/door");
    let routes = held.origins(Route, "http.80");
    assert!(routes.contains("Service shop/cart") && routes.ends_with("Ingress shop/door"), "{routes}");
}

#[test]
fn a_secret_of_a_gateway_follows_from_the_objects_with_its_content() {
    let roots = include_str!("../../../api/validate/secret/ec.crt");
    let object = |kind: &str, name: &str, data: &str, roots: &str| {
        json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "shop"}, data: {"ca.crt": roots}})
            .to_string()
    };
    let secret = object("Secret", "web-cacert", "stringData", roots);
    let more = [secret, object("ConfigMap", "roots", "data", roots)].join("\n---\n");
    let held = Held::new(&more, gate());
    assert_eq!(held.origins(Secret, "kubernetes://web-cacert"), "Secret shop/web-cacert");
    assert_eq!(held.origins(Secret, "configmap://shop/roots"), "ConfigMap shop/roots");
    assert_eq!(held.origins(Secret, "kubernetes://other-cacert"), "", "it holds none of that name");
}
