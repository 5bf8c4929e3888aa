//! ServiceEntry.

use super::at::At;
use super::label::Nobody;
use super::name::is_fqdn;
use super::protocol::{Family, family};
use super::workload_entry::{dns_endpoint, static_endpoint};
use crate::api::Meta;
use crate::api::service_entry::{Location, Resolution, ServiceEntry};

pub(super) fn service_entry(entry: &ServiceEntry, meta: &Meta, at: &At<'_>) {
    at.field("workloadSelector").workload_selector(entry.workload_selector.as_ref());
    at.require(
        entry.workload_selector.is_none() || entry.endpoints.is_empty(),
        "may have only one of workloadSelector and endpoints",
    );
    hosts(entry, at);
    at.field("addresses").each(&entry.addresses, |address, at| at.subnet(address));
    ports(entry, at);
    match entry.resolution {
        Resolution::None => none(entry, at),
        Resolution::Static => fixed(entry, at),
        Resolution::Dns | Resolution::DnsRoundRobin => dns(entry, at),
        Resolution::DynamicDns => dynamic(entry, meta, at),
    }
    let has_range = entry.addresses.iter().any(|a| a.contains('/'));
    let takes_range = matches!(entry.resolution, Resolution::None | Resolution::Static);
    at.field("addresses").require(!has_range || takes_range, "may have ranges only with resolution NONE or STATIC");
    shared_ports(entry, meta, at);
    at.field("exportTo").export_to(&entry.export_to, &meta.namespace, Nobody::Allowed);
}

fn hosts(entry: &ServiceEntry, at: &At<'_>) {
    let hosts = at.field("hosts");
    hosts.require(!entry.hosts.is_empty(), "must have at least one host");
    hosts.each(&entry.hosts, |host, at| {
        if host == "*" {
            at.invalid("must not be *");
            return;
        }
        at.wildcard(host);
        let partial = host.starts_with('*') && !host.starts_with("*.");
        if partial && entry.resolution != Resolution::DynamicDns {
            at.ineffective(format_args!(
                "{host:?} has a wildcard for part of a label, which certificates and DNS lack"
            ));
        }
    });
}

fn ports(entry: &ServiceEntry, at: &At<'_>) {
    let ports = &at.field("ports");
    for (index, port) in entry.ports.iter().enumerate() {
        let (before, at) = (&entry.ports[..index], ports.index(index));
        at.field("name").label(&port.name);
        at.field("protocol").protocol(&port.protocol);
        at.field("number").port(port.number);
        at.field("targetPort").optional_port(port.target_port);
        if before.iter().any(|p| p.name == port.name) {
            at.field("name").invalid(format_args!("names {:?} a second time", port.name));
        }
        if before.iter().any(|p| p.number == port.number) {
            at.field("number").invalid(format_args!("is {} a second time", port.number));
        }
    }
}

fn none(entry: &ServiceEntry, at: &At<'_>) {
    at.field("endpoints").require(entry.endpoints.is_empty(), "must not be set with resolution NONE");
    if entry.workload_selector.is_some() {
        at.field("workloadSelector").ineffective("is ignored with resolution NONE");
    }
}

fn port_names(entry: &ServiceEntry) -> Vec<&str> {
    entry.ports.iter().map(|p| p.name.as_str()).collect()
}

fn fixed(entry: &ServiceEntry, at: &At<'_>) {
    let names = port_names(entry);
    at.field("endpoints").each(&entry.endpoints, |endpoint, at| static_endpoint(endpoint, &names, at));
}

fn dns(entry: &ServiceEntry, at: &At<'_>) {
    let resolution = entry.resolution.as_str();
    if entry.endpoints.is_empty() && entry.workload_selector.is_none() {
        at.field("hosts").each(&entry.hosts, |host, at| {
            let text =
                format_args!("must be a DNS name without wildcard with resolution {resolution} and no endpoints");
            at.require(is_fqdn(host), text);
        });
    }
    let one = entry.resolution == Resolution::DnsRoundRobin;
    at.field("endpoints")
        .require(!one || entry.endpoints.len() <= 1, "may have only one with resolution DNS_ROUND_ROBIN");
    let names = port_names(entry);
    at.field("endpoints").each(&entry.endpoints, |endpoint, at| dns_endpoint(endpoint, &names, at));
}

/// Hosts that are resolved when a call comes: all of them are wildcards, and the call must name its host.
fn dynamic(entry: &ServiceEntry, meta: &Meta, at: &At<'_>) {
    at.field("hosts").each(&entry.hosts, |host, at| {
        at.require(host.starts_with('*'), "must begin with a wildcard with resolution DYNAMIC_DNS");
    });
    at.field("addresses").require(entry.addresses.is_empty(), "must not be set with resolution DYNAMIC_DNS");
    at.field("endpoints").require(entry.endpoints.is_empty(), "must not be set with resolution DYNAMIC_DNS");
    at.field("ports").each(&entry.ports, |port, at| {
        let protocol = port.protocol.to_ascii_uppercase();
        let named = ["HTTP", "HTTP2", "GRPC", "TLS"].contains(&protocol.as_str());
        at.field("protocol").require(named, "must be one of HTTP, HTTP2, GRPC, TLS with resolution DYNAMIC_DNS");
    });
    let waypoint = meta.labels.get("istio.io/use-waypoint").is_some_and(|w| !w.is_empty() && *w != "none");
    let inside = entry.location == Location::MeshInternal && waypoint;
    at.field("location").require(!inside, "must not be MESH_INTERNAL with resolution DYNAMIC_DNS and a waypoint");
}

/// Without a name in the protocol, only the address tells several hosts on a port apart; hosts without addresses
/// are given one each.
fn shared_ports(entry: &ServiceEntry, meta: &Meta, at: &At<'_>) {
    let refused =
        meta.labels.get("networking.istio.io/enable-autoallocate-ip").is_some_and(|v| v.eq_ignore_ascii_case("false"));
    let one_address = refused || !entry.addresses.is_empty();
    if !one_address || entry.resolution == Resolution::None || entry.hosts.len() < 2 {
        return;
    }
    at.field("ports").each(&entry.ports, |port, at| {
        if !matches!(family(&port.protocol), Some(Family::Http | Family::Tls)) {
            let text = "several hosts share this port and their addresses, so its protocol must name the host that is \
                        called, as HTTP and TLS do; calls may end at another of the hosts";
            at.field("protocol").risky(text);
        }
    });
}
