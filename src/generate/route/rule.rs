//! Routes that a VirtualService makes.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use envoy_types::pb::envoy::config::core::v3::Metadata;
use envoy_types::pb::envoy::config::route::v3 as pb;
use envoy_types::pb::envoy::config::route::v3::route::Action;
use envoy_types::pb::envoy::config::route::v3::route_match::PathSpecifier;
use envoy_types::pb::google::protobuf::Any;

use super::{Defaults, action, answer, everything, filters, headers, matching, operation};
use crate::api::destination_rule::HashKey;
use crate::api::virtual_service::{HttpMatch, HttpRoute};
use crate::base::{Host, Str};
use crate::generate::proto::{fields_of, string};
use crate::model::facts::{Handle, VirtualService};
use crate::wire::any;

/// A VirtualService's routes for calls to one port, as far as they hold for the callers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rule {
    /// The VirtualService.
    pub rule: Handle<VirtualService>,
    /// The port that is called.
    pub port: u16,
    /// Which of its conditions become routes, in order.
    pub picks: Vec<Pick>,
    /// What it is in truth that destinations name, where that is an ExternalName.
    pub targets: BTreeMap<Str, Host>,
    /// By what calls to destinations are alike; by the place of the route and of the destination in it. The key is absent
    /// where the DestinationRule asks for consistent hashing without saying by what.
    pub hashes: BTreeMap<(usize, usize), Option<HashKey>>,
    /// What holds where it says nothing.
    pub defaults: Arc<Defaults>,
    /// What is different at a gateway.
    pub edge: Option<Edge>,
}

/// What is different at a gateway, where the port that is called says nothing about the services behind it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Edge {
    /// Whether calls come by TLS.
    pub tls: bool,
    /// The only ports of destinations that have just one.
    pub ports: BTreeMap<Str, u16>,
}

/// One route of a VirtualService under one of its conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pick {
    /// The place of the route in the VirtualService.
    pub route: usize,
    /// The place of the condition in the route; `None` where it has no condition.
    pub condition: Option<usize>,
}

impl Rule {
    /// Envoy's routes. One that Envoy has no action for is left out.
    pub(super) fn routes(&self) -> Vec<pb::Route> {
        self.picks.iter().filter_map(|pick| self.route(*pick)).collect()
    }

    fn route(&self, pick: Pick) -> Option<pb::Route> {
        let said = &self.rule.http[pick.route];
        let condition = pick.condition.map(|i| &said.r#match[i]);
        let changes = said.headers.as_deref().map(headers::changes).unwrap_or_default();
        let mut out = pb::Route {
            name: name(said, condition),
            r#match: Some(condition.map_or_else(everything, |c| matching::condition(c, self.rule.by_path_segment))),
            metadata: Some(self.metadata()),
            typed_per_filter_config: self.filters(said),
            stat_prefix: condition.map(|c| c.stat_prefix.to_string()).unwrap_or_default(),
            request_headers_to_add: changes.request_add,
            request_headers_to_remove: changes.request_remove,
            response_headers_to_add: changes.response_add,
            response_headers_to_remove: changes.response_remove,
            ..pb::Route::default()
        };
        let action = match (&said.redirect, &said.direct_response) {
            (Some(redirect), _) => Action::Redirect(answer::redirect(redirect, self)?),
            (None, Some(answer)) => Action::DirectResponse(answer::direct(answer)),
            (None, None) => Action::Route(action::forward(self, pick.route, said, changes.authority, &mut out)),
        };
        out.decorator = Some(operation(self.operation(&out, &action)));
        out.action = Some(action);
        Some(out)
    }

    /// Which object the route comes from, for those who look at Envoy's configuration.
    fn metadata(&self) -> Metadata {
        let VirtualService { name, namespace, .. } = &*self.rule;
        let path = format!("/apis/networking.istio.io/v1/namespaces/{namespace}/virtual-service/{name}");
        let fields = fields_of([("config", string(&path))]);
        Metadata { filter_metadata: HashMap::from([("istio".to_owned(), fields)]), ..Metadata::default() }
    }

    fn filters(&self, said: &HttpRoute) -> HashMap<String, Any> {
        let extensions = self.defaults.extensions;
        let fault = said.fault.as_deref().filter(|_| extensions.fault).and_then(filters::fault);
        let cors = said.cors_policy.as_deref().filter(|_| extensions.cors).map(filters::cors);
        let fault = fault.map(|f| ("envoy.filters.http.fault".to_owned(), any(&f)));
        let cors = cors.map(|c| ("envoy.filters.http.cors".to_owned(), any(&c)));
        fault.into_iter().chain(cors).collect()
    }

    /// The name of a route in traces: where the calls go, and by which path; the VirtualService's name where they go to
    /// several destinations or to none.
    fn operation(&self, route: &pb::Route, action: &Action) -> String {
        let path = match route.r#match.as_ref().and_then(|m| m.path_specifier.as_ref()) {
            Some(PathSpecifier::Prefix(prefix)) => format!("{prefix}*"),
            Some(PathSpecifier::Path(path)) => path.clone(),
            Some(PathSpecifier::SafeRegex(regex)) => regex.regex.clone(),
            _ => "/*".to_owned(),
        };
        match action {
            Action::Route(forward) => match action::single(forward) {
                Some((host, port)) => format!("{host}:{port}{path}"),
                None => format!("{}:{}{path}", self.rule.name, self.port),
            },
            _ => format!("{}:{}{path}", self.rule.name, self.port),
        }
    }
}

fn name(said: &HttpRoute, condition: Option<&HttpMatch>) -> String {
    match condition.map(|c| &c.name).filter(|n| !n.is_empty()) {
        Some(condition) => format!("{}.{condition}", said.name),
        None => said.name.to_string(),
    }
}
