//! Short names completed, and routes that another VirtualService goes on with.
//!
//! Comes in: a VirtualService as it was written. Goes out: one in which every host is a full name and no route points
//! to another object. Pure functions; which object a delegate is, and who may see it, the caller finds out.

mod merge;

#[cfg(test)]
mod tests;

use crate::api::virtual_service::{Delegate, HttpRoute, VirtualService};
use crate::base::{Host, Namespace, Str};

/// Completes a host as a rule of a namespace writes it: a name without a dot, unless it is a wildcard or an address,
/// is a Kubernetes Service of that namespace (istio `pilot/pkg/model/config.go`, `ResolveShortnameToFQDN`).
pub(in crate::model) fn resolve(host: &str, namespace: &Namespace, domain: &str) -> Host {
    match is_short(host) {
        true => Host::new(format!("{host}.{namespace}.svc.{domain}")),
        false => Host::from(host),
    }
}

fn is_short(host: &str) -> bool {
    // Without dots an address can only be of IPv6.
    !host.is_empty() && !host.contains(['.', ':']) && host != "*"
}

/// A gateway as it is referred to: `mesh`, or `namespace/name` (istio `pilot/pkg/model/config.go`,
/// `resolveGatewayName`).
pub(in crate::model) fn gateway(name: &Str, namespace: &Namespace) -> Str {
    match name.as_str() {
        "mesh" => name.clone(),
        text => match (text.split_once('/'), text.split_once('.')) {
            (Some((".", own)), _) => format!("{namespace}/{own}").into(),
            (Some(_), _) => name.clone(),
            // The old form: name.namespace.svc…
            (None, Some((own, rest))) => format!("{}/{own}", rest.split('.').next().unwrap_or_default()).into(),
            (None, None) => format!("{namespace}/{text}").into(),
        },
    }
}

/// Completes the hosts of all destinations, and the gateways of all conditions (istio
/// `pilot/pkg/model/virtualservice.go`, `ResolveVirtualServiceShortnames`). Destinations keep upper case, as istiod
/// names clusters by what is written.
pub(super) fn complete(rule: &mut VirtualService, namespace: &Namespace, domain: &str) {
    let host = |host: &mut Str| {
        if is_short(host) {
            *host = format!("{host}.{namespace}.svc.{domain}").into();
        }
    };
    let gateways = |all: &mut Vec<Str>| all.iter_mut().for_each(|g| *g = gateway(g, namespace));
    for route in &mut rule.http {
        route.r#match.iter_mut().for_each(|m| gateways(&mut m.gateways));
        let mirrors = route.mirror.iter_mut().chain(route.mirrors.iter_mut().map(|m| &mut m.destination));
        route.route.iter_mut().map(|r| &mut r.destination).chain(mirrors).for_each(|d| host(&mut d.host));
    }
    for route in &mut rule.tcp {
        route.r#match.iter_mut().for_each(|m| gateways(&mut m.gateways));
        route.route.iter_mut().for_each(|r| host(&mut r.destination.host));
    }
    for route in &mut rule.tls {
        route.r#match.iter_mut().for_each(|m| gateways(&mut m.gateways));
        route.route.iter_mut().for_each(|r| host(&mut r.destination.host));
    }
}

/// Why a route, or part of it, is not in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::model) struct Dropped {
    /// The field of the root, `spec.http[1].delegate`.
    pub(in crate::model) field: Str,
    /// A sentence about it.
    pub(in crate::model) text: Str,
}

/// Puts the routes of delegates in the place of those that point to them. A delegate that is not found costs its route
/// alone, and a delegate's route that would widen its root is left out (istio
/// `pilot/pkg/model/virtualservice_controller.go`, `mergeVirtualServices`).
///
/// `find` gives the completed routes of a delegate, or says in a sentence why there are none.
pub(super) fn merge(
    root: Vec<HttpRoute>,
    mut find: impl FnMut(&Delegate) -> Result<Vec<HttpRoute>, Str>,
) -> (Vec<HttpRoute>, Vec<Dropped>) {
    let (mut out, mut dropped) = (Vec::with_capacity(root.len()), Vec::new());
    for (i, mut route) in root.into_iter().enumerate() {
        let Some(delegate) = route.delegate.take() else {
            out.push(route);
            continue;
        };
        let mut drop = |text: Str| dropped.push(Dropped { field: format!("spec.http[{i}].delegate").into(), text });
        let leaves = find(&delegate).unwrap_or_else(|why| {
            drop(why);
            Vec::new()
        });
        for (j, leaf) in leaves.into_iter().enumerate() {
            match merge::route(&route, leaf) {
                Some(merged) => out.push(merged),
                None => drop(
                    format!(
                        "route {j} of the delegate {} matches calls that this route does not; it is left out",
                        delegate.name
                    )
                    .into(),
                ),
            }
        }
    }
    (out, dropped)
}
