//! Rules that can never apply, because an earlier one takes their calls.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use crate::api::validate::at::At;
use crate::api::virtual_service::{HttpMatch, StringMatch, VirtualService};
use crate::base::Str;

/// Warns of rules that an earlier rule of the same protocol leaves nothing to.
pub(super) fn routes(service: &VirtualService, at: &At<'_>) {
    let http = service.http.iter().map(|route| route.r#match.as_slice());
    let unnamed = |m: &HttpMatch| HttpMatch { name: Str::default(), ..m.clone() };
    rules(http.clone(), unnamed, &at.field("http"));
    prefixes(http.clone(), &at.field("http"));
    covered(http, &at.field("http"));
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

/// Warns of conditions on the path that the prefix of an earlier condition covers, all else being equal. Costs a look-up
/// for every letter of every path.
fn prefixes<'m>(rules: impl Iterator<Item = &'m [HttpMatch]>, at: &At<'_>) {
    let mut seen: HashMap<HttpMatch, HashMap<&str, usize>> = HashMap::new();
    for (index, conditions) in rules.enumerate() {
        for (number, condition) in conditions.iter().enumerate() {
            let (path, whole) = match &condition.uri {
                Some(StringMatch::Prefix(prefix)) => (prefix, 0),
                // A whole path is covered by a prefix of the same letters too.
                Some(StringMatch::Exact(path)) => (path, path.len()),
                _ => continue,
            };
            let rest = HttpMatch { name: Str::default(), uri: None, ..condition.clone() };
            let alike = seen.entry(rest).or_default();
            let ends = path.char_indices().map(|(end, _)| end).chain((whole > 0).then_some(whole));
            if let Some((other, earlier)) = ends.filter_map(|end| alike.get_key_value(&path[..end])).next() {
                let rule = at.index(index);
                let place = rule.field("match");
                place
                    .index(number)
                    .ineffective(format_args!("is never reached: rule {earlier} has the prefix {other:?}"));
            }
            if matches!(condition.uri, Some(StringMatch::Prefix(_))) {
                alike.entry(path).or_insert(index);
            }
        }
    }
}

/// How many general conditions later ones are compared with: few have more, and each costs a look at every later one.
const GENERAL: usize = 32;

/// Warns of conditions that ask for all that an earlier one asks for, and for more, where the earlier one takes every
/// path: `prefix: /`, or a header and no path.
fn covered<'m>(rules: impl Iterator<Item = &'m [HttpMatch]>, at: &At<'_>) {
    let mut general: Vec<(usize, &HttpMatch)> = Vec::new();
    for (index, conditions) in rules.enumerate().take_while(|(_, conditions)| !conditions.is_empty()) {
        let rule = at.index(index);
        let place = rule.field("match");
        for (number, condition) in conditions.iter().enumerate() {
            if let Some((earlier, _)) = general.iter().find(|(_, earlier)| takes(earlier, condition)) {
                let text = format!(
                    "is never reached: rule {earlier} before it takes every call that this condition holds for"
                );
                place.index(number).ineffective(text);
            } else if any_path(condition) && general.len() < GENERAL {
                general.push((index, condition));
            }
        }
    }
}

fn any_path(condition: &HttpMatch) -> bool {
    condition.uri.is_none() || matches!(&condition.uri, Some(StringMatch::Prefix(prefix)) if prefix == "/")
}

/// Whether `earlier`, which takes any path, asks for nothing that `later` does not ask for in the same words.
fn takes(earlier: &HttpMatch, later: &HttpMatch) -> bool {
    let text = |a: &Option<StringMatch>, b: &Option<StringMatch>| a.is_none() || a == b;
    let word = |a: &Str, b: &Str| a.is_empty() || a == b;
    fn part<V: PartialEq>(a: &BTreeMap<Str, V>, b: &BTreeMap<Str, V>) -> bool {
        a.iter().all(|(key, value)| b.get(key) == Some(value))
    }
    text(&earlier.scheme, &later.scheme)
        && text(&earlier.method, &later.method)
        && text(&earlier.authority, &later.authority)
        && (earlier.port == 0 || earlier.port == later.port)
        && word(&earlier.source_namespace, &later.source_namespace)
        && part(&earlier.headers, &later.headers)
        && part(&earlier.without_headers, &later.without_headers)
        && part(&earlier.query_params, &later.query_params)
        && part(&earlier.source_labels, &later.source_labels)
        && (earlier.gateways.is_empty() || earlier.gateways == later.gateways)
        && !said_elsewhere(earlier, later)
}

/// Equal conditions, and prefixes that differ in nothing else.
fn said_elsewhere(earlier: &HttpMatch, later: &HttpMatch) -> bool {
    let rest = |m: &HttpMatch| HttpMatch { name: Str::default(), uri: None, ..m.clone() };
    let literal = matches!(later.uri, Some(StringMatch::Prefix(_) | StringMatch::Exact(_)));
    (earlier.uri == later.uri || (earlier.uri.is_some() && literal)) && rest(earlier) == rest(later)
}
