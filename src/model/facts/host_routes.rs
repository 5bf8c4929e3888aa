//! The VirtualServices of one host, by who sees them: of thousands that are private to their namespaces, each namespace
//! looks at its own alone.

use std::collections::BTreeMap;

use crate::base::Namespace;

use super::handle::Handle;
use super::rule::VirtualService;
use super::service::ExportTo;

/// The VirtualServices for exactly one host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct HostRoutes {
    all: Vec<Handle<VirtualService>>,
    /// Places of those that everybody sees.
    public: Vec<usize>,
    /// Places of those that only some namespaces see, by namespace.
    named: BTreeMap<Namespace, Vec<usize>>,
}

impl HostRoutes {
    /// From all of them, oldest first.
    pub(in crate::model) fn new(all: Vec<Handle<VirtualService>>) -> Self {
        let (mut public, mut named) = (Vec::new(), BTreeMap::<Namespace, Vec<usize>>::new());
        for (at, route) in all.iter().enumerate() {
            match &route.export_to {
                ExportTo::All => public.push(at),
                ExportTo::Only(namespaces) => {
                    namespaces.iter().for_each(|ns| named.entry(ns.clone()).or_default().push(at));
                }
            }
        }
        Self { all, public, named }
    }

    /// All of them, whoever sees them, by (creation time, name, namespace).
    pub fn all(&self) -> &[Handle<VirtualService>] {
        &self.all
    }

    /// Those that a namespace sees: those exported to it by name, then those exported to all, each group oldest first.
    pub fn seen_from(&self, namespace: &Namespace) -> impl Iterator<Item = &Handle<VirtualService>> {
        let named = self.named.get(namespace).into_iter().flatten();
        named.chain(&self.public).map(|at| &self.all[*at])
    }
}
