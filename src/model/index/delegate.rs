//! Short names.

use crate::base::{Host, Namespace};

/// Completes a host as a rule of a namespace writes it: a name without a dot, unless it is a wildcard, is a Kubernetes
/// Service of that namespace (istio `pilot/pkg/model/virtualservice.go`, `ResolveShortnameToFQDN`).
pub(super) fn resolve(host: &str, namespace: &Namespace, domain: &str) -> Host {
    if host.is_empty() || host.contains('.') || host.starts_with('*') {
        return Host::from(host);
    }
    Host::new(format!("{host}.{namespace}.svc.{domain}"))
}
