//! WorkloadEntry, and the endpoints of a ServiceEntry.

use super::at::At;
use super::name::{is_fqdn, is_ip};
use crate::api::workload_entry::Workload;

pub(super) fn workload_entry(workload: &Workload, at: &At<'_>) {
    let address = at.field("address");
    if workload.address.is_empty() {
        if workload.network.is_empty() {
            address.invalid("must be set, unless there is a network");
        }
    } else if workload.address.starts_with("unix://") {
        unix(workload, at);
    } else {
        address.fqdn_or_ip(&workload.address);
    }
    ports_and_labels(workload, at);
}

/// Checks a path that begins with `unix://`, and that it stands alone.
fn unix(workload: &Workload, at: &At<'_>) {
    at.field("address").socket_path(workload.address.trim_start_matches("unix://"));
    at.field("ports").require(workload.ports.is_empty(), "must not be set for a Unix socket");
}

/// Checks an endpoint of a ServiceEntry with addresses that are written down.
pub(super) fn static_endpoint(workload: &Workload, service_ports: &[&str], at: &At<'_>) {
    let address = workload.address.as_str();
    if !address.is_empty() && !address.starts_with("unix://") && !is_ip(address) {
        let text = format!("must be an IP address or unix:// and a path with resolution STATIC, found {address:?}");
        let hint = if is_fqdn(address) { " (resolution DNS takes names)" } else { "" };
        at.field("address").invalid(format_args!("{text}{hint}"));
        ports_and_labels(workload, at);
    } else {
        workload_entry(workload, at);
    }
    let unix = address.starts_with("unix://") && service_ports.len() != 1;
    at.field("address").require(!unix, "may be a Unix socket only where the service has exactly one port");
    known_ports(workload, service_ports, at);
}

/// Checks an endpoint of a ServiceEntry with names to resolve.
pub(super) fn dns_endpoint(workload: &Workload, service_ports: &[&str], at: &At<'_>) {
    at.field("address").fqdn_or_ip(&workload.address);
    ports_and_labels(workload, at);
    known_ports(workload, service_ports, at);
}

fn known_ports(workload: &Workload, service_ports: &[&str], at: &At<'_>) {
    at.field("ports").entries(&workload.ports, |name, _, at| {
        at.require(service_ports.contains(&name), "must be named like a port of the service");
    });
}

fn ports_and_labels(workload: &Workload, at: &At<'_>) {
    at.field("ports").entries(&workload.ports, |name, port, at| {
        at.label(name);
        at.port(*port);
    });
    at.field("labels").labels(&workload.labels);
    for (name, text, most) in [
        ("network", &workload.network, 2048),
        ("locality", &workload.locality, 2048),
        ("serviceAccount", &workload.service_account, 253),
    ] {
        at.field(name).require(text.len() <= most, format_args!("must have at most {most} letters"));
    }
}
