//! Rules that can never apply, because an earlier one takes their calls.

use crate::api::validate::at::At;
use crate::api::virtual_service::{HttpMatch, StringMatch, VirtualService};
use crate::base::Str;

/// Warns of rules that an earlier rule of the same protocol leaves nothing to.
pub(super) fn routes(service: &VirtualService, at: &At<'_>) {
    let http = service.http.iter().map(|route| route.r#match.as_slice());
    let unnamed = |m: &HttpMatch| HttpMatch { name: Str::default(), ..m.clone() };
    rules(http.clone(), unnamed, &at.field("http"));
    prefixes(http, &at.field("http"));
    rules(service.tls.iter().map(|route| route.r#match.as_slice()), Clone::clone, &at.field("tls"));
    rules(service.tcp.iter().map(|route| route.r#match.as_slice()), Clone::clone, &at.field("tcp"));
}

/// Warns of rules after one without conditions, and of conditions that were there before.
fn rules<'m, M: PartialEq + 'm>(rules: impl Iterator<Item = &'m [M]>, normal: impl Fn(&M) -> M, at: &At<'_>) {
    let mut seen: Vec<(M, usize)> = Vec::new();
    let mut takes_all = None;
    for (index, conditions) in rules.enumerate() {
        let rule = at.index(index);
        if let Some(earlier) = takes_all {
            rule.ineffective(format_args!("is never reached: rule {earlier} before it has no conditions"));
            continue;
        }
        if conditions.is_empty() {
            takes_all = Some(index);
        }
        for (number, condition) in conditions.iter().map(&normal).enumerate() {
            let place = rule.field("match");
            match seen.iter().find(|(other, _)| *other == condition) {
                Some((_, earlier)) => {
                    place
                        .index(number)
                        .ineffective(format_args!("is never reached: rule {earlier} has the same condition"));
                }
                None => seen.push((condition, index)),
            }
        }
    }
}

/// Warns of conditions whose prefix of the path an earlier condition covers, all else being equal.
fn prefixes<'m>(rules: impl Iterator<Item = &'m [HttpMatch]>, at: &At<'_>) {
    let mut seen: Vec<(&str, HttpMatch, usize)> = Vec::new();
    for (index, conditions) in rules.enumerate() {
        for (number, condition) in conditions.iter().enumerate() {
            let Some(StringMatch::Prefix(prefix)) = &condition.uri else { continue };
            let rest = HttpMatch { name: Str::default(), uri: None, ..condition.clone() };
            let covers = |(other, other_rest, _): &&(&str, HttpMatch, usize)| {
                prefix.len() > other.len() && prefix.starts_with(other) && *other_rest == rest
            };
            if let Some((other, _, earlier)) = seen.iter().find(covers) {
                let (rule, field) = (at.index(index), "match");
                let place = rule.field(field);
                place
                    .index(number)
                    .ineffective(format_args!("is never reached: rule {earlier} has the prefix {other:?}"));
            }
            seen.push((prefix, rest, index));
        }
    }
}
