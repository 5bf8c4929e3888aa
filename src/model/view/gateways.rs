//! What gateway proxies read: Gateways, and VirtualServices by the Gateway that they are bound to.

use crate::base::{Labels, Namespace, Str};
use crate::model::facts::{EdgeGateway, Handle, Servers, Target, VirtualService};

use super::{FactKey, View};

/// A label of a Service whose Gateways name the ports of the proxy itself.
const NO_TRANSLATION: &str = "experimental.istio.io/disable-gateway-port-translation";

impl View<'_> {
    /// Everything that the Gateways for a proxy of a namespace with these labels take in; `None` without any. `targets`
    /// are the ports of the services in front of the proxy.
    pub fn servers(&self, namespace: &Namespace, labels: &Labels, targets: &[Target]) -> Option<Servers> {
        self.note(FactKey::Gateways);
        let at_home = self.mesh().features.gateways_at_home;
        let reaches = |gateway: &EdgeGateway| !at_home || gateway.namespace == *namespace;
        let all = self.snapshot.gateways.iter();
        let mine: Vec<_> = all.filter(|gateway| reaches(gateway) && gateway.selects(labels)).cloned().collect();
        if mine.is_empty() {
            return None;
        }
        let arrives = |number: u16| {
            let arriving = targets.iter().filter(|target| target.port.number == number);
            arriving.into_iter().find(|target| self.translates(target)).map_or(number, |target| target.number)
        };
        Some(Servers::merge(&mine, arrives).0)
    }

    fn translates(&self, target: &Target) -> bool {
        let definitions = self.counting(&target.host);
        !definitions.iter().any(|d| d.namespace == target.namespace && d.labels.contains_key(NO_TRANSLATION))
    }

    /// The VirtualServices bound to a Gateway, `namespace/name`: those for the caller's namespace alone first, then
    /// those exported to it by name, then the rest, each group oldest first (istio `pilot/pkg/model/push_context.go`,
    /// `VirtualServicesForGateway`).
    pub fn bound_to(&self, gateway: &Str) -> Vec<Handle<VirtualService>> {
        self.note(FactKey::Bound(gateway.clone()));
        let all = self.snapshot.bound.get(gateway).map(|list| list.as_slice()).unwrap_or_default();
        let mut seen: Vec<_> = all.iter().filter(|v| v.export_to.includes(&self.namespace)).cloned().collect();
        seen.sort_by(|a, b| self.order(a).cmp(&self.order(b)));
        seen
    }
}
