//! VirtualService.

mod action;
mod http;
mod layer4;
mod unreachable;

use super::at::At;
use super::label::Nobody;
use super::name::{is_ip, is_label};
use crate::api::virtual_service::{Destination, VirtualService};
use crate::base::{Host, Namespace, Str};

/// The gateway that stands for all sidecars.
const MESH: &str = "mesh";

pub(super) fn virtual_service(service: &VirtualService, namespace: &Namespace, at: &At<'_>) {
    let delegate = service.hosts.is_empty();
    if delegate {
        let text = "must not be set in a VirtualService without hosts, which others delegate to";
        at.field("gateways").require(service.gateways.is_empty(), text);
        at.field("tls").require(service.tls.is_empty(), text);
        at.field("tcp").require(service.tcp.is_empty(), text);
    }
    at.field("gateways").gateways(&service.gateways);
    hosts(service, at);
    let routed = !service.http.is_empty() || !service.tls.is_empty() || !service.tcp.is_empty();
    at.require(routed, "must have at least one of http, tls and tcp");
    let claims = if for_gateways_only(service) { http::Claims::Allowed } else { http::Claims::Refused };
    at.field("http").each(&service.http, |route, at| http::route(route, delegate, claims, at));
    at.field("tls").each(&service.tls, |route, at| layer4::tls_route(route, service, at));
    at.field("tcp").each(&service.tcp, layer4::tcp_route);
    at.field("exportTo").export_to(&service.export_to, namespace, Nobody::Refused);
    unreachable::routes(service, at);
}

/// Whether sidecars do not use the routes.
fn for_gateways_only(service: &VirtualService) -> bool {
    !service.gateways.is_empty() && !service.gateways.iter().any(|g| g == MESH)
}

fn hosts(service: &VirtualService, at: &At<'_>) {
    let hosts = &at.field("hosts");
    for (index, host) in service.hosts.iter().enumerate() {
        let at = hosts.index(index);
        if host == "*" && !for_gateways_only(service) {
            at.invalid("must not be * for sidecars, only for gateways");
            continue;
        }
        let encoded = for_gateways_only(service) && is_encoded_sni(host);
        if !encoded && !is_ip(host) {
            at.wildcard(host);
        }
        let name = Host::new(host.clone());
        if let Some(other) = service.hosts[..index].iter().find(|other| Host::new((*other).clone()).matches(&name)) {
            at.invalid(format_args!("{host:?} overlaps with {other:?}"));
        }
    }
}

/// Whether this is a name by which one mesh calls the services of another through a gateway:
/// `outbound_.80_._.reviews.shop.global`.
fn is_encoded_sni(name: &str) -> bool {
    let mut parts = name.split('_');
    let trimmed = |part: Option<&str>| part.map(|p| p.trim_matches('.').to_owned()).unwrap_or_default();
    parts.next() == Some("outbound")
        && trimmed(parts.next()).contains(|c: char| c.is_ascii_digit())
        && parts.next().is_some()
        && trimmed(parts.next()).contains(|c: char| c.is_ascii_alphabetic())
}

impl At<'_> {
    /// Names of gateways: `mesh`, a name, or `namespace/name`.
    fn gateways(&self, gateways: &[Str]) {
        self.each(gateways, |gateway, at| match gateway.split_once('/') {
            Some((namespace, name)) => {
                let valid = is_label(namespace) && is_label(name);
                at.require(valid, format_args!("must be the namespace and name of a Gateway, found {gateway:?}"));
            }
            None => {
                at.fqdn(gateway);
                if let [name, namespace, _, ..] = gateway.split('.').collect::<Vec<_>>()[..] {
                    at.deprecated(format_args!("{gateway:?} is written {namespace}/{name} today"));
                }
            }
        });
    }

    /// A host to which calls are sent.
    fn destination(&self, destination: &Destination) {
        let host = self.field("host");
        if destination.host == "*" {
            host.invalid("must not be *");
        } else {
            host.wildcard(&destination.host);
        }
        if !destination.subset.is_empty() {
            self.field("subset").label(&destination.subset);
        }
        self.field("port").port_selector(destination.port);
    }

    /// The weights of several destinations, at least one of which must get something.
    fn weights(&self, weights: impl Iterator<Item = i32>) {
        let (mut number, mut sum) = (0, 0);
        for weight in weights {
            self.index(number).field("weight").count(weight);
            number += 1;
            sum += i64::from(weight);
        }
        self.require(number < 2 || sum != 0, "must not all have the weight 0");
        self.require(sum <= i64::from(u32::MAX), format_args!("must have weights of at most {} together", u32::MAX));
    }
}
