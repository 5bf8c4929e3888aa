//! Which definitions of a host count for a caller, and what service they make together.

use crate::base::{Host, Namespace};
use crate::model::facts::{ExportTo, Handle, Registry, Service};

use super::{FactKey, View};

impl View<'_> {
    /// The service that callers reach by a host: of the definitions that count, a Kubernetes Service before a
    /// ServiceEntry, what is exported to the caller's namespace by name before what is exported to all, the older
    /// before the younger (istio `pilot/pkg/model/sidecar.go`, `appendSidecarServices`).
    pub fn service(&self, host: &Host) -> Option<Handle<Service>> {
        if let Some(egress) = self.egress() {
            return self.collected(egress, host);
        }
        let visible = self.counting(host);
        let first = visible.iter().find(|s| s.registry == Registry::Kubernetes).or_else(|| visible.first())?;
        if self.trace.is_some() {
            let merges = |s: &&Handle<Service>| *s == first || (first.registry == Registry::External && like(s, first));
            visible.iter().filter(merges).for_each(|s| self.credit_service(s));
        }
        Some(merge_ports(first, &visible))
    }

    /// All definitions of a host that count for the caller, those exported by name first, each group oldest first.
    /// Where several namespaces define it, only the definitions of one of them count (istio
    /// `pilot/pkg/model/sidecar.go`, `selectServices`). Listeners are built from all of them, clusters and routes from
    /// [`View::service`] alone.
    pub fn definitions(&self, host: &Host) -> Vec<Handle<Service>> {
        let all = self.counting(host);
        self.credit_services(&all);
        all
    }

    /// [`View::definitions`], for the view's own use.
    pub(super) fn counting(&self, host: &Host) -> Vec<Handle<Service>> {
        if let Some(egress) = self.egress() {
            return self.imported(egress, host);
        }
        let mut visible = self.visible(host);
        if let Some(home) = self.home(&visible) {
            visible.retain(|s| s.namespace == home);
        }
        visible
    }

    /// All definitions of a host that are exported to the caller's namespace, in whatever namespaces they are.
    pub(super) fn visible(&self, host: &Host) -> Vec<Handle<Service>> {
        self.note(FactKey::Service(host.clone()));
        let Some(all) = self.snapshot.services.get(host) else { return Vec::new() };
        let public = |s: &&Handle<Service>| matches!(s.export_to, ExportTo::All);
        let named = all.iter().filter(|s| !public(s) && s.export_to.includes(&self.namespace));
        named.chain(all.iter().filter(public)).cloned().collect()
    }

    /// The namespace whose definitions count: the caller's own, else that of the first, unless a Kubernetes Service
    /// follows a ServiceEntry. `None` where there is no choice.
    pub(super) fn home(&self, visible: &[Handle<Service>]) -> Option<Namespace> {
        let mut home = visible.first()?;
        if visible.iter().all(|s| s.namespace == home.namespace) {
            return None;
        }
        for next in &visible[1..] {
            let own = |s: &Service| s.namespace == self.namespace;
            let better = home.registry != Registry::Kubernetes && next.registry == Registry::Kubernetes;
            if own(next) || (better && !own(home)) {
                home = next;
            }
        }
        Some(home.namespace.clone())
    }
}

/// ServiceEntries of one namespace may each bring some ports of one host: the first one's service, with the ports of
/// those that agree with it in all else (`canMergeServices`).
fn merge_ports(first: &Handle<Service>, visible: &[Handle<Service>]) -> Handle<Service> {
    if first.registry == Registry::Kubernetes {
        return first.clone();
    }
    let mut ports = first.ports.clone();
    for port in visible.iter().filter(|s| like(s, first)).flat_map(|s| &s.ports) {
        if ports.iter().all(|p| p.number != port.number) {
            ports.push(port.clone());
        }
    }
    if ports.len() == first.ports.len() {
        return first.clone();
    }
    Handle::new(Service { ports, ..(**first).clone() })
}

/// Whether two definitions of a host may bring their ports together (istio `canMergeServices`).
pub(super) fn like(a: &Service, b: &Service) -> bool {
    a.registry == b.registry
        && a.namespace == b.namespace
        && a.resolution == b.resolution
        && a.labels == b.labels
        && a.selector == b.selector
        && a.export_to == b.export_to
}
