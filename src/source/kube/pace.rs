//! How many requests are made, as client-go limits itself: so many at once, and so many a second in the long run.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// How many requests are made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// `--kubernetesApiQPS`: requests a second, in the long run.
    pub qps: f64,
    /// `--kubernetesApiBurst`: requests at once.
    pub burst: u32,
}

/// A bucket of requests that fills at a steady rate.
pub(super) struct Pace {
    /// Requests a second.
    qps: f64,
    burst: f64,
    bucket: Mutex<Bucket>,
}

struct Bucket {
    /// How many requests may be made at once; below 0 for those that wait.
    level: f64,
    at: Instant,
}

impl Pace {
    pub(super) fn new(rate: Rate) -> Self {
        let burst = f64::from(rate.burst.max(1));
        Self { qps: rate.qps.max(0.1), burst, bucket: Mutex::new(Bucket { level: burst, at: Instant::now() }) }
    }

    /// Waits for its turn.
    pub(super) async fn turn(&self) {
        let wait = self.draw(Instant::now());
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }

    /// How long a request that comes now has to wait.
    fn draw(&self, now: Instant) -> Duration {
        let mut bucket = self.bucket.lock();
        let passed = now.saturating_duration_since(bucket.at).as_secs_f64();
        let level = (bucket.level + self.qps * passed).min(self.burst) - 1.0;
        *bucket = Bucket { level, at: now };
        Duration::from_secs_f64((-level).max(0.0) / self.qps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_free_and_what_follows_is_not() {
        let pace = Pace::new(Rate { qps: 10.0, burst: 2 });
        let now = Instant::now();
        let waits: Vec<u128> = (0..4).map(|_| pace.draw(now).as_millis()).collect();
        assert_eq!(waits, [0, 0, 100, 200]);
        let later = now + Duration::from_millis(200);
        assert_eq!(pace.draw(later).as_millis(), 100);
        let rested = later + Duration::from_secs(60);
        assert_eq!([pace.draw(rested), pace.draw(rested)], [Duration::ZERO; 2], "no more than a burst is saved up");
        assert_eq!(pace.draw(rested).as_millis(), 100);
    }
}
