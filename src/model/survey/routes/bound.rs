//! Whether a VirtualService and the Gateways that it is bound to have hosts in common.

use std::collections::BTreeSet;

use crate::api::Kind;
use crate::api::virtual_service::VirtualService;
use crate::base::{Host, Namespace, Str};
use crate::model::facts::EdgeGateway;
use crate::model::index::gateway;
use crate::model::survey::known::Known;
use crate::model::survey::notes::Notes;

use super::MESH;

/// How many hosts of a Gateway a sentence names.
const NAMED: usize = 5;

/// Gateways that are not there, hosts that no Gateway takes, and Gateways that take none of the hosts.
pub(super) fn gateways(spec: &VirtualService, known: &Known<'_>, notes: &mut Notes<'_>) {
    let mut there: Vec<(usize, &EdgeGateway)> = Vec::new();
    let mut missing = false;
    for (at, written) in spec.gateways.iter().enumerate().filter(|(_, g)| *g != MESH) {
        let full = gateway(written, notes.namespace());
        match known.gateway(&full) {
            Some(gateway) => there.push((at, gateway)),
            None => {
                missing = true;
                unknown(at, &full, known, notes);
            }
        }
    }
    // One that is missing may be meant for whatever host the others do not take.
    if missing || there.is_empty() || spec.hosts.is_empty() {
        return;
    }
    let namespace = notes.namespace();
    let hosts: Vec<Host> = spec.hosts.iter().map(|host| known.resolve(host, namespace)).collect();
    let in_mesh = spec.gateways.iter().any(|g| g == MESH);
    let taken = |host: &Host| there.iter().any(|(_, gateway)| takes(gateway, host, namespace));
    let outside: Vec<usize> = (0..hosts.len()).filter(|at| !taken(&hosts[*at])).collect();
    if !in_mesh {
        for at in &outside {
            let text = format!(
                "no server of {} takes {}{}; these routes are not used for it",
                list(there.iter().map(|(_, g)| format!("the Gateway {}/{}", g.namespace, g.name))),
                hosts[*at],
                instead(there.iter().map(|(_, g)| *g))
            );
            notes.warning("outside-gateway", format_args!("spec.hosts[{at}]"), text);
        }
    }
    if !in_mesh && outside.len() == hosts.len() {
        return;
    }
    for (at, gateway) in there.iter().filter(|(_, g)| !hosts.iter().any(|host| takes(g, host, namespace))) {
        let text = format!(
            "no server of the Gateway {}/{} takes any of spec.hosts{}; these routes are not used at it",
            gateway.namespace,
            gateway.name,
            instead([*gateway].into_iter())
        );
        notes.warning("outside-gateway", format_args!("spec.gateways[{at}]"), text);
    }
}

fn unknown(at: usize, full: &str, known: &Known<'_>, notes: &mut Notes<'_>) {
    let Some((_, name)) = full.split_once('/') else { return };
    let others: BTreeSet<String> = known
        .of_kind(Kind::Gateway)
        .filter(|g| g.meta.name == name)
        .map(|g| format!("{}/{name}", g.meta.namespace))
        .collect();
    let hint = others.first().map(|other| format!(" (perhaps {other} is meant)")).unwrap_or_default();
    let text = format!("there is no Gateway {full}{hint}; these routes are not used at it until there is one");
    notes.error("unknown-gateway", format_args!("spec.gateways[{at}]"), text);
}

/// Whether some server takes calls for the host, by routes of the namespace (istio `pilot/pkg/networking/core/gateway.go`,
/// `pickMatchingGatewayHosts`).
fn takes(gateway: &EdgeGateway, host: &Host, namespace: &Namespace) -> bool {
    gateway.servers.iter().flat_map(|server| &server.hosts).any(|said| {
        let (whose, name) = parts(said);
        let own = Host::new(Str::from(name));
        whose.is_none_or(|whose| whose == namespace.as_str()) && (own.covers(host) || host.covers(&own))
    })
}

fn parts(said: &str) -> (Option<&str>, &str) {
    said.split_once('/').map_or((None, said), |(namespace, name)| (Some(namespace), name))
}

/// What the servers take in its place.
fn instead<'g>(gateways: impl Iterator<Item = &'g EdgeGateway>) -> String {
    let describe = |said: &Str| match parts(said) {
        (None, name) => name.to_owned(),
        (Some(namespace), name) => format!("{name} by routes of the namespace {namespace}"),
    };
    let all: BTreeSet<String> = gateways.flat_map(|g| &g.servers).flat_map(|s| &s.hosts).map(describe).collect();
    let more = if all.len() > NAMED { format!(" and {} more", all.len() - NAMED) } else { String::new() };
    format!(", only {}{more}", list(all.into_iter().take(NAMED)))
}

fn list(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}
