//! Patches of virtual hosts and of the routes in them.

use envoy_types::pb::envoy::config::route::v3::route::Action;
use envoy_types::pb::envoy::config::route::v3::{Route, VirtualHost};

use crate::api::envoy_filter::{ApplyTo, Operation, RouteAction, RouteMatch, VirtualHostMatch};
use crate::generate::patch::edit::edit;
use crate::generate::patch::merge::{merge, value};
use crate::generate::patch::run::Run;
use crate::model::facts::Patch;

use super::{matches as configuration_matches, wanted};

/// Patches a virtual host; none if it is taken out.
pub(super) fn patch(run: &Run<'_>, configuration: &str, mut host: VirtualHost) -> Option<VirtualHost> {
    for (at, patch) in run.of(ApplyTo::VirtualHost) {
        if !is_for(run, configuration, &host, patch) {
            continue;
        }
        match patch.operation {
            Operation::Remove => return None,
            Operation::Replace => host = value(patch).unwrap_or(host),
            operation if operation.is_merge() => run.settle(at, merge(&mut host, patch)),
            _ => {}
        }
    }
    patch_routes(run, configuration, &mut host);
    Some(host)
}

/// Whether some patch is for this virtual host, as it was built.
pub(super) fn is_concerned(run: &Run<'_>, configuration: &str, host: &VirtualHost) -> bool {
    let sorts = [ApplyTo::VirtualHost, ApplyTo::HttpRoute];
    let patches = |sort| run.of(sort).filter(move |(_, p)| sort == ApplyTo::HttpRoute || p.operation != Operation::Add);
    sorts.into_iter().flat_map(patches).any(|(_, p)| is_for(run, configuration, host, p))
}

fn patch_routes(run: &Run<'_>, configuration: &str, host: &mut VirtualHost) {
    let all = run.of(ApplyTo::HttpRoute);
    let patches: Vec<(usize, &Patch)> = all.filter(|(_, p)| is_for(run, configuration, host, p)).collect();
    if patches.is_empty() {
        return;
    }
    let routes = std::mem::take(&mut host.routes);
    host.routes = routes.into_iter().filter_map(|route| patch_route(run, &patches, route)).collect();
    for (_, patch) in &patches {
        insert(&mut host.routes, patch);
    }
}

fn patch_route(run: &Run<'_>, patches: &[(usize, &Patch)], mut route: Route) -> Option<Route> {
    for (at, patch) in patches {
        if !route_matches(&route, patch) {
            continue;
        }
        match patch.operation {
            Operation::Remove => return None,
            operation if operation.is_merge() => run.settle(*at, merge(&mut route, patch)),
            _ => {}
        }
    }
    Some(route)
}

/// Puts a new route in its place. To be the first of all, it needs the route that the patch is for to be there.
fn insert(routes: &mut Vec<Route>, patch: &Patch) {
    let is_it = |route: &Route| route_matches(route, patch);
    let matches: Option<&dyn Fn(&Route) -> bool> = route_match(patch).is_some().then_some(&is_it);
    match patch.operation {
        Operation::Remove | Operation::Replace => {}
        Operation::InsertFirst if matches.is_some() && !routes.iter().any(is_it) => {}
        operation => edit(routes, operation, matches, || value(patch)),
    }
}

fn host_match(patch: &Patch) -> Option<&VirtualHostMatch> {
    wanted(patch)?.vhost.as_ref()
}

fn route_match(patch: &Patch) -> Option<&RouteMatch> {
    host_match(patch)?.route.as_ref()
}

fn is_for(run: &Run<'_>, configuration: &str, host: &VirtualHost, patch: &Patch) -> bool {
    let is_host = |wanted: &VirtualHostMatch| {
        (wanted.name.is_empty() || host.name == *wanted.name)
            && (wanted.domain_name.is_empty() || host.domains.iter().any(|d| *d == *wanted.domain_name))
    };
    configuration_matches(run.set, run.context(), configuration, patch) && host_match(patch).is_none_or(is_host)
}

fn route_matches(route: &Route, patch: &Patch) -> bool {
    let Some(wanted) = route_match(patch) else { return true };
    let does = match &route.action {
        Some(Action::Route(_)) => Some(RouteAction::Route),
        Some(Action::Redirect(_)) => Some(RouteAction::Redirect),
        Some(Action::DirectResponse(_)) => Some(RouteAction::DirectResponse),
        _ => None,
    };
    (wanted.name.is_empty() || route.name == *wanted.name)
        && (wanted.action == RouteAction::Any || does.is_none_or(|does| does == wanted.action))
}
