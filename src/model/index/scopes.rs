//! Which namespaces see something that others do not.
//!
//! A namespace without anything of its own shares the public scope, and so all clusters and most routes, with every
//! other such namespace. For each host only namespaces that some object names can deviate: where its definitions,
//! rules and VirtualServices are, and those they are exported to. Cost is by mentions, not by hosts × namespaces.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::{Host, Namespace};
use crate::model::facts::{ExportTo, Handle, VirtualService};
use crate::model::snapshot::{Changes, FactKey, Scope};
use crate::model::view::View;

use super::{Dirty, Index, put};

/// For each host the namespaces that see it in a way of their own.
#[derive(Default)]
pub(super) struct Scopes {
    deviating: BTreeMap<Host, BTreeSet<Namespace>>,
}

impl Index {
    pub(super) fn derive_scopes(&mut self, dirty: &Dirty, changes: &mut Changes) {
        let mut moved: BTreeMap<Namespace, (BTreeSet<Host>, BTreeSet<Host>)> = BTreeMap::new();
        for host in self.concerned(&dirty.scopes) {
            let mut now = self.routed(&host);
            let others = self.candidates(&host).into_iter().filter(|ns| !now.contains(ns) && self.deviates(&host, ns));
            let others: Vec<Namespace> = others.collect();
            now.extend(others);
            let before = self.scopes.deviating.remove(&host).unwrap_or_default();
            for gone in before.difference(&now) {
                moved.entry(gone.clone()).or_default().1.insert(host.clone());
            }
            for new in now.difference(&before) {
                moved.entry(new.clone()).or_default().0.insert(host.clone());
            }
            if !now.is_empty() {
                self.scopes.deviating.insert(host, now);
            }
        }
        for (namespace, (new, gone)) in moved {
            let mut hosts: BTreeSet<Host> =
                self.snapshot.private.get(&namespace).map(|h| (**h).clone()).unwrap_or_default();
            hosts.retain(|h| !gone.contains(h));
            hosts.extend(new);
            if put(&mut self.snapshot.private, &namespace, (!hosts.is_empty()).then_some(hosts)) {
                changes.keys.insert(FactKey::Scope(namespace));
            }
        }
    }

    /// A wildcard's rules and routes speak of every host that it overlaps.
    fn concerned(&self, hosts: &BTreeSet<Host>) -> BTreeSet<Host> {
        let mut all = hosts.clone();
        for wild in hosts.iter().filter(|h| h.is_wildcard()) {
            let known = self.defining.keys().chain(self.routes.hosts());
            all.extend(known.filter(|h| wild.matches(h)).cloned());
        }
        all
    }

    /// Namespaces that see VirtualServices for a host which not all see. Linear in them: all of thousands may be for one
    /// host.
    fn routed(&self, host: &Host) -> BTreeSet<Namespace> {
        let overlaps = |v: &&Handle<VirtualService>| v.hosts.iter().any(|h| h.is_wildcard() && h.matches(host));
        let wild = self.snapshot.wild_routes.iter().filter(overlaps);
        let here = self.routes.of(host).chain(wild).filter(|v| v.in_mesh());
        here.flat_map(|v| named(&v.export_to)).cloned().collect()
    }

    /// Namespaces that may see a host in a way of their own because of its definitions or rules.
    fn candidates(&self, host: &Host) -> BTreeSet<Namespace> {
        let mut out = BTreeSet::new();
        let definitions = self.snapshot.services.get(host);
        out.extend(definitions.iter().flat_map(|d| d.iter()).flat_map(|s| named(&s.export_to)).cloned());
        out.extend(definitions.iter().flat_map(|d| d.iter()).map(|s| s.namespace.clone()));
        out.extend(self.rules.namespaces(host).cloned());
        out.extend(self.rules.wildcards().filter(|(w, _)| w.covers(host)).flat_map(|(_, ns)| ns.iter().cloned()));
        let exact = out.iter().filter_map(|ns| self.snapshot.rules.get(&(ns.clone(), host.clone()))).map(|r| &**r);
        let wild = out.iter().filter_map(|ns| self.snapshot.wild_rules.get(ns)).flat_map(|rules| rules.iter());
        let wild = wild.filter(|(w, _)| w.covers(host)).map(|(_, rules)| rules);
        let exported = exact.chain(wild).flat_map(|r| &r.exported).flat_map(|r| &r.export_to);
        let exported: Vec<_> = exported.map(|n| Namespace::new(n.clone())).collect();
        out.extend(exported);
        out
    }

    /// Whether a namespace sees other definitions of a host, or other rules for it, than others do.
    fn deviates(&self, host: &Host, namespace: &Namespace) -> bool {
        let own = Scope::Namespace(namespace.clone());
        let (own, public) = (View::new(&self.snapshot, &own), View::new(&self.snapshot, &Scope::Public));
        let (a, b) = (own.definitions(host), public.definitions(host));
        if a != b {
            return true;
        }
        // A service that nobody sees in two ways may still be called under two rules.
        match own.service(host) {
            Some(service) => own.rules(&service) != public.rules(&service),
            None => false,
        }
    }
}

/// The namespaces that an object is exported to by name.
fn named(export: &ExportTo) -> impl Iterator<Item = &Namespace> {
    match export {
        ExportTo::Only(namespaces) => Some(namespaces),
        ExportTo::All => None,
    }
    .into_iter()
    .flatten()
}
