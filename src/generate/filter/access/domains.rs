//! Trust domains and their aliases: whoever is named under one of them is meant under all (istio
//! `pilot/pkg/security/trustdomain/bundle.go`).

use crate::base::Str;

/// The domain that stands for the mesh's own, whatever that is called.
const LOCAL: &str = "cluster.local";

/// Identities `domain/ns/namespace/sa/account` under every domain that is meant, in order. What has another form, or
/// names no domain or a strange one, stays.
pub(super) fn identities(values: &[Str], domains: &[Str]) -> Vec<String> {
    let mut out = Vec::new();
    for value in values {
        let (domain, rest) = value.split_once('/').unwrap_or((value, ""));
        let named = rest.split('/').count() == 4 && domain != "*";
        if !named || !(domain == LOCAL || domains.iter().any(|known| overlap(domain, known))) {
            out.push(value.to_string());
            continue;
        }
        let from = out.len();
        for known in domains {
            let meant = if ends(known, domain) { value.to_string() } else { format!("{known}/{rest}") };
            if !out[from..].contains(&meant) {
                out.push(meant);
            }
        }
    }
    out
}

/// Domains with their aliases, each once.
pub(super) fn with_aliases(values: &[Str], domains: &[Str]) -> Vec<Str> {
    let mut out: Vec<Str> = Vec::new();
    for value in values {
        let meant = if domains.contains(value) { domains } else { std::slice::from_ref(value) };
        for domain in meant {
            if !out.contains(domain) {
                out.push(domain.clone());
            }
        }
    }
    out
}

fn overlap(a: &str, b: &str) -> bool {
    let begins = |text: &str, pattern: &str| pattern.strip_suffix('*').is_some_and(|start| text.starts_with(start));
    a == b || begins(a, b) || begins(b, a) || ends(a, b) || ends(b, a)
}

fn ends(text: &str, pattern: &str) -> bool {
    pattern.strip_prefix('*').is_some_and(|end| text.ends_with(end))
}
