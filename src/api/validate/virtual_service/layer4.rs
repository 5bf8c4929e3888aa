//! Routes of connections.

use crate::api::validate::at::At;
use crate::api::validate::name::is_ip;
use crate::api::virtual_service::{TcpMatch, TcpRoute, TlsMatch, TlsRoute, VirtualService, WeightedDestination};
use crate::base::Host;

use super::{for_gateways_only, is_encoded_sni};

pub(super) fn tls_route(route: &TlsRoute, service: &VirtualService, at: &At<'_>) {
    at.field("match").require(!route.r#match.is_empty(), "must not be empty");
    at.field("match").each(&route.r#match, |m, at| tls_match(m, service, at));
    at.field("route").connections(&route.route);
}

pub(super) fn tcp_route(route: &TcpRoute, at: &At<'_>) {
    at.field("match").each(&route.r#match, tcp_match);
    at.field("route").connections(&route.route);
}

fn tls_match(condition: &TlsMatch, service: &VirtualService, at: &At<'_>) {
    let names = at.field("sniHosts");
    names.require(!condition.sni_hosts.is_empty(), "must not be empty");
    names.each(&condition.sni_hosts, |name, at| sni_host(name, service, at));
    at.field("destinationSubnets").each(&condition.destination_subnets, |subnet, at| at.subnet(subnet));
    at.field("port").optional_port(condition.port);
    at.field("sourceLabels").labels(&condition.source_labels);
    at.field("gateways").gateways(&condition.gateways);
}

/// A name in the ClientHello, which must belong to the object's hosts.
fn sni_host(name: &str, service: &VirtualService, at: &At<'_>) {
    if is_ip(name) {
        at.ineffective(format_args!("{name:?} is an address, which clients do not send as the name of a server"));
        return;
    }
    if !(for_gateways_only(service) && is_encoded_sni(name)) {
        at.wildcard(name);
    }
    let sni = Host::from(name);
    let covered = service.hosts.iter().any(|host| Host::new(host.clone()).covers(&sni));
    at.require(covered, format_args!("must be covered by the hosts of the object, found {name:?}"));
}

fn tcp_match(condition: &TcpMatch, at: &At<'_>) {
    at.field("destinationSubnets").each(&condition.destination_subnets, |subnet, at| at.subnet(subnet));
    at.field("port").optional_port(condition.port);
    at.field("sourceLabels").labels(&condition.source_labels);
    at.field("gateways").gateways(&condition.gateways);
    if !condition.source_subnet.is_empty() {
        at.field("sourceSubnet").ineffective("is ignored");
    }
}

impl At<'_> {
    /// The destinations of connections.
    fn connections(&self, destinations: &[WeightedDestination]) {
        self.require(!destinations.is_empty(), "must not be empty");
        self.each(destinations, |d, at| at.field("destination").destination(&d.destination));
        self.weights(destinations.iter().map(|d| d.weight));
    }
}
