//! Sidecars.

use std::collections::BTreeSet;

use crate::api::Kind;
use crate::api::sidecar::{self, CaptureMode, EgressListener, IngressListener};
use crate::api::virtual_service::Destination;
use crate::base::{Finding, Host, Labels, Namespace};
use crate::model::facts::{Handle, Sidecar, VirtualService};

use super::destinations::destination;
use super::known::Known;
use super::notes::Notes;

pub(super) fn sidecar(sidecar: &sidecar::Sidecar, known: &Known<'_>, notes: &mut Notes<'_>) {
    if let Some(selector) = &sidecar.workload_selector
        && known.has_workloads()
        && !selector.labels.is_empty()
        && !known.selects(notes.namespace(), &selector.labels)
    {
        let text =
            format!("no workload of the namespace {} has these labels; the Sidecar is for none", notes.namespace());
        notes.warning("selects-nothing", "spec.workloadSelector.labels", text);
    }
    for (at, listener) in sidecar.ingress.iter().enumerate().filter(|(_, l)| leads_back(l)) {
        let text = format!(
            "{} is where the proxy itself listens, so that it would call itself; give the application another port",
            listener.default_endpoint
        );
        notes.error("endpoint-loop", format_args!("spec.ingress[{at}].defaultEndpoint"), text);
    }
    for (at, listener) in sidecar.egress.iter().enumerate() {
        egress(listener, &format!("spec.egress[{at}]"), known, notes);
    }
    if let Some(proxy) = sidecar.outbound_traffic_policy.as_ref().and_then(|p| p.egress_proxy.as_ref()) {
        egress_proxy(proxy, sidecar, known, notes);
    }
}

fn egress(listener: &EgressListener, path: &str, known: &Known<'_>, notes: &mut Notes<'_>) {
    let mut imported = Vec::new();
    for (i, written) in listener.hosts.iter().enumerate() {
        let Some((namespace, host)) = parts(written, notes.namespace()) else { continue };
        if let Some(text) = why_nothing(namespace.as_ref(), &host, known, notes.namespace()) {
            notes.warning("unknown-host", format_args!("{path}.hosts[{i}]"), text);
        }
        imported.extend(imports(namespace.as_ref(), &host, known));
    }
    if let Some(port) = listener.port.as_ref().filter(|p| p.number != 0)
        && !imported.is_empty()
        && !imported.iter().flatten().any(|number| u32::from(*number) == port.number)
    {
        let text =
            format!("none of the services that this listener names has a port {}; it leads nowhere", port.number);
        notes.warning("unknown-port", format_args!("{path}.port.number"), text);
    }
}

/// Why an egress host lets nothing through, if that is so. Namespaces that are there may be empty.
fn why_nothing(namespace: Option<&Namespace>, host: &Host, known: &Known<'_>, own: &Namespace) -> Option<String> {
    let of_all = *own == known.survey.snapshot.mesh.root;
    if let Some(name) = namespace.filter(|name| !known.has_namespace(name)) {
        return Some(format!("there is nothing in a namespace {name}; the Sidecar lets nothing through by it"));
    }
    if host.as_str() == "*" || (of_all && namespace == Some(own)) || is_routed(namespace, host, known) {
        return None;
    }
    let definitions = known.definitions(host);
    if definitions.is_empty() {
        let hint = known.hint(host);
        return Some(format!(
            "no service has the host {:?}{hint}; the Sidecar lets nothing through by it",
            host.as_str()
        ));
    }
    let Some(here) = definitions.iter().find(|s| namespace.is_none_or(|n| *n == s.namespace)) else {
        let (namespace, elsewhere) = (namespace?, &definitions[0].namespace);
        return Some(format!(
            "{:?} is not in the namespace {namespace}, but in {elsewhere}; write {elsewhere}/{host}",
            host.as_str()
        ));
    };
    let mut there = definitions.iter().filter(|s| namespace.is_none_or(|n| *n == s.namespace));
    match there.any(|s| of_all || s.export_to.includes(own)) {
        true => None,
        false => Some(format!(
            "the service {:?} in {} is not exported to {own}, so that the Sidecar lets nothing through by it",
            host.as_str(),
            here.namespace
        )),
    }
}

/// Whether a VirtualService of the namespace is for the host.
fn is_routed(namespace: Option<&Namespace>, host: &Host, known: &Known<'_>) -> bool {
    let snapshot = &known.survey.snapshot;
    let here = |v: &Handle<VirtualService>| namespace.is_none_or(|n| *n == v.namespace);
    let exact = match host.is_wildcard() {
        true => {
            snapshot.routes.iter().filter(|(h, _)| host.matches(h)).any(|(_, routes)| routes.all().iter().any(here))
        }
        false => snapshot.routes.get(host).is_some_and(|routes| routes.all().iter().any(here)),
    };
    exact || snapshot.wild_routes.iter().any(|v| here(v) && v.hosts.iter().any(|h| h.matches(host)))
}

/// Whether a socket of the proxy's own is said to be the application's.
fn leads_back(listener: &IngressListener) -> bool {
    let Some(port) = &listener.port else { return false };
    let place = format!("{}:{}", listener.bind, port.number);
    listener.capture_mode == CaptureMode::None && !listener.bind.is_empty() && *listener.default_endpoint == *place
}

/// Namespace (`None` is any) and host of `namespace/host`; nothing for the namespace `~`.
fn parts(written: &str, own: &Namespace) -> Option<(Option<Namespace>, Host)> {
    let (namespace, host) = written.split_once('/')?;
    match namespace {
        "~" => None,
        "*" => Some((None, Host::from(host))),
        "." => Some((Some(own.clone()), Host::from(host))),
        name => Some((Some(Namespace::from(name)), Host::from(host))),
    }
}

/// The ports of each service that an entry imports.
fn imports(namespace: Option<&Namespace>, host: &Host, known: &Known<'_>) -> Vec<Vec<u16>> {
    let services = known.definitions(host).into_iter().filter(|s| namespace.is_none_or(|n| *n == s.namespace));
    services.map(|s| s.ports.iter().map(|p| p.number).collect()).collect()
}

/// The proxy through which unknown calls go must be among what the Sidecar imports: its cluster is not sent otherwise.
fn egress_proxy(proxy: &Destination, sidecar: &sidecar::Sidecar, known: &Known<'_>, notes: &mut Notes<'_>) {
    let path = "spec.outboundTrafficPolicy.egressProxy";
    // Short names are not completed here.
    let host = Host::new(proxy.host.clone());
    let definitions = known.definitions(&host);
    if definitions.is_empty() {
        let text = format!(
            "no service has the host {host:?}{}; all calls to unknown hosts fail until one does",
            known.hint(&host)
        );
        return notes.error("unknown-host", format_args!("{path}.host"), text);
    }
    destination(proxy, path, known, notes);
    if sidecar.egress.is_empty() {
        return;
    }
    let imported = sidecar.egress.iter().flat_map(|l| &l.hosts).filter_map(|h| parts(h, notes.namespace())).any(
        |(namespace, pattern)| {
            pattern.covers(&host) && definitions.iter().any(|s| namespace.as_ref().is_none_or(|n| *n == s.namespace))
        },
    );
    if !imported {
        let text = format!(
            "no entry of spec.egress[].hosts makes {host} reachable, so calls that go through it fail; add {}/{host}",
            definitions[0].namespace
        );
        notes.warning("out-of-scope", format_args!("{path}.host"), text);
    }
}

/// Of several Sidecars for one workload only the first counts. O(pods × Sidecars of their namespace).
pub(super) fn claims(known: &Known<'_>, out: &mut Vec<Finding>) {
    for (namespace, list) in &known.survey.snapshot.sidecars {
        let object = |fact: &Sidecar| known.object(Kind::Sidecar, namespace, &fact.name);
        let mut of_all = list.iter().filter(|fact| fact.selector.is_none());
        let first = of_all.next();
        for (winner, object) in of_all.filter_map(|fact| Some((first?, object(fact)?))) {
            let text = format!(
                "Sidecar {} is for all workloads of the namespace too, and is older or first by name; this one is not used",
                winner.name
            );
            Notes::new(object, out).warning("duplicate-sidecar", "spec.workloadSelector", text);
        }
        let selecting: Vec<&Handle<Sidecar>> = list.iter().filter(|fact| fact.selector.is_some()).collect();
        if selecting.len() < 2 {
            continue;
        }
        let mut said = BTreeSet::new();
        for pod in known.of_kind(Kind::Pod).filter(|pod| pod.meta.namespace == *namespace) {
            let has = |wanted: &Labels| wanted.iter().all(|(k, v)| pod.meta.labels.get(k) == Some(v));
            let mut matching = selecting.iter().filter(|fact| fact.selector.as_ref().is_some_and(has));
            let Some(winner) = matching.next() else { continue };
            for fact in matching.filter(|fact| !said.contains(&fact.name)).collect::<Vec<_>>() {
                said.insert(fact.name.clone());
                let Some(object) = object(fact) else { continue };
                let text = format!(
                    "Sidecar {} selects the pod {} too, and is older or first by name; this one is not used for it",
                    winner.name, pod.meta.name
                );
                Notes::new(object, out).warning("duplicate-sidecar", "spec.workloadSelector", text);
            }
        }
    }
}
