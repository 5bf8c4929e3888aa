//! So much at once, and so much in the long run.

use std::time::{Duration, Instant};

/// A bucket of tokens that fills up again.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    tokens: f64,
    size: f64,
    /// How long it takes for one more.
    refill: Duration,
    filled: Instant,
}

impl Bucket {
    pub(super) fn new(size: u32, refill: Duration, now: Instant) -> Self {
        Self { tokens: f64::from(size), size: f64::from(size), refill, filled: now }
    }

    /// How long to wait for a token; it is taken all the same.
    pub(super) fn wait(&mut self, now: Instant) -> Duration {
        self.fill(now);
        self.tokens -= 1.0;
        self.refill.mul_f64((-self.tokens).max(0.0))
    }

    /// Takes a token if there is one.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        self.fill(now);
        let there = self.tokens >= 1.0;
        self.tokens -= f64::from(u8::from(there));
        there
    }

    /// Whether it is as full as it was at first.
    pub(super) fn is_full(&mut self, now: Instant) -> bool {
        self.fill(now);
        self.tokens >= self.size
    }

    fn fill(&mut self, now: Instant) {
        let more = now.saturating_duration_since(self.filled).as_secs_f64() / self.refill.as_secs_f64();
        self.tokens = (self.tokens + more).min(self.size);
        self.filled = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beyond_the_first_burst_comes_at_the_rate_of_refilling() {
        let began = Instant::now();
        let second = Duration::from_secs(1);
        let mut bucket = Bucket::new(2, second, began);
        let waits = [(); 4].map(|()| bucket.wait(began));
        assert_eq!(waits, [Duration::ZERO, Duration::ZERO, second, second * 2]);
        assert!(!bucket.take(began + second * 2));
        assert!(bucket.take(began + second * 3));
        assert!(bucket.is_full(began + second * 9));
    }
}
