//! Services that are asked whether a call is let in (`envoyExtAuthzHttp`, `envoyExtAuthzGrpc`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ExtensionProvider;
use crate::api::decode::read;
use crate::base::{Duration, Str};

/// What Envoy knows as a status (`envoy.type.v3.StatusCode`).
const STATUS: &[std::ops::RangeInclusive<u32>] = &[
    0..=0,
    100..=100,
    200..=208,
    226..=226,
    300..=305,
    307..=308,
    400..=417,
    421..=424,
    426..=426,
    428..=429,
    431..=431,
    500..=508,
    510..=511,
];

/// A service that is asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Authorizer {
    /// Its host, perhaps as `namespace/host`.
    pub service: Str,
    /// Its port.
    pub port: u32,
    /// How long an answer may take.
    pub timeout: Option<Duration>,
    /// Whether calls are let in where it does not answer.
    pub fail_open: bool,
    /// The status of answers where it does not answer; empty for 403.
    pub status_on_error: Str,
    /// How much of a call's body it gets, if any.
    pub include_request_body_in_check: Option<RequestBody>,
    /// In front of paths, over HTTP.
    pub path_prefix: Str,
    /// Headers that it gets, over HTTP; they may begin or end with `*`.
    pub include_request_headers_in_check: Vec<Str>,
    /// The older name of the same.
    pub include_headers_in_check: Vec<Str>,
    /// Further headers that it gets, over HTTP.
    pub include_additional_headers_in_check: BTreeMap<Str, Str>,
    /// Headers of its answer that become headers of the call, over HTTP.
    pub headers_to_upstream_on_allow: Vec<Str>,
    /// Headers of its answer that callers get when they are refused, over HTTP.
    pub headers_to_downstream_on_deny: Vec<Str>,
    /// And when they are let in.
    pub headers_to_downstream_on_allow: Vec<Str>,
    /// Whether it is asked over gRPC.
    #[serde(skip)]
    pub grpc: bool,
}

/// How much of a call's body an authorizer gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RequestBody {
    /// At most so many bytes.
    pub max_request_bytes: u32,
    /// Whether longer bodies are cut and not refused.
    pub allow_partial_message: bool,
    /// Whether it is sent as bytes and not as text.
    pub pack_as_bytes: bool,
}

impl Authorizer {
    /// What a provider says, if it is one that is asked; an error tells what is wrong with it (istio
    /// `pilot/pkg/security/authz/builder/extauthz.go`, `processExtensionProvider`).
    pub fn of(provider: &ExtensionProvider) -> Option<Result<Self, String>> {
        let grpc = match provider.r#type.as_str() {
            "envoyExtAuthzHttp" | "envoy_ext_authz_http" => false,
            "envoyExtAuthzGrpc" | "envoy_ext_authz_grpc" => true,
            _ => return None,
        };
        let read = read(&provider.settings, "").map_err(|e| format!("{} {}", e.path.unwrap_or_default(), e.text));
        Some(read.and_then(|read| Self { grpc, ..read }.checked(&provider.name)))
    }

    fn checked(self, name: &str) -> Result<Self, String> {
        let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if name.len() > 63
            || !name.bytes().all(inner)
            || name.starts_with('-')
            || name.ends_with('-')
            || name.is_empty()
        {
            return Err("name must be made of small letters, digits and inner hyphens, at most 63".into());
        }
        if !(1..=65535).contains(&self.port) {
            return Err(format!("port must be from 1 to 65535, found {}", self.port));
        }
        if self.service.is_empty() {
            return Err("service must not be empty".into());
        }
        if self.status().is_none() {
            return Err(format!("statusOnError must be a status of HTTP, found {:?}", self.status_on_error));
        }
        if self.include_request_body_in_check.is_some_and(|body| body.max_request_bytes == 0) {
            return Err("includeRequestBodyInCheck.maxRequestBytes must be more than 0".into());
        }
        if !self.path_prefix.is_empty() && !self.path_prefix.starts_with('/') {
            return Err(format!("pathPrefix must begin with a slash, found {:?}", self.path_prefix));
        }
        let lists = [
            &self.include_request_headers_in_check,
            &self.include_headers_in_check,
            &self.headers_to_downstream_on_deny,
            &self.headers_to_downstream_on_allow,
            &self.headers_to_upstream_on_allow,
        ];
        if !self.grpc && lists.into_iter().flatten().any(|header| header == "*") {
            return Err("headers must have a beginning or an end, not * alone".into());
        }
        Ok(self)
    }

    /// The status of answers where it does not answer, `Some(None)` for Envoy's own; `None` for no status.
    pub fn status(&self) -> Option<Option<u32>> {
        if self.status_on_error.is_empty() {
            return Some(None);
        }
        let code = self.status_on_error.parse().ok()?;
        STATUS.iter().any(|codes| codes.contains(&code)).then_some(Some(code))
    }
}
