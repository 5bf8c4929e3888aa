//! Kubernetes Services.

use crate::api::Kind;
use crate::api::Spec;
use crate::api::service::{Service, TargetPort, Transport, Type};
use crate::base::Host;
use crate::model::index::kubernetes_host;

use super::known::Known;
use super::notes::Notes;

pub(super) fn service(service: &Service, known: &Known<'_>, notes: &mut Notes<'_>) {
    if service.r#type == Type::ExternalName {
        return external_name(service, known, notes);
    }
    let snapshot = &known.survey.snapshot;
    let host = kubernetes_host(&notes.object.meta, &snapshot.mesh.domain);
    let key = (host.clone(), notes.namespace().clone());
    let has_endpoints = snapshot.endpoints.get(&key).is_some_and(|e| !e.list.is_empty());
    let namespace = notes.namespace();
    if !service.selector.is_empty() && !has_endpoints && known.has_workloads() {
        if known.selects(namespace, &service.selector) {
            target_ports(service, known, notes);
        } else {
            let text = format!(
                "no pod of the namespace {namespace} has these labels, and no EndpointSlice lists endpoints; calls to {host} fail until one does"
            );
            notes.warning("selects-nothing", "spec.selector", text);
        }
    }
    if let Some(definition) =
        snapshot.services.get(&host).and_then(|all| all.iter().find(|s| s.namespace == *namespace))
    {
        let unsaid = definition.ports.iter().enumerate().filter(|(_, p)| p.protocol.is_detected());
        for (at, port) in unsaid {
            let text = format!(
                "the protocol of port {} is not said: what clients send first decides, and servers that speak first wait for that; begin the port's name with http, grpc, tcp … or set appProtocol",
                port.number
            );
            notes.info("no-protocol", format_args!("spec.ports[{at}]"), text);
        }
    }
}

/// Ports by a name that no container of the selected pods has.
fn target_ports(service: &Service, known: &Known<'_>, notes: &mut Notes<'_>) {
    let namespace = notes.namespace();
    let pods = known.of_kind(Kind::Pod).filter(|o| o.meta.namespace == *namespace);
    let selected = pods.filter(|o| service.selector.iter().all(|(k, v)| o.meta.labels.get(k) == Some(v)));
    let named: Vec<_> = selected
        .filter_map(|o| match &o.spec {
            Spec::Pod(pod) => Some(pod.containers.iter().flat_map(|c| &c.ports).map(|p| &p.name)),
            _ => None,
        })
        .flatten()
        .collect();
    for (at, port) in service.ports.iter().enumerate().filter(|(_, p)| p.protocol == Transport::Tcp) {
        let TargetPort::Name(name) = &port.target_port else { continue };
        if !named.contains(&name) {
            let text = format!(
                "no container of the selected pods has a port named {name:?}; calls to port {} fail",
                port.port
            );
            notes.warning("unknown-port", format_args!("spec.ports[{at}].targetPort"), text);
        }
    }
}

fn external_name(service: &Service, known: &Known<'_>, notes: &mut Notes<'_>) {
    let target = Host::new(service.external_name.clone());
    if !known.is_known(&target) {
        let text = format!(
            "no service has the host {target}: sidecars know nothing of this name, and calls to it go wherever DNS says; a ServiceEntry for {target} would make it known"
        );
        notes.info("unknown-host", "spec.externalName", text);
    }
}
