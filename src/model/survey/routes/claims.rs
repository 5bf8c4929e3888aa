//! Several VirtualServices for one host: who is used where.

use std::collections::BTreeMap;

use crate::api::Kind;
use crate::base::{Finding, Host, Namespace};
use crate::model::facts::{ExportTo, Handle, VirtualService};
use crate::model::survey::known::Known;
use crate::model::survey::notes::Notes;

/// Says of every VirtualService that sidecars do not use for one of its hosts, because another has it, who that is.
/// Sorting aside, linear in the VirtualServices of a host.
pub(in crate::model::survey) fn claims(known: &Known<'_>, out: &mut Vec<Finding>) {
    let snapshot = &known.survey.snapshot;
    for (host, routes) in &snapshot.routes {
        contest(host, routes.all().iter(), known, out);
    }
    let mut wild: BTreeMap<&Host, Vec<&Handle<VirtualService>>> = BTreeMap::new();
    for service in snapshot.wild_routes.iter() {
        for host in service.hosts.iter().filter(|h| h.is_wildcard()) {
            wild.entry(host).or_default().push(service);
        }
    }
    for (host, all) in wild {
        contest(host, all.into_iter(), known, out);
    }
}

/// Who wins where: among those that a namespace sees, first its own private ones, then those exported to it by name,
/// then those exported to all; each group by age, name and namespace (`View::virtual_services`).
fn contest<'a>(
    host: &Host,
    all: impl Iterator<Item = &'a Handle<VirtualService>>,
    known: &Known<'_>,
    out: &mut Vec<Finding>,
) {
    let all: Vec<&VirtualService> = all.map(|v| &**v).filter(|v| v.in_mesh()).collect();
    if all.len() < 2 {
        return;
    }
    let public = all.iter().copied().find(|v| v.export_to == ExportTo::All);
    let mut named: BTreeMap<&Namespace, &VirtualService> = BTreeMap::new();
    for service in &all {
        let ExportTo::Only(namespaces) = &service.export_to else { continue };
        for namespace in namespaces {
            let winner = named.entry(namespace).or_insert(service);
            // The list is in order of age already; only home goes before it.
            if winner.namespace != *namespace && service.namespace == *namespace {
                *winner = service;
            }
        }
    }
    for service in &all {
        let lost: Option<(&VirtualService, String)> = match &service.export_to {
            ExportTo::All => public.filter(|winner| !same(winner, service)).map(|winner| (winner, String::new())),
            ExportTo::Only(namespaces) => {
                let beaten: Vec<_> =
                    namespaces.iter().filter(|ns| named.get(ns).is_some_and(|winner| !same(winner, service))).collect();
                let everywhere = beaten.len() == namespaces.len();
                let place = if everywhere { String::new() } else { format!(" in {}", list(&beaten)) };
                beaten.first().and_then(|ns| named.get(*ns)).map(|winner| (*winner, place))
            }
        };
        let Some((winner, place)) = lost else { continue };
        let Some(object) = known.object(Kind::VirtualService, &service.namespace, &service.name) else { continue };
        let at = service.hosts.iter().position(|h| h == host).unwrap_or_default();
        let why = if winner.created < service.created {
            "is older"
        } else if winner.export_to != ExportTo::All
            && service.export_to != ExportTo::All
            && winner.created > service.created
        {
            "is of that namespace"
        } else {
            "comes first by name"
        };
        let text = format!(
            "VirtualService {}/{} has the host {host} too and {why}: its routes are used{place}, and those here are not; put them into one object",
            winner.namespace, winner.name
        );
        Notes::new(object, out).warning("duplicate-host", format_args!("spec.hosts[{at}]"), text);
    }
}

fn same(a: &VirtualService, b: &VirtualService) -> bool {
    a.name == b.name && a.namespace == b.namespace
}

fn list(namespaces: &[&Namespace]) -> String {
    let names: Vec<&str> = namespaces.iter().take(5).map(|ns| ns.as_str()).collect();
    let more = namespaces.len().saturating_sub(5);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", names.join(", "))
}
