//! `changez`: how long the latest changes took to reach the last proxy, and who is behind. mizzen's own page.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

use serde::Serialize;

use super::client::Client;
use super::time::rfc3339;
use crate::base::Str;
use crate::progress::{Kept, Progress};

/// A proxy that has owed an answer for so long is behind.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// The page.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Changes {
    /// How long a proxy may take before it counts as behind.
    pub behind_after_seconds: f64,
    /// Those that are, by name.
    pub behind: Vec<BehindProxy>,
    /// The latest first.
    pub changes: Vec<Change>,
}

/// A proxy that is behind.
#[derive(Debug, Serialize)]
pub struct BehindProxy {
    /// Its name.
    pub proxy: Str,
    /// The oldest revision that it has not answered in full.
    pub revision: u64,
    /// Since how long.
    pub seconds: f64,
    /// The types of which it has not answered, or has refused, the latest response.
    pub types: Vec<&'static str>,
}

/// An object that changed, and how far proxies are with it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// `VirtualService`, …
    pub kind: Str,
    /// The namespace, empty for objects of the cluster.
    pub namespace: Str,
    /// The name.
    pub name: Str,
    /// `changed` or `deleted`.
    pub event: &'static str,
    /// When the first event of it arrived.
    pub changed_at: String,
    /// When what follows from it was ready for proxies.
    pub published_at: String,
    /// The same as a number of seconds.
    pub published_after_seconds: f64,
    /// The revision it is in.
    pub revision: u64,
    /// How many objects changed in that revision; they share the proxies.
    pub together: usize,
    /// How many proxies hold something else because of that revision.
    pub proxies: u64,
    /// How many have taken it in, or refused it.
    pub acknowledged: u64,
    /// How many of those refused something of it.
    pub refused: u64,
    /// How many left first.
    pub left: u64,
    /// How long after the change the last of them answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_ack_after_seconds: Option<f64>,
    /// The first of those that are waited for.
    pub waiting_for: Vec<Str>,
}

/// What there is to tell now.
pub fn changes(progress: &Progress, clients: &[Client]) -> Changes {
    let (now, clock) = (Instant::now(), SystemTime::now());
    let moment = |at: Instant| rfc3339(clock - now.saturating_duration_since(at));
    let mut lagging: BTreeMap<&str, Vec<&'static str>> = BTreeMap::new();
    for client in clients {
        lagging.entry(client.node.proxy()).or_default().extend(client.unanswered(clock, Duration::ZERO));
    }
    let behind = progress.behind(PATIENCE).into_iter().map(|behind| BehindProxy {
        types: lagging.get(behind.proxy.as_str()).cloned().unwrap_or_default(),
        proxy: behind.proxy,
        revision: behind.revision,
        seconds: behind.lag.as_secs_f64(),
    });
    let change = |change: crate::progress::Change| Change {
        event: match change.object.kept {
            Kept::Changed => "changed",
            Kept::Deleted => "deleted",
        },
        changed_at: moment(change.object.changed),
        published_at: moment(change.published),
        published_after_seconds: change.published.saturating_duration_since(change.object.changed).as_secs_f64(),
        kind: change.object.kind,
        namespace: change.object.namespace,
        name: change.object.name,
        revision: change.revision,
        together: change.together,
        proxies: change.proxies,
        acknowledged: change.answered,
        refused: change.refused,
        left: change.left,
        last_ack_after_seconds: change.last_answer.map(|t| t.as_secs_f64()),
        waiting_for: change.waiting_for,
    };
    Changes {
        behind_after_seconds: PATIENCE.as_secs_f64(),
        behind: behind.collect(),
        changes: progress.changes().into_iter().map(change).collect(),
    }
}
