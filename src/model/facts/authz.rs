//! Which calls workloads let in, and whose tokens they look at: AuthorizationPolicies and RequestAuthentications of the
//! mesh and of a namespace.

use crate::api::authorization_policy::{Action, Rule};
use crate::api::envoy_filter::TargetRef;
use crate::api::request_authentication::JwtRule;
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
    /// Whom it is for.
    pub reach: Reach,
    /// What becomes of calls that match.
    pub action: Action,
    /// Who is asked, with `CUSTOM`.
    pub provider: Str,
    /// Whether it only tells what it would do.
    pub dry_run: bool,
    /// Which calls match.
    pub rules: Vec<Rule>,
}

/// The RequestAuthentications of a namespace, oldest first.
pub type Authenticators = Vec<Handle<Authenticator>>;

/// A RequestAuthentication.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Authenticator {
    /// Whom it is for.
    pub reach: Reach,
    /// Whose tokens are looked at.
    pub rules: Vec<JwtRule>,
}

/// Whom a policy is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reach {
    /// The policy's namespace.
    pub home: Namespace,
    /// The labels of workloads; empty for all.
    pub labels: Labels,
    /// What it is for in place of workloads.
    pub targets: Vec<TargetRef>,
}

impl Reach {
    /// Whether it has a workload of a namespace with these labels. One with targets has gateways of Kubernetes' API
    /// alone, and only in its own namespace (istio `pilot/pkg/model/policyattachment.go`, `ShouldAttachPolicy`).
    pub fn has(&self, namespace: &Namespace, labels: &Labels) -> bool {
        if self.targets.is_empty() {
            return self.labels.iter().all(|(key, value)| labels.get(key) == Some(value));
        }
        let Some(gateway) = labels.get("gateway.networking.k8s.io/gateway-name") else { return false };
        let names = |target: &TargetRef| {
            target.group == "gateway.networking.k8s.io" && target.kind == "Gateway" && target.name == *gateway
        };
        self.home == *namespace && self.targets.iter().any(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(home: &str, labels: &[(&str, &str)], gateway: Option<&str>) -> Reach {
        let target = |name: &str| TargetRef {
            group: "gateway.networking.k8s.io".into(),
            kind: "Gateway".into(),
            name: name.into(),
            namespace: Str::default(),
        };
        Reach { home: home.into(), labels: self::labels(labels), targets: gateway.map(target).into_iter().collect() }
    }

    fn labels(all: &[(&str, &str)]) -> Labels {
        all.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect()
    }

    #[test]
    fn a_selector_asks_for_all_of_its_labels_and_a_target_for_a_gateway_of_the_same_namespace() {
        let shop = Namespace::from("shop");
        let web = labels(&[("app", "web"), ("tier", "a")]);
        assert!(reach("istio-system", &[], None).has(&shop, &web));
        assert!(reach("istio-system", &[("app", "web")], None).has(&shop, &web));
        assert!(!reach("shop", &[("app", "web"), ("tier", "b")], None).has(&shop, &web));
        assert!(!reach("shop", &[], Some("door")).has(&shop, &web), "a sidecar is no gateway");
        let door = labels(&[("gateway.networking.k8s.io/gateway-name", "door")]);
        assert!(reach("shop", &[], Some("door")).has(&shop, &door));
        assert!(!reach("shop", &[], Some("window")).has(&shop, &door));
        assert!(!reach("istio-system", &[], Some("door")).has(&shop, &door));
    }
}
