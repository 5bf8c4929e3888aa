//! What distinguishes the routes of proxies.

use envoy_types::pb::envoy::extensions::filters::http::cors::v3::Cors;
use envoy_types::pb::envoy::extensions::filters::http::fault::v3::HttpFault;
use envoy_types::pb::envoy::extensions::retry::host::previous_hosts::v3::PreviousHostsPredicate;
use envoy_types::pb::envoy::extensions::retry::priority::previous_priorities::v3::PreviousPrioritiesConfig;
use prost::Name;

use crate::api::mesh::ProxyHeaders;
use crate::base::{Labels, Namespace, Str};
use crate::generate::route::{Extensions, Unknown};
use crate::model::{Scope, View};
use crate::plan::caller::place;
use crate::plan::listener::http_proxy_port;
use crate::plan::name::Reach;
use crate::plan::sidecar;
use crate::proxy::{Proxy, Role};

/// What distinguishes the routes of proxies; `None` for those that are not beside workloads.
pub type RouteFacets = Option<Outbound>;

/// What distinguishes the routes of sidecars.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Outbound {
    /// What classes share.
    pub base: Base,
    /// From where they see the mesh.
    pub scope: Scope,
    /// The namespace whose services they reach by their bare names; empty where their domain names none.
    pub namespace: Namespace,
    /// What rules ask about the callers.
    pub caller: Caller,
    /// What becomes of calls to hosts that nobody knows.
    pub unknown: Unknown,
    /// Whether applications may use the proxies as HTTP proxies.
    pub proxied: bool,
}

/// What decides about routes for everybody, whatever the namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Base {
    /// By which addresses services are reached.
    pub reach: Reach,
    /// By which short names services are reached.
    pub naming: Naming,
    /// Whether endpoints are told how many attempts there were.
    pub attempt_count: bool,
    /// Whether endpoints are told the authority before it was rewritten.
    pub forwarded_host: bool,
    /// Whether services answer to their names with a dot at the end.
    pub absolute: bool,
    /// What the proxies can do.
    pub extensions: Extensions,
}

/// By which short names services are reached, which the proxy's own DNS domain decides.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Naming {
    /// By those of Kubernetes, for hosts that end in this: `.svc.cluster.local`.
    Kubernetes(Str),
    /// By what is left without the part that host and domain share.
    Domain(Str),
}

/// What VirtualServices and DestinationRules ask about callers, as far as it is so of these.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Caller {
    /// Their namespace, if some rule asks for it.
    pub namespace: Namespace,
    /// Those of their labels that some rule asks for.
    pub labels: Labels,
}

/// What holds for a proxy.
pub fn facets(view: &View<'_>, proxy: &Proxy) -> RouteFacets {
    if proxy.role != Role::Sidecar {
        return None;
    }
    let (naming, namespace) = naming(&proxy.domain);
    let (attempt_count, forwarded_host) = headers(view, proxy);
    let base = Base {
        reach: Reach::of(view, proxy),
        naming,
        attempt_count,
        forwarded_host,
        absolute: view.mesh().features.absolute_names,
        extensions: extensions(proxy),
    };
    let unknown = sidecar::unknown(view, proxy);
    let proxied = http_proxy_port(view, proxy).is_some();
    Some(Outbound { base, scope: view.scope().clone(), namespace, caller: caller(view, proxy), unknown, proxied })
}

/// `shop.svc.cluster.local` names the namespace `shop`.
fn naming(domain: &str) -> (Naming, Namespace) {
    match domain.find(".svc.") {
        Some(at) if at > 0 => (Naming::Kubernetes(domain[at..].into()), domain[..at].into()),
        _ => (Naming::Domain(domain.into()), Namespace::default()),
    }
}

/// What the proxy's own settings say of headers, or the mesh's where it states none (istio
/// `pilot/pkg/networking/util/proxy_headers.go`).
pub(in crate::plan) fn headers(view: &View<'_>, proxy: &Proxy) -> (bool, bool) {
    let own = proxy.metadata.json("PROXY_CONFIG").map(|config| {
        let headers = config.get("proxyHeaders").cloned();
        headers.and_then(|h| serde_json::from_value::<ProxyHeaders>(h).ok())
    });
    let of_mesh = || view.mesh().config.default_config.proxy_headers.as_deref().cloned();
    let said = own.unwrap_or_else(of_mesh).unwrap_or_default();
    let no_count = said.attempt_count.is_some_and(|c| c.disabled == Some(true));
    (!no_count, said.x_forwarded_host.is_some_and(|h| h.enabled == Some(true)))
}

/// What routes of a proxy may name.
pub(in crate::plan) fn extensions(proxy: &Proxy) -> Extensions {
    Extensions {
        fault: proxy.capabilities.has(&HttpFault::type_url()),
        cors: proxy.capabilities.has(&Cors::type_url()),
        previous_hosts: proxy.capabilities.has(&PreviousHostsPredicate::type_url()),
        previous_priorities: proxy.capabilities.has(&PreviousPrioritiesConfig::type_url()),
    }
}

/// What rules ask about a proxy. The labels are those that the workload is known by (`plan::caller::place`), as for all
/// that asks about callers.
pub(in crate::plan) fn caller(view: &View<'_>, proxy: &Proxy) -> Caller {
    let asked = view.distinctions();
    let selecting = asked.selectors.get(&proxy.namespace);
    let counts = |(key, value): &(Str, Str)| {
        asked.call_labels.contains(&(key.clone(), value.clone())) || selecting.is_some_and(|s| s.contains(key))
    };
    let asks = !asked.call_labels.is_empty() || selecting.is_some();
    let labels = if asks { place(view, proxy).0 } else { Labels::default() };
    let named = asked.call_namespaces.contains(&proxy.namespace);
    Caller {
        namespace: if named { proxy.namespace.clone() } else { Namespace::default() },
        labels: labels.into_iter().filter(counts).collect(),
    }
}
