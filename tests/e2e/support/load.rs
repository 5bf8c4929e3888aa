//! What a test asks of the calls that a load made.

use std::time::{Duration, Instant};

use mizzen::demo::load::{Call, Load, by_backend, failures};

use super::process::{PATIENCE, eventually};

/// So many calls, one after the other, tell who answers.
const TELLING: usize = 100;

/// Waits for `count` calls begun from `limit` after `start`, and returns them.
pub(crate) fn calls_after(load: &Load, start: Instant, limit: Duration, count: usize) -> Vec<Call> {
    eventually(limit + PATIENCE, "calls to be made", || {
        let mut calls = load.calls_since(start + limit);
        calls.truncate(count);
        (calls.len() == count).then_some(calls)
    })
}

/// Waits until calls are answered by each of `backends`, in order of their names, and by nobody else. Returns how long
/// after `edit` the last call was begun that was answered otherwise.
pub(crate) fn until_answered_by(load: &Load, edit: Instant, backends: &[&str]) -> Duration {
    eventually(PATIENCE, &format!("calls to be answered by {backends:?} alone"), || {
        let calls = load.calls_since(edit);
        let last = &calls[calls.len().saturating_sub(TELLING)..];
        let settled = last.len() == TELLING && by_backend(last).into_keys().eq(backends.iter().copied());
        settled.then(|| {
            let right = |call: &&Call| call.outcome.as_deref().is_ok_and(|backend| backends.contains(&backend));
            let wrong = calls.iter().filter(|call| !right(call)).map(|call| call.begun - edit);
            wrong.max().unwrap_or_default()
        })
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
