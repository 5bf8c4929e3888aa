//! What a gateway takes in, and where it sends it.

mod edits;
mod merging;
mod routing;
mod tls;
mod wires;

use std::collections::BTreeMap;

use envoy_types::pb::envoy::config::listener::v3::filter::ConfigType;
use envoy_types::pb::envoy::config::listener::v3::{Filter, FilterChain, Listener};
use envoy_types::pb::envoy::config::route::v3::RouteConfiguration;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::http_connection_manager::RouteSpecifier;
use envoy_types::pb::envoy::extensions::filters::network::tcp_proxy::v3::TcpProxy;
use envoy_types::pb::envoy::extensions::filters::network::tcp_proxy::v3::tcp_proxy::ClusterSpecifier;
use prost::Message;
use serde_json::{Value, json};

use super::*;
use crate::base::Locality;
use crate::model::View;
use crate::plan::class::Class;
use crate::plan::tests::world::World;
use crate::plan::{Planned, Planner};
use crate::proxy::Proxy;
use crate::wire::{Cache, Layer};

/// A gateway proxy with the label `istio: gate` and some metadata.
fn router(namespace: &str, metadata: Value) -> Proxy {
    let mut all = json!({"CLUSTER_ID": "Kubernetes", "NAMESPACE": namespace, "INSTANCE_IPS": "10.1.0.9",
                         "LABELS": {"istio": "gate"}});
    for (key, value) in metadata.as_object().into_iter().flatten() {
        all[key] = value.clone();
    }
    let id = format!("router~10.1.0.9~gate.{namespace}~{namespace}.svc.cluster.local");
    Proxy::new(&id, "gate", Locality::default(), &all, Default::default()).unwrap()
}

fn gate() -> Proxy {
    router("edge", json!({}))
}

fn layer<P: Planner>(world: &World, facets: P::Facets) -> Layer {
    let class: Class<P> = Planned::new(world.snapshot(), facets, &mut (), &Cache::default());
    let failures: Vec<String> = class.failures().map(|f| format!("{f:?}")).collect();
    assert_eq!(failures, Vec::<String>::new());
    class.layer().clone()
}

fn of_proxy<F>(world: &World, proxy: &Proxy, facets: impl Fn(&View<'_>, &Proxy) -> F) -> F {
    let scope = world.snapshot().scope(&proxy.namespace);
    facets(&View::new(world.snapshot(), &scope), proxy)
}

/// All listeners of a proxy, by name.
fn listeners(world: &World, proxy: &Proxy) -> BTreeMap<String, Listener> {
    let layer = layer::<GatewayListeners>(world, of_proxy(world, proxy, listener_facets));
    layer.iter().map(|(name, e)| (name.to_string(), Listener::decode(e.message()).unwrap())).collect()
}

/// All configurations of routes of a proxy, by name.
fn routes(world: &World, proxy: &Proxy) -> BTreeMap<String, RouteConfiguration> {
    let layer = layer::<GatewayRoutes>(world, of_proxy(world, proxy, route_facets));
    layer.iter().map(|(name, e)| (name.to_string(), RouteConfiguration::decode(e.message()).unwrap())).collect()
}

/// A line for each chain: `names [TLS] > where to`.
fn chains(world: &World, proxy: &Proxy, listener: &str) -> Vec<String> {
    let listener = listeners(world, proxy).remove(listener);
    listener.map(|l| l.filter_chains.iter().map(chain).collect()).unwrap_or_default()
}

fn chain(chain: &FilterChain) -> String {
    let names = chain.filter_chain_match.as_ref().map(|m| m.server_names.join(" ")).unwrap_or_default();
    let tls = if chain.transport_socket.is_some() { " TLS" } else { "" };
    format!("{names}{tls} > {}", to(chain.filters.last().expect("a chain ends in a filter"))).trim_start().to_owned()
}

fn to(filter: &Filter) -> String {
    let Some(ConfigType::TypedConfig(config)) = &filter.config_type else { return String::new() };
    if filter.name == "envoy.filters.network.http_connection_manager" {
        return match manager(filter).route_specifier {
            Some(RouteSpecifier::Rds(rds)) => rds.route_config_name,
            _ => String::new(),
        };
    }
    match TcpProxy::decode(&config.value[..]).unwrap().cluster_specifier {
        Some(ClusterSpecifier::Cluster(cluster)) => cluster,
        Some(ClusterSpecifier::WeightedClusters(w)) => {
            w.clusters.iter().map(|c| format!("{} {}", c.weight, c.name)).collect::<Vec<_>>().join(", ")
        }
        None => String::new(),
    }
}

fn manager(filter: &Filter) -> HttpConnectionManager {
    let Some(ConfigType::TypedConfig(config)) = &filter.config_type else { panic!("no configuration") };
    HttpConnectionManager::decode(&config.value[..]).unwrap()
}

/// A line for each virtual host of a configuration: `domains [redirects]: the routes' names`.
fn hosts(world: &World, proxy: &Proxy, name: &str) -> Vec<String> {
    let hosts = routes(world, proxy).remove(name).map(|c| c.virtual_hosts).unwrap_or_default();
    let line = |host: envoy_types::pb::envoy::config::route::v3::VirtualHost| {
        let names: Vec<_> = host.routes.iter().map(|r| r.name.clone()).collect();
        let redirects = if host.require_tls == 0 { "" } else { " redirects" };
        format!("{}{redirects}: {}", host.domains.join(" "), names.join(" ")).trim_end().to_owned()
    };
    hosts.into_iter().map(line).collect()
}

/// A Gateway for the proxies above; `age` is in seconds, the lower the older.
fn gateway(namespace: &str, name: &str, age: u32, servers: &[&str]) -> String {
    format!(
        "{{apiVersion: networking.istio.io/v1, kind: Gateway,
           metadata: {{name: {name}, namespace: {namespace}, creationTimestamp: '2026-01-01T00:00:{age:02}Z'}},
           spec: {{selector: {{istio: gate}}, servers: [{}]}}}}",
        servers.join(", ")
    )
}

/// A VirtualService bound to Gateways; `rest` is the rest of its spec.
fn bound(namespace: &str, name: &str, hosts: &str, gateways: &str, rest: &str) -> String {
    format!(
        "{{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {{name: {name}, namespace: {namespace}}},
           spec: {{hosts: [{hosts}], gateways: [{gateways}], {rest}}}}}"
    )
}

/// One HTTP route with a name, to a host.
fn http(name: &str, host: &str) -> String {
    format!("http: [{{name: {name}, route: [{{destination: {{host: {host}}}}}]}}]")
}

fn service(namespace: &str, name: &str, ports: &str) -> String {
    format!(
        "{{apiVersion: v1, kind: Service, metadata: {{name: {name}, namespace: {namespace}}},
           spec: {{clusterIP: 10.96.0.7, ports: [{ports}]}}}}"
    )
}

fn world(documents: &[String]) -> World {
    World::new(&documents.join("\n---\n"))
}
