//! RequestAuthentications.

use super::findings;

fn found(rule: &str) -> Vec<String> {
    findings("RequestAuthentication", &format!("{{jwtRules: [{{{rule}}}]}}"))
}

const KEYS: &str = r#"jwks: '{"keys": [{"kty": "RSA", "e": "AQAB", "n": "AQAB"}]}'"#;

#[test]
fn tokens_have_an_issuer_and_places_with_names() {
    assert_eq!(found(&format!("issuer: a, {KEYS}")), [""; 0]);
    assert_eq!(found(KEYS), ["jwtRules[0]: must have an issuer or a jwksUri"]);
    let places = "fromHeaders: [{prefix: a}], fromParams: [''], fromCookies: [''], audiences: [''],
        outputClaimToHeaders: [{header: 'a b', claim: c}]";
    assert_eq!(
        found(&format!("issuer: a, {KEYS}, {places}")),
        [
            "jwtRules[0].audiences[0]: must not be empty",
            "jwtRules[0].fromParams[0]: must not be empty",
            "jwtRules[0].fromCookies[0]: must not be empty",
            "jwtRules[0].fromHeaders[0].name: must not be empty",
            "jwtRules[0].outputClaimToHeaders[0].header: must be the name of a header, of letters, digits, hyphens and \
             underscores, found \"a b\"",
        ]
    );
}

#[test]
fn keys_are_a_set_of_keys_and_public() {
    let text = "jwtRules[0].jwks: must be a JSON Web Key Set, {\"keys\": […]}, of keys with their kty";
    for bad in ["'no'", r#"'{"keys": {}}'"#, r#"'{"keys": [{"n": "AQAB"}]}'"#, "'{}'"] {
        assert_eq!(found(&format!("issuer: a, jwks: {bad}")), [text], "{bad}");
    }
    assert_eq!(found(r#"issuer: a, jwks: '{"kty": "EC"}'"#), [""; 0]);
    assert_eq!(
        found(r#"issuer: a, jwks: '{"keys": [{"kty": "RSA", "d": "AQAB"}]}'"#),
        [
            "risky jwtRules[0].jwks: has private keys, which every proxy it is sent to holds; only public ones are needed"
        ]
    );
    assert_eq!(
        found("issuer: a, jwksUri: ftp://a/b"),
        [
            "jwtRules[0].jwksUri: must be a URL of HTTP or HTTPS, found \"ftp://a/b\"",
            "ineffective jwtRules[0].jwks: is not set, and mizzen does not fetch keys from elsewhere yet; until they are \
             written here, all tokens of the issuer are refused",
        ]
    );
}
