//! Routes: virtual hosts, and the route configuration around them.
//!
//! Comes in: a [`VirtualHost`] with the names by which it is reached and what decides about its routes. Goes out:
//! Envoy's message, as istiod's `pilot/pkg/networking/core/route/route.go` makes it.
//!
//! Invariant: a route stands where its rule has it; those that can never be reached were left out before.
//! Absent: which routes hold for a caller and who wins where two hosts claim one name (`plan::route`).

mod action;
mod answer;
mod filters;
mod gateway;
mod hash;
mod headers;
mod matching;
mod retry;
mod rule;

#[cfg(test)]
mod tests;

pub(super) use retry::inbound as inbound_retry;
use std::sync::Arc;

use envoy_types::pb::envoy::config::route::v3 as pb;
use envoy_types::pb::google::protobuf::Duration;

use super::proto::{bool_value, u32_value};
use crate::api::destination_rule::HashKey;
use crate::api::virtual_service::Retry;
use crate::base::{Host, Str};
use crate::wire::{Fragment, Refusal};

pub use gateway::GatewayHost;
pub use rule::{Edge, Pick, Rule};

/// One virtual host of a route configuration.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VirtualHost {
    /// Its name, `host:port`; unique in its configuration.
    pub name: Str,
    /// The names by which it is reached, each unique in its configuration.
    pub domains: Vec<Str>,
    /// What happens to calls.
    pub routes: Routes,
}

/// What happens to calls of a virtual host.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Routes {
    /// They go to the service.
    Service(Arc<Service>),
    /// A VirtualService decides.
    Rule(Arc<Rule>),
}

/// A service without rules.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Service {
    /// Its host.
    pub host: Host,
    /// The port that is called.
    pub port: u16,
    /// By what calls are alike, where its DestinationRule says so.
    pub hash: Option<HashKey>,
    /// What holds everywhere.
    pub defaults: Arc<Defaults>,
}

/// What holds for the routes of a class of proxies where no rule says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Defaults {
    /// Repeated attempts; `None` for istiod's own default.
    pub retry: Option<Retry>,
    /// Whether endpoints are told how many attempts there were.
    pub attempt_count: bool,
    /// Whether endpoints are told the authority before it was rewritten.
    pub forwarded_host: bool,
    /// Whether mirrored calls keep their host as it is.
    pub plain_shadows: bool,
    /// What the proxies can do.
    pub extensions: Extensions,
}

/// Which extensions routes may name. Istio's build has them all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Extensions {
    /// Fault injection.
    pub fault: bool,
    /// Cross-origin rules.
    pub cors: bool,
    /// Retries that avoid the endpoints tried before.
    pub previous_hosts: bool,
    /// Retries that avoid the priorities tried before.
    pub previous_priorities: bool,
}

impl Fragment for VirtualHost {
    type Message = pb::VirtualHost;
    const FIELD: u32 = 2;

    fn build(&self) -> Result<pb::VirtualHost, Refusal> {
        let (routes, defaults) = match &self.routes {
            Routes::Service(service) => (vec![service.route()], &service.defaults),
            Routes::Rule(rule) => (rule.routes(), &rule.defaults),
        };
        Ok(pb::VirtualHost {
            name: self.name.to_string(),
            domains: self.domains.iter().map(Str::to_string).collect(),
            routes,
            include_request_attempt_count: defaults.attempt_count,
            ..pb::VirtualHost::default()
        })
    }
}

impl Service {
    fn route(&self) -> pb::Route {
        let action = pb::RouteAction {
            cluster_specifier: Some(pb::route_action::ClusterSpecifier::Cluster(cluster(
                &self.host,
                "",
                self.port.into(),
            ))),
            hash_policy: self.hash.iter().map(hash::policy).collect(),
            retry_policy: retry::policy(self.defaults.retry.as_ref(), false, self.defaults.extensions),
            ..unlimited()
        };
        pb::Route {
            name: "default".to_owned(),
            r#match: Some(everything()),
            decorator: Some(operation(format!("{}/*", domain(&self.host, self.port)))),
            action: Some(pb::route::Action::Route(action)),
            ..pb::Route::default()
        }
    }
}

/// What becomes of calls to hosts that nobody knows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unknown {
    /// They go where the caller was going.
    Allow,
    /// They all go to this cluster.
    Through(Str),
    /// They go where the proxy finds the host by DNS.
    Resolve,
    /// They are refused.
    Block,
}

impl Unknown {
    /// The cluster of connections; what finds hosts by DNS does so only for calls.
    pub fn cluster(&self) -> Str {
        match self {
            Self::Allow | Self::Resolve => "PassthroughCluster".into(),
            Self::Through(cluster) => cluster.clone(),
            Self::Block => "BlackHoleCluster".into(),
        }
    }
}

/// The virtual host for calls that no other takes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CatchAll {
    /// What becomes of them.
    pub unknown: Unknown,
    /// What holds everywhere.
    pub defaults: Arc<Defaults>,
}

impl Fragment for CatchAll {
    type Message = pb::VirtualHost;
    const FIELD: u32 = 2;

    fn build(&self) -> Result<pb::VirtualHost, Refusal> {
        let (name, cluster) = match &self.unknown {
            Unknown::Allow => ("allow_any", "PassthroughCluster"),
            Unknown::Through(cluster) => ("allow_any", cluster.as_str()),
            Unknown::Resolve => ("allow_any_dynamic_dns", "AllowAnyDynamicDNSCluster"),
            Unknown::Block => ("block_all", ""),
        };
        let action = match &self.unknown {
            Unknown::Block => {
                pb::route::Action::DirectResponse(pb::DirectResponseAction { status: 502, ..Default::default() })
            }
            Unknown::Allow | Unknown::Through(_) | Unknown::Resolve => pb::route::Action::Route(pb::RouteAction {
                cluster_specifier: Some(pb::route_action::ClusterSpecifier::Cluster(cluster.to_owned())),
                append_x_forwarded_host: self.defaults.forwarded_host,
                ..unlimited()
            }),
        };
        let route = pb::Route {
            name: name.to_owned(),
            r#match: Some(everything()),
            action: Some(action),
            ..pb::Route::default()
        };
        Ok(pb::VirtualHost {
            name: name.to_owned(),
            domains: vec!["*".to_owned()],
            routes: vec![route],
            include_request_attempt_count: self.defaults.attempt_count,
            ..pb::VirtualHost::default()
        })
    }
}

/// A route configuration without its virtual hosts.
pub fn head(name: &str) -> pb::RouteConfiguration {
    /// What a fixed answer may be long: as much as istiod's validation admits, where Envoy's default is 4096.
    const ANSWER_BYTES: u32 = 1 << 20;
    pb::RouteConfiguration {
        name: name.to_owned(),
        validate_clusters: Some(bool_value(false)),
        max_direct_response_body_size_bytes: Some(u32_value(ANSWER_BYTES)),
        ignore_port_in_host_matching: true,
        ..pb::RouteConfiguration::default()
    }
}

/// A host with a port, as it stands in a Host header: an IPv6 address in brackets.
pub fn domain(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// The name of the cluster for calls out to a host.
fn cluster(host: &str, subset: &str, port: u32) -> String {
    format!("outbound|{port}|{subset}|{host}")
}

/// Every path.
fn everything() -> pb::RouteMatch {
    pb::RouteMatch {
        path_specifier: Some(pb::route_match::PathSpecifier::Prefix("/".to_owned())),
        ..pb::RouteMatch::default()
    }
}

/// An action that waits for ever. Without a limit for gRPC of its own the header `grpc-timeout` would not count; istiod
/// stays with the deprecated field, because of regressions in the one that replaces it.
fn unlimited() -> pb::RouteAction {
    limited(Duration::default())
}

#[expect(deprecated, reason = "istiod sends it, and Envoy reads it")]
fn limited(timeout: Duration) -> pb::RouteAction {
    pb::RouteAction { timeout: Some(timeout), max_grpc_timeout: Some(timeout), ..pb::RouteAction::default() }
}

fn operation(operation: String) -> pb::Decorator {
    pb::Decorator { operation, propagate: None }
}
