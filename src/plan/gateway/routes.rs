//! Routes of gateways, one configuration at a time.

use std::sync::Arc;

use crate::base::Str;
use crate::generate::route::{self, Defaults, GatewayHost};
use crate::model::{FactKey, Scope, View};
use crate::plan::{Output, Planner};
use crate::wire::Rope;

use super::facets::RouteFacets;
use super::hosts::Hosts;

/// Plans routes of gateways.
pub struct GatewayRoutes;

impl Planner for GatewayRoutes {
    type Facets = RouteFacets;
    /// The configuration's name.
    type Unit = Str;

    fn scope(facets: &RouteFacets) -> &Scope {
        &facets.scope
    }

    fn units(_: &View<'_>, facets: &RouteFacets) -> Vec<Str> {
        facets.routing.iter().flat_map(|routing| routing.servers.keys().cloned()).collect()
    }

    fn unit_of(_: &FactKey) -> Option<Str> {
        None
    }

    fn plan(view: &View<'_>, facets: &RouteFacets, name: &Str, out: &mut Output<'_>) {
        let Some(routing) = facets.routing.as_deref() else { return out.gone() };
        let Some(servers) = routing.servers.get(name) else { return out.gone() };
        let defaults = Arc::new(Defaults {
            retry: view.mesh().config.default_http_retry_policy.clone(),
            attempt_count: routing.attempt_count,
            forwarded_host: routing.forwarded_host,
            plain_shadows: view.mesh().features.plain_shadows,
            extensions: routing.extensions,
        });
        let mut hosts = Hosts::new(view, &routing.caller, &defaults);
        for server in servers {
            view.credit_gateway(&server.gateway);
            hosts.add(server);
        }
        let mut hosts = hosts.finish();
        if hosts.is_empty() {
            let port = servers.first().map_or(0, |server| server.number);
            // Calls to any host answer 404.
            hosts.push(GatewayHost {
                name: route::domain("blackhole", port).into(),
                domains: vec!["*".into()],
                rules: Vec::new(),
                redirects: false,
                attempt_count: false,
            });
        }
        let parts = hosts.iter().filter_map(|host| out.part(host)).collect();
        out.rope(Rope { name: name.clone(), head: route::head(name), parts });
    }
}
