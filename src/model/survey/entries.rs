//! ServiceEntries and WorkloadEntries.

use std::collections::BTreeMap;

use crate::api::service_entry::{Resolution, ServiceEntry};
use crate::api::workload_entry::Workload;
use crate::api::{Kind, Spec};
use crate::base::{Finding, Host, Str};
use crate::model::facts::{Handle, Registry, Service};

use super::known::Known;
use super::notes::Notes;
use super::visibility::{self, overlap};

pub(super) fn service_entry(entry: &ServiceEntry, known: &Known<'_>, notes: &mut Notes<'_>) {
    visibility::export_to(&entry.export_to, known, notes);
    if let Some(selector) = &entry.workload_selector
        && known.has_workloads()
        && !selector.labels.is_empty()
        && !known.selects(notes.namespace(), &selector.labels)
    {
        let text = format!(
            "no pod and no WorkloadEntry of the namespace {} has these labels; calls to {} fail until one does",
            notes.namespace(),
            entry.hosts.join(", ")
        );
        notes.warning("selects-nothing", "spec.workloadSelector.labels", text);
    }
    if entry.resolution == Resolution::Static && entry.endpoints.is_empty() && entry.workload_selector.is_none() {
        let text = "has the resolution STATIC and neither endpoints nor a workloadSelector; calls to it fail";
        notes.warning("no-endpoints", "spec.resolution", text);
    }
    if entry.ports.is_empty() {
        notes.warning(
            "no-ports",
            "spec.ports",
            "has no ports, so it makes no host reachable; name the ports that callers use",
        );
    }
    for (at, port) in entry.ports.iter().enumerate().filter(|(_, p)| p.protocol.is_empty()) {
        let text = format!(
            "the protocol of port {} is not said: what clients send first decides, and servers that speak first wait for that",
            port.number
        );
        notes.info("no-protocol", format_args!("spec.ports[{at}].protocol"), text);
    }
}

/// A machine that no service finds.
pub(super) fn workload_entry(workload: &Workload, known: &Known<'_>, notes: &mut Notes<'_>) {
    let namespace = notes.namespace();
    let snapshot = &known.survey.snapshot;
    let hosts = snapshot.selectors.get(namespace).into_iter().flat_map(|all| all.iter());
    let mut services = hosts.filter_map(|h| snapshot.services.get(h)).flat_map(|all| all.iter());
    let selected = services.any(|s| {
        s.namespace == *namespace
            && !s.selector.is_empty()
            && s.selector.iter().all(|(k, v)| workload.labels.get(k) == Some(v))
    });
    if !selected {
        let text = format!(
            "no ServiceEntry and no Service of the namespace {namespace} selects these labels; nobody calls this workload"
        );
        notes.info("not-selected", "spec.labels", text);
    }
}

/// ServiceEntries for a host that something else defines too, and addresses that two hosts share.
pub(super) fn claims(known: &Known<'_>, out: &mut Vec<Finding>) {
    let snapshot = &known.survey.snapshot;
    for (host, all) in snapshot.services.iter().filter(|(_, all)| all.len() > 1) {
        contest(host, all, known, out);
    }
    addresses(known, out);
}

/// Kubernetes comes first, then the oldest.
fn contest(host: &Host, all: &[Handle<Service>], known: &Known<'_>, out: &mut Vec<Finding>) {
    let kubernetes = all.iter().find(|s| s.registry == Registry::Kubernetes);
    for (at, own) in all.iter().enumerate().filter(|(_, s)| s.registry == Registry::External) {
        let winner = kubernetes.filter(|k| overlap(&k.export_to, &own.export_to));
        let Some(winner) = winner.or_else(|| all[..at].iter().find(|s| overlap(&s.export_to, &own.export_to))) else {
            continue;
        };
        let Some(object) = known.object(Kind::ServiceEntry, &own.namespace, &own.object) else { continue };
        let Spec::ServiceEntry(spec) = &object.spec else { continue };
        let at = spec.hosts.iter().position(|h| Host::new(h.clone()) == *host).unwrap_or_default();
        let (kind, why) = match winner.registry {
            Registry::Kubernetes => (Kind::Service, "comes before any ServiceEntry"),
            Registry::External if winner.created < own.created => (Kind::ServiceEntry, "is older"),
            Registry::External => (Kind::ServiceEntry, "comes first by name"),
        };
        let what = match winner.namespace == own.namespace {
            true => "this one adds at most ports and endpoints",
            false => "this one is used only where that one is not seen, or by callers of its own namespace",
        };
        let text = format!("{kind} {}/{} has the host {host} too and {why}; {what}", winner.namespace, winner.object);
        Notes::new(object, out).warning("duplicate-host", format_args!("spec.hosts[{at}]"), text);
    }
}

/// Two hosts at one address and port that calls do not name: only one of them can be told.
fn addresses(known: &Known<'_>, out: &mut Vec<Finding>) {
    let mut taken: BTreeMap<(&Str, u16), &Handle<Service>> = BTreeMap::new();
    for service in known.survey.snapshot.services() {
        for port in service.ports.iter().filter(|p| p.protocol.is_tcp() && !p.protocol.is_tls()) {
            for address in service.addresses.iter() {
                let first = *taken.entry((address, port.number)).or_insert(service);
                // Of several hosts of one object, validation has said so already.
                let same = first.host == service.host
                    || (first.registry == service.registry
                        && first.namespace == service.namespace
                        && first.object == service.object);
                if same || !overlap(&first.export_to, &service.export_to) {
                    continue;
                }
                let kind = match service.registry {
                    Registry::Kubernetes => Kind::Service,
                    Registry::External => Kind::ServiceEntry,
                };
                let Some(object) = known.object(kind, &service.namespace, &service.object) else { continue };
                let field = if kind == Kind::Service { "spec.clusterIP" } else { "spec.addresses" };
                let text = format!(
                    "{} has the address {address} and port {} too, and calls of {} do not say which host they mean; they all end at one of the two",
                    first.host,
                    port.number,
                    port.protocol.as_str()
                );
                Notes::new(object, out).warning("shared-address", field, text);
            }
        }
    }
}
