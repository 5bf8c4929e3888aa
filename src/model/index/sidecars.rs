//! Sidecars by namespace, in the order in which they apply.

#[cfg(test)]
mod tests;

use crate::api::sidecar::{self, CaptureMode, SidecarPort};
use crate::api::{Kind, Object, Spec};
use crate::base::{Host, Namespace};
use crate::model::facts::{
    Egress, EgressListener, Handle, Hosts, Imports, Ingress, Port, Protocol, Sidecar, TargetPort,
};
use crate::model::snapshot::{Changes, FactKey};

use super::{Dirty, Index, put};

impl Index {
    pub(super) fn derive_sidecars(&mut self, dirty: &Dirty, changes: &mut Changes) {
        for namespace in &dirty.sidecars {
            let list: Vec<_> = self.sidecars(namespace).into_iter().map(|(_, fact)| Handle::new(fact)).collect();
            if put(&mut self.snapshot.sidecars, namespace, (!list.is_empty()).then_some(list)) {
                changes.keys.insert(FactKey::Sidecars(namespace.clone()));
            }
        }
    }

    /// The Sidecars of a namespace: those that select workloads first, the older before the younger (istio
    /// `pilot/pkg/model/push_context.go`, `initSidecarScopes`).
    pub(super) fn sidecars<'a>(&'a self, namespace: &'a Namespace) -> Vec<(&'a Object, Sidecar)> {
        let specs = self.of_kind(Kind::Sidecar, namespace).filter_map(|object| match &object.spec {
            Spec::Sidecar(spec) => Some((&**object, fact(object, spec))),
            _ => None,
        });
        let mut list: Vec<_> = specs.collect();
        list.sort_by_key(|(object, fact)| (fact.selector.is_none(), object.meta.created, object.meta.name.clone()));
        list
    }
}

fn fact(object: &Object, spec: &sidecar::Sidecar) -> Sidecar {
    let ingress = spec.ingress.iter().filter_map(|l| {
        Some(Ingress {
            port: port(l.port.as_ref()?)?,
            bind: l.bind.clone(),
            capture: l.capture_mode,
            endpoint: l.default_endpoint.clone(),
            pool: l.connection_pool.as_deref().cloned().map(Handle::new),
        })
    });
    let egress = spec.egress.iter().filter_map(|l| {
        Some(EgressListener {
            port: match &l.port {
                Some(said) => Some(port(said)?),
                None => None,
            },
            bind: l.bind.clone(),
            capture: l.capture_mode,
            imports: imports(l),
        })
    });
    let egress = Egress { listeners: egress.collect() };
    Sidecar {
        name: object.meta.name.clone(),
        namespace: object.meta.namespace.clone(),
        selector: spec.workload_selector.as_ref().map(|s| s.labels.clone()),
        egress: (!is_everything(&egress)).then(|| Handle::new(egress)),
        ingress: ingress.collect(),
        pool: spec.inbound_connection_pool.as_deref().cloned().map(Handle::new),
        unknown: spec.outbound_traffic_policy.clone(),
    }
}

/// Nothing said, or that which holds anyway.
fn is_everything(egress: &Egress) -> bool {
    match &egress.listeners[..] {
        [] => true,
        [only] => {
            let imports = &only.imports;
            let nobody_out = imports.named.values().chain([&imports.own, &imports.any]).all(|h| h.excluded.is_empty());
            let usual = only.port.is_none() && only.bind.is_empty() && only.capture != CaptureMode::None;
            usual && nobody_out && imports.any.wild.contains(&Host::from("*"))
        }
        _ => false,
    }
}

fn port(said: &SidecarPort) -> Option<Port> {
    let number = u16::try_from(said.number).ok()?;
    let protocol = Protocol::parse(&said.protocol);
    Some(Port { number, name: said.name.clone(), protocol, target: TargetPort::Number(number) })
}

fn imports(listener: &sidecar::EgressListener) -> Imports {
    let mut imports = Imports::default();
    for (namespace, name) in listener.hosts.iter().filter_map(|h| h.split_once('/')) {
        let (namespace, excluded) = match namespace.strip_prefix('~') {
            Some("") => ("*", true),
            Some(bare) => (bare, true),
            None => (namespace, false),
        };
        let hosts: &mut Hosts = match namespace {
            "*" => &mut imports.any,
            "." => &mut imports.own,
            named => imports.named.entry(named.into()).or_default(),
        };
        let host = Host::from(name);
        match (excluded, host.is_wildcard()) {
            (true, _) => hosts.excluded.insert(host),
            (false, true) => hosts.wild.insert(host),
            (false, false) => hosts.exact.insert(host),
        };
    }
    imports
}
