//! Conditions on strings, as AuthorizationPolicies write them (istio `pilot/pkg/security/authz/matcher/string.go`).

use envoy_types::pb::envoy::config::route::v3::HeaderMatcher;
use envoy_types::pb::envoy::config::route::v3::header_matcher::HeaderMatchSpecifier;
use envoy_types::pb::envoy::r#type::matcher::v3::string_matcher::MatchPattern;
use envoy_types::pb::envoy::r#type::matcher::v3::{RegexMatcher, StringMatcher};

fn matcher(pattern: MatchPattern) -> StringMatcher {
    StringMatcher { match_pattern: Some(pattern), ignore_case: false }
}

pub(super) fn exact(text: impl Into<String>) -> StringMatcher {
    matcher(MatchPattern::Exact(text.into()))
}

pub(super) fn prefix(text: impl Into<String>) -> StringMatcher {
    matcher(MatchPattern::Prefix(text.into()))
}

pub(super) fn suffix(text: impl Into<String>) -> StringMatcher {
    matcher(MatchPattern::Suffix(text.into()))
}

pub(super) fn regex(regex: impl Into<String>) -> StringMatcher {
    matcher(MatchPattern::SafeRegex(RegexMatcher { regex: regex.into(), ..RegexMatcher::default() }))
}

/// Anything that is not empty.
pub(super) fn something() -> StringMatcher {
    regex(".+")
}

/// A text that may begin or end with an asterisk; alone, it is anything that is not empty.
pub(super) fn pattern(text: &str) -> StringMatcher {
    match (text, text.strip_prefix('*'), text.strip_suffix('*')) {
        ("*", ..) => something(),
        (_, Some(end), _) => suffix(end),
        (_, _, Some(beginning)) => prefix(beginning),
        _ => exact(text),
    }
}

/// The same behind something that is always there.
pub(super) fn pattern_after(head: &str, text: &str) -> StringMatcher {
    match (text, text.strip_prefix('*'), text.strip_suffix('*')) {
        ("*", ..) => something(),
        (_, Some(end), _) => regex(format!("{head}.*{}", quote(end))),
        (_, _, Some(beginning)) => prefix(format!("{head}{beginning}")),
        _ => exact(format!("{head}{text}")),
    }
}

/// A header with such a value; an asterisk alone asks only that it is there.
pub(super) fn header(name: &str, value: &str, ignore_case: bool) -> HeaderMatcher {
    let specifier = match value {
        "*" => HeaderMatchSpecifier::PresentMatch(true),
        _ => HeaderMatchSpecifier::StringMatch(StringMatcher { ignore_case, ..pattern(value) }),
    };
    HeaderMatcher { name: name.to_owned(), header_match_specifier: Some(specifier), ..HeaderMatcher::default() }
}

/// A text as part of a regular expression, quoted as Go does, so that nothing looks different from istiod.
pub(super) fn quote(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
