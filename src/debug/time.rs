//! Moments as text.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A moment as Go's `RFC3339Nano` writes it, in UTC: `2026-11-22T14:32:38.310798003Z`, fractions without zeros at
/// their end. What lies before 1970 is written as 1970.
pub(super) fn rfc3339(at: SystemTime) -> String {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (days, second) = ((since.as_secs() / 86_400) as i64, since.as_secs() % 86_400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let mut text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    if since.subsec_nanos() != 0 {
        text += format!(".{:09}", since.subsec_nanos()).trim_end_matches('0');
    }
    text + "Z"
}

/// A moment in unix seconds, in the same form; Go's zero time for none, which it prints where nothing is.
pub(super) fn rfc3339_seconds(at: Option<i64>) -> String {
    let since = at.and_then(|s| u64::try_from(s).ok()).map(Duration::from_secs);
    since.map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), |s| rfc3339(UNIX_EPOCH + s))
}

/// Year, month and day of a day since 1970, by the Gregorian calendar; years are taken to begin in March, so that the
/// leap day comes last.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next, month, day)
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
