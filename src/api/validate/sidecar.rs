//! Sidecar.

use std::collections::BTreeSet;

use super::at::At;
use super::name::is_label;
use super::protocol::{Family, family};
use crate::api::server_tls::ServerTlsMode;
use crate::api::sidecar::{
    CaptureMode, EgressListener, IngressListener, OutboundMode, OutboundTrafficPolicy, Sidecar, SidecarPort,
};
use crate::base::Str;

pub(super) fn sidecar(sidecar: &Sidecar, at: &At<'_>) {
    at.field("workloadSelector").workload_selector(sidecar.workload_selector.as_ref());
    let empty = Sidecar { workload_selector: sidecar.workload_selector.clone(), ..Sidecar::default() };
    at.require(*sidecar != empty, "must have at least one field beside workloadSelector");
    let mut ports = BTreeSet::new();
    for (index, listener) in sidecar.ingress.iter().enumerate() {
        let at = at.field("ingress");
        let at = at.index(index);
        ingress(listener, &at);
        let fresh = listener.port.as_ref().is_none_or(|port| ports.insert(port.number));
        at.field("port").require(fresh, "must not be the port of another listener");
    }
    at.field("inboundConnectionPool").connection_pool(sidecar.inbound_connection_pool.as_deref());
    let mut places = BTreeSet::new();
    for (index, listener) in sidecar.egress.iter().enumerate() {
        let at = at.field("egress");
        let at = at.index(index);
        egress(listener, &at);
        let Some(port) = &listener.port else {
            let last = index + 1 == sidecar.egress.len();
            at.require(last, "has no port, so it takes what is left, and must be the last listener");
            continue;
        };
        let place = if port.number == 0 { (0, listener.bind.clone()) } else { (port.number, Str::default()) };
        at.field("port").require(places.insert(place), "must not be the port of another listener");
    }
    if let Some(policy) = &sidecar.outbound_traffic_policy {
        outbound(policy, &at.field("outboundTrafficPolicy"));
    }
}

fn ingress(listener: &IngressListener, at: &At<'_>) {
    let Some(port) = &listener.port else { return at.field("port").invalid("must be set") };
    sidecar_port(port, &at.field("port"));
    at.field("port").field("number").port(port.number);
    if !listener.bind.is_empty() {
        at.field("bind").ip(&listener.bind);
    }
    default_endpoint(&listener.default_endpoint, &at.field("defaultEndpoint"));
    if let Some(tls) = &listener.tls {
        let at = at.field("tls");
        at.require(family(&port.protocol) == Some(Family::Tls), "is for ports with the protocol HTTPS or TLS");
        at.field("subjectAltNames").require(tls.subject_alt_names.is_empty(), "is not supported in a Sidecar");
        at.field("httpsRedirect").require(!tls.https_redirect, "is not supported in a Sidecar");
        at.field("credentialName").require(tls.credential_name.is_empty(), "is not supported in a Sidecar");
        at.field("credentialNames").require(tls.credential_names.is_empty(), "is not supported in a Sidecar");
        at.field("tlsCertificates").require(tls.tls_certificates.is_empty(), "is not supported in a Sidecar");
        let own = !matches!(tls.mode, ServerTlsMode::IstioMutual | ServerTlsMode::AutoPassthrough);
        at.field("mode").require(own, format_args!("must not be {} in a Sidecar", tls.mode.as_str()));
        at.server_tls(tls);
    }
    let pool = listener.connection_pool.as_deref();
    at.field("connectionPool").connection_pool(pool);
    if pool.is_some_and(|p| p.http.is_some()) && family(&port.protocol) != Some(Family::Http) {
        at.field("connectionPool").field("http").ineffective("is ignored, as the port's protocol is not HTTP");
    }
}

fn sidecar_port(port: &SidecarPort, at: &At<'_>) {
    if !port.name.is_empty() {
        at.field("name").label(&port.name);
    }
    at.field("protocol").protocol(&port.protocol);
    at.field("targetPort").require(port.target_port == 0, "must not be set; it has no effect");
}

/// Where the application listens.
fn default_endpoint(endpoint: &str, at: &At<'_>) {
    if endpoint.is_empty() {
        return;
    }
    if let Some(path) = endpoint.strip_prefix("unix://") {
        return at.socket_path(path);
    }
    let local = ["", "127.0.0.1", "0.0.0.0", "[::1]", "[::]"];
    let parts = endpoint.rsplit_once(':').filter(|(host, _)| local.contains(host));
    let Some((_, port)) = parts else {
        let forms = "127.0.0.1:PORT, 0.0.0.0:PORT, [::1]:PORT, [::]:PORT or unix://PATH";
        return at.invalid(format_args!("must be of the form {forms}, found {endpoint:?}"));
    };
    at.port(port.parse().unwrap_or_default());
}

fn egress(listener: &EgressListener, at: &At<'_>) {
    if let Some(port) = &listener.port {
        sidecar_port(port, &at.field("port"));
        if port.number == 0 {
            let Some(path) = listener.bind.strip_prefix("unix://") else {
                return at.field("bind").invalid("must be unix:// and a path where the port has no number");
            };
            at.field("bind").socket_path(path);
            let captured = listener.capture_mode == CaptureMode::Iptables;
            at.field("captureMode").require(!captured, "must not be IPTABLES for a Unix socket");
        } else {
            at.field("port").field("number").port(port.number);
            if !listener.bind.is_empty() {
                at.field("bind").ip(&listener.bind);
            }
        }
    }
    let hosts = at.field("hosts");
    hosts.require(!listener.hosts.is_empty(), "must have at least one host");
    hosts.each(&listener.hosts, |host, at| egress_host(host, at));
    repeated_hosts(&listener.hosts, &hosts);
}

/// A host as `namespace/host`.
fn egress_host(host: &str, at: &At<'_>) {
    let Some((namespace, name)) = host.split_once('/') else {
        return at
            .invalid(format_args!("must be written namespace/host, found {host:?} (./{host} is the own namespace)"));
    };
    let bare = namespace.strip_prefix('~').unwrap_or(namespace);
    let known = (bare.is_empty() && !namespace.is_empty()) || ["*", "."].contains(&bare) || is_label(bare);
    at.require(known, format_args!("must have a namespace, ., * or ~ before the slash, found {host:?}"));
    at.require(
        name == "*" || name.contains('.'),
        format_args!("must have a full name or * after the slash, found {host:?}"),
    );
    at.wildcard(name);
    let partial = name.starts_with('*') && name != "*" && !name.starts_with("*.");
    at.require(!partial, format_args!("must not have a wildcard for part of a label, found {host:?}"));
}

/// Warns of hosts that an earlier or a wider one of the list covers.
fn repeated_hosts(hosts: &[Str], at: &At<'_>) {
    let covers = |wide: &str, narrow: &str| wide == narrow || wide == "*";
    for (index, host) in hosts.iter().enumerate() {
        let Some((namespace, name)) = host.split_once('/') else { continue };
        let covered = hosts.iter().enumerate().any(|(i, other)| {
            let parts = other.split_once('/').filter(|_| i < index || (i > index && other != host));
            parts.is_some_and(|(n, h)| covers(n, namespace) && covers(h, name))
        });
        if covered && !namespace.starts_with('~') {
            at.index(index).ineffective(format_args!("{host:?} is covered by another host of the list"));
        }
    }
}

fn outbound(policy: &OutboundTrafficPolicy, at: &At<'_>) {
    let Some(proxy) = &policy.egress_proxy else { return };
    let at_proxy = at.field("egressProxy");
    at_proxy.require(policy.mode == OutboundMode::AllowAny, "needs the mode ALLOW_ANY");
    at_proxy.field("host").fqdn(&proxy.host);
    at_proxy.field("port").require(proxy.port.is_some(), "must be set");
    at_proxy.field("port").port_selector(proxy.port);
    if !proxy.subset.is_empty() {
        at_proxy.field("subset").label(&proxy.subset);
    }
}
