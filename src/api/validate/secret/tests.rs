//! Keys made for these tests by `openssl`; nothing trusts them.

use serde_json::json;

use crate::api::decode;

const EC: &str = include_str!("ec.crt");
const EC_KEY: &str = include_str!("ec.key");
const EC_SEC1: &str = include_str!("ec-sec1.key");
const RSA: &str = include_str!("rsa.crt");
const RSA_KEY: &str = include_str!("rsa.key");
const RSA_PKCS1: &str = include_str!("rsa-pkcs1.key");
const OTHER: &str = include_str!("other.key");
const SEALED: &str = include_str!("sealed.key");

/// Field and text of what is found in a Secret with these values, and whether it is usable.
fn findings(data: serde_json::Value) -> (Vec<String>, bool) {
    let decoded = decode(
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "it", "namespace": "edge"},
            "type": "kubernetes.io/tls", "stringData": data}),
        None,
    );
    let line = |f: &crate::base::Finding| {
        let text = f.text.strip_suffix("; this version of the object is not used").unwrap_or(&f.text);
        format!("{} {text}", f.field)
    };
    (decoded.findings.iter().map(line).collect(), decoded.object.is_some())
}

#[test]
fn a_key_in_any_form_fits_its_certificate() {
    for (certificate, key) in [(EC, EC_KEY), (EC, EC_SEC1), (RSA, RSA_KEY), (RSA, RSA_PKCS1)] {
        assert_eq!(findings(json!({"tls.crt": certificate, "tls.key": key, "ca.crt": RSA})), (Vec::new(), true));
        assert_eq!(findings(json!({"cert": certificate, "key": key, "tls.crt": EC, "tls.key": EC_KEY})).0.len(), 0);
    }
    let chain = format!("Bag Attributes\n{EC}\n{RSA}");
    assert_eq!(findings(json!({"tls.crt": chain, "tls.key": EC_KEY})), (Vec::new(), true));
}

#[test]
fn a_key_of_another_certificate_makes_a_secret_unusable() {
    for (certificate, key) in [(EC, OTHER), (EC, RSA_KEY), (RSA, EC_SEC1)] {
        let expected = vec!["data[tls.key] does not belong to the first certificate of tls.crt".to_owned()];
        assert_eq!(findings(json!({"tls.crt": certificate, "tls.key": key})), (expected, false));
    }
}

#[test]
fn what_is_not_pem_makes_a_secret_unusable() {
    let cut = &EC[..EC.len() / 2];
    for (data, expected) in [
        (json!({"tls.crt": "no", "tls.key": EC_KEY}), "data[tls.crt] must be certificates in PEM"),
        (json!({"tls.crt": cut, "tls.key": EC_KEY}), "data[tls.crt] must be certificates in PEM"),
        (json!({"tls.crt": EC_KEY, "tls.key": EC_KEY}), "data[tls.crt] has something that is not a certificate"),
        (json!({"tls.crt": EC, "tls.key": "no"}), "data[tls.key] must be a private key in PEM"),
        (
            json!({"tls.crt": EC, "tls.key": SEALED}),
            "data[tls.key] must be a private key in PEM that is not encrypted: PKCS #8, RSA or EC",
        ),
        (json!({"tls.crt": EC, "tls.key": EC_KEY, "ca.crt": "no"}), "data[ca.crt] must be certificates in PEM"),
    ] {
        assert_eq!(findings(data), (vec![expected.to_owned()], false));
    }
}

#[test]
fn a_secret_whose_pair_is_empty_is_odd_and_stays() {
    let (found, usable) = findings(json!({"tls.crt": "", "tls.key": ""}));
    assert_eq!((found.len(), usable), (2, true));
}

#[test]
fn no_finding_repeats_a_value() {
    let secret = "correct horse battery staple";
    let (found, _) = findings(json!({"tls.crt": secret, "tls.key": secret, "ca.crt": secret}));
    assert!(!found.is_empty() && found.iter().all(|f| !f.contains("horse")), "{found:?}");
}
