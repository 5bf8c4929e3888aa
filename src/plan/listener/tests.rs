//! Who wins at an address, and what each of them gets.

mod conflicts;
mod connections;
mod dns;
mod proxies;

use std::collections::BTreeMap;

use envoy_types::pb::envoy::config::listener::v3::filter::ConfigType;
use envoy_types::pb::envoy::config::listener::v3::{FilterChain, Listener};
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::http_connection_manager::RouteSpecifier;
use envoy_types::pb::envoy::extensions::filters::network::tcp_proxy::v3::TcpProxy;
use envoy_types::pb::envoy::extensions::filters::network::tcp_proxy::v3::tcp_proxy::ClusterSpecifier;
use prost::Message;

use super::*;
use crate::plan::Planned;
use crate::plan::class::Class;
use crate::plan::tests::world::{World, sidecar};
use crate::wire::{Cache, Layer};

/// All listeners of a proxy for calls out, by name.
fn listeners(world: &World, proxy: &Proxy) -> BTreeMap<String, Listener> {
    let parts = layers(world, proxy);
    let count: usize = parts.iter().map(|layer| layer.len()).sum();
    let decode = |e: &std::sync::Arc<crate::wire::Encoded>| Listener::decode(e.message()).unwrap();
    let all: BTreeMap<_, _> =
        parts.iter().flat_map(|l| l.values()).map(|e| (e.name().to_string(), decode(e))).collect();
    assert_eq!(count, all.len(), "no two parts have a listener of the same name");
    all
}

/// The parts of a proxy's listeners.
fn layers(world: &World, proxy: &Proxy) -> [Layer; 4] {
    let (snapshot, cache) = (world.snapshot(), Cache::default());
    let scope = snapshot.scope(&proxy.namespace);
    let view = View::new(snapshot, &scope);
    [byte_facets, call_facets, pod_byte_facets, pod_call_facets].map(|facets| {
        let class: Class<ListenerPlanner> = Planned::new(snapshot, facets(&view, proxy), &mut (), &cache);
        assert_eq!(class.failures().count(), 0);
        class.layer().clone()
    })
}

/// A line for each chain of a listener: `match > where to`. The chain of last resort has no match.
fn chains(listener: &Listener) -> Vec<String> {
    listener.filter_chains.iter().chain(&listener.default_filter_chain).map(chain).collect()
}

fn chain(chain: &FilterChain) -> String {
    let matches = chain.filter_chain_match.clone().unwrap_or_default();
    let ranges = matches.prefix_ranges.iter();
    let ranges = ranges.map(|r| format!("{}/{}", r.address_prefix, r.prefix_len.as_ref().map_or(0, |l| l.value)));
    let words: Vec<String> = matches
        .server_names
        .iter()
        .cloned()
        .chain(ranges)
        .chain(matches.application_protocols.iter().cloned())
        .chain(Some(matches.transport_protocol.clone()).filter(|t| !t.is_empty()))
        .collect();
    let filter = chain.filters.last().expect("a chain ends in a filter");
    format!("{} > {}", words.join(" "), destination(filter)).trim_start().to_owned()
}

/// The clusters of a TCP proxy with their shares, or the name of the routes.
fn destination(filter: &envoy_types::pb::envoy::config::listener::v3::Filter) -> String {
    let Some(ConfigType::TypedConfig(config)) = &filter.config_type else { return String::new() };
    if filter.name == "envoy.filters.network.http_connection_manager" {
        let manager = HttpConnectionManager::decode(&config.value[..]).unwrap();
        let Some(RouteSpecifier::Rds(rds)) = manager.route_specifier else { return String::new() };
        return format!("routes {}", rds.route_config_name);
    }
    match TcpProxy::decode(&config.value[..]).unwrap().cluster_specifier {
        Some(ClusterSpecifier::Cluster(cluster)) => cluster,
        Some(ClusterSpecifier::WeightedClusters(weighted)) => {
            let shares: Vec<_> = weighted.clusters.iter().map(|c| format!("{} {}", c.weight, c.name)).collect();
            shares.join(", ")
        }
        None => String::new(),
    }
}

/// A Kubernetes Service with a cluster IP, and one port of a name.
fn service(name: &str, ip: &str, port: u16, port_name: &str) -> String {
    format!(
        "{{apiVersion: v1, kind: Service, metadata: {{name: {name}, namespace: shop}}, \
         spec: {{clusterIP: {ip}, clusterIPs: [{ip}], ports: [{{name: {port_name}, port: {port}}}]}}}}"
    )
}

/// A ServiceEntry for one host, and one port of a protocol.
fn entry(name: &str, host: &str, port: u16, protocol: &str, more: &str) -> String {
    format!(
        "{{apiVersion: networking.istio.io/v1, kind: ServiceEntry, metadata: {{name: {name}, namespace: shop}}, \
         spec: {{hosts: ['{host}'], ports: [{{number: {port}, name: p, protocol: {protocol}}}], {more}}}}}"
    )
}

fn world(documents: &[String]) -> World {
    World::new(&documents.join("\n---\n"))
}

/// A sidecar that does not answer DNS.
fn client() -> Proxy {
    sidecar("shop", serde_json::json!({}))
}
