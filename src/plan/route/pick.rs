//! Which of a VirtualService's routes hold.

use crate::api::virtual_service::{HttpMatch, StringMatch};
use crate::generate::route::Pick;
use crate::model::facts::VirtualService;

use super::facets::Caller;

/// The routes that hold for calls to a port by some callers, in order, up to the first that takes every call (istio
/// `pilot/pkg/networking/core/route/route.go`, `BuildHTTPRoutesForVirtualService`).
///
/// `gateway` is where the calls come in: `mesh`, or `namespace/name`.
pub(in crate::plan) fn picks(rule: &VirtualService, port: u16, caller: &Caller, gateway: &str) -> Vec<Pick> {
    let mut out = Vec::new();
    for (route, said) in rule.http.iter().enumerate() {
        if said.r#match.is_empty() {
            out.push(Pick { route, condition: None });
            return out;
        }
        let holding = said.r#match.iter().enumerate().filter(|(_, m)| holds(m, port, caller, gateway));
        for (i, condition) in holding {
            out.push(Pick { route, condition: Some(i) });
            if takes_all(condition) {
                return out;
            }
        }
    }
    out
}

/// Whether any of the routes asks who is calling.
pub(super) fn asks(rule: &VirtualService) -> bool {
    let conditions = rule.http.iter().flat_map(|route| &route.r#match);
    conditions.filter(|m| m.gateways.is_empty()).any(|m| !m.source_labels.is_empty() || !m.source_namespace.is_empty())
}

/// A condition that names gateways asks nothing else about callers.
fn holds(condition: &HttpMatch, port: u16, caller: &Caller, gateway: &str) -> bool {
    if condition.port != 0 && condition.port != u32::from(port) {
        return false;
    }
    if !condition.gateways.is_empty() {
        return condition.gateways.iter().any(|g| g == gateway);
    }
    let namespace = &condition.source_namespace;
    condition.source_labels.iter().all(|(k, v)| caller.labels.get(k) == Some(v))
        && (namespace.is_empty() || namespace == caller.namespace.str())
}

fn takes_all(condition: &HttpMatch) -> bool {
    let any_path = match &condition.uri {
        None | Some(StringMatch::Present) => true,
        Some(StringMatch::Prefix(prefix)) => prefix == "/",
        Some(StringMatch::Regex(regex)) => regex == ".*",
        Some(StringMatch::Exact(_)) => false,
    };
    any_path
        && condition.headers.is_empty()
        && condition.without_headers.is_empty()
        && condition.query_params.is_empty()
        && condition.method.is_none()
        && condition.authority.is_none()
        && condition.scheme.is_none()
}
