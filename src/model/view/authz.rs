//! Which calls a workload lets in, and who may be asked.

use crate::base::{Labels, Namespace};
use crate::model::facts::{Authenticator, Authenticators, Authz, AuthzPolicy, Handle};

use super::{FactKey, Origin, View};

impl<'s> View<'s> {
    /// The AuthorizationPolicies for a workload of a namespace with these labels: those of the root namespace first,
    /// each namespace's oldest first (istio `pilot/pkg/model/authorization.go`, `ListAuthorizationPolicies`).
    pub fn authz(&self, namespace: &Namespace, labels: &Labels) -> Vec<Handle<AuthzPolicy>> {
        let root = &self.mesh().root;
        let own = (namespace != root).then_some(namespace);
        let all = [Some(root), own].into_iter().flatten().filter_map(|home| self.authz_of(home)).flat_map(|all| &**all);
        let mine: Vec<_> = all.filter(|policy| policy.reach.has(namespace, labels)).cloned().collect();
        mine.iter().for_each(|policy| self.credit_policy(&policy.namespace, &policy.name));
        mine
    }

    fn authz_of(&self, namespace: &Namespace) -> Option<&'s Handle<Authz>> {
        self.note(FactKey::Authz(namespace.clone()));
        self.snapshot.authz.get(namespace)
    }

    /// The RequestAuthentications for a workload of a namespace with these labels: those of its own namespace first
    /// (istio `pilot/pkg/model/authentication.go`, `getConfigsForWorkload`).
    pub fn authenticators(&self, namespace: &Namespace, labels: &Labels) -> Vec<Handle<Authenticator>> {
        let root = &self.mesh().root;
        let homes = [Some(namespace), (namespace != root).then_some(root)].into_iter().flatten();
        let all = homes.filter_map(|home| self.authenticators_of(home)).flat_map(|all| &**all);
        let mine: Vec<_> = all.filter(|policy| policy.reach.has(namespace, labels)).cloned().collect();
        mine.iter().for_each(|p| self.credit(|| Origin::Authenticator(p.reach.home.clone(), p.clone())));
        mine
    }

    fn authenticators_of(&self, namespace: &Namespace) -> Option<&'s Handle<Authenticators>> {
        self.note(FactKey::Authenticators(namespace.clone()));
        self.snapshot.authenticators.get(namespace)
    }
}
