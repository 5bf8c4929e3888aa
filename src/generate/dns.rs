//! Names that a proxy resolves itself, for hosts of which only a pattern is known.
//!
//! The cluster that connects to them and the filters that look them up share a cache by its name, and Envoy refuses
//! two descriptions of one cache that differ. So they are made here.

use envoy_types::pb::envoy::config::core::v3::TypedExtensionConfig;
use envoy_types::pb::envoy::extensions::common::dynamic_forward_proxy::v3::DnsCacheConfig;
use envoy_types::pb::envoy::extensions::network::dns_resolver::cares::v3::CaresDnsResolverConfig;

use crate::base::Str;
use crate::generate::cluster::Family;
use crate::generate::proto::{socket_address, u32_value};
use crate::wire::any;

/// The cache of names under a wildcard host.
pub(crate) fn cache_under(host: &str, family: Family) -> DnsCacheConfig {
    DnsCacheConfig {
        name: format!("{host}_dfp_dns_cache"),
        dns_lookup_family: family.into_envoy().into(),
        ..Default::default()
    }
}

/// The cache of names that nobody knows; asked at this resolver, if there is one, else at the machine's own.
pub(crate) fn cache_of_unknown(family: Family, resolver: Option<&(Str, u16)>) -> DnsCacheConfig {
    let resolver = resolver.map(|(host, port)| {
        let config = CaresDnsResolverConfig { resolvers: vec![socket_address(host, *port)], ..Default::default() };
        TypedExtensionConfig { name: "envoy.network.dns_resolver.cares".to_owned(), typed_config: Some(any(&config)) }
    });
    DnsCacheConfig {
        name: "allow_any_dfp_dns_cache".to_owned(),
        dns_lookup_family: family.into_envoy().into(),
        max_hosts: Some(u32_value(1024)),
        typed_dns_resolver_config: resolver,
        ..Default::default()
    }
}
