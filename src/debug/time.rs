//! Moments as text.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::api::Timestamp;

/// A moment as Go's `RFC3339Nano` writes it, in UTC: `2026-11-22T14:32:38.310798003Z`, fractions without zeros at
/// their end. What lies before 1970 is written as 1970.
pub(super) fn rfc3339(at: SystemTime) -> String {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let text = Timestamp(since.as_secs() as i64).to_string();
    match since.subsec_nanos() {
        0 => text,
        nanos => {
            let fraction = format!(".{nanos:09}");
            format!("{}{}Z", text.trim_end_matches('Z'), fraction.trim_end_matches('0'))
        }
    }
}

/// A moment in unix seconds, in the same form; Go's zero time for none, which it prints where nothing is.
pub(super) fn rfc3339_seconds(at: Option<i64>) -> String {
    let since = at.and_then(|s| u64::try_from(s).ok()).map(Duration::from_secs);
    since.map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), |s| rfc3339(UNIX_EPOCH + s))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_go_writes_them() {
        let at = |secs, nanos| rfc3339(UNIX_EPOCH + Duration::new(secs, nanos));
        assert_eq!(at(0, 0), "1970-01-01T00:00:00Z");
        assert_eq!(at(1_709_251_199, 0), "2024-02-29T23:59:59Z");
        assert_eq!(rfc3339_seconds(Some(1_709_251_199)), "2024-02-29T23:59:59Z");
        assert_eq!(rfc3339_seconds(None), "0001-01-01T00:00:00Z");
        assert_eq!(at(1_795_357_958, 310_798_003), "2026-11-22T14:32:38.310798003Z");
        assert_eq!(at(1_795_357_958, 277_542_800), "2026-11-22T14:32:38.2775428Z");
        assert_eq!(rfc3339(UNIX_EPOCH - Duration::from_secs(1)), "1970-01-01T00:00:00Z");
    }
}
