//! Conditions on what other filters found out (istio `pilot/pkg/security/authz/matcher/metadata.go`).

use envoy_types::pb::envoy::r#type::matcher::v3::metadata_matcher::{PathSegment, path_segment};
use envoy_types::pb::envoy::r#type::matcher::v3::value_matcher::MatchPattern;
use envoy_types::pb::envoy::r#type::matcher::v3::{
    ListMatcher, MetadataMatcher, OrMatcher, StringMatcher, ValueMatcher, list_matcher,
};

use crate::base::Str;

use super::text;

/// What a filter keeps under a path of keys.
pub(super) fn metadata<'k>(
    filter: &str,
    path: impl IntoIterator<Item = &'k str>,
    value: ValueMatcher,
) -> MetadataMatcher {
    let segment = |key: &str| PathSegment { segment: Some(path_segment::Segment::Key(key.to_owned())) };
    MetadataMatcher {
        filter: filter.to_owned(),
        path: path.into_iter().map(segment).collect(),
        value: Some(value),
        invert: false,
    }
}

/// What a token says under a path of claims.
pub(super) fn claim<'k>(path: impl IntoIterator<Item = &'k str>, value: ValueMatcher) -> MetadataMatcher {
    metadata("envoy.filters.http.jwt_authn", ["payload"].into_iter().chain(path), value)
}

/// A claim that is one of some values, or a list with one of them in it.
pub(super) fn claim_of<'k>(path: impl IntoIterator<Item = &'k str>, values: &[Str]) -> MetadataMatcher {
    let value = either(values.iter().map(|value| string(text::pattern(value))).collect());
    claim(path, either(vec![list(value.clone()), value]))
}

pub(super) fn string(matcher: StringMatcher) -> ValueMatcher {
    ValueMatcher { match_pattern: Some(MatchPattern::StringMatch(matcher)) }
}

/// A list with such a value in it.
pub(super) fn list(value: ValueMatcher) -> ValueMatcher {
    let one = ListMatcher { match_pattern: Some(list_matcher::MatchPattern::OneOf(Box::new(value))) };
    ValueMatcher { match_pattern: Some(MatchPattern::ListMatch(Box::new(one))) }
}

/// One of these; a single one stands for itself.
pub(super) fn either(mut values: Vec<ValueMatcher>) -> ValueMatcher {
    match (values.len(), values.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            values.extend(last);
            ValueMatcher { match_pattern: Some(MatchPattern::OrMatch(OrMatcher { value_matchers: values })) }
        }
    }
}
