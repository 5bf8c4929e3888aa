//! All facts of a sort, whoever sees them: for pages about the mesh, never for planners.

use std::collections::BTreeMap;

use crate::base::{Host, Namespace, Str};

use super::facts::{Endpoints, Handle, Instance, Rule, Service, VirtualService};
use super::snapshot::Snapshot;

impl Snapshot {
    /// All definitions of a host, oldest first.
    pub fn definitions(&self, host: &Host) -> &[Handle<Service>] {
        self.services.get(host).map(|all| all.as_slice()).unwrap_or_default()
    }

    /// The endpoints of a definition.
    pub fn endpoints_of(&self, service: &Service) -> Option<&Handle<Endpoints>> {
        self.endpoints.get(&(service.host.clone(), service.namespace.clone()))
    }

    /// All addresses behind which something is known to stand.
    pub fn instances(&self) -> impl Iterator<Item = &Handle<Instance>> {
        self.addresses.values()
    }

    /// All VirtualServices, for sidecars and for gateways, by namespace and name. O(all of them).
    pub fn virtual_services(&self) -> BTreeMap<(&Namespace, &Str), &Handle<VirtualService>> {
        let exact = self.routes.values().flat_map(|routes| routes.all());
        let bound = self.bound.values().flat_map(|routes| routes.iter());
        let all = exact.chain(self.wild_routes.iter()).chain(bound);
        all.map(|route| ((&route.namespace, &route.name), route)).collect()
    }

    /// All DestinationRules for a host, for the host itself or for a wildcard above it, whoever sees them. O(all rules).
    pub fn rules_for(&self, host: &Host) -> Vec<&Handle<Rule>> {
        let exact = self.rules.iter().filter(|((_, of), _)| of == host).map(|(_, rules)| &**rules);
        let wild = self.wild_rules.values().flat_map(|rules| rules.iter());
        let wild = wild.filter(|(pattern, _)| pattern.covers(host)).map(|(_, rules)| rules);
        let mut all: Vec<&Handle<Rule>> = Vec::new();
        for rule in exact.chain(wild).flat_map(|rules| rules.local.iter().chain(&rules.exported)) {
            if !all.contains(&rule) {
                all.push(rule);
            }
        }
        all
    }
}
