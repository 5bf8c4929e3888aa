//! Which virtual hosts a proxy has, under which names, and that edits touch no more than they must.

mod edits;
mod names;
mod oracle;
mod ownership;

use std::collections::BTreeMap;

use envoy_types::pb::envoy::config::route::v3::{RouteConfiguration, VirtualHost};
use prost::Message;

use super::*;
use crate::model::{Snapshot, View};
use crate::plan::Planned;
use crate::plan::tests::world::World;
use crate::proxy::Proxy;
use crate::wire::Cache;

fn facets_of(snapshot: &Snapshot, proxy: &Proxy) -> RouteFacets {
    let scope = snapshot.scope(&proxy.namespace);
    facets(&View::new(snapshot, &scope), proxy)
}

/// All configurations of a class, by name.
fn decode(class: &RouteClass) -> BTreeMap<String, RouteConfiguration> {
    let decode = |message| RouteConfiguration::decode(message).unwrap();
    class.layer().iter().map(|(name, encoded)| (name.to_string(), decode(encoded.message()))).collect()
}

/// All configurations of a proxy that joins now, by name.
fn routes(world: &World, proxy: &Proxy) -> BTreeMap<String, RouteConfiguration> {
    let facets = facets_of(world.snapshot(), proxy);
    let class = RouteClass::new(world.snapshot(), facets, &mut Shared::default(), &Cache::default());
    assert_eq!(class.failures(), Vec::<&crate::wire::Failure>::new());
    decode(&class)
}

/// The virtual hosts of a port, but for the last one, which takes what is left.
fn hosts(world: &World, proxy: &Proxy, port: &str) -> BTreeMap<String, VirtualHost> {
    let Some(mut configuration) = routes(world, proxy).remove(port) else { return BTreeMap::new() };
    let rest = configuration.virtual_hosts.pop().unwrap();
    assert_eq!(rest.domains, ["*"]);
    configuration.virtual_hosts.into_iter().map(|host| (host.name.clone(), host)).collect()
}

/// The names of a virtual host of a port, in order.
fn domains(world: &World, proxy: &Proxy, port: &str, host: &str) -> Vec<String> {
    hosts(world, proxy, port).remove(host).map(|host| host.domains).unwrap_or_default()
}

/// A Kubernetes Service with a cluster IP and ports, each `name:number`.
fn service(namespace: &str, name: &str, ip: &str, ports: &[&str]) -> String {
    let port = |port: &&str| {
        let (name, number) = port.split_once(':').unwrap();
        format!("{{name: {name}, port: {number}}}")
    };
    let ports: Vec<String> = ports.iter().map(port).collect();
    format!(
        "{{apiVersion: v1, kind: Service, metadata: {{name: {name}, namespace: {namespace}}},
          spec: {{clusterIP: {ip}, ports: [{}]}}}}",
        ports.join(", ")
    )
}

/// A ServiceEntry for hosts, with HTTP on a port; `more` is what else its spec says.
fn entry(namespace: &str, name: &str, hosts: &str, port: u16, more: &str) -> String {
    format!(
        "{{apiVersion: networking.istio.io/v1, kind: ServiceEntry, metadata: {{name: {name}, namespace: {namespace}}},
          spec: {{hosts: [{hosts}], location: MESH_EXTERNAL, resolution: NONE, {more}
                 ports: [{{number: {port}, name: http, protocol: HTTP}}]}}}}"
    )
}

/// A VirtualService for hosts, with HTTP routes; `more` is what else its spec says.
fn rule(namespace: &str, name: &str, hosts: &str, http: &str, more: &str) -> String {
    format!(
        "{{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {{name: {name}, namespace: {namespace}}},
          spec: {{hosts: [{hosts}], {more} http: [{http}]}}}}"
    )
}

/// Documents in one text.
fn all(documents: &[String]) -> String {
    documents.join("\n---\n")
}
