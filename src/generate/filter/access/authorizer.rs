//! Services that are asked whether a call is let in (istio `pilot/pkg/security/authz/builder/extauthz.go`).

use envoy_types::pb::envoy::config::core::v3::grpc_service::{EnvoyGrpc, TargetSpecifier};
use envoy_types::pb::envoy::config::core::v3::http_uri::HttpUpstreamType;
use envoy_types::pb::envoy::config::core::v3::{ApiVersion, GrpcService, HeaderValue, HttpUri};
use envoy_types::pb::envoy::extensions::filters::http::ext_authz::v3::ext_authz::Services;
use envoy_types::pb::envoy::extensions::filters::http::ext_authz::v3::{
    AuthorizationRequest, AuthorizationResponse, BufferSettings, ExtAuthz, HttpService,
};
use envoy_types::pb::envoy::extensions::filters::network::ext_authz::v3::ExtAuthz as NetworkExtAuthz;
use envoy_types::pb::envoy::r#type::matcher::v3::{ListStringMatcher, MetadataMatcher, StringMatcher};
use envoy_types::pb::envoy::r#type::v3::HttpStatus;

use crate::api::mesh::{Authorizer, RequestBody};
use crate::base::{Duration, Host, Str};
use crate::generate::proto;
use crate::model::facts::Handle;

use super::{metadata, text};

/// How long an answer may take where nothing is said.
const PATIENCE: Duration = Duration::from_secs(600);

/// A question that is put to a service about calls that a step before marked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ask {
    /// What the mesh says of the service.
    pub said: Handle<Authorizer>,
    /// Where it is.
    pub request: Request,
    /// With what the names of policies begin that ask it.
    pub asked_by: Str,
}

/// Where a service is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    /// Its host.
    pub host: Host,
    /// Its cluster.
    pub cluster: Str,
}

impl Ask {
    pub(super) fn for_calls(&self, marked_by: &str) -> ExtAuthz {
        let said = &*self.said;
        ExtAuthz {
            services: Some(match said.grpc {
                true => Services::GrpcService(self.grpc()),
                false => Services::HttpService(self.http()),
            }),
            transport_api_version: ApiVersion::V3.into(),
            failure_mode_allow: said.fail_open,
            status_on_error: said.status().flatten().map(|code| HttpStatus { code: i32::try_from(code).unwrap_or(0) }),
            with_request_body: said.include_request_body_in_check.map(body),
            filter_enabled_metadata: Some(self.mark(marked_by)),
            allowed_headers: if said.grpc { None } else { self.forwarded() },
            ..ExtAuthz::default()
        }
    }

    pub(super) fn for_bytes(&self, marked_by: &str) -> NetworkExtAuthz {
        NetworkExtAuthz {
            stat_prefix: super::CONNECTIONS.to_owned(),
            failure_mode_allow: self.said.fail_open,
            transport_api_version: ApiVersion::V3.into(),
            grpc_service: Some(self.grpc()),
            filter_enabled_metadata: Some(self.mark(marked_by)),
            ..NetworkExtAuthz::default()
        }
    }

    /// The mark is the name of the policy that matched.
    fn mark(&self, marked_by: &str) -> MetadataMatcher {
        let name = metadata::string(text::prefix(self.asked_by.as_str()));
        metadata::metadata(marked_by, ["istio_ext_authz_shadow_effective_policy_id"], name)
    }

    fn timeout(&self) -> Duration {
        self.said.timeout.unwrap_or(PATIENCE)
    }

    fn grpc(&self) -> GrpcService {
        let server = EnvoyGrpc {
            cluster_name: self.request.cluster.to_string(),
            authority: self.request.host.to_string(),
            ..EnvoyGrpc::default()
        };
        GrpcService {
            target_specifier: Some(TargetSpecifier::EnvoyGrpc(server)),
            timeout: Some(proto::duration(self.timeout())),
            ..GrpcService::default()
        }
    }

    fn http(&self) -> HttpService {
        let said = &*self.said;
        let added = said.include_additional_headers_in_check.iter();
        let added: Vec<_> = added
            .map(|(key, value)| HeaderValue {
                key: key.to_string(),
                value: value.to_string(),
                ..HeaderValue::default()
            })
            .collect();
        let answer = AuthorizationResponse {
            allowed_upstream_headers: headers(&said.headers_to_upstream_on_allow),
            allowed_client_headers: headers(&said.headers_to_downstream_on_deny),
            allowed_client_headers_on_success: headers(&said.headers_to_downstream_on_allow),
            ..AuthorizationResponse::default()
        };
        HttpService {
            server_uri: Some(HttpUri {
                uri: format!("http://{}", self.request.host),
                timeout: Some(proto::duration(self.timeout())),
                http_upstream_type: Some(HttpUpstreamType::Cluster(self.request.cluster.to_string())),
            }),
            path_prefix: said.path_prefix.to_string(),
            authorization_request: (!added.is_empty())
                .then(|| AuthorizationRequest { headers_to_add: added, ..AuthorizationRequest::default() }),
            authorization_response: (answer != AuthorizationResponse::default()).then_some(answer),
            ..HttpService::default()
        }
    }

    /// The headers that it gets; the older name counts where the newer one is not used.
    fn forwarded(&self) -> Option<ListStringMatcher> {
        headers(&self.said.include_request_headers_in_check).or_else(|| headers(&self.said.include_headers_in_check))
    }
}

fn body(said: RequestBody) -> BufferSettings {
    BufferSettings {
        max_request_bytes: said.max_request_bytes,
        allow_partial_message: said.allow_partial_message,
        pack_as_bytes: said.pack_as_bytes,
    }
}

/// Headers by name; one may begin or end with an asterisk.
fn headers(names: &[Str]) -> Option<ListStringMatcher> {
    let matcher = |name: &Str| StringMatcher { ignore_case: true, ..text::pattern(name) };
    (!names.is_empty()).then(|| ListStringMatcher { patterns: names.iter().map(matcher).collect() })
}
