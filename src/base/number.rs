//! Numbers that can be part of a key: floats do not have `Eq`, and Go's durations are signed nanoseconds.

use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};

/// A finite double with total equality, as proto messages of users carry it (percentages, ratios).
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Double(f64);

impl Double {
    /// The value; NaN becomes 0 and negative zero becomes zero, so that equal values have equal bits.
    pub fn new(value: f64) -> Self {
        Self(if value.is_nan() || value == 0.0 { 0.0 } else { value })
    }

    /// The plain number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl PartialEq for Double {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for Double {}

impl Hash for Double {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

impl fmt::Debug for Double {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// A signed span of time in nanoseconds, the range of `google.protobuf.Duration` as Go programs use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Duration(i64);

impl Duration {
    /// No time.
    pub const ZERO: Self = Self(0);

    /// So many nanoseconds.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// So many milliseconds.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis * 1_000_000)
    }

    /// So many seconds.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs * 1_000_000_000)
    }

    /// The span in nanoseconds.
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Whole seconds and the rest in nanoseconds, both with the sign of the span, as protobuf splits it.
    pub const fn split(self) -> (i64, i32) {
        (self.0 / 1_000_000_000, (self.0 % 1_000_000_000) as i32)
    }

    /// Reads what Go's `time.ParseDuration` and proto-JSON read: `1.5s`, `100ms`, `1h2m3s`, `-1us`.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, mut rest) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        if rest == "0" {
            return Some(Self::ZERO);
        }
        if rest.is_empty() {
            return None;
        }
        let mut total: i128 = 0;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
            let (number, tail) = rest.split_at(digits);
            let unit_len = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
            let (unit, tail) = tail.split_at(unit_len);
            let scale: i128 = match unit {
                "ns" => 1,
                "us" | "µs" | "μs" => 1_000,
                "ms" => 1_000_000,
                "s" => 1_000_000_000,
                "m" => 60_000_000_000,
                "h" => 3_600_000_000_000,
                _ => return None,
            };
            let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
            if whole.is_empty() && fraction.is_empty() {
                return None;
            }
            let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
            total = total.checked_add(whole.checked_mul(scale)?)?;
            let mut unit_scale = scale;
            for digit in fraction.bytes() {
                unit_scale /= 10;
                total += i128::from(char::from(digit).to_digit(10)?) * unit_scale;
            }
            rest = tail;
        }
        i64::try_from(if negative { -total } else { total }).ok().map(Self)
    }
}

impl fmt::Display for Duration {
    /// As proto-JSON prints it: seconds with 0, 3, 6 or 9 decimals.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (secs, nanos) = self.split();
        if self.0 < 0 {
            f.write_str("-")?;
        }
        let (secs, nanos) = (secs.unsigned_abs(), nanos.unsigned_abs());
        match nanos {
            0 => write!(f, "{secs}s"),
            n if n % 1_000_000 == 0 => write!(f, "{secs}.{:03}s", n / 1_000_000),
            n if n % 1_000 == 0 => write!(f, "{secs}.{:06}s", n / 1_000),
            n => write!(f, "{secs}.{n:09}s"),
        }
    }
}

impl Serialize for Duration {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| serde::de::Error::custom(format!("{text:?} is not a duration such as 5s or 250ms")))
    }
}
