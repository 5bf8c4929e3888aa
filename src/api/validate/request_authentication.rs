//! RequestAuthentication (istio `pkg/config/validation/validation.go`, `ValidateRequestAuthentication`).

use super::at::At;
use crate::api::Json;
use crate::api::request_authentication::{JwtRule, RequestAuthentication};

pub(super) fn request_authentication(policy: &RequestAuthentication, at: &At<'_>) {
    at.scope(policy.selector.as_ref(), policy.target_ref.as_ref(), &policy.target_refs);
    at.field("jwtRules").each(&policy.jwt_rules, |rule, at| at.jwt_rule(rule));
}

impl At<'_> {
    fn jwt_rule(&self, rule: &JwtRule) {
        self.require(!(rule.issuer.is_empty() && rule.jwks_uri.is_empty()), "must have an issuer or a jwksUri");
        let some = |value: &str, at: &At<'_>| at.require(!value.is_empty(), "must not be empty");
        self.field("audiences").each(&rule.audiences, |value, at| some(value, at));
        self.field("fromParams").each(&rule.from_params, |value, at| some(value, at));
        self.field("fromCookies").each(&rule.from_cookies, |value, at| some(value, at));
        self.field("fromHeaders").each(&rule.from_headers, |header, at| some(&header.name, &at.field("name")));
        self.field("outputClaimToHeaders").each(&rule.output_claim_to_headers, |claim, at| {
            some(&claim.claim, &at.field("claim"));
            let valid = claim.header.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
            let text = "must be the name of a header, of letters, digits, hyphens and underscores";
            at.field("header")
                .require(valid && !claim.header.is_empty(), format_args!("{text}, found {:?}", claim.header));
        });
        self.field("timeout").span(rule.timeout);
        if !rule.jwks_uri.is_empty() {
            let http = ["http://", "https://"].iter().any(|scheme| {
                rule.jwks_uri.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
            });
            self.field("jwksUri")
                .require(http, format_args!("must be a URL of HTTP or HTTPS, found {:?}", rule.jwks_uri));
        }
        if !rule.jwks.is_empty() {
            let text = "must be a JSON Web Key Set, {\"keys\": […]}, of keys with their kty";
            self.field("jwks").require(is_key_set(&rule.jwks), text);
            if has_secrets(&rule.jwks) {
                self.field("jwks")
                    .risky("has private keys, which every proxy it is sent to holds; only public ones are needed");
            }
        } else {
            self.field("jwks").ineffective(
                "is not set, and mizzen does not fetch keys from elsewhere yet; until they are written here, all tokens of \
                 the issuer are refused",
            );
        }
    }
}

/// Whether a text is a set of keys, or a single one.
fn is_key_set(text: &str) -> bool {
    let kind = |key: &Json| {
        key.get("kty").and_then(Json::as_str).is_some_and(|kty| ["RSA", "EC", "OKP", "oct"].contains(&kty))
    };
    let Ok(json) = serde_json::from_str::<Json>(text) else { return false };
    match json.get("keys").map(Json::as_array) {
        Some(keys) => keys.is_some_and(|keys| keys.iter().all(kind)),
        None => kind(&json),
    }
}

/// Whether one of the keys is one to sign with.
fn has_secrets(text: &str) -> bool {
    let secret = |key: &Json| key.get("d").is_some() || key.get("kty").and_then(Json::as_str) == Some("oct");
    let json = serde_json::from_str::<Json>(text).unwrap_or_default();
    json.get("keys").and_then(Json::as_array).map_or_else(|| secret(&json), |keys| keys.iter().any(secret))
}
