//! Which calls a route takes.

use std::collections::BTreeMap;

use envoy_types::pb::envoy::config::route::v3::header_matcher::HeaderMatchSpecifier;
use envoy_types::pb::envoy::config::route::v3::query_parameter_matcher::QueryParameterMatchSpecifier;
use envoy_types::pb::envoy::config::route::v3::route_match::PathSpecifier;
use envoy_types::pb::envoy::config::route::v3::{HeaderMatcher, QueryParameterMatcher, RouteMatch};
use envoy_types::pb::envoy::r#type::matcher::v3::metadata_matcher::{PathSegment, path_segment};
use envoy_types::pb::envoy::r#type::matcher::v3::string_matcher::MatchPattern;
use envoy_types::pb::envoy::r#type::matcher::v3::value_matcher::MatchPattern as ValuePattern;
use envoy_types::pb::envoy::r#type::matcher::v3::{
    ListMatcher, MetadataMatcher, OrMatcher, RegexMatcher, StringMatcher, ValueMatcher, list_matcher,
};

use crate::api::virtual_service::{HttpMatch, StringMatch};
use crate::base::Str;
use crate::generate::proto::bool_value;

/// The condition of a route.
///
/// `by_segment` says that a prefix of the path ends where a segment of it does.
pub(super) fn condition(said: &HttpMatch, by_segment: bool) -> RouteMatch {
    let mut out = RouteMatch {
        case_sensitive: Some(bool_value(!said.ignore_uri_case)),
        query_parameters: said.query_params.iter().map(|(name, value)| query(name, value)).collect(),
        path_specifier: Some(path(said.uri.as_ref(), by_segment)),
        ..super::everything()
    };
    add(&mut out, &said.headers, false);
    add(&mut out, &said.without_headers, true);
    out.headers.sort_by(|a, b| a.name.cmp(&b.name));
    let special = [(":method", &said.method), (":authority", &said.authority), (":scheme", &said.scheme)];
    out.headers.extend(special.iter().filter_map(|(name, value)| Some(header(name, value.as_ref()?))));
    out
}

fn path(uri: Option<&StringMatch>, by_segment: bool) -> PathSpecifier {
    match uri {
        // A slash alone ends everywhere, and Envoy refuses a shorter one.
        Some(StringMatch::Prefix(prefix)) if by_segment && prefix.trim_end_matches('/').len() > 1 => {
            PathSpecifier::PathSeparatedPrefix(prefix.strip_suffix('/').unwrap_or(prefix).to_owned())
        }
        Some(StringMatch::Exact(path)) => PathSpecifier::Path(path.to_string()),
        Some(StringMatch::Prefix(prefix)) => PathSpecifier::Prefix(prefix.to_string()),
        Some(StringMatch::Regex(regex)) => PathSpecifier::SafeRegex(self::regex(regex)),
        Some(StringMatch::Present) | None => PathSpecifier::Prefix("/".to_owned()),
    }
}

/// Conditions on headers; those named after claims of a token are conditions on what its filter found out.
fn add(out: &mut RouteMatch, headers: &BTreeMap<Str, StringMatch>, invert: bool) {
    for (name, value) in headers {
        if let Some(claims) = claims(name) {
            out.dynamic_metadata.push(MetadataMatcher { invert, ..claim(claims, value) });
            continue;
        }
        let header = header(name, value);
        // A missing header is unlike the value too; Envoy refuses the field beside a match for presence.
        let treat_missing_header_as_empty = invert && !is_presence(value);
        out.headers.push(HeaderMatcher { invert_match: invert, treat_missing_header_as_empty, ..header });
    }
}

fn header(name: &str, value: &StringMatch) -> HeaderMatcher {
    let specifier = match string(value) {
        Some(matcher) if !is_presence(value) => HeaderMatchSpecifier::StringMatch(matcher),
        _ => HeaderMatchSpecifier::PresentMatch(true),
    };
    HeaderMatcher { name: name.to_owned(), header_match_specifier: Some(specifier), ..HeaderMatcher::default() }
}

fn query(name: &str, value: &StringMatch) -> QueryParameterMatcher {
    let specifier = match string(value) {
        Some(matcher) if !is_presence(value) => QueryParameterMatchSpecifier::StringMatch(matcher),
        _ => QueryParameterMatchSpecifier::PresentMatch(true),
    };
    QueryParameterMatcher { name: name.to_owned(), query_parameter_match_specifier: Some(specifier) }
}

/// `*` is no regular expression; it has always meant that the header is there.
fn is_presence(value: &StringMatch) -> bool {
    match value {
        StringMatch::Present => true,
        StringMatch::Regex(regex) => regex == "*",
        StringMatch::Exact(_) | StringMatch::Prefix(_) => false,
    }
}

/// A condition on a string; none where nothing is asked.
pub(super) fn string(value: &StringMatch) -> Option<StringMatcher> {
    let pattern = match value {
        StringMatch::Present => return None,
        StringMatch::Exact(text) => MatchPattern::Exact(text.to_string()),
        StringMatch::Prefix(text) => MatchPattern::Prefix(text.to_string()),
        StringMatch::Regex(text) => MatchPattern::SafeRegex(regex(text)),
    };
    Some(StringMatcher { match_pattern: Some(pattern), ignore_case: false })
}

pub(super) fn regex(text: &str) -> RegexMatcher {
    RegexMatcher { regex: text.to_owned(), ..RegexMatcher::default() }
}

/// The path of a claim that a header's name stands for: `@request.auth.claims.group.id`, or with brackets
/// `@request.auth.claims[group][id]` (istio `pkg/jwt/routing.go`).
fn claims(name: &str) -> Option<Vec<&str>> {
    const PREFIX: &str = "@request.auth.claims";
    let path = name.get(..PREFIX.len()).filter(|p| p.eq_ignore_ascii_case(PREFIX)).map(|p| &name[p.len()..])?;
    if let Some(path) = path.strip_prefix('.') {
        return (!path.is_empty()).then(|| path.split('.').collect());
    }
    let path = path.strip_prefix('[')?.strip_suffix(']')?;
    (!path.is_empty()).then(|| path.split("][").collect())
}

/// A claim has the value, or is a list with the value in it.
fn claim(path: Vec<&str>, value: &StringMatch) -> MetadataMatcher {
    let value = ValueMatcher { match_pattern: Some(ValuePattern::StringMatch(string(value).unwrap_or_default())) };
    let list = ListMatcher { match_pattern: Some(list_matcher::MatchPattern::OneOf(Box::new(value.clone()))) };
    let list = ValueMatcher { match_pattern: Some(ValuePattern::ListMatch(Box::new(list))) };
    let either = OrMatcher { value_matchers: vec![list, value] };
    let segment = |key: &str| PathSegment { segment: Some(path_segment::Segment::Key(key.to_owned())) };
    MetadataMatcher {
        filter: "envoy.filters.http.jwt_authn".to_owned(),
        path: ["payload"].into_iter().chain(path).map(segment).collect(),
        value: Some(ValueMatcher { match_pattern: Some(ValuePattern::OrMatch(either)) }),
        invert: false,
    }
}
