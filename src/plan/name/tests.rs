//! Which names a proxy can resolve.

use serde_json::json;

use super::*;
use crate::api::Kind;
use crate::model::Snapshot;
use crate::plan::Planned;
use crate::plan::tests::world::{World, sidecar};
use crate::proto::istio::networking::nds::v1::NameTable;
use crate::wire::Cache;

const SERVICES: &str = "
{apiVersion: v1, kind: Service, metadata: {name: api, namespace: shop},
 spec: {clusterIP: 10.96.0.9, clusterIPs: [10.96.0.9, 'fd00::9'], ports: [{name: http, port: 80}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: db, namespace: shop},
 spec: {clusterIP: None, selector: {app: db}, ports: [{name: tcp, port: 3306}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: db-0, namespace: shop, labels: {app: db}},
 spec: {hostname: db-0, subdomain: db}, status: {podIP: 10.1.0.1, podIPs: [{ip: 10.1.0.1}]}}
---
{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, addressType: IPv4,
 metadata: {name: db-a, namespace: shop, labels: {kubernetes.io/service-name: db}},
 endpoints: [{addresses: [10.1.0.1], conditions: {ready: true}, targetRef: {kind: Pod, name: db-0, namespace: shop}},
             {addresses: [10.1.0.2], conditions: {ready: false}}],
 ports: [{name: tcp, port: 3306}]}
---
{apiVersion: networking.istio.io/v1, kind: ServiceEntry, metadata: {name: partner, namespace: shop},
 spec: {hosts: [partner.example], location: MESH_EXTERNAL, resolution: DNS, ports: [{number: 443, name: tls, protocol: TLS}]}}";

fn facets_of(snapshot: &Snapshot, proxy: &Proxy) -> NameFacets {
    let scope = snapshot.scope(&proxy.namespace);
    facets(&View::new(snapshot, &scope), proxy)
}

fn table(snapshot: &Snapshot, proxy: &Proxy) -> Vec<String> {
    let facets = facets_of(snapshot, proxy);
    let lines = print(&Names::new(snapshot, facets.clone(), &mut Shared::default(), &Cache::default()));
    let rows = super::table(&View::new(snapshot, &facets.scope), &facets);
    assert!(rows.keys().eq(lines.iter().map(|l| l.split(' ').next().unwrap())), "both forms have the same names");
    lines
}

/// A line for each name: `name = addresses (registry, short name, namespace)`.
fn print(names: &Names) -> Vec<String> {
    let Some(resource) = names.layer().get("") else { return Vec::new() };
    let table = <NameTable as prost::Message>::decode(resource.message()).unwrap().table;
    let line = |(name, info): (&String, &crate::proto::istio::networking::nds::v1::name_table::NameInfo)| {
        let source = format!("{} {} {}", info.registry, info.shortname, info.namespace);
        format!("{name} = {} ({})", info.ips.join(" "), source.trim())
    };
    table.iter().map(line).collect()
}

#[test]
fn services_headless_ones_and_their_pods_have_names() {
    let world = World::new(SERVICES);
    let want = [
        "api.shop.svc.cluster.local = 10.96.0.9 (Kubernetes api shop)",
        "db-0.db.shop.svc.cluster.local = 10.1.0.1 (Kubernetes db-0.db shop)",
        "db.shop.svc.cluster.local = 10.1.0.1 (Kubernetes db shop)",
    ];
    assert_eq!(table(world.snapshot(), &sidecar("shop", json!({}))), want);
}

#[test]
fn a_proxy_without_ipv4_gets_ipv6_addresses_and_one_with_both_those_that_come_first() {
    let world = World::new(SERVICES);
    let of = |ips: &str| table(world.snapshot(), &sidecar("shop", json!({ "INSTANCE_IPS": ips }))).remove(0);
    assert_eq!(of("fd00::5"), "api.shop.svc.cluster.local = fd00::9 (Kubernetes api shop)");
    assert_eq!(of("fd00::5,10.1.0.5"), "api.shop.svc.cluster.local = 10.96.0.9 (Kubernetes api shop)");
}

#[test]
fn addresses_given_by_mizzen_are_for_proxies_that_capture_dns() {
    let world = World::new(SERVICES);
    let partner = |capture: &str| {
        let table = table(world.snapshot(), &sidecar("shop", json!({ "DNS_CAPTURE": capture })));
        table.iter().any(|line| line.starts_with("partner.example = 240.240."))
    };
    assert!(partner("true"));
    assert!(!partner("false"));
}

#[test]
fn an_entry_for_a_kubernetes_host_of_its_namespace_adds_nothing() {
    let mut world = World::new(SERVICES);
    world.apply(
        "{apiVersion: networking.istio.io/v1, kind: ServiceEntry, metadata: {name: decorator, namespace: shop},
          spec: {hosts: [api.shop.svc.cluster.local], addresses: [192.0.2.1], location: MESH_INTERNAL, resolution: STATIC,
                 ports: [{number: 80, name: http, protocol: HTTP}]}}",
    );
    let table = table(world.snapshot(), &sidecar("shop", json!({})));
    assert_eq!(table[0], "api.shop.svc.cluster.local = 10.96.0.9 (Kubernetes api shop)");
}

#[test]
fn entries_of_one_namespace_for_one_host_add_up_and_ranges_are_no_addresses() {
    let entry = |name: &str, address: &str| {
        format!(
            "{{apiVersion: networking.istio.io/v1, kind: ServiceEntry, metadata: {{name: {name}, namespace: shop}},
              spec: {{hosts: [ldap.example], addresses: [{address}], location: MESH_EXTERNAL, resolution: NONE,
                     ports: [{{number: 389, name: tcp, protocol: TCP}}]}}}}"
        )
    };
    let all = [entry("a", "192.0.2.1"), entry("b", "192.0.2.2"), entry("c", "198.51.100.0/24")];
    let world = World::new(&all.join("\n---\n"));
    let table = table(world.snapshot(), &sidecar("shop", json!({})));
    assert_eq!(table, ["ldap.example = 192.0.2.1 192.0.2.2 (External)"]);
}

#[test]
fn a_change_gives_the_table_that_planning_anew_gives() {
    let mut world = World::new(SERVICES);
    let cache = Cache::default();
    let proxy = sidecar("shop", json!({"DNS_CAPTURE": "true"}));
    let mut shared = Shared::default();
    let mut names = Names::new(world.snapshot(), facets_of(world.snapshot(), &proxy), &mut shared, &cache);
    let ready = SERVICES.replace("ready: false", "ready: true");
    let edits: [&dyn Fn(&mut World) -> _; 4] = [
        &|w| w.apply(&ready),
        &|w| w.remove(Kind::Service, "shop", "api"),
        &|w| w.remove(Kind::EndpointSlice, "shop", "db-a"),
        &|w| w.apply(SERVICES),
    ];
    for edit in edits {
        let changed = edit(&mut world);
        Names::update_shared(&mut shared, world.snapshot(), &changed, &cache);
        assert!(names.update(world.snapshot(), &changed, &mut shared, &cache));
        assert_eq!(print(&names), table(world.snapshot(), &proxy));
    }
    let changed = world.apply(SERVICES);
    Names::update_shared(&mut shared, world.snapshot(), &changed, &cache);
    assert!(!names.update(world.snapshot(), &changed, &mut shared, &cache), "an edit without effect");
}

#[test]
fn what_a_namespace_sees_alone_is_in_its_own_table_and_the_rest_is_shared() {
    let entry = |namespace: &str, export: &str, address: &str| {
        format!(
            "{{apiVersion: networking.istio.io/v1, kind: ServiceEntry, metadata: {{name: a, namespace: {namespace}}},
              spec: {{hosts: [ldap.example], addresses: [{address}], {export} location: MESH_EXTERNAL, resolution: NONE,
                     ports: [{{number: 389, name: tcp, protocol: TCP}}]}}}}"
        )
    };
    let mut world = World::new(&entry("shop", "", "192.0.2.1"));
    world.apply(&entry("desk", "exportTo: ['.'],", "192.0.2.2"));
    let of = |namespace: &str| table(world.snapshot(), &sidecar(namespace, json!({})));
    assert_eq!(of("desk"), ["ldap.example = 192.0.2.2 (External)"]);
    assert_eq!(of("shop"), ["ldap.example = 192.0.2.1 (External)"]);
}

#[test]
fn a_proxy_reaches_a_service_by_the_address_it_has_in_the_proxys_cluster() {
    let mut world = World::new(SERVICES);
    let there = "{apiVersion: v1, kind: Service, metadata: {name: api, namespace: shop},
                  spec: {clusterIP: 10.97.0.9, clusterIPs: [10.97.0.9], ports: [{name: http, port: 80}]}}";
    world.apply_in("east", there);
    let of = |cluster: &str| table(world.snapshot(), &sidecar("shop", json!({ "CLUSTER_ID": cluster }))).remove(0);
    let line = |ip: &str| format!("api.shop.svc.cluster.local = {ip} (Kubernetes api shop)");
    assert_eq!([of("Kubernetes"), of("east"), of("west")], ["10.96.0.9", "10.97.0.9", "10.96.0.9"].map(line));
}
