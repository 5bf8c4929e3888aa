//! What Envoy demands of patched resources beyond the rules in its protos, as far as patches break it by oversight.

use std::collections::BTreeSet;

use envoy_types::pb::envoy::config::listener::v3::filter::ConfigType;
use envoy_types::pb::envoy::config::listener::v3::{Filter, FilterChain, Listener};
use envoy_types::pb::envoy::config::route::v3::RouteConfiguration;
use envoy_types::pb::envoy::extensions::filters::http::router::v3::Router;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::HttpConnectionManager;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::http_connection_manager::RouteSpecifier;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::http_filter::ConfigType as HttpConfig;
use envoy_types::pb::envoy::extensions::filters::network::redis_proxy::v3::RedisProxy;
use envoy_types::pb::envoy::extensions::filters::network::tcp_proxy::v3::TcpProxy;
use envoy_types::pb::google::protobuf::Any;
use prost::{Message, Name};

use crate::wire::schema::Violation;

/// A filter that ends a chain, of connections or of calls, has to be the last one.
pub(super) fn of_listener(listener: &Listener) -> Result<(), Violation> {
    listener.filter_chains.iter().chain(&listener.default_filter_chain).try_for_each(of_chain)
}

/// A name, and a domain whatever its case, is in one virtual host alone.
pub(super) fn of_routes(routes: &RouteConfiguration) -> Result<(), Violation> {
    let (mut names, mut domains) = (BTreeSet::new(), BTreeSet::new());
    for host in &routes.virtual_hosts {
        let violation = |why: String| Violation { path: format!("virtual host {}", host.name), why };
        if !names.insert(host.name.as_str()) {
            return Err(violation("has the name of another".to_owned()));
        }
        if let Some(domain) = host.domains.iter().find(|domain| !domains.insert(domain.to_ascii_lowercase())) {
            return Err(violation(format!("has the domain {domain}, which another has already")));
        }
    }
    Ok(())
}

fn of_chain(chain: &FilterChain) -> Result<(), Violation> {
    let ends = |filter: &Filter| {
        let types = [TcpProxy::full_name(), HttpConnectionManager::full_name(), RedisProxy::full_name()];
        config(filter).is_some_and(|any| types.iter().any(|name| is(any, name)))
    };
    is_last(&chain.filters, ends, |filter| &filter.name)?;
    let managers = chain.filters.iter().filter_map(config).filter(|any| is(any, &HttpConnectionManager::full_name()));
    for manager in managers.filter_map(|any| HttpConnectionManager::decode(&any.value[..]).ok()) {
        is_last(
            &manager.http_filters,
            |filter| match &filter.config_type {
                Some(HttpConfig::TypedConfig(any)) => is(any, &Router::full_name()),
                _ => false,
            },
            |filter| &filter.name,
        )?;
        if let Some(RouteSpecifier::RouteConfig(routes)) = &manager.route_specifier {
            of_routes(routes)?;
        }
    }
    Ok(())
}

fn is_last<T>(filters: &[T], ends: impl Fn(&T) -> bool, name: impl Fn(&T) -> &String) -> Result<(), Violation> {
    let Some((_, before)) = filters.split_last() else { return Ok(()) };
    match before.iter().find(|filter| ends(filter)) {
        None => Ok(()),
        Some(early) => Err(Violation {
            path: format!("filter {}", name(early)),
            why: "ends its chain, and must be the last filter of it".to_owned(),
        }),
    }
}

fn config(filter: &Filter) -> Option<&Any> {
    match &filter.config_type {
        Some(ConfigType::TypedConfig(any)) => Some(any),
        _ => None,
    }
}

fn is(any: &Any, name: &str) -> bool {
    any.type_url.rsplit('/').next() == Some(name)
}
