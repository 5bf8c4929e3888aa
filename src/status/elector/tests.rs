//! Expiry, precedence, and the words of a record.

use std::time::{Duration, Instant};

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::*;

const TTL: Duration = Duration::from_secs(30);

fn istiod(renewed: Timestamp) -> Record {
    Elector::new("istiod-1", "", TTL).claim(None, renewed)
}

fn later(seconds: u64) -> impl Fn(Instant) -> Instant {
    move |from| from + Duration::from_secs(seconds)
}

#[test]
fn a_lock_expires_by_how_long_it_was_seen_unchanged_whatever_the_times_in_it_say() {
    let began = Instant::now();
    let wall = Timestamp::now();
    for skew in [-3600, 0, 3600].map(SignedDuration::from_secs) {
        let mut ours = Elector::new("mizzen-1", "", TTL);
        let record = istiod(wall + skew);
        assert_eq!(ours.look(&record, began), Look::Held);
        assert_eq!(ours.look(&record, later(29)(began)), Look::Held);
        assert_eq!(ours.look(&record, later(30)(began)), Look::Free);
        // A holder that renews is heard, though its clock be an hour behind.
        let renewed = istiod(wall + skew + SignedDuration::from_secs(8));
        assert_eq!(ours.look(&renewed, later(31)(began)), Look::Held);
        assert_eq!(ours.look(&renewed, later(60)(began)), Look::Held);
        assert_eq!(ours.look(&renewed, later(61)(began)), Look::Free);
    }
}

#[test]
fn a_lock_that_was_given_back_is_free_at_once() {
    let mut ours = Elector::new("mizzen-1", "", TTL);
    let now = Instant::now();
    let held = istiod(Timestamp::now());
    assert_eq!(ours.look(&held, now), Look::Held);
    let released = Elector::new("istiod-1", "", TTL).release(&held, Timestamp::now());
    assert_eq!(ours.look(&released, now), Look::Free);
}

#[test]
fn only_the_default_revision_takes_a_lock_from_another_and_the_local_one_from_the_remote() {
    let of = |revision: &str| Elector::new("mizzen-1", revision, TTL);
    assert!(of("stable").outranks("canary", "stable"));
    assert!(!of("stable").outranks("canary", "canary"));
    assert!(!of("stable").outranks("canary", ""));
    assert!(!of("stable").outranks("stable", "stable"), "its own replicas are left alone");
    assert!(of("stable").outranks("^stable", ""));
    assert!(!of("canary").outranks("^stable", "stable"));
    assert!(of("").outranks("canary", "default"), "a revision without a name is the one called default");
}

#[test]
fn records_are_in_the_words_of_istiod() {
    let began: Timestamp = "2026-11-26T07:00:00Z".parse().unwrap();
    let renewed: Timestamp = "2026-11-26T07:00:08Z".parse().unwrap();
    let ours = Elector::new("mizzen-1", "canary", TTL);
    let first = ours.claim(Some(&Record { leader_transitions: 4, ..istiod(began) }), began);
    let second = ours.claim(Some(&first), renewed);
    let text = json!({"holderIdentity": "mizzen-1", "holderKey": "canary", "leaseDurationSeconds": 30,
        "acquireTime": "2026-11-26T07:00:00Z", "renewTime": "2026-11-26T07:00:08Z", "leaderTransitions": 5});
    assert_eq!(serde_json::to_value(&second).unwrap(), text);
    assert_eq!(serde_json::from_value::<Record>(text).unwrap(), second);
    let empty = json!({"holderIdentity": "", "acquireTime": null, "renewTime": null});
    assert_eq!(serde_json::from_value::<Record>(empty).unwrap(), Record::default());
}
