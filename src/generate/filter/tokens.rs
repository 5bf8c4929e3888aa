//! The filter that looks at callers' tokens (istio `pilot/pkg/security/authn/policy_applier.go`).

use std::collections::BTreeSet;

use envoy_types::pb::envoy::config::core::v3::DataSource;
use envoy_types::pb::envoy::config::core::v3::data_source::Specifier;
use envoy_types::pb::envoy::config::route::v3::RouteMatch;
use envoy_types::pb::envoy::config::route::v3::route_match::PathSpecifier;
use envoy_types::pb::envoy::extensions::filters::http::jwt_authn::v3::jwt_provider::{
    JwksSourceSpecifier, NormalizePayload,
};
use envoy_types::pb::envoy::extensions::filters::http::jwt_authn::v3::jwt_requirement::RequiresType;
use envoy_types::pb::envoy::extensions::filters::http::jwt_authn::v3::requirement_rule::RequirementType;
use envoy_types::pb::envoy::extensions::filters::http::jwt_authn::v3::{
    JwtAuthentication, JwtClaimToHeader, JwtHeader, JwtProvider, JwtRequirement, JwtRequirementAndList,
    JwtRequirementOrList, RequirementRule,
};

use crate::api::request_authentication::JwtRule;
use crate::base::Str;

/// Keys with which nobody can sign: the private half was thrown away. They are istiod's, for issuers whose keys it
/// cannot get, so that all of their tokens are refused (istio `pilot/pkg/model/jwks_resolver.go`, `PublicOnlyJwks`).
const NOBODYS_KEYS: &str = include_str!("nobody.jwks");

/// Whose tokens are looked at.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tokens {
    /// By issuer.
    pub rules: Vec<JwtRule>,
    /// Whether the route is chosen anew after a token was looked at.
    pub reroutes: bool,
}

impl Tokens {
    /// A token that is there must be good for its issuer; one without tokens goes on. Where several issuers look at
    /// one place, it suffices that one of them takes what is there.
    pub(super) fn build(&self) -> JwtAuthentication {
        let name = |index: usize| format!("origins-{index}");
        let providers = self.rules.iter().enumerate().map(|(index, rule)| (name(index), self.provider(rule))).collect();
        let good = |index: usize| requirement(RequiresType::ProviderName(name(index)));
        let missing = || requirement(RequiresType::AllowMissing(Default::default()));
        let lenient = |index: usize| any_of(vec![good(index), missing()]);
        let all = 0..self.rules.len();
        let requires = match self.rules.len() {
            1 => lenient(0),
            _ => {
                let each = JwtRequirementAndList { requirements: all.clone().map(lenient).collect() };
                any_of(all.map(good).chain([requirement(RequiresType::RequiresAll(each))]).collect())
            }
        };
        let everything =
            RouteMatch { path_specifier: Some(PathSpecifier::Prefix("/".to_owned())), ..RouteMatch::default() };
        JwtAuthentication {
            providers,
            rules: vec![RequirementRule {
                r#match: Some(everything),
                requirement_type: Some(RequirementType::Requires(requires)),
            }],
            bypass_cors_preflight: true,
            ..JwtAuthentication::default()
        }
    }

    fn provider(&self, rule: &JwtRule) -> JwtProvider {
        let texts = |all: &[Str]| all.iter().map(Str::to_string).collect();
        let lists: BTreeSet<&str> =
            rule.space_delimited_claims.iter().map(Str::as_str).chain(["permission", "scope"]).collect();
        let keys = if rule.jwks.is_empty() { NOBODYS_KEYS.trim_end() } else { &rule.jwks };
        let keys = DataSource { specifier: Some(Specifier::InlineString(keys.to_owned())), ..DataSource::default() };
        let header = |h: &crate::api::request_authentication::JwtHeader| JwtHeader {
            name: h.name.to_string(),
            value_prefix: h.prefix.to_string(),
        };
        let claim = |c: &crate::api::request_authentication::ClaimToHeader| JwtClaimToHeader {
            header_name: c.header.to_string(),
            claim_name: c.claim.to_string(),
            ..JwtClaimToHeader::default()
        };
        JwtProvider {
            issuer: rule.issuer.to_string(),
            audiences: texts(&rule.audiences),
            forward: rule.forward_original_token,
            forward_payload_header: rule.output_payload_to_header.to_string(),
            payload_in_metadata: "payload".to_owned(),
            normalize_payload_in_metadata: Some(NormalizePayload {
                space_delimited_claims: lists.into_iter().map(str::to_owned).collect(),
            }),
            clear_route_cache: self.reroutes,
            claim_to_headers: rule.output_claim_to_headers.iter().map(claim).collect(),
            from_headers: rule.from_headers.iter().map(header).collect(),
            from_params: texts(&rule.from_params),
            from_cookies: texts(&rule.from_cookies),
            jwks_source_specifier: Some(JwksSourceSpecifier::LocalJwks(keys)),
            ..JwtProvider::default()
        }
    }
}

fn requirement(of: RequiresType) -> JwtRequirement {
    JwtRequirement { requires_type: Some(of) }
}

fn any_of(requirements: Vec<JwtRequirement>) -> JwtRequirement {
    requirement(RequiresType::RequiresAny(JwtRequirementOrList { requirements }))
}
