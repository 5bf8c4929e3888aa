//! What a test asks of the calls that a load made.

use std::time::{Duration, Instant};

use mizzen::demo::load::{Call, Load, failures};

use super::process::eventually;

/// Waits for `count` calls begun from `limit` after `start`, when a change must be in force, and returns them.
pub(crate) fn calls_after(load: &Load, start: Instant, limit: Duration, count: usize) -> Vec<Call> {
    eventually(limit + Duration::from_secs(20), "calls to be made", || {
        let mut calls = load.calls_since(start + limit);
        calls.truncate(count);
        (calls.len() == count).then_some(calls)
    })
}

/// Fails if any of `calls` failed, telling the first few and when.
pub(crate) fn assert_none_failed(calls: &[Call]) {
    let failed = failures(calls);
    assert!(
        failed.is_empty(),
        "{} of {} calls failed: {:#?}",
        failed.len(),
        calls.len(),
        &failed[..failed.len().min(5)]
    );
}
