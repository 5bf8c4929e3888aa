//! Patches of listeners and their own filters (istio `listener_patch.go`).

use envoy_types::pb::envoy::config::core::v3::address::Address;
use envoy_types::pb::envoy::config::core::v3::socket_address::PortSpecifier;
use envoy_types::pb::envoy::config::listener::v3::listener_filter::ConfigType;
use envoy_types::pb::envoy::config::listener::v3::{Listener, ListenerFilter};

use crate::api::envoy_filter::{ApplyTo, ListenerMatch, ObjectMatch, Operation};
use crate::model::facts::Patch;

use super::edit::edit;
use super::merge::{keeps_name, merge, merge_any, value};
use super::run::Run;
use super::{chain, http};

pub(super) fn patch(run: &Run<'_>, mut listener: Listener) -> Option<Listener> {
    http::patch_own_routes(run, &mut listener);
    for (at, patch) in run.of(ApplyTo::Listener) {
        if !matches(&listener, patch) {
            continue;
        }
        match patch.operation {
            Operation::Remove => return None,
            operation if operation.is_merge() => {
                let name: Listener = value(patch).unwrap_or_default();
                let outcome = keeps_name(&listener.name, &name.name).and_then(|()| merge(&mut listener, patch));
                run.settle(at, outcome);
            }
            _ => {}
        }
    }
    patch_filters(run, &mut listener);
    chain::patch(run, &mut listener);
    Some(listener)
}

fn patch_filters(run: &Run<'_>, listener: &mut Listener) {
    for (at, patch) in run.of(ApplyTo::ListenerFilter) {
        if !matches(listener, patch) {
            continue;
        }
        let name = wanted(patch).map(|w| &*w.listener_filter).filter(|name| !name.is_empty());
        let is_it = |filter: &ListenerFilter| name.is_some_and(|name| filter.name == *name);
        let filters = &mut listener.listener_filters;
        if patch.operation == Operation::Merge {
            filters.iter_mut().filter(|f| is_it(f)).for_each(|f| run.settle(at, merge_filter(f, patch)));
        } else {
            let matches: Option<&dyn Fn(&ListenerFilter) -> bool> = name.is_some().then_some(&is_it);
            edit(filters, patch.operation, matches, || value(patch));
        }
    }
}

fn merge_filter(into: &mut ListenerFilter, patch: &Patch) -> Result<(), String> {
    let from: ListenerFilter = value(patch).unwrap_or_default();
    match (&mut into.config_type, &from.config_type) {
        (Some(ConfigType::TypedConfig(into)), Some(ConfigType::TypedConfig(from))) => merge_any(into, from),
        _ => Ok(()),
    }
}

/// What a patch says of listeners.
pub(super) fn wanted(patch: &Patch) -> Option<&ListenerMatch> {
    match patch.object() {
        Some(ObjectMatch::Listener(wanted)) => Some(wanted),
        _ => None,
    }
}

/// Whether a listener takes what is captured, whatever the port; ports are looked for in its chains.
pub(super) fn is_virtual(listener: &Listener) -> bool {
    listener.name == "virtualInbound" || listener.name == "virtualOutbound"
}

pub(super) fn matches(listener: &Listener, patch: &Patch) -> bool {
    let Some(wanted) = wanted(patch) else { return true };
    if !wanted.name.is_empty() && listener.name != *wanted.name {
        return false;
    }
    let anywhere = patch.apply_to != ApplyTo::Listener && is_virtual(listener);
    anywhere || wanted.port_number == 0 || port(listener) == Some(wanted.port_number)
}

fn port(listener: &Listener) -> Option<u32> {
    match listener.address.as_ref()?.address.as_ref()? {
        Address::SocketAddress(socket) => match socket.port_specifier.as_ref()? {
            PortSpecifier::PortValue(port) => Some(*port),
            PortSpecifier::NamedPort(_) => None,
        },
        _ => None,
    }
}
