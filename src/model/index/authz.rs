//! AuthorizationPolicies by namespace.

use crate::api::{Kind, Object, Spec};
use crate::model::facts::{AuthzPolicy, Handle};
use crate::model::snapshot::{Changes, FactKey};

use super::{Dirty, Index, put};

impl Index {
    pub(super) fn derive_authz(&mut self, dirty: &Dirty, changes: &mut Changes) {
        for namespace in &dirty.authz {
            let mut found: Vec<&Object> =
                self.of_kind(Kind::AuthorizationPolicy, namespace).map(AsRef::as_ref).collect();
            found.sort_by_key(|object| (object.meta.created, &object.meta.name));
            let list: Vec<_> = found.into_iter().filter_map(policy).map(Handle::new).collect();
            if put(&mut self.snapshot.authz, namespace, (!list.is_empty()).then_some(list)) {
                changes.keys.insert(FactKey::Authz(namespace.clone()));
            }
        }
    }
}

fn policy(object: &Object) -> Option<AuthzPolicy> {
    let Spec::AuthorizationPolicy(spec) = &object.spec else { return None };
    let tried = object.meta.annotations.get("istio.io/dry-run").map(|said| said.as_str());
    Some(AuthzPolicy {
        namespace: object.meta.namespace.clone(),
        name: object.meta.name.clone(),
        labels: spec.selector.as_ref().map(|s| s.match_labels.clone()).unwrap_or_default(),
        targets: match spec.target_refs.is_empty() {
            true => spec.target_ref.iter().cloned().collect(),
            false => spec.target_refs.clone(),
        },
        action: spec.action,
        provider: spec.provider.as_ref().map(|p| p.name.clone()).unwrap_or_default(),
        dry_run: matches!(tried, Some("1" | "t" | "T" | "true" | "TRUE" | "True")),
        rules: spec.rules.clone(),
    })
}
