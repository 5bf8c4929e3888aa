//! ExternalName Services that stand for services of the mesh.

use std::collections::{BTreeMap, BTreeSet};

use crate::api::Spec;
use crate::base::{Host, Namespace};

use super::{is_alias, kubernetes_host};
use crate::model::index::{Dirty, Index};

/// ExternalName Services and what they stand for in the end.
#[derive(Default)]
pub(in crate::model::index) struct Aliases {
    /// For each concrete host the aliases that lead to it, over any number of steps.
    pub(super) of: BTreeMap<Host, Vec<(Namespace, Host)>>,
}

impl Index {
    /// Follows ExternalNames to what they stand for in the end; a loop stands for nothing (istio `push_context.go`,
    /// `resolveServiceAliases`).
    pub(in crate::model::index) fn derive_aliases(&mut self, dirty: &mut Dirty) {
        if !std::mem::take(&mut dirty.aliases) {
            return;
        }
        let services = self.objects.values().filter_map(|o| match &o.spec {
            Spec::Service(s) if is_alias(s) => Some((
                kubernetes_host(&o.meta, &self.options.domain),
                o.meta.namespace.clone(),
                Host::new(s.external_name.clone()),
            )),
            _ => None,
        });
        let raw: BTreeMap<Host, (Namespace, Host)> = services.map(|(host, ns, target)| (host, (ns, target))).collect();
        let mut of: BTreeMap<Host, Vec<(Namespace, Host)>> = BTreeMap::new();
        for (alias, (namespace, first)) in &raw {
            let mut seen = BTreeSet::from([alias]);
            let mut target = first;
            while let Some((_, next)) = raw.get(target) {
                if !seen.insert(target) {
                    break;
                }
                target = next;
            }
            if !raw.contains_key(target) {
                of.entry(target.clone()).or_default().push((namespace.clone(), alias.clone()));
            }
        }
        of.values_mut().for_each(|aliases| aliases.sort());
        let old = std::mem::replace(&mut self.aliases.of, of);
        let moved = |host: &&Host| old.get(*host) != self.aliases.of.get(*host);
        dirty.services.extend(old.keys().chain(self.aliases.of.keys()).filter(moved).cloned());
    }
}
