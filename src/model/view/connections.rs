//! What listeners read: who has a port, and the routes of connections.

use crate::base::Host;
use crate::model::facts::{ExportTo, Handle, Service, VirtualService};

use super::{FactKey, View};

impl<'s> View<'s> {
    /// Definitions with a port of that number that the caller sees: those exported by name first, each group by
    /// creation time, name and namespace. Where several namespaces define a host, only one of them counts.
    pub fn services_on_port(&self, port: u16) -> Vec<Handle<Service>> {
        if let Some(egress) = self.egress() {
            return self.imported_on(egress, Some(port));
        }
        let members = self.members_on_port(port).map(|m| m.services.as_slice()).unwrap_or_default();
        let public = |s: &Service| s.export_to == ExportTo::All;
        let visible = |named: bool| {
            members.iter().filter(move |m| public(&m.service) != named && m.service.export_to.includes(&self.namespace))
        };
        let counts = |s: &Service| self.counting(&s.host).first().is_some_and(|d| d.namespace == s.namespace);
        visible(true)
            .chain(visible(false))
            .filter(|m| !m.contested || counts(&m.service))
            .map(|m| m.service.clone())
            .collect()
    }

    /// All definitions that a Sidecar lets through; none where there is no Sidecar.
    pub fn services(&self) -> Vec<Handle<Service>> {
        self.egress().map(|egress| self.imported_on(egress, None)).unwrap_or_default()
    }

    /// The VirtualServices with a host that overlaps this one: for a wildcard also those for hosts under it.
    pub fn connection_routes(&self, host: &Host) -> Vec<Handle<VirtualService>> {
        let all = self.overlapping(host);
        let speaks = |rule: &&Handle<VirtualService>| !rule.tls.is_empty() || !rule.tcp.is_empty();
        all.iter().filter(speaks).for_each(|rule| self.credit_routes(rule));
        all
    }

    fn overlapping(&self, host: &Host) -> Vec<Handle<VirtualService>> {
        let mut all = self.routing(host);
        if !host.is_wildcard() {
            return all;
        }
        self.note(FactKey::AnyRoutes);
        let under =
            self.snapshot.routes.iter().filter(|(exact, _)| host.matches(exact)).flat_map(|(_, routes)| routes.all());
        all.extend(under.filter(|v| self.routes_by(v)).cloned());
        all.sort_by(|a, b| self.order(a).cmp(&self.order(b)));
        all.dedup();
        all
    }
}
