//! The listener that answers DNS.

use envoy_types::pb::envoy::config::listener::v3::listener_filter;
use envoy_types::pb::envoy::data::dns::v3::dns_table::dns_endpoint::EndpointConfig;
use envoy_types::pb::envoy::extensions::filters::udp::dns_filter::v3::DnsFilterConfig;
use envoy_types::pb::envoy::extensions::filters::udp::dns_filter::v3::dns_filter_config::server_context_config::ConfigSource;
use envoy_types::pb::envoy::extensions::network::dns_resolver::cares::v3::CaresDnsResolverConfig;
use serde_json::{Value, json};

use super::*;
use crate::base::Locality;
use crate::generate::listener::NameServer;

fn envoy(metadata: Value) -> Proxy {
    let extensions = NameServer::extensions().into_iter().collect();
    let mut all = json!({"NAMESPACE": "shop", "INSTANCE_IPS": "10.1.0.5", "DNS_CAPTURE": "true"});
    all.as_object_mut().unwrap().extend(metadata.as_object().unwrap().clone());
    let id = "sidecar~10.1.0.5~client.shop~shop.svc.cluster.local";
    Proxy::new(id, "client", Locality::default(), &all, extensions).unwrap()
}

/// The class of name servers that a proxy belongs to.
fn class(world: &World, proxy: &Proxy) -> Class<NameServers> {
    let snapshot = world.snapshot();
    let scope = snapshot.scope(&proxy.namespace);
    Planned::new(snapshot, dns_facets(&View::new(snapshot, &scope), proxy), &mut (), &Cache::default())
}

/// The filter's settings, if there is a listener.
fn filter(class: &Class<NameServers>) -> Option<DnsFilterConfig> {
    let listener = Listener::decode(class.layer().get(&Str::from("dns"))?.message()).unwrap();
    let Some(listener_filter::ConfigType::TypedConfig(config)) = &listener.listener_filters[0].config_type else {
        return None;
    };
    Some(DnsFilterConfig::decode(&config.value[..]).unwrap())
}

/// A line for each name.
fn names(class: &Class<NameServers>) -> Vec<String> {
    let Some(ConfigSource::InlineDnsTable(table)) = filter(class).and_then(|f| f.server_config?.config_source) else {
        return Vec::new();
    };
    let line = |name: &str, endpoint: Option<EndpointConfig>| match endpoint {
        Some(EndpointConfig::AddressList(list)) => format!("{name} {}", list.address.join(" ")),
        _ => String::new(),
    };
    table.virtual_domains.into_iter().map(|d| line(&d.name, d.endpoint.and_then(|e| e.endpoint_config))).collect()
}

/// The name servers that it asks.
fn resolvers(class: &Class<NameServers>) -> usize {
    let resolver = filter(class).and_then(|f| f.client_config?.typed_dns_resolver_config?.typed_config).unwrap();
    CaresDnsResolverConfig::decode(&resolver.value[..]).unwrap().resolvers.len()
}

#[test]
fn an_envoy_without_an_agent_knows_the_names_and_ipv4_in_the_notation_of_ipv6() {
    let bank = entry("bank", "bank.com", 443, "TLS", "resolution: STATIC, addresses: [7.7.7.7, '2001:db8::7']");
    let wild = entry("wild", "*.cdn.org", 443, "TLS", "resolution: NONE, addresses: [8.8.8.8]");
    let class = class(&world(&[service("a", "10.96.0.1", 80, "http"), bank, wild]), &envoy(json!({})));
    let want = [
        "*.cdn.org 8.8.8.8 ::ffff:8.8.8.8",
        "a.shop 10.96.0.1 ::ffff:10.96.0.1",
        "a.shop.svc 10.96.0.1 ::ffff:10.96.0.1",
        "a.shop.svc.cluster.local 10.96.0.1 ::ffff:10.96.0.1",
    ];
    let all = names(&class);
    assert_eq!(all[0], want[0]);
    assert_eq!(all[1..4], want[1..4]);
    assert!(all[4].starts_with("bank.com 7.7.7.7"));
}

#[test]
fn other_names_are_asked_of_the_name_servers_that_the_proxy_states() {
    let world = world(&[]);
    let count = |stated: &str| resolvers(&class(&world, &envoy(json!({"MIZZEN_DNS_RESOLVERS": stated}))));
    assert_eq!(count("10.0.0.10:53, [2001:db8::1]:53,10.0.0.11"), 3);
    assert_eq!(count(""), 0, "the machine's own");
}

#[test]
fn a_new_service_gets_a_name() {
    let mut world = world(&[]);
    let mut class = class(&world, &envoy(json!({})));
    assert!(filter(&class).is_some() && names(&class).is_empty());
    let changed = world.apply(&service("a", "10.96.0.1", 80, "http"));
    assert!(class.update(world.snapshot(), &changed, &Cache::default()));
    assert_eq!(names(&class).len(), 3);
}

#[test]
fn who_has_an_agent_or_captures_no_dns_has_no_such_listener() {
    let world = world(&[]);
    let without = |proxy: &Proxy| filter(&class(&world, proxy)).is_none();
    assert!(without(&sidecar("shop", json!({"DNS_CAPTURE": "true"}))), "Istio's agent answers");
    assert!(without(&envoy(json!({"DNS_CAPTURE": "false"}))));
}
