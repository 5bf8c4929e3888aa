//! Gateway.

use std::collections::BTreeSet;

use super::at::At;
use super::name::{is_ip, is_label};
use super::protocol::{Family, family};
use crate::api::gateway::{Gateway, Server, ServerPort};
use crate::api::meta::Meta;

pub(super) fn gateway(gateway: &Gateway, meta: &Meta, at: &At<'_>) {
    let name = is_label(&meta.name);
    at.require(
        name,
        format_args!("is of a Gateway whose name must be a DNS label without dots, found {:?}", meta.name),
    );
    at.field("servers").require(!gateway.servers.is_empty(), "must have at least one server");
    let mut names = BTreeSet::new();
    at.field("servers").each(&gateway.servers, server);
    for (index, server) in gateway.servers.iter().enumerate() {
        let Some(port) = &server.port else { continue };
        let servers = at.field("servers");
        let at = servers.index(index);
        let fresh = port.name.is_empty() || names.insert(&port.name);
        at.field("port").field("name").require(fresh, "must not be the name of another server's port");
        let redirects = server.tls.as_ref().is_some_and(|tls| tls.https_redirect);
        if redirects && family(&port.protocol) != Some(Family::Http) {
            at.field("tls").field("httpsRedirect").ineffective("is for servers with the protocol HTTP");
        }
    }
}

fn server(server: &Server, at: &At<'_>) {
    let hosts = at.field("hosts");
    hosts.require(!server.hosts.is_empty(), "must have at least one host");
    hosts.each(&server.hosts, |name, at| host(name, at));
    if let Some(tls) = &server.tls {
        at.field("tls").server_tls(tls);
    }
    let Some(port) = &server.port else { return at.field("port").invalid("must be set") };
    self::port(port, &server.bind, &at.field("port"));
    bind(server, port, &at.field("bind"));
    let tls = at.field("tls");
    match (family(&port.protocol), &server.tls) {
        (Some(Family::Tls), None) => tls.invalid("must be set for the protocols HTTPS and TLS"),
        (Some(Family::Http), Some(said)) => {
            let files = [&said.ca_certificates, &said.private_key, &said.server_certificate];
            let plain = said.passes_through() && files.iter().all(|file| file.is_empty());
            tls.require(plain, "may only have httpsRedirect where the protocol is HTTP in clear text");
        }
        (Some(Family::Tcp | Family::Udp), Some(_)) => tls.invalid("is for the protocols HTTPS and TLS"),
        _ => {}
    }
}

fn port(port: &ServerPort, bind: &str, at: &At<'_>) {
    at.field("protocol").require(!port.protocol.is_empty(), "must be set");
    at.field("protocol").protocol(&port.protocol);
    if port.number > 0 || !bind.starts_with("unix://") {
        at.field("number").port(port.number);
    }
    at.field("targetPort").require(port.target_port == 0, "must not be set; it has no effect");
    at.field("name").require(!port.name.is_empty(), "must be set");
}

fn bind(server: &Server, port: &ServerPort, at: &At<'_>) {
    if let Some(path) = server.bind.strip_prefix("unix://") {
        at.socket_path(path);
        at.require(port.number == 0, "must not be a Unix socket where the port has a number");
    } else if !server.bind.is_empty() {
        at.ip(&server.bind);
    }
}

/// A host, perhaps as `namespace/host`.
fn host(host: &str, at: &At<'_>) {
    let name = match host.split_once('/') {
        None => host,
        Some((namespace, name)) => {
            let known = ["*", "."].contains(&namespace) || is_label(namespace);
            at.require(known, format_args!("must have a namespace, . or * before the slash, found {host:?}"));
            name
        }
    };
    if is_ip(name) {
        return;
    }
    at.require(
        name == "*" || name.contains('.'),
        format_args!("must be a full name or *; short names are not allowed, found {host:?}"),
    );
    at.wildcard(name);
}
