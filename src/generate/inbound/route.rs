//! The route of calls in: all of them to the application (istio `pilot/pkg/networking/core/httproute.go`,
//! `buildSidecarInboundHTTPRouteConfig`).

use envoy_types::pb::envoy::config::route::v3::route::Action;
use envoy_types::pb::envoy::config::route::v3::route_action::{ClusterSpecifier, MaxStreamDuration};
use envoy_types::pb::envoy::config::route::v3::route_match::PathSpecifier;
use envoy_types::pb::envoy::config::route::v3::{
    Decorator, Route, RouteAction, RouteConfiguration, RouteMatch, VirtualHost,
};

use crate::api::virtual_service::Retry;
use crate::base::{Host, Str};
use crate::generate::listener::no_time;
use crate::generate::proto;
use crate::generate::route::inbound_retry;

/// The route of calls to one port of the workload.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct InboundRoute {
    /// The cluster of the application.
    pub cluster: Str,
    /// The service, for traces; empty for ports that no service has.
    pub host: Host,
    /// The service's port; 0 likewise.
    pub port: u16,
    /// Whether a call that was reset before the application saw it is tried again,
    pub retries: bool,
    /// and how, where the mesh says so.
    pub retry: Option<Retry>,
}

impl InboundRoute {
    pub(crate) fn build(&self) -> RouteConfiguration {
        let route = Route {
            name: "default".to_owned(),
            r#match: Some(RouteMatch {
                path_specifier: Some(PathSpecifier::Prefix("/".to_owned())),
                ..RouteMatch::default()
            }),
            decorator: Some(Decorator { operation: self.operation(), ..Decorator::default() }),
            action: Some(Action::Route(self.action())),
            ..Route::default()
        };
        let host = VirtualHost {
            name: format!("inbound|http|{}", self.port),
            domains: vec!["*".to_owned()],
            routes: vec![route],
            ..VirtualHost::default()
        };
        RouteConfiguration {
            name: self.cluster.to_string(),
            virtual_hosts: vec![host],
            validate_clusters: Some(proto::bool_value(false)),
            ..RouteConfiguration::default()
        }
    }

    fn operation(&self) -> String {
        // An IPv6 address would need brackets in front of the port.
        if self.host.contains(':') {
            format!("[{}]:{}/*", self.host, self.port)
        } else {
            format!("{}:{}/*", self.host, self.port)
        }
    }

    /// The caller's proxy has set the time limits already.
    fn action(&self) -> RouteAction {
        RouteAction {
            cluster_specifier: Some(ClusterSpecifier::Cluster(self.cluster.to_string())),
            timeout: Some(no_time()),
            max_stream_duration: Some(MaxStreamDuration {
                max_stream_duration: Some(no_time()),
                grpc_timeout_header_max: Some(no_time()),
                ..MaxStreamDuration::default()
            }),
            retry_policy: if self.retries { inbound_retry(self.retry.as_ref()) } else { None },
            ..RouteAction::default()
        }
    }
}
