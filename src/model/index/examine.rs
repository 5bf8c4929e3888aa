//! What is odd in objects that are fine each by itself: names that nothing answers to, two claims to one host.
//!
//! Looked at as a whole, and only when somebody wants to know or when the mesh is quiet: O(all rules).

use std::collections::BTreeMap;

use crate::api::virtual_service::{Destination, HttpRoute};
use crate::api::{Kind, Object, Spec};
use crate::base::{Finding, Host, Namespace, Severity, Str};
use crate::model::facts::{ExportTo, Handle, Registry, Service, VirtualService};

use super::{Index, delegate};

impl Index {
    /// Everything odd, in the order of the objects.
    pub fn examine(&self) -> Vec<Finding> {
        let mut out = Vec::new();
        for object in self.objects.values() {
            match &object.spec {
                Spec::VirtualService(spec) => {
                    for (at, route) in spec.http.iter().enumerate() {
                        self.http(object, &format!("spec.http[{at}]"), route, &mut out);
                    }
                    let tls = spec.tls.iter().map(|r| &r.route).enumerate().map(|(i, r)| (format!("spec.tls[{i}]"), r));
                    let tcp = spec.tcp.iter().map(|r| &r.route).enumerate().map(|(i, r)| (format!("spec.tcp[{i}]"), r));
                    for (path, route) in tls.chain(tcp) {
                        for (i, weighted) in route.iter().enumerate() {
                            self.destination(
                                object,
                                &format!("{path}.route[{i}].destination"),
                                &weighted.destination,
                                &mut out,
                            );
                        }
                    }
                    self.claimed_routes(object, &mut out);
                    self.examine_gateways_of(object, spec, &mut out);
                    let dropped = self.merged(spec, &object.meta.namespace).dropped;
                    out.extend(
                        dropped
                            .into_iter()
                            .map(|d| finding(object, &d.field, Severity::Warning, "delegate", d.text.to_string())),
                    );
                }
                Spec::DestinationRule(rule) => {
                    let host = delegate::resolve(&rule.host, &object.meta.namespace, &self.options.domain);
                    if !self.is_known(&host) {
                        let text = format!("no service has the host {host:?}; the rule has no effect until one does");
                        out.push(finding(object, "spec.host", Severity::Warning, "unknown-host", text));
                    }
                }
                Spec::ServiceEntry(_) => self.claimed_hosts(object, &mut out),
                Spec::Sidecar(spec) => self.examine_sidecar(object, spec, &mut out),
                Spec::Gateway(spec) => self.examine_gateway(object, spec, &mut out),
                Spec::Ingress(spec) => self.examine_ingress(object, spec, &mut out),
                _ => {}
            }
        }
        out.extend(self.examine_servers());
        out
    }

    fn http(&self, object: &Object, path: &str, route: &HttpRoute, out: &mut Vec<Finding>) {
        for (i, weighted) in route.route.iter().enumerate() {
            self.destination(object, &format!("{path}.route[{i}].destination"), &weighted.destination, out);
        }
        if let Some(mirror) = &route.mirror {
            self.destination(object, &format!("{path}.mirror"), mirror, out);
        }
    }

    fn destination(&self, object: &Object, path: &str, destination: &Destination, out: &mut Vec<Finding>) {
        let host = delegate::resolve(&destination.host, &object.meta.namespace, &self.options.domain);
        if !self.is_known(&host) {
            let text = format!("no service has the host {host:?}; calls that take this route fail until one does");
            return out.push(finding(object, &format!("{path}.host"), Severity::Warning, "unknown-host", text));
        }
        let subset = &destination.subset;
        if !subset.is_empty() && !self.has_subset(&host, subset) {
            let text =
                format!("no DestinationRule defines the subset {subset:?} of {host}; calls that take this route fail");
            out.push(finding(object, &format!("{path}.subset"), Severity::Warning, "unknown-subset", text));
        }
    }

    fn is_known(&self, host: &Host) -> bool {
        if self.defining.contains_key(host) {
            return true;
        }
        let wild = || self.defining.range(Host::from("*")..).map(|(h, _)| h).take_while(|h| h.is_wildcard());
        if host.is_wildcard() {
            return self.defining.keys().any(|known| known.matches(host));
        }
        wild().any(|w| w.covers(host))
    }

    fn has_subset(&self, host: &Host, subset: &Str) -> bool {
        let exact = self
            .rules
            .namespaces(host)
            .filter_map(|ns| self.snapshot.rules.get(&(ns.clone(), host.clone())))
            .map(|r| &**r);
        let wild =
            self.snapshot.wild_rules.values().flat_map(|w| w.iter()).filter(|(w, _)| w.covers(host)).map(|(_, r)| r);
        exact
            .chain(wild)
            .flat_map(|r| r.local.iter().chain(&r.exported))
            .any(|r| r.subsets.iter().any(|s| s.name == *subset))
    }

    /// A VirtualService of which an older one takes the same host for sidecars of the same namespaces.
    fn claimed_routes(&self, object: &Object, out: &mut Vec<Finding>) {
        let is_this = |v: &VirtualService| v.name == object.meta.name && v.namespace == object.meta.namespace;
        let Some(own) = self.routes.fact(&object.meta.namespace, &object.meta.name).filter(|v| v.in_mesh()) else {
            return;
        };
        for (at, host) in own.hosts.iter().enumerate().filter(|(_, h)| !h.is_wildcard()) {
            let mut others: Vec<&Handle<VirtualService>> =
                self.routes.of(host).filter(|v| v.in_mesh() && overlap(&v.export_to, &own.export_to)).collect();
            others.sort_by(|a, b| (a.created, &a.name, &a.namespace).cmp(&(b.created, &b.name, &b.namespace)));
            if let Some(winner) = others.first().filter(|v| !is_this(v)) {
                let text = format!(
                    "VirtualService {}/{} has the host {host} already and is older, or first by name; this one is not used for it",
                    winner.namespace, winner.name
                );
                out.push(finding(object, &format!("spec.hosts[{at}]"), Severity::Warning, "duplicate-host", text));
            }
        }
    }

    /// A ServiceEntry of which another definition has the same host.
    fn claimed_hosts(&self, object: &Object, out: &mut Vec<Finding>) {
        let Spec::ServiceEntry(entry) = &object.spec else { return };
        for (at, name) in entry.hosts.iter().enumerate() {
            let host = Host::new(name.clone());
            let Some(all) = self.snapshot.services.get(&host).filter(|all| all.len() > 1) else { continue };
            let is_own = |s: &Handle<Service>| s.object == object.meta.name && s.namespace == object.meta.namespace;
            let Some(own) = all.iter().find(|s| is_own(s) && s.registry == Registry::External) else { continue };
            let seen = |s: &&Handle<Service>| overlap(&s.export_to, &own.export_to);
            let winner =
                all.iter().filter(seen).find(|s| s.registry == Registry::Kubernetes).or_else(|| all.iter().find(seen));
            if let Some(winner) = winner.filter(|w| !(is_own(w) && w.registry == Registry::External)) {
                let kind = if winner.registry == Registry::Kubernetes { Kind::Service } else { Kind::ServiceEntry };
                let text = format!(
                    "{kind} {}/{} has the host {host} already and comes first; this one adds at most ports and endpoints",
                    winner.namespace, winner.object
                );
                out.push(finding(object, &format!("spec.hosts[{at}]"), Severity::Warning, "duplicate-host", text));
            }
        }
    }

    /// What workloads that cannot prove who they are will notice: rules that demand mutual TLS.
    pub fn demands_identity(&self) -> Vec<Finding> {
        use crate::api::destination_rule::ClientTlsMode;
        use crate::api::peer_authentication::MutualTlsMode;
        let mut out = Vec::new();
        for object in self.objects.values() {
            match &object.spec {
                Spec::DestinationRule(rule) => {
                    let mode = rule.traffic_policy.as_ref().and_then(|p| p.tls.as_ref()).map(|t| t.mode);
                    if mode == Some(ClientTlsMode::IstioMutual) {
                        let text = "a connected Envoy has no identity yet (no agent beside it), so that its calls under this rule fail; the rule is not weakened for it".to_owned();
                        out.push(finding(
                            object,
                            "spec.trafficPolicy.tls.mode",
                            Severity::Warning,
                            "no-identity",
                            text,
                        ));
                    }
                }
                Spec::PeerAuthentication(policy) if policy.mtls.is_some_and(|m| m.mode == MutualTlsMode::Strict) => {
                    let text = "a connected Envoy has no identity yet (no agent beside it): it cannot call these workloads, and beside one of them it refuses every call".to_owned();
                    out.push(finding(object, "spec.mtls.mode", Severity::Warning, "no-identity", text));
                }
                _ => {}
            }
        }
        out
    }

    /// For log and metrics: how many objects there are of each kind.
    pub fn count(&self) -> BTreeMap<Kind, usize> {
        let mut out = BTreeMap::new();
        self.objects.keys().for_each(|k| *out.entry(k.kind).or_insert(0) += 1);
        out
    }
}

/// Whether some namespace sees both.
fn overlap(a: &ExportTo, b: &ExportTo) -> bool {
    match (a, b) {
        (ExportTo::All, ExportTo::All) => true,
        (ExportTo::All, ExportTo::Only(some)) | (ExportTo::Only(some), ExportTo::All) => !some.is_empty(),
        (ExportTo::Only(a), ExportTo::Only(b)) => a.iter().any(|ns: &Namespace| b.contains(ns)),
    }
}

pub(super) fn finding(object: &Object, field: &str, severity: Severity, code: &'static str, text: String) -> Finding {
    Finding { object: object.object_ref(), field: field.into(), severity, code, text: text.into() }
}
