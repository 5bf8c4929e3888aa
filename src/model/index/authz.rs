//! AuthorizationPolicies and RequestAuthentications by namespace.

use crate::api::envoy_filter::TargetRef;
use crate::api::selector::MatchLabels;
use crate::api::{Kind, Object, Spec};
use crate::base::Namespace;
use crate::model::facts::{Authenticator, AuthzPolicy, Handle, Reach};
use crate::model::snapshot::{Changes, FactKey};

use super::{Dirty, Index, put};

impl Index {
    pub(super) fn derive_authz(&mut self, dirty: &Dirty, changes: &mut Changes) {
        for namespace in &dirty.authz {
            let list = self.by_age(Kind::AuthorizationPolicy, namespace, policy);
            if put(&mut self.snapshot.authz, namespace, (!list.is_empty()).then_some(list)) {
                changes.keys.insert(FactKey::Authz(namespace.clone()));
            }
        }
        for namespace in &dirty.authenticators {
            let list = self.by_age(Kind::RequestAuthentication, namespace, authenticator);
            if put(&mut self.snapshot.authenticators, namespace, (!list.is_empty()).then_some(list)) {
                changes.keys.insert(FactKey::Authenticators(namespace.clone()));
            }
        }
    }

    /// What follows from the objects of a kind in a namespace, the oldest first.
    pub(super) fn by_age<T>(&self, kind: Kind, namespace: &Namespace, of: impl Fn(&Object) -> Option<T>) -> Vec<T> {
        let mut found: Vec<&Object> = self.of_kind(kind, namespace).map(AsRef::as_ref).collect();
        found.sort_by_key(|object| (object.meta.created, &object.meta.name));
        found.into_iter().filter_map(of).collect()
    }
}

fn reach(object: &Object, selector: Option<&MatchLabels>, target: Option<&TargetRef>, targets: &[TargetRef]) -> Reach {
    Reach {
        home: object.meta.namespace.clone(),
        labels: selector.map(|s| s.match_labels.clone()).unwrap_or_default(),
        targets: if targets.is_empty() { target.into_iter().cloned().collect() } else { targets.to_vec() },
    }
}

fn policy(object: &Object) -> Option<Handle<AuthzPolicy>> {
    let Spec::AuthorizationPolicy(spec) = &object.spec else { return None };
    let tried = object.meta.annotations.get("istio.io/dry-run").map(|said| said.as_str());
    Some(Handle::new(AuthzPolicy {
        namespace: object.meta.namespace.clone(),
        name: object.meta.name.clone(),
        reach: reach(object, spec.selector.as_ref(), spec.target_ref.as_ref(), &spec.target_refs),
        action: spec.action,
        provider: spec.provider.as_ref().map(|p| p.name.clone()).unwrap_or_default(),
        dry_run: matches!(tried, Some("1" | "t" | "T" | "true" | "TRUE" | "True")),
        rules: spec.rules.clone(),
    }))
}

pub(super) fn authenticator(object: &Object) -> Option<Handle<Authenticator>> {
    let Spec::RequestAuthentication(spec) = &object.spec else { return None };
    Some(Handle::new(Authenticator {
        reach: reach(object, spec.selector.as_ref(), spec.target_ref.as_ref(), &spec.target_refs),
        rules: spec.jwt_rules.clone(),
    }))
}
