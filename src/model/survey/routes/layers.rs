//! Whether the services that routes are for speak what the routes are about.

use crate::api::virtual_service::VirtualService;
use crate::model::facts::{Handle, Port, Protocol, Service};
use crate::model::survey::destinations::port_numbers;
use crate::model::survey::known::Known;
use crate::model::survey::notes::Notes;

use super::MESH;

/// Rules of HTTP for hosts without a port of HTTP, and the like, and conditions on ports that no host has. Where the
/// routes are for gateways, or some host is no service, nothing can be said.
pub(super) fn layers(spec: &VirtualService, known: &Known<'_>, notes: &mut Notes<'_>) {
    if spec.gateways.iter().any(|g| g != MESH) || spec.hosts.is_empty() {
        return;
    }
    let mut services: Vec<&Handle<Service>> = Vec::new();
    for (at, host) in spec.hosts.iter().enumerate() {
        let host = known.resolve(host, notes.namespace());
        let definitions = known.definitions(&host);
        if definitions.is_empty() {
            if !host.is_wildcard() {
                let hint = known.hint(&host);
                let text = format!(
                    "no service has the host {host}{hint}; sidecars use these routes only for HTTP calls that happen to name it"
                );
                notes.info("unregistered-host", format_args!("spec.hosts[{at}]"), text);
            }
            return;
        }
        services.extend(definitions);
    }
    let any = |speaks: fn(Protocol) -> bool| ports(&services).any(|p| speaks(p.protocol));
    let protocols = || {
        let mut all: Vec<&str> = ports(&services).map(|p| p.protocol.as_str()).collect();
        all.sort_unstable();
        all.dedup();
        all.join(", ")
    };
    let rules = [
        ("http", spec.http.len(), "HTTP", any(|p| p.is_http() || p.is_detected())),
        ("tls", spec.tls.len(), "TLS", any(|p| p.is_tls() || p.is_detected())),
        ("tcp", spec.tcp.len(), "TCP", any(|p| p.is_tcp() || p.is_detected())),
    ];
    for (field, number, name, spoken) in rules {
        if number > 0 && !spoken {
            let text = format!(
                "the ports of {} speak {}, and rules for {name} are not used for them; name the ports after what they speak, or write rules of another kind",
                spec.hosts.join(", "),
                protocols()
            );
            notes.warning("other-protocol", format_args!("spec.{field}"), text);
        }
    }
    match_ports(spec, &services, notes);
}

fn match_ports(spec: &VirtualService, services: &[&Handle<Service>], notes: &mut Notes<'_>) {
    let http = spec.http.iter().map(|r| r.r#match.iter().map(|m| m.port).collect()).enumerate();
    let tls = spec.tls.iter().map(|r| r.r#match.iter().map(|m| m.port).collect()).enumerate();
    let tcp = spec.tcp.iter().map(|r| r.r#match.iter().map(|m| m.port).collect()).enumerate();
    let named = |kind, (rule, ports): (usize, Vec<u32>)| (kind, rule, ports);
    let all = http.map(|r| named("http", r)).chain(tls.map(|r| named("tls", r))).chain(tcp.map(|r| named("tcp", r)));
    for (kind, rule, conditions) in all {
        for (m, port) in conditions.into_iter().enumerate().filter(|(_, port)| *port != 0) {
            if !ports(services).any(|p| u32::from(p.number) == port) {
                let text = format!(
                    "none of {} has a port {port}, only {}; the condition never holds",
                    spec.hosts.join(", "),
                    port_numbers(services)
                );
                notes.warning("unknown-port", format_args!("spec.{kind}[{rule}].match[{m}].port"), text);
            }
        }
    }
}

fn ports<'a>(services: &'a [&Handle<Service>]) -> impl Iterator<Item = &'a Port> {
    services.iter().flat_map(|s| &s.ports)
}
