//! Which calls a workload lets in, and who may be asked.

use crate::base::{Host, Labels, Namespace};
use crate::model::facts::{Authz, AuthzPolicy, Handle};

use super::{FactKey, View};

impl<'s> View<'s> {
    /// The AuthorizationPolicies for a workload of a namespace with these labels: those of the root namespace first,
    /// each namespace's oldest first (istio `pilot/pkg/model/authorization.go`, `ListAuthorizationPolicies`).
    pub fn authz(&self, namespace: &Namespace, labels: &Labels) -> Vec<Handle<AuthzPolicy>> {
        let root = &self.mesh().root;
        let own = (namespace != root).then_some(namespace);
        let all = [Some(root), own].into_iter().flatten().filter_map(|home| self.authz_of(home)).flat_map(|all| &**all);
        all.filter(|policy| policy.is_for(namespace, labels)).cloned().collect()
    }

    fn authz_of(&self, namespace: &Namespace) -> Option<&'s Handle<Authz>> {
        self.note(FactKey::Authz(namespace.clone()));
        self.snapshot.authz.get(namespace)
    }

    /// The namespaces that define a host, whoever may see it.
    pub fn homes_of(&self, host: &Host) -> Vec<&'s Namespace> {
        self.note(FactKey::Service(host.clone()));
        let mut homes: Vec<_> =
            self.snapshot.services.get(host).into_iter().flat_map(|all| all.iter()).map(|s| &s.namespace).collect();
        homes.sort();
        homes.dedup();
        homes
    }
}
