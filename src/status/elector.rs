//! When a lock may be taken: client-go's rules with istiod's precedence, without a clock and without a server.
//!
//! Whether a lock has expired is judged by how long this replica has seen its record unchanged, never by the times in
//! the record: the clocks of two replicas may be hours apart.

use std::time::{Duration, Instant};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a lock says, in client-go's words; the key is istiod's addition, the holder's revision.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Record {
    /// The holder's name; empty for nobody.
    pub(super) holder_identity: String,
    pub(super) holder_key: String,
    pub(super) lease_duration_seconds: i32,
    pub(super) acquire_time: Option<Time>,
    pub(super) renew_time: Option<Time>,
    pub(super) leader_transitions: i32,
}

/// How a lock looks to a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// The replica holds it.
    Ours,
    /// Nobody holds it, or its holder has not been heard of for too long.
    Free,
    /// Another holds it.
    Held,
}

/// One replica's view of one lock.
#[derive(Clone, Debug)]
pub(super) struct Elector {
    identity: String,
    /// The revision, never empty.
    key: String,
    ttl: Duration,
    /// The record as it was last seen to change, and when.
    seen: Option<(Record, Instant)>,
}

/// Before the revision of an istiod that manages the cluster from outside.
const REMOTE: char = '^';

impl Elector {
    pub(super) fn new(identity: &str, revision: &str, ttl: Duration) -> Self {
        let key = if revision.is_empty() { "default" } else { revision };
        Self { identity: identity.to_owned(), key: key.to_owned(), ttl, seen: None }
    }

    pub(super) fn identity(&self) -> &str {
        &self.identity
    }

    /// Looks at the record as it is now.
    pub(super) fn look(&mut self, record: &Record, now: Instant) -> Look {
        if self.seen.as_ref().is_none_or(|(seen, _)| seen != record) {
            self.seen = Some((record.clone(), now));
        }
        let since = self.seen.as_ref().map_or(now, |(_, since)| *since);
        if record.holder_identity == self.identity {
            Look::Ours
        } else if record.holder_identity.is_empty() || now.duration_since(since) >= self.ttl {
            Look::Free
        } else {
            Look::Held
        }
    }

    /// Whether another's key leaves any chance to take the lock from it.
    pub(super) fn may_outrank(&self, key: &str) -> bool {
        key != self.key
    }

    /// Whether the lock may be taken from a holder with this key (istio `LocationPrioritizedComparison`): by the default
    /// revision from any other, and from a control plane of the same revision outside the cluster.
    pub(super) fn outranks(&self, key: &str, default: &str) -> bool {
        let remote = key.strip_prefix(REMOTE);
        let theirs = remote.unwrap_or(key);
        (theirs != self.key && self.key == default) || (theirs == self.key && remote.is_some())
    }

    /// The record that says that this replica holds the lock.
    pub(super) fn claim(&self, before: Option<&Record>, now: Timestamp) -> Record {
        let ours = before.filter(|b| b.holder_identity == self.identity);
        let transitions = before.map_or(0, |b| b.leader_transitions + i32::from(ours.is_none()));
        Record {
            holder_identity: self.identity.clone(),
            holder_key: self.key.clone(),
            lease_duration_seconds: i32::try_from(self.ttl.as_secs()).unwrap_or(i32::MAX),
            acquire_time: ours.and_then(|b| b.acquire_time.clone()).or(Some(Time(now))),
            renew_time: Some(Time(now)),
            leader_transitions: transitions,
        }
    }

    /// The record that says that nobody holds it.
    pub(super) fn release(&self, before: &Record, now: Timestamp) -> Record {
        Record {
            lease_duration_seconds: 1,
            acquire_time: Some(Time(now)),
            renew_time: Some(Time(now)),
            leader_transitions: before.leader_transitions,
            ..Record::default()
        }
    }
}

#[cfg(test)]
mod tests;
