//! `compare`, `lines`: what two proxies hold differently.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::lines::{Hunk, difference};
use super::list::{Ask, Key, Part};
use crate::base::Str;
use crate::debug::{self, Client, json};
use crate::wire::{Encoded, ResourceType};

/// `GET /ui/api/compare?a=&b=&type=` with the parameters of a list; sorted by `type`, `name` or `differs`.
#[derive(Debug, Serialize)]
pub struct Comparison {
    /// The resources that are not the same.
    #[serde(flatten)]
    pub part: Part<Row>,
    /// How many of each type are where.
    pub types: Vec<Counts>,
}

/// How many resources of a type two proxies have in common.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// `cds`, `eds`, …
    pub r#type: &'static str,
    /// Held by both in the same version.
    pub same: usize,
    /// Held by both in different versions.
    pub different: usize,
    /// Held by the first alone.
    pub only_a: usize,
    /// Held by the second alone.
    pub only_b: usize,
}

/// A resource that two proxies do not have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// `cds`, `eds`, …
    pub r#type: &'static str,
    /// Its name.
    pub name: Str,
    /// Its version at the first; none if it is not there.
    pub a: Option<String>,
    /// Its version at the second.
    pub b: Option<String>,
}

type Pair<'c> = (Option<&'c Arc<Encoded>>, Option<&'c Arc<Encoded>>);

/// What two proxies hold differently, of one type if it is named.
pub fn compare(a: &Client, b: &Client, kind: Option<ResourceType>, ask: &Ask) -> Comparison {
    let mut types = Vec::new();
    let mut rows = Vec::new();
    for of in ResourceType::ALL {
        let mut counts = Counts { r#type: of.short(), ..Counts::default() };
        for (name, pair) in pairs(a, b, of) {
            match pair {
                (Some(a), Some(b)) if a.version() == b.version() => {
                    counts.same += 1;
                    continue;
                }
                (Some(_), Some(_)) => counts.different += 1,
                (Some(_), None) => counts.only_a += 1,
                (None, _) => counts.only_b += 1,
            }
            if kind.is_none_or(|kind| kind == of) {
                rows.push((of.short(), name, pair));
            }
        }
        if counts != (Counts { r#type: of.short(), ..Counts::default() }) {
            types.push(counts);
        }
    }
    let total = rows.len();
    rows.retain(|(_, name, _)| ask.finds(&[name]));
    ask.sort(&mut rows, |column, (kind, name, (a, b))| match column {
        "type" => Some(Key::Text((*kind).into())),
        "name" => Some(Key::Text((*name).clone())),
        "differs" => Some(Key::Number(2 * u64::from(a.is_some()) + u64::from(b.is_some()))),
        _ => None,
    });
    let version = |resource: Option<&Arc<Encoded>>| resource.map(|r| r.version().to_string());
    let row = |(kind, name, (a, b)): (&'static str, &Str, Pair<'_>)| Row {
        r#type: kind,
        name: name.clone(),
        a: version(a),
        b: version(b),
    };
    Comparison { part: ask.cut(total, rows, row), types }
}

/// The resources that either holds, by name.
fn pairs<'c>(a: &'c Client, b: &'c Client, kind: ResourceType) -> BTreeMap<&'c Str, Pair<'c>> {
    let mut pairs: BTreeMap<&Str, Pair<'_>> = BTreeMap::new();
    a.holds(kind).for_each(|r| pairs.entry(r.name()).or_default().0 = Some(r));
    b.holds(kind).for_each(|r| pairs.entry(r.name()).or_default().1 = Some(r));
    pairs
}

/// `GET /ui/api/lines?a=&b=&type=&name=`: a resource of two proxies as JSON, line by line where they differ. One that a
/// proxy does not hold is an empty text.
///
/// # Errors
/// When a resource cannot be printed, which is a defect.
pub fn lines_between(a: &Client, b: &Client, kind: ResourceType, name: &str) -> Result<Vec<Hunk>, json::Error> {
    let text = |client: &Client| match client.holds(kind).find(|r| *r.name() == name) {
        Some(found) => Ok(serde_json::to_string_pretty(&debug::resource(kind, found)?)?),
        None => Ok::<_, json::Error>(String::new()),
    };
    Ok(difference(&text(a)?, &text(b)?))
}
