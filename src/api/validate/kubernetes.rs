//! Kubernetes' own kinds. The API server checks far more; from files only what could do harm later is looked at.

use super::at::At;
use super::name::is_ip;
use crate::api::endpoint_slice::EndpointSlice;
use crate::api::pod::Pod;
use crate::api::report::Report;
use crate::api::service::{Service, TargetPort, Type};

pub(super) fn service(service: &Service, at: &At<'_>) {
    at.field("clusterIPs").each(&service.cluster_ips, |ip, at| {
        at.require(ip == "None" || is_ip(ip), format_args!("must be an IP address or None, found {ip:?}"));
    });
    at.field("externalIPs").each(&service.external_ips, |ip, at| at.ip(ip));
    at.field("selector").labels(&service.selector);
    if service.r#type == Type::ExternalName {
        at.field("externalName").fqdn(&service.external_name);
    }
    let ports = &at.field("ports");
    ports.each(&service.ports, |port, at| {
        at.field("port").port(port.port);
        at.field("nodePort").optional_port(port.node_port);
        if let TargetPort::Number(number) = port.target_port {
            at.field("targetPort").port(number);
        }
        if !port.name.is_empty() {
            at.field("name").label(&port.name);
        } else if service.ports.len() > 1 {
            at.field("name").invalid("must be set where a service has several ports");
        }
    });
    for (index, port) in service.ports.iter().enumerate() {
        let before = &service.ports[..index];
        let at = ports.index(index);
        if before.iter().any(|p| p.name == port.name && !port.name.is_empty()) {
            at.field("name").invalid(format_args!("names {:?} a second time", port.name));
        }
        if before.iter().any(|p| (p.port, p.protocol) == (port.port, port.protocol)) {
            at.field("port").invalid(format_args!("is {} a second time", port.port));
        }
    }
}

pub(super) fn endpoint_slice(slice: &EndpointSlice, at: &At<'_>) {
    let address_type = slice.address_type.as_str();
    if !["IPv4", "IPv6", "FQDN"].contains(&address_type) {
        at.field("addressType").invalid(format_args!("must be one of IPv4, IPv6, FQDN, found {address_type:?}"));
        return;
    }
    at.field("endpoints").each(&slice.endpoints, |endpoint, at| {
        let addresses = at.field("addresses");
        addresses.require(!endpoint.addresses.is_empty(), "must not be empty");
        addresses.each(&endpoint.addresses, |address, at| match address_type {
            "FQDN" => at.fqdn(address),
            _ => {
                let valid = is_ip(address) && address.contains(':') == (address_type == "IPv6");
                at.require(valid, format_args!("must be an {address_type} address, found {address:?}"));
            }
        });
    });
    at.field("ports").each(&slice.ports, |port, at| at.field("port").optional_port(port.port.unwrap_or_default()));
}

pub(super) fn pod(pod: &Pod, report: &Report) {
    let status = At::new("status", report);
    status.field("podIPs").each(&pod.ips, |ip, at| at.ip(ip));
    let spec = At::new("spec", report);
    spec.field("containers").each(&pod.containers, |container, at| {
        at.field("ports").each(&container.ports, |port, at| at.field("containerPort").port(port.container_port));
    });
}
