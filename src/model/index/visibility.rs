//! What the mesh allows ServiceEntries of a namespace to be seen by, whatever they say themselves
//! (`serviceEntryVisibility`; istio `pilot/pkg/model/push_context.go`, `serviceExportTo`).

use std::collections::BTreeSet;

use crate::api::mesh::{MatchRule, Visibility, VisibilityPolicy};
use crate::base::{Labels, Namespace, Str};
use crate::model::facts::ExportTo;

use super::Index;

impl Index {
    /// Who may see a ServiceEntry of a namespace that is exported like this.
    pub(super) fn capped(&self, exported: ExportTo, namespace: &Namespace) -> ExportTo {
        let nobody = || ExportTo::Only(BTreeSet::new());
        match self.allowed(namespace) {
            Visibility::Unspecified | Visibility::Public => exported,
            Visibility::Namespace if exported.includes(namespace) => {
                ExportTo::Only(BTreeSet::from([namespace.clone()]))
            }
            Visibility::Namespace | Visibility::None => nobody(),
        }
    }

    /// What the first policy that matches a namespace allows.
    fn allowed(&self, namespace: &Namespace) -> Visibility {
        let said = self.snapshot.mesh.config.service_entry_visibility.as_ref();
        let Some(said) = said.filter(|said| said.apply_to_sidecars) else { return Visibility::Public };
        let labels = self.labels_of(&Str::new(), namespace);
        let found = said.policies.iter().find(|policy| matches(policy, &labels));
        found.map_or(said.default_visibility, |policy| policy.visibility)
    }
}

fn matches(policy: &VisibilityPolicy, labels: &Labels) -> bool {
    policy.matching_rules.iter().all(|rule| match rule {
        MatchRule::Nothing => false,
        MatchRule::NamespaceSelector(selector) => selector.matches(labels),
    })
}

#[cfg(test)]
mod tests;
