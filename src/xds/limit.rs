//! How many streams begin per second.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::{Instant, sleep_until};

/// A rate, and how long to wait for a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Streams per second; 0 is no limit.
    pub per_second: u32,
    /// How long a stream waits before it is turned away.
    pub patience: Duration,
}

impl Rate {
    /// What `PILOT_MAX_REQUESTS_PER_SECOND` asks for; a stream waits a second, as with istiod (`WaitForRequestLimit`).
    pub const fn fixed(per_second: u32) -> Self {
        Self { per_second, patience: Duration::from_secs(1) }
    }

    /// What `PILOT_MAX_REQUESTS_PER_SECOND=0` means. istiod takes min(15 + 5·cores, 100). A first sync costs mizzen
    /// a fortieth, and a proxy that is turned away waits longer than one in line: twenty times as many, and ten
    /// seconds in line.
    pub fn automatic(cores: usize) -> Self {
        let istiod = (15 + 5 * u32::try_from(cores).unwrap_or(17)).min(100);
        Self { per_second: 20 * istiod, patience: Duration::from_secs(10) }
    }
}

/// Gives turns at an even pace.
#[derive(Debug)]
pub(super) struct Limiter {
    rate: Rate,
    /// When the next turn is.
    next: Mutex<Option<Instant>>,
}

impl Limiter {
    pub(super) fn new(rate: Rate) -> Self {
        Self { rate, next: Mutex::new(None) }
    }

    /// Waits for a turn; false if the line is too long.
    pub(super) async fn turn(&self) -> bool {
        match self.book(Instant::now()) {
            Some(turn) => {
                sleep_until(turn).await;
                true
            }
            None => false,
        }
    }

    /// The next free turn, unless it is too far off.
    pub(super) fn book(&self, now: Instant) -> Option<Instant> {
        let Some(gap) = Duration::from_secs(1).checked_div(self.rate.per_second) else { return Some(now) };
        let mut next = self.next.lock();
        let turn = next.map_or(now, |next| next.max(now));
        if turn > now + self.rate.patience {
            return None;
        }
        *next = Some(turn + gap);
        Some(turn)
    }
}
