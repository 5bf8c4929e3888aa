//! Which calls workloads let in: AuthorizationPolicies of the mesh and of a namespace.

use crate::api::authorization_policy::{Action, Rule};
use crate::api::envoy_filter::TargetRef;
use crate::base::{Labels, Namespace, Str};

use super::handle::Handle;

/// The AuthorizationPolicies of a namespace, oldest first.
pub type Authz = Vec<Handle<AuthzPolicy>>;

/// An AuthorizationPolicy.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AuthzPolicy {
    /// Its namespace.
    pub namespace: Namespace,
    /// Its name.
    pub name: Str,
    /// The labels of the workloads that it is for; empty for all.
    pub labels: Labels,
    /// What it is for in place of workloads.
    pub targets: Vec<TargetRef>,
    /// What becomes of calls that match.
    pub action: Action,
    /// Who is asked, with `CUSTOM`.
    pub provider: Str,
    /// Whether it only tells what it would do.
    pub dry_run: bool,
    /// Which calls match.
    pub rules: Vec<Rule>,
}

impl AuthzPolicy {
    /// Whether it is for a workload of a namespace with these labels. One with targets is for gateways of Kubernetes'
    /// API alone, and only in its own namespace (istio `pilot/pkg/model/policyattachment.go`, `ShouldAttachPolicy`).
    pub fn is_for(&self, namespace: &Namespace, labels: &Labels) -> bool {
        if self.targets.is_empty() {
            return self.labels.iter().all(|(key, value)| labels.get(key) == Some(value));
        }
        let Some(gateway) = labels.get("gateway.networking.k8s.io/gateway-name") else { return false };
        let names = |target: &TargetRef| {
            target.group == "gateway.networking.k8s.io" && target.kind == "Gateway" && target.name == *gateway
        };
        self.namespace == *namespace && self.targets.iter().any(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(namespace: &str, labels: &[(&str, &str)], gateway: Option<&str>) -> AuthzPolicy {
        let target = |name: &str| TargetRef {
            group: "gateway.networking.k8s.io".into(),
            kind: "Gateway".into(),
            name: name.into(),
            namespace: Str::default(),
        };
        AuthzPolicy {
            namespace: namespace.into(),
            name: "p".into(),
            labels: self::labels(labels),
            targets: gateway.map(target).into_iter().collect(),
            action: Action::Allow,
            provider: Str::default(),
            dry_run: false,
            rules: Vec::new(),
        }
    }

    fn labels(all: &[(&str, &str)]) -> Labels {
        all.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect()
    }

    #[test]
    fn a_selector_asks_for_all_of_its_labels_and_a_target_for_a_gateway_of_the_same_namespace() {
        let shop = Namespace::from("shop");
        let web = labels(&[("app", "web"), ("tier", "a")]);
        assert!(policy("istio-system", &[], None).is_for(&shop, &web));
        assert!(policy("istio-system", &[("app", "web")], None).is_for(&shop, &web));
        assert!(!policy("shop", &[("app", "web"), ("tier", "b")], None).is_for(&shop, &web));
        assert!(!policy("shop", &[], Some("door")).is_for(&shop, &web), "a sidecar is no gateway");
        let door = labels(&[("gateway.networking.k8s.io/gateway-name", "door")]);
        assert!(policy("shop", &[], Some("door")).is_for(&shop, &door));
        assert!(!policy("shop", &[], Some("window")).is_for(&shop, &door));
        assert!(!policy("istio-system", &[], Some("door")).is_for(&shop, &door));
    }
}
