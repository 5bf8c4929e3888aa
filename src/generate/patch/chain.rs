//! Patches of the chains of listeners and of the filters in them (istio `listener_patch.go`).

use envoy_types::pb::envoy::config::listener::v3::filter::ConfigType;
use envoy_types::pb::envoy::config::listener::v3::{Filter, FilterChain, Listener};

use crate::api::envoy_filter::{ApplyTo, FilterMatch, Operation};
use crate::model::facts::Patch;

use super::cluster::merge_socket;
use super::edit::edit;
use super::listener::{is_virtual, matches as listener_matches, wanted};
use super::merge::{merge, merge_any, value};
use super::run::Run;
use super::{http, listener};

/// The listener whose chains are patched, without them.
type Around = Listener;

pub(super) fn patch(run: &Run<'_>, listener: &mut Listener) {
    let sorts = [ApplyTo::FilterChain, ApplyTo::NetworkFilter, ApplyTo::HttpFilter];
    if !sorts.into_iter().any(|sort| run.has(sort)) {
        return;
    }
    let chains = std::mem::take(&mut listener.filter_chains);
    let last = listener.default_filter_chain.take();
    let one = |chain: FilterChain| if chain.filters.is_empty() { Some(chain) } else { patch_one(run, listener, chain) };
    let chains: Vec<FilterChain> = chains.into_iter().filter_map(one).collect();
    let last = last.and_then(one);
    listener.filter_chains = chains;
    listener.default_filter_chain = last;
    for (_, patch) in run.of(ApplyTo::FilterChain) {
        if patch.operation == Operation::Add && listener_matches(listener, patch) {
            listener.filter_chains.extend(value::<FilterChain>(patch));
        }
    }
}

fn patch_one(run: &Run<'_>, listener: &Around, mut chain: FilterChain) -> Option<FilterChain> {
    for (at, patch) in run.of(ApplyTo::FilterChain) {
        if !listener_matches(listener, patch) || !matches(listener, &chain, patch) {
            continue;
        }
        match patch.operation {
            Operation::Remove => return None,
            operation if operation.is_merge() => run.settle(at, merge_chain(&mut chain, patch)),
            _ => {}
        }
    }
    patch_filters(run, listener, &mut chain);
    // A chain without filters is one that was taken out.
    (!chain.filters.is_empty()).then_some(chain)
}

/// A value with the transport socket that is there already speaks of that alone.
fn merge_chain(chain: &mut FilterChain, patch: &Patch) -> Result<(), String> {
    let from: FilterChain = value(patch).unwrap_or_default();
    match (&mut chain.transport_socket, &from.transport_socket) {
        (Some(into), Some(from)) if into.name == from.name => merge_socket(into, from),
        _ => merge(chain, patch),
    }
}

fn patch_filters(run: &Run<'_>, listener: &Around, chain: &mut FilterChain) {
    for (_, patch) in run.of(ApplyTo::NetworkFilter) {
        if listener_matches(listener, patch) && matches(listener, chain, patch) {
            let wanted = filter_match(patch);
            let is_it = |filter: &Filter| wanted.is_none_or(|wanted| filter.name == *wanted.name);
            let matches: Option<&dyn Fn(&Filter) -> bool> = wanted.is_some().then_some(&is_it);
            edit(&mut chain.filters, patch.operation, matches, || value(patch));
        }
    }
    let mut filters = std::mem::take(&mut chain.filters);
    for filter in &mut filters {
        patch_filter(run, listener, chain, filter);
    }
    chain.filters = filters;
}

fn patch_filter(run: &Run<'_>, listener: &Around, chain: &FilterChain, filter: &mut Filter) {
    for (at, patch) in run.of(ApplyTo::NetworkFilter).filter(|(_, p)| p.operation == Operation::Merge) {
        if is_for(listener, chain, filter, patch) {
            run.settle(at, merge_filter(filter, patch));
        }
    }
    if filter.name == http::NAME {
        http::patch(run, listener, chain, filter);
    }
}

fn merge_filter(into: &mut Filter, patch: &Patch) -> Result<(), String> {
    let from: Filter = value(patch).unwrap_or_default();
    let Some(ConfigType::TypedConfig(there)) = &mut into.config_type else { return Ok(()) };
    if let Some(ConfigType::TypedConfig(new)) = &from.config_type {
        merge_any(there, new)?;
    }
    if !from.name.is_empty() {
        into.name = from.name;
    }
    Ok(())
}

/// Whether a patch is for a filter of a chain, or for what is in it.
pub(super) fn is_for(listener: &Around, chain: &FilterChain, filter: &Filter, patch: &Patch) -> bool {
    listener_matches(listener, patch)
        && matches(listener, chain, patch)
        && filter_match(patch).is_none_or(|wanted| filter.name == *wanted.name)
}

/// What a patch says of filters.
pub(super) fn filter_match(patch: &Patch) -> Option<&FilterMatch> {
    listener::wanted(patch)?.filter_chain.as_ref()?.filter.as_ref()
}

/// Whether a patch is for a chain of a listener that it is for. Of listeners that take what is captured, the port is
/// that which the chain takes.
fn matches(listener: &Around, chain: &FilterChain, patch: &Patch) -> bool {
    let Some(wanted) = wanted(patch) else { return true };
    let takes = chain.filter_chain_match.as_ref();
    let port = takes.and_then(|m| m.destination_port).map(|p| p.value);
    if is_virtual(listener) && wanted.port_number != 0 && port != Some(wanted.port_number) {
        return false;
    }
    let Some(wanted) = &wanted.filter_chain else { return true };
    let one_of = |all: Option<&Vec<String>>, one: &str| all.is_some_and(|all| all.iter().any(|p| p == one));
    let protocols = takes.map(|m| &m.application_protocols);
    (wanted.name.is_empty() || chain.name == *wanted.name)
        && (wanted.sni.is_empty() || one_of(takes.map(|m| &m.server_names), &wanted.sni))
        && (wanted.transport_protocol.is_empty()
            || takes.is_some_and(|m| m.transport_protocol == *wanted.transport_protocol))
        && (wanted.application_protocols.is_empty()
            || wanted.application_protocols.split(',').all(|protocol| one_of(protocols, protocol)))
        && (wanted.destination_port == 0 || port == Some(wanted.destination_port))
}
