//! How long to wait before something is tried again.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// Before the second try,
const FIRST: Duration = Duration::from_millis(200);
/// and the longest, as a person may be waiting for the end of an outage.
const LONGEST: Duration = Duration::from_secs(10);

/// Waits that double, each cut by up to a half by chance, so that many who failed together do not come back together.
pub(super) struct Backoff {
    next: Duration,
    chance: RandomState,
    drawn: u64,
}

impl Backoff {
    pub(super) fn new() -> Self {
        Self { next: FIRST, chance: RandomState::new(), drawn: 0 }
    }

    /// It went well.
    pub(super) fn reset(&mut self) {
        self.next = FIRST;
    }

    /// How long to wait now.
    pub(super) fn wait(&mut self) -> Duration {
        let wait = self.next.mul_f64(1.0 - self.chance() / 2.0);
        self.next = (self.next * 2).min(LONGEST);
        wait
    }

    /// From 0 to 1.
    pub(super) fn chance(&mut self) -> f64 {
        self.drawn += 1;
        (self.chance.hash_one(self.drawn) >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_limit_and_begin_anew() {
        let mut backoff = Backoff::new();
        let first = backoff.wait();
        assert!((FIRST / 2..=FIRST).contains(&first), "{first:?}");
        let last = (0..20).map(|_| backoff.wait()).last().unwrap();
        assert!((LONGEST / 2..=LONGEST).contains(&last), "{last:?}");
        backoff.reset();
        assert!(backoff.wait() <= FIRST);
    }
}
