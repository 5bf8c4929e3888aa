//! `changes`: what changed lately, and how long it took until the last proxy had it.

use serde::Serialize;

use super::list::{Ask, Key, Part};
use crate::debug::{BehindProxy, Change};

/// `GET /ui/api/changes` with the parameters of a list; the latest first, or sorted by `object`, `proxies` or `took`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Changes {
    /// The rows, in the shape of `/debug/changez`.
    #[serde(flatten)]
    pub part: Part<Change>,
    /// Proxies that have owed an answer for long.
    pub behind: Vec<BehindProxy>,
    /// How long that is.
    pub behind_after_seconds: f64,
}

/// The changes that are asked for.
pub fn changes(of: crate::debug::Changes, ask: &Ask) -> Changes {
    let total = of.changes.len();
    let mut found = of.changes;
    found.retain(|change| ask.finds(&[&change.kind, &change.namespace, &change.name, change.event]));
    ask.sort(&mut found, |column, change| match column {
        "object" => Some(Key::Text(format!("{} {} {}", change.kind, change.namespace, change.name).into())),
        "proxies" => Some(Key::Number(change.proxies)),
        "took" => change.last_ack_after_seconds.map(|seconds| Key::Number((seconds * 1e6) as u64)),
        _ => None,
    });
    Changes {
        part: ask.cut(total, found, |change| change),
        behind: of.behind,
        behind_after_seconds: of.behind_after_seconds,
    }
}
