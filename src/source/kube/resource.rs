//! What is read from the API server.

use super::cut::{self, Cut};
use crate::api::Kind;
use crate::base::Str;

/// One list and watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Resource {
    pub(super) kind: Kind,
    /// A query that cuts the list down; empty for all of it.
    pub(super) selector: String,
    /// The namespace, if only one is read.
    pub(super) namespace: Option<String>,
    /// The cluster, if it is not the own one.
    pub(super) cluster: Str,
    /// Whether all else is of use without it, should it not be allowed to be read.
    pub(super) optional: bool,
}

impl Resource {
    /// All objects of a kind that are of use.
    pub(super) fn all(kind: Kind) -> Self {
        let selector = match kind {
            // As istiod (`serviceregistry/kube/controller/pod.go`): a Pod that failed has no address any more.
            Kind::Pod => "fieldSelector=status.phase%21%3DFailed",
            // As istiod (`pilot/pkg/credentials/kube/secrets.go`): the many that are never for gateways.
            Kind::Secret => {
                "fieldSelector=type%21%3Dhelm.sh%2Frelease.v1%2Ctype%21%3Dkubernetes.io%2Fservice-account-token"
            }
            _ => "",
        };
        Self { kind, selector: selector.to_owned(), namespace: None, cluster: Str::new(), optional: false }
    }

    /// One ConfigMap.
    pub(super) fn config_map(namespace: &str, name: &str) -> Self {
        let selector = format!("fieldSelector=metadata.name%3D{name}");
        Self { namespace: Some(namespace.to_owned()), selector, ..Self::all(Kind::ConfigMap) }
    }

    /// The Secrets that lead to remote clusters.
    pub(super) fn clusters(namespace: &str) -> Self {
        let selector = "labelSelector=istio%2FmultiCluster%3Dtrue".to_owned();
        Self { namespace: Some(namespace.to_owned()), selector, ..Self::all(Kind::Secret) }
    }

    /// What is kept of the objects.
    pub(super) fn cut(&self) -> Cut {
        match (self.kind, &self.namespace) {
            (Kind::Secret, Some(_)) => cut::KUBECONFIGS,
            _ => cut::of(self.kind),
        }
    }

    /// Its path and query, in a version of its group, without what lists and watches add.
    pub(super) fn path(&self, version: &str) -> String {
        let group = match self.kind.group() {
            "" => format!("/api/{version}"),
            group => format!("/apis/{group}/{version}"),
        };
        let namespace = self.namespace.as_ref().map(|n| format!("/namespaces/{n}")).unwrap_or_default();
        format!("{group}{namespace}/{}?{}", self.kind.plural(), self.selector)
    }

    /// Group and version as objects say them.
    pub(super) fn api_version(&self, version: &str) -> String {
        match self.kind.group() {
            "" => version.to_owned(),
            group => format!("{group}/{version}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_api_server() {
        assert_eq!(Resource::all(Kind::Service).path("v1"), "/api/v1/services?");
        let path = Resource::all(Kind::VirtualService).path("v1beta1");
        assert_eq!(path, "/apis/networking.istio.io/v1beta1/virtualservices?");
        let path = Resource::config_map("istio-system", "istio").path("v1");
        assert_eq!(path, "/api/v1/namespaces/istio-system/configmaps?fieldSelector=metadata.name%3Distio");
    }
}
