//! The listener at which an Envoy that is not Istio's answers DNS.
//!
//! All names are one resource, so that there is one unit. It is planned again with each service, and with the pods of
//! those that have no address of their own.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use crate::base::Str;
use crate::generate::listener::NameServer;
use crate::model::facts::Handle;
use crate::model::{FactKey, Scope, View};
use crate::plan::class::{Output, Planner};
use crate::plan::cluster::resolver;
use crate::plan::name::{self, NameFacets};
use crate::proxy::{Proxy, Role};

/// Plans the listener that answers DNS.
pub struct NameServers;

/// What distinguishes listeners that answer DNS.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NameServerFacets {
    scope: Scope,
    /// `None` for proxies that have none.
    server: Option<Handle<Server>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Server {
    names: NameFacets,
    address: (Str, u16),
    resolvers: Vec<(Str, u16)>,
}

/// What holds for a proxy.
pub fn facets(view: &View<'_>, proxy: &Proxy) -> NameServerFacets {
    let able = NameServer::extensions().iter().all(|extension| proxy.capabilities.has(extension));
    if proxy.capabilities.is_istio() || proxy.role != Role::Sidecar || !proxy.captures_dns() || !able {
        return NameServerFacets { scope: Scope::Public, server: None };
    }
    let server = Server {
        names: name::facets(view, proxy),
        address: resolver(proxy),
        resolvers: proxy.metadata.text("MIZZEN_DNS_RESOLVERS").split(',').filter_map(upstream).collect(),
    };
    NameServerFacets { scope: view.scope().clone(), server: Some(Handle::new(server)) }
}

/// `10.0.0.10:53` or `10.0.0.10`.
fn upstream(text: &str) -> Option<(Str, u16)> {
    let text = text.trim();
    let with_port = text.parse::<SocketAddr>().ok();
    let address = with_port.or_else(|| text.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, 53)))?;
    Some((address.ip().to_string().into(), address.port()))
}

impl Planner for NameServers {
    type Facets = NameServerFacets;
    type Unit = ();

    fn scope(facets: &NameServerFacets) -> &Scope {
        &facets.scope
    }

    fn units(_: &View<'_>, facets: &NameServerFacets) -> Vec<()> {
        facets.server.iter().map(|_| ()).collect()
    }

    fn unit_of(key: &FactKey) -> Option<()> {
        matches!(key, FactKey::Service(_)).then_some(())
    }

    fn plan(view: &View<'_>, facets: &NameServerFacets, (): &(), out: &mut Output<'_>) {
        let Some(server) = &facets.server else {
            out.gone();
            return;
        };
        out.resource(&NameServer {
            address: server.address.clone(),
            names: names(view, &server.names),
            resolvers: server.resolvers.clone(),
        });
    }
}

/// The name table and the short names that Istio's agents make of it: `reviews.shop` and `reviews.shop.svc`. Bare
/// `reviews` is left to the search domains of who asks, as it would make a table for each namespace.
fn names(view: &View<'_>, facets: &NameFacets) -> Vec<(Str, Vec<IpAddr>)> {
    let mut all: BTreeMap<Str, Vec<IpAddr>> = BTreeMap::new();
    let mut short: Vec<(Str, Vec<IpAddr>)> = Vec::new();
    for (name, row) in name::table(view, facets) {
        let addresses: Vec<IpAddr> = row.addresses.iter().filter_map(|a| a.parse().ok()).collect();
        let stem = format!("{}.{}", row.short, row.namespace);
        if !row.short.is_empty() && name.strip_prefix(&*stem).is_some_and(|rest| rest.starts_with(".svc.")) {
            short.push((format!("{stem}.svc").into(), addresses.clone()));
            short.push((stem.into(), addresses.clone()));
        }
        all.insert(name, addresses);
    }
    for (name, addresses) in short {
        all.entry(name).or_insert(addresses);
    }
    all.into_iter().collect()
}
