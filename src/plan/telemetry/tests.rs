//! What Telemetries and the mesh config make of logs, metrics and traces.

mod logs;
mod metrics;
mod standard;
mod traces;

use serde_json::{Value, json};

use super::Telemetries;
use crate::base::{Labels, Locality};
use crate::model::{Scope, View};
use crate::plan::tests::world::{World, sidecar};
use crate::proxy::Proxy;

/// Collectors, and a host that two namespaces define.
const MESH: &str = "
{apiVersion: v1, kind: Service, metadata: {name: collector, namespace: watch},
 spec: {clusterIP: 10.96.0.1, ports: [{name: grpc, port: 4317}, {name: http, port: 9411}]}}
---
{apiVersion: networking.istio.io/v1, kind: ServiceEntry, metadata: {name: twice, namespace: shop},
 spec: {hosts: [twice.example.com], resolution: DNS, ports: [{name: http, number: 80, protocol: HTTP}]}}
---
{apiVersion: networking.istio.io/v1, kind: ServiceEntry, metadata: {name: twice, namespace: watch},
 spec: {hosts: [twice.example.com], resolution: DNS, ports: [{name: http, number: 80, protocol: HTTP}]}}";

const COLLECTOR: &str = "collector.watch.svc.cluster.local";

/// A Telemetry of a namespace; `spec` is the inside of a YAML mapping.
fn telemetry(namespace: &str, name: &str, spec: &str) -> String {
    let meta = format!("{{name: {name}, namespace: {namespace}}}");
    format!("{{apiVersion: telemetry.istio.io/v1, kind: Telemetry, metadata: {meta}, spec: {{{spec}}}}}")
}

fn world(settings: Value, more: &[String]) -> World {
    let mut world = World::new(&format!("{MESH}\n---\n{}", more.join("\n---\n")));
    world.settings(settings);
    world
}

/// Under settings with which something is odd.
fn odd(settings: Value) -> World {
    let mut world = World::new(MESH);
    world.odd_settings(settings);
    world
}

fn shop() -> Proxy {
    sidecar("shop", json!({"LABELS": {"app": "cart"}, "ISTIO_VERSION": "1.32.0"}))
}

/// An Envoy that is not Istio's build, with these types.
fn stock(types: &[String]) -> Proxy {
    let metadata = json!({"NAMESPACE": "shop"});
    let id = "sidecar~10.1.0.5~c.shop~shop.svc.cluster.local";
    Proxy::new(id, "c", Locality::default(), &metadata, types.iter().map(String::as_str).chain(["x"]).collect())
        .unwrap()
}

/// Asks what holds for a proxy with the label `app: cart`.
fn ask<T>(world: &World, proxy: &Proxy, question: impl FnOnce(&Telemetries<'_>) -> T) -> T {
    let view = View::new(world.snapshot(), &Scope::Public);
    let labels = Labels::from([("app".into(), "cart".into())]);
    question(&Telemetries::of(&view, proxy, &labels))
}
