//! Patches of the filters of HTTP connection managers, and of the routes that they hold themselves.

use envoy_types::pb::envoy::config::listener::v3::filter::ConfigType;
use envoy_types::pb::envoy::config::listener::v3::{Filter, FilterChain, Listener};
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::http_connection_manager::RouteSpecifier;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::http_filter::ConfigType as HttpConfig;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::{
    HttpConnectionManager, HttpFilter,
};
use envoy_types::pb::google::protobuf::Any;
use prost::{Message, Name};

use crate::api::envoy_filter::{ApplyTo, Operation, PatchContext};
use crate::model::facts::Patch;

use super::chain::{filter_match, is_for};
use super::edit::edit;
use super::merge::{merge_any, value};
use super::route;
use super::run::Run;

/// The name under which connection managers are known.
pub(super) const NAME: &str = "envoy.filters.network.http_connection_manager";

/// The connection manager of a filter, if it is one.
fn manager(filter: &mut Filter) -> Option<(&mut Any, HttpConnectionManager)> {
    let Some(ConfigType::TypedConfig(config)) = &mut filter.config_type else { return None };
    if !config.type_url.ends_with(&HttpConnectionManager::full_name()) {
        return None;
    }
    let manager = HttpConnectionManager::decode(&config.value[..]).ok()?;
    Some((config, manager))
}

/// Patches the filters of a connection manager.
pub(super) fn patch(run: &Run<'_>, listener: &Listener, chain: &FilterChain, filter: &mut Filter) {
    let all = run.of(ApplyTo::HttpFilter);
    let patches: Vec<(usize, &Patch)> = all.filter(|(_, p)| is_for(listener, chain, filter, p)).collect();
    if patches.is_empty() {
        return;
    }
    let Some((config, mut manager)) = manager(filter) else { return };
    for (_, patch) in &patches {
        let name = wanted(patch);
        let is_it = |filter: &HttpFilter| name.is_none_or(|name| filter.name == name);
        let matches: Option<&dyn Fn(&HttpFilter) -> bool> = name.is_some().then_some(&is_it);
        edit(&mut manager.http_filters, patch.operation, matches, || value(patch));
    }
    for filter in &mut manager.http_filters {
        for (at, patch) in patches.iter().filter(|(_, p)| p.operation == Operation::Merge) {
            if wanted(patch).is_none_or(|name| filter.name == name) {
                run.settle(*at, merge_filter(filter, patch));
            }
        }
    }
    config.value = manager.encode_to_vec();
}

/// The name of the filters that a patch is for.
fn wanted<'p>(patch: &&'p Patch) -> Option<&'p str> {
    filter_match(patch)?.sub_filter.as_ref().map(|sub| &*sub.name)
}

fn merge_filter(into: &mut HttpFilter, patch: &Patch) -> Result<(), String> {
    let from: HttpFilter = value(patch).unwrap_or_default();
    let Some(HttpConfig::TypedConfig(there)) = &mut into.config_type else { return Ok(()) };
    if let Some(HttpConfig::TypedConfig(new)) = &from.config_type {
        merge_any(there, new)?;
    }
    if !from.name.is_empty() {
        into.name = from.name;
    }
    Ok(())
}

/// Patches the routes of calls in, which their listener holds itself. istiod does so when it builds them, before any
/// patch of the listener.
pub(super) fn patch_own_routes(run: &Run<'_>, listener: &mut Listener) {
    let sorts = [ApplyTo::RouteConfiguration, ApplyTo::VirtualHost, ApplyTo::HttpRoute];
    if run.context() != PatchContext::SidecarInbound || !sorts.into_iter().any(|sort| run.has(sort)) {
        return;
    }
    let chains = listener.filter_chains.iter_mut().chain(&mut listener.default_filter_chain);
    for filter in chains.flat_map(|chain| &mut chain.filters).filter(|filter| filter.name == NAME) {
        let Some((config, mut manager)) = manager(filter) else { continue };
        if let Some(RouteSpecifier::RouteConfig(routes)) = manager.route_specifier.take() {
            manager.route_specifier = Some(RouteSpecifier::RouteConfig(route::patch(run, routes)));
            config.value = manager.encode_to_vec();
        }
    }
}
