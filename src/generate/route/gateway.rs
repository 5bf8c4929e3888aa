//! Virtual hosts of gateways (istio `pilot/pkg/networking/core/gateway.go`, `buildGatewayHTTPRouteConfig`).

use std::sync::Arc;

use envoy_types::pb::envoy::config::route::v3 as pb;
use envoy_types::pb::envoy::config::route::v3::route_match::PathSpecifier;
use envoy_types::pb::envoy::config::route::v3::virtual_host::TlsRequirementType;

use super::Rule;
use crate::base::Str;
use crate::wire::{Fragment, Refusal};

/// One virtual host of a gateway.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GatewayHost {
    /// Its name, `host:port`; unique in its configuration.
    pub name: Str,
    /// The names by which it is reached, each unique in its configuration.
    pub domains: Vec<Str>,
    /// The VirtualServices that decide, the first one first; none answers 404.
    pub rules: Vec<Arc<Rule>>,
    /// Whether calls in clear text are told to come back with TLS.
    pub redirects: bool,
    /// Whether endpoints are told how many attempts there were.
    pub attempt_count: bool,
}

impl Fragment for GatewayHost {
    type Message = pb::VirtualHost;
    const FIELD: u32 = 2;

    /// Routes that take every call go last, so that each VirtualService has its say.
    fn build(&self) -> Result<pb::VirtualHost, Refusal> {
        let routes = self.rules.iter().flat_map(|rule| rule.routes());
        let (last, mut routes): (Vec<_>, Vec<_>) = routes.partition(takes_all);
        routes.extend(last);
        let tls = if self.redirects { TlsRequirementType::All } else { TlsRequirementType::None };
        Ok(pb::VirtualHost {
            name: self.name.to_string(),
            domains: self.domains.iter().map(Str::to_string).collect(),
            routes,
            require_tls: tls.into(),
            include_request_attempt_count: self.attempt_count,
            ..pb::VirtualHost::default()
        })
    }
}

fn takes_all(route: &pb::Route) -> bool {
    let Some(said) = &route.r#match else { return true };
    let any_path = match &said.path_specifier {
        Some(PathSpecifier::Prefix(path) | PathSpecifier::PathSeparatedPrefix(path)) => path == "/",
        Some(PathSpecifier::SafeRegex(regex)) => regex.regex == ".*",
        _ => false,
    };
    any_path && said.headers.is_empty() && said.query_parameters.is_empty() && said.dynamic_metadata.is_empty()
}
