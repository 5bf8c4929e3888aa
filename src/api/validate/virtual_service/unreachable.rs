//! Rules that can never apply, because an earlier one takes their calls.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;

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
fn rules<'m, M: Eq + Hash + 'm>(rules: impl Iterator<Item = &'m [M]>, normal: impl Fn(&M) -> M, at: &At<'_>) {
    let mut seen = HashMap::new();
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
            match seen.entry(condition) {
                Entry::Occupied(earlier) => {
                    let text = format!("is never reached: rule {} has the same condition", earlier.get());
                    place.index(number).ineffective(text);
                }
                Entry::Vacant(first) => drop(first.insert(index)),
            }
        }
    }
}

/// Warns of conditions whose prefix of the path an earlier condition covers, all else being equal. Costs a look-up
/// for every letter of every prefix.
fn prefixes<'m>(rules: impl Iterator<Item = &'m [HttpMatch]>, at: &At<'_>) {
    let mut seen: HashMap<HttpMatch, HashMap<&str, usize>> = HashMap::new();
    for (index, conditions) in rules.enumerate() {
        for (number, condition) in conditions.iter().enumerate() {
            let Some(StringMatch::Prefix(prefix)) = &condition.uri else { continue };
            let rest = HttpMatch { name: Str::default(), uri: None, ..condition.clone() };
            let alike = seen.entry(rest).or_default();
            let shorter = prefix.char_indices().map(|(end, _)| &prefix[..end]);
            if let Some((other, earlier)) = shorter.filter_map(|s| alike.get_key_value(s)).next() {
                let rule = at.index(index);
                let place = rule.field("match");
                place
                    .index(number)
                    .ineffective(format_args!("is never reached: rule {earlier} has the prefix {other:?}"));
            }
            alike.entry(prefix).or_insert(index);
        }
    }
}
