//! Under which names hosts are reached.

use serde_json::json;

use super::*;
use crate::plan::tests::world::sidecar;

#[test]
fn a_service_has_its_bare_name_in_its_own_namespace_only() {
    let world = World::new(&service("shop", "api", "10.96.0.9", &["http:80"]));
    let seen_from =
        |namespace: &str| domains(&world, &sidecar(namespace, json!({})), "80", "api.shop.svc.cluster.local:80");
    let full = ["api.shop.svc.cluster.local", "api.shop.svc.cluster.local."];
    assert_eq!(seen_from("shop"), [&full[..], &["api", "api.shop.svc", "api.shop", "10.96.0.9"]].concat());
    assert_eq!(seen_from("desk"), [&full[..], &["api.shop", "api.shop.svc", "10.96.0.9"]].concat());
}

#[test]
fn pods_of_a_headless_service_are_reached_under_its_names() {
    let world = World::new(&service("shop", "db", "None", &["http:80"]));
    let found = domains(&world, &sidecar("desk", json!({})), "80", "db.shop.svc.cluster.local:80");
    assert!(found.contains(&"*.db.shop".to_owned()), "{found:?}");
    assert!(found.contains(&"*.db.shop.svc.cluster.local.".to_owned()), "{found:?}");
}

#[test]
fn the_names_of_an_alias_lead_to_what_it_stands_for_and_its_bare_name_counts_where_it_is() {
    let alias = "{apiVersion: v1, kind: Service, metadata: {name: old, namespace: desk},
                  spec: {type: ExternalName, externalName: api.shop.svc.cluster.local}}";
    let world = World::new(&all(&[service("shop", "api", "10.96.0.9", &["http:80"]), alias.to_owned()]));
    let bare = |namespace: &str| {
        let found = domains(&world, &sidecar(namespace, json!({})), "80", "api.shop.svc.cluster.local:80");
        assert!(found.contains(&"old.desk.svc.cluster.local".to_owned()), "{found:?}");
        ["api", "old"].map(|name| found.contains(&name.to_owned()))
    };
    assert_eq!(bare("shop"), [true, false]);
    assert_eq!(bare("desk"), [false, true]);
    assert_eq!(bare("elsewhere"), [false, false]);
}

#[test]
fn addresses_that_mizzen_gave_are_names_for_proxies_that_capture_dns() {
    let world = World::new(
        "{apiVersion: networking.istio.io/v1, kind: ServiceEntry, metadata: {name: a, namespace: shop},
          spec: {hosts: [a.example], location: MESH_EXTERNAL, resolution: DNS, ports: [{number: 80, name: http, protocol: HTTP}]}}",
    );
    let of = |capture: &str| domains(&world, &sidecar("shop", json!({ "DNS_CAPTURE": capture })), "80", "a.example:80");
    assert_eq!(of("false"), ["a.example", "a.example."]);
    assert_eq!(of("true").len(), 3);
    assert!(of("true")[2].starts_with("240.240."));
}

#[test]
fn a_proxy_outside_of_kubernetes_shares_the_end_of_its_domain_with_hosts() {
    let world = World::new(&entry("shop", "a", "db.emea.corp.example", 80, ""));
    let mut proxy = sidecar("shop", json!({}));
    proxy.domain = "apps.corp.example".into();
    let found = domains(&world, &proxy, "80", "db.emea.corp.example:80");
    assert_eq!(found, ["db.emea.corp.example", "db.emea.corp.example.", "db.emea", "db.emea.corp"]);
}

#[test]
fn a_short_name_yields_to_the_service_that_is_called_so() {
    let entry = entry("desk", "short", "api.shop", 80, "");
    let world = World::new(&all(&[service("shop", "api", "10.96.0.9", &["http:80"]), entry]));
    let proxy = sidecar("desk", json!({}));
    assert_eq!(domains(&world, &proxy, "80", "api.shop:80"), ["api.shop", "api.shop."]);
    let found = domains(&world, &proxy, "80", "api.shop.svc.cluster.local:80");
    assert!(!found.contains(&"api.shop".to_owned()), "{found:?}");
}

#[test]
fn an_address_that_two_hosts_have_belongs_to_one_of_them() {
    let entry = entry("desk", "same", "same.example", 80, "addresses: [10.96.0.9],");
    let world = World::new(&all(&[service("shop", "api", "10.96.0.9", &["http:80"]), entry]));
    let with_address =
        |host: &str| domains(&world, &sidecar("desk", json!({})), "80", host).contains(&"10.96.0.9".to_owned());
    assert_eq!([with_address("api.shop.svc.cluster.local:80"), with_address("same.example:80")], [true, false]);
}

#[test]
fn the_listener_of_a_detected_port_gets_a_configuration_of_its_own() {
    let world = World::new(&service("shop", "api", "10.96.0.9", &["http:80", "any:81"]));
    let routes = routes(&world, &sidecar("shop", json!({})));
    assert_eq!(routes.keys().collect::<Vec<_>>(), ["80", "81", "api.shop.svc.cluster.local:81"]);
    let alone = &routes["api.shop.svc.cluster.local:81"].virtual_hosts;
    assert_eq!((alone.len(), &alone[0].domains[..]), (1, &["*".to_owned()][..]));
}

#[test]
fn an_application_that_uses_its_proxy_reaches_every_port_by_its_number() {
    let api = service("shop", "api", "10.96.0.9", &["http:80", "http-admin:8080", "tcp-db:5432"]);
    let nobody = rule("shop", "nobody", "nobody.example", "{name: r, route: [{destination: {host: api}}]}", "");
    let world = World::new(&all(&[api, nobody]));
    let proxy = sidecar("desk", json!({"HTTP_PROXY_PORT": "3128"}));
    let found = hosts(&world, &proxy, "http_proxy");
    let names = ["api.shop.svc.cluster.local:80", "api.shop.svc.cluster.local:8080"];
    assert_eq!(found.keys().collect::<Vec<_>>(), names);
    assert!(found[names[0]].domains.contains(&"api.shop".to_owned()), "{found:?}");
    assert!(found[names[0]].domains.contains(&"api.shop:80".to_owned()), "{found:?}");
    assert!(found[names[1]].domains.iter().all(|domain| domain.ends_with(":8080")), "{found:?}");
    assert_eq!(routes(&world, &sidecar("desk", json!({}))).remove("http_proxy"), None);
}

#[test]
fn under_a_sidecar_it_reaches_what_that_lets_through() {
    let documents = [
        service("shop", "api", "10.96.0.9", &["http:80"]),
        service("desk", "own", "10.96.0.8", &["http:81"]),
        "{apiVersion: networking.istio.io/v1, kind: Sidecar, metadata: {name: s, namespace: desk},
          spec: {egress: [{hosts: [./*]}]}}"
            .to_owned(),
    ];
    let world = World::new(&all(&documents));
    let proxy = sidecar("desk", json!({"HTTP_PROXY_PORT": "3128"}));
    let (scope, _) = crate::plan::sidecar::scope(world.snapshot(), &proxy);
    let facets = facets(&View::new(world.snapshot(), &scope), &proxy);
    let class = RouteClass::new(world.snapshot(), facets, &mut Shared::default(), &Cache::default());
    let held = decode(&class)["http_proxy"].virtual_hosts.iter().map(|h| h.name.clone()).collect::<Vec<_>>();
    assert_eq!(held[..1], ["own.desk.svc.cluster.local:81"]);
    assert_eq!(held.len(), 2, "{held:?}");
}
