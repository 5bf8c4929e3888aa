//! Patches of route configurations (istio `rc_patch.go`).

mod host;
mod rope;

pub use rope::patched_routes;

use std::collections::BTreeSet;

use envoy_types::pb::envoy::config::route::v3::{RouteConfiguration, VirtualHost};

use crate::api::envoy_filter::{ApplyTo, ObjectMatch, Operation, PatchContext, RouteConfigurationMatch};
use crate::base::Str;
use crate::model::facts::{Patch, PatchSet, RouteName};
use crate::wire::Finished;

use super::cluster::Said;
use super::demand;
use super::merge::{keeps_name, merge, value};
use super::run::{self, Run};

/// A whole route configuration as patches make it.
pub(super) fn patched(
    set: &PatchSet,
    context: PatchContext,
    name: &Str,
    original: &RouteConfiguration,
) -> Option<Finished> {
    let apply = |run: &Run<'_>, routes| Some(patch(run, routes));
    run::settle_under(set, context, name, original, apply, demand::of_routes)
}

/// Applies all patches to a route configuration.
pub(super) fn patch(run: &Run<'_>, routes: RouteConfiguration) -> RouteConfiguration {
    let mut routes = patch_head(run, routes);
    let name = routes.name.clone();
    let hosts = std::mem::take(&mut routes.virtual_hosts);
    routes.virtual_hosts = hosts.into_iter().filter_map(|host| host::patch(run, &name, host)).collect();
    let added = added_hosts(run, &name, || routes.virtual_hosts.clone());
    routes.virtual_hosts.extend(added);
    routes
}

/// Patches a route configuration, but for its virtual hosts.
fn patch_head(run: &Run<'_>, mut routes: RouteConfiguration) -> RouteConfiguration {
    for (at, patch) in run.of(ApplyTo::RouteConfiguration) {
        if patch.operation.is_merge() && matches(run.set, run.context(), &routes.name, patch) {
            let from: RouteConfiguration = value(patch).unwrap_or_default();
            run.settle(at, keeps_name(&routes.name, &from.name).and_then(|()| merge(&mut routes, patch)));
        }
    }
    routes
}

/// The virtual hosts that patches add to a route configuration. Envoy would refuse the whole of it if one of them had
/// the name or a domain of another.
fn added_hosts(run: &Run<'_>, name: &str, there: impl FnOnce() -> Vec<VirtualHost>) -> Vec<VirtualHost> {
    let patches = run.of(ApplyTo::VirtualHost).filter(|(_, p)| p.operation == Operation::Add);
    let here: Vec<_> = patches.filter(|(_, p)| matches(run.set, run.context(), name, p)).collect();
    if here.is_empty() {
        return Vec::new();
    }
    let (mut names, mut domains) = (BTreeSet::new(), BTreeSet::new());
    for host in there() {
        domains.extend(host.domains.iter().map(|domain| domain.to_ascii_lowercase()));
        names.insert(host.name);
    }
    let mut added = Vec::new();
    for (at, patch) in here {
        let Some(host) = value::<VirtualHost>(patch) else { continue };
        let taken = host.domains.iter().map(|domain| domain.to_ascii_lowercase()).find(|d| domains.contains(d));
        if let Some(domain) = taken {
            run.refuse(at, format!("another virtual host of {name} has the domain {domain} already"));
        } else if !names.insert(host.name.clone()) {
            run.refuse(at, format!("another virtual host of {name} is called {} already", host.name));
        } else {
            domains.extend(host.domains.iter().map(|domain| domain.to_ascii_lowercase()));
            added.push(host);
        }
    }
    added
}

/// What a patch says of route configurations.
fn wanted(patch: &Patch) -> Option<&RouteConfigurationMatch> {
    match patch.object() {
        Some(ObjectMatch::RouteConfiguration(wanted)) => Some(wanted),
        _ => None,
    }
}

/// Whether a patch is for a route configuration. Of gateways, the port is that of a server behind it.
fn matches(set: &PatchSet, context: PatchContext, name: &str, patch: &Patch) -> bool {
    let Some(wanted) = wanted(patch) else { return true };
    if !wanted.name.is_empty() && name != &*wanted.name {
        return false;
    }
    if context != PatchContext::Gateway {
        let inbound = name.starts_with("inbound");
        let port = if inbound { Said::of(name).port } else { name.parse().unwrap_or_default() };
        return wanted.port_number == 0 || wanted.port_number == port;
    }
    let said = RouteName::parse(name);
    let is_port = |wanted: u32| match set.ports.iter().find(|(port, _)| *port == said.port) {
        Some((_, servers)) => servers.iter().any(|port| u32::from(*port) == wanted),
        None => u32::from(said.port) == wanted,
    };
    (wanted.port_name.is_empty() || *wanted.port_name == *said.port_name)
        && (wanted.gateway.is_empty() || *wanted.gateway == *said.gateway)
        && (wanted.port_number == 0 || is_port(wanted.port_number))
}
