//! What is odd in Sidecars: hosts that nothing answers to, endpoints that lead back, two for one workload.

use crate::api::sidecar::{self, CaptureMode, IngressListener};
use crate::api::{Kind, Object, Spec};
use crate::base::{Finding, Host, Labels, Namespace, Severity};
use crate::model::facts::{Handle, Service};

use super::super::Index;
use super::super::examine::finding;

impl Index {
    pub(in crate::model::index) fn examine_sidecar(
        &self,
        object: &Object,
        spec: &sidecar::Sidecar,
        out: &mut Vec<Finding>,
    ) {
        for (i, listener) in spec.egress.iter().enumerate() {
            for (j, host) in listener.hosts.iter().enumerate() {
                if let Some(text) = self.why_nothing(object, host) {
                    let field = format!("spec.egress[{i}].hosts[{j}]");
                    out.push(finding(object, &field, Severity::Warning, "unknown-host", text));
                }
            }
        }
        for (i, listener) in spec.ingress.iter().enumerate().filter(|(_, l)| leads_back(l)) {
            let field = format!("spec.ingress[{i}].defaultEndpoint");
            let text = format!(
                "{} is where the proxy itself listens, so that it would call itself; give the application another port",
                listener.default_endpoint
            );
            out.push(finding(object, &field, Severity::Error, "endpoint-loop", text));
        }
        if let Some(proxy) = spec.outbound_traffic_policy.as_ref().and_then(|p| p.egress_proxy.as_ref()) {
            let host = Host::new(proxy.host.clone());
            if !self.defining.contains_key(&host) {
                let text = format!("no service has the host {host:?}; all calls to unknown hosts fail until one does");
                let field = "spec.outboundTrafficPolicy.egressProxy.host";
                out.push(finding(object, field, Severity::Warning, "unknown-host", text));
            }
        }
        self.examine_selection(object, spec, out);
    }

    /// Why an egress host lets nothing through, if that is so. Whole namespaces may be empty.
    fn why_nothing(&self, object: &Object, said: &str) -> Option<String> {
        let (namespace, name) = said.split_once('/')?;
        let of_all = object.meta.namespace == self.snapshot.mesh.root;
        if name == "*" || namespace.starts_with('~') || (namespace == "." && of_all) {
            return None;
        }
        let namespace = if namespace == "." { object.meta.namespace.clone() } else { Namespace::from(namespace) };
        let host = Host::from(name);
        let lies_in = |there: &Namespace| *namespace == *"*" || *there == namespace;
        let definitions: Vec<_> = match host.is_wildcard() {
            true => self.snapshot.services.iter().filter(|(h, _)| host.covers(h)).flat_map(|(_, d)| d.iter()).collect(),
            false => self.snapshot.services.get(&host).into_iter().flat_map(|d| d.iter()).collect(),
        };
        let routed = self.routes.all().any(|v| lies_in(&v.namespace) && v.hosts.iter().any(|h| h.matches(&host)));
        if routed {
            return None;
        }
        let own = |s: &&&Handle<Service>| lies_in(&s.namespace);
        if definitions.is_empty() {
            return Some(format!("no service has the host {name:?}; the Sidecar lets nothing through by it"));
        }
        let Some(here) = definitions.iter().find(own) else {
            let elsewhere = &definitions[0].namespace;
            return Some(format!(
                "{name:?} is not in the namespace {namespace}, but in {elsewhere}; write {elsewhere}/{name}"
            ));
        };
        let sees = |s: &Service| of_all || s.export_to.includes(&object.meta.namespace);
        match definitions.iter().filter(own).any(|s| sees(s)) {
            true => None,
            false => Some(format!(
                "the service {name:?} in {} is not exported to {}, so that the Sidecar lets nothing through by it",
                here.namespace, object.meta.namespace
            )),
        }
    }

    /// Of several Sidecars for one workload only the first counts.
    fn examine_selection(&self, object: &Object, spec: &sidecar::Sidecar, out: &mut Vec<Finding>) {
        let list = self.sidecars(&object.meta.namespace);
        let before = list.iter().map(|(other, fact)| (other.meta.name.clone(), fact));
        let before: Vec<_> = before.take_while(|(name, _)| *name != object.meta.name).collect();
        let Some(own) = &spec.workload_selector else {
            if let Some((name, _)) = before.iter().find(|(_, fact)| fact.selector.is_none()) {
                let text = format!(
                    "Sidecar {name} is for all workloads of the namespace too, and is older or first by name; this one is not used"
                );
                out.push(finding(object, "spec.workloadSelector", Severity::Warning, "duplicate-sidecar", text));
            }
            return;
        };
        let pods = self.of_kind(Kind::Pod, &object.meta.namespace);
        let pods = pods.filter(|o| matches!(o.spec, Spec::Pod(_)));
        for pod in pods {
            let has = |wanted: &Labels| wanted.iter().all(|(k, v)| pod.meta.labels.get(k) == Some(v));
            let first = before.iter().find(|(_, fact)| fact.selector.as_ref().is_some_and(has));
            if let Some((name, _)) = first.filter(|_| has(&own.labels)) {
                let text = format!(
                    "Sidecar {name} selects the pod {} too, and is older or first by name; this one is not used for it",
                    pod.meta.name
                );
                return out.push(finding(
                    object,
                    "spec.workloadSelector",
                    Severity::Warning,
                    "duplicate-sidecar",
                    text,
                ));
            }
        }
    }
}

/// Whether a socket of the proxy's own is said to be the application's.
fn leads_back(listener: &IngressListener) -> bool {
    let Some(port) = &listener.port else { return false };
    let place = format!("{}:{}", listener.bind, port.number);
    listener.capture_mode == CaptureMode::None && !listener.bind.is_empty() && *listener.default_endpoint == *place
}
