//! What only routes and names ask for.

use std::collections::BTreeSet;

use crate::base::{Host, Namespace};
use crate::model::facts::Handle;

use super::{FactKey, Scope, View};

impl<'s> View<'s> {
    /// Whether a host has any definition at all, visible or not. Not recorded: who asks has read the definitions.
    pub fn is_defined(&self, host: &Host) -> bool {
        self.snapshot.services.contains_key(host)
    }

    /// Whether some VirtualService is for exactly this host, visible or not. Not recorded: who asks has read them.
    pub fn is_routed(&self, host: &Host) -> bool {
        self.snapshot.routes.contains_key(host) || (host.is_wildcard() && self.wild_hosts().any(|h| h == host))
    }

    /// All wildcard hosts of VirtualServices, some more than once. Not recorded: planners have a unit for each.
    pub fn wild_hosts(&self) -> impl Iterator<Item = &'s Host> {
        self.snapshot.wild_routes.iter().flat_map(|v| &v.hosts).filter(|h| h.is_wildcard())
    }

    /// All hosts of services that a wildcard overlaps, visible or not.
    pub fn hosts_under(&self, wildcard: &Host) -> impl Iterator<Item = &'s Host> {
        self.note(FactKey::AnyPort);
        self.snapshot.services.keys().filter(move |h| wildcard.matches(h))
    }

    /// Whether the callers are of a namespace.
    pub fn is_own(&self, namespace: &Namespace) -> bool {
        self.namespace == *namespace
    }

    /// The hosts that the callers see in a way of their own: other definitions, routes or rules than others see.
    pub fn private(&self) -> Option<&'s Handle<BTreeSet<Host>>> {
        let Scope::Namespace(namespace) = self.scope else { return None };
        self.note(FactKey::Scope(namespace.clone()));
        self.snapshot.private.get(namespace)
    }
}
