//! Istio's `RequestAuthentication`: which tokens of callers are looked at (`istio/api` `request_authentication.proto`).

use serde::{Deserialize, Serialize};

use super::envoy_filter::TargetRef;
use super::selector::MatchLabels;
use crate::base::{Duration, Str};

/// Which tokens are looked at. A token that is bad is refused; calls without one go on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RequestAuthentication {
    /// The workloads; all of the namespace if absent, all of the mesh in the root namespace.
    pub selector: Option<MatchLabels>,
    /// The older form of `target_refs`, with one of them.
    pub target_ref: Option<TargetRef>,
    /// Gateways of Kubernetes' API and services of the ambient mesh that it is for, and nobody else.
    pub target_refs: Vec<TargetRef>,
    /// One for each issuer.
    pub jwt_rules: Vec<JwtRule>,
}

/// Tokens of one issuer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct JwtRule {
    /// Who issues them.
    pub issuer: Str,
    /// For whom they may be meant; anybody if there are none.
    pub audiences: Vec<Str>,
    /// Where the keys are that they are signed with.
    pub jwks_uri: Str,
    /// The keys themselves, as a JSON Web Key Set.
    pub jwks: Str,
    /// Headers that have them, `authorization` with `Bearer ` where no place is named.
    pub from_headers: Vec<JwtHeader>,
    /// Parameters of the query that have them.
    pub from_params: Vec<Str>,
    /// Cookies that have them.
    pub from_cookies: Vec<Str>,
    /// The header in which the server gets what the token says.
    pub output_payload_to_header: Str,
    /// Whether the server gets the token.
    pub forward_original_token: bool,
    /// Headers in which the server gets single claims.
    pub output_claim_to_headers: Vec<ClaimToHeader>,
    /// How long it may take to get the keys.
    pub timeout: Option<Duration>,
    /// Claims that are lists written as one text, beside `scope` and `permission`.
    pub space_delimited_claims: Vec<Str>,
}

/// A header that has a token.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct JwtHeader {
    /// Its name.
    pub name: Str,
    /// What is in front of the token.
    pub prefix: Str,
}

/// A claim that becomes a header.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ClaimToHeader {
    /// The header.
    pub header: Str,
    /// The claim, perhaps inside another: `address.city`.
    pub claim: Str,
}
