//! What every object has: its name, where it belongs, its labels, its age.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Kind;
use crate::base::{Labels, Namespace, Str};

/// The identity and the circumstances of an object.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Meta {
    /// The name, unique for the kind in its namespace.
    pub name: Str,
    /// The namespace; empty for objects of the cluster.
    pub namespace: Namespace,
    /// The cluster that it was read from; empty for the control plane's own.
    pub cluster: Str,
    /// Labels.
    pub labels: Labels,
    /// Annotations, without `kubectl.kubernetes.io/last-applied-configuration`, which repeats the whole object.
    pub annotations: Labels,
    /// When it was created, in seconds since 1970; 0 where the document does not say.
    pub created: i64,
    /// Kubernetes' unique id; empty for objects from files.
    pub uid: Str,
    /// Kubernetes' version of the object; empty for objects from files.
    pub resource_version: Str,
    /// How often the spec has been changed; 0 for objects from files.
    pub generation: i64,
    /// The objects that this one belongs to, as a Pod to its ReplicaSet.
    pub owners: Vec<Owner>,
}

/// An owner of an object.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Owner {
    /// `ReplicaSet`, `StatefulSet`, …
    pub kind: Str,
    /// The owner's name.
    pub name: Str,
    /// The owner's group and version.
    pub api_version: Str,
    /// Whether this owner is the one that manages the object.
    pub controller: bool,
}

/// What tells one object from all others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The kind.
    pub kind: Kind,
    /// The cluster; empty for the control plane's own, whose objects so come first.
    pub cluster: Str,
    /// The namespace; empty for objects of the cluster.
    pub namespace: Namespace,
    /// The name.
    pub name: Str,
}

impl Key {
    /// The key of an object of the control plane's own cluster.
    pub fn new(kind: Kind, namespace: Namespace, name: Str) -> Self {
        Self { kind, cluster: Str::new(), namespace, name }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.kind)?;
        if !self.namespace.is_empty() {
            write!(f, "{}/", self.namespace)?;
        }
        f.write_str(&self.name)?;
        if !self.cluster.is_empty() {
            write!(f, " of cluster {}", self.cluster)?;
        }
        Ok(())
    }
}

/// Metadata as Kubernetes writes it.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct WireMeta {
    pub(super) name: Str,
    namespace: Str,
    labels: Labels,
    annotations: Labels,
    creation_timestamp: Option<Timestamp>,
    pub(super) deletion_timestamp: Option<Timestamp>,
    uid: Str,
    resource_version: Str,
    generation: i64,
    owner_references: Vec<Owner>,
}

impl WireMeta {
    /// The metadata of an object of this kind; what is namespaced and does not say where belongs to `default`.
    pub(super) fn into_meta(self, kind: Kind) -> Meta {
        let namespace = match (kind.namespaced(), self.namespace.is_empty()) {
            (false, _) => Namespace::default(),
            (true, true) => Namespace::from("default"),
            (true, false) => Namespace::new(self.namespace),
        };
        let mut annotations = self.annotations;
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        Meta {
            name: self.name,
            namespace,
            cluster: Str::new(),
            labels: self.labels,
            annotations,
            created: self.creation_timestamp.map_or(0, |t| t.0),
            uid: self.uid,
            resource_version: self.resource_version,
            generation: self.generation,
            owners: self.owner_references,
        }
    }
}

/// A moment in seconds since 1970, written as RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Reads `2026-11-22T14:32:34Z`; fractions of a second are cut off, offsets from UTC are taken into account.
    fn parse(text: &str) -> Option<Self> {
        let number = |range: std::ops::Range<usize>| text.get(range)?.parse::<i64>().ok();
        let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
        if !separators.iter().all(|(at, separator)| text.as_bytes().get(*at) == Some(separator)) {
            return None;
        }
        let (month, day) = (number(5..7)?, number(8..10)?);
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return None;
        }
        let seconds = number(11..13)? * 3600 + number(14..16)? * 60 + number(17..19)?;
        let zone = text.get(19..)?.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
        let offset = match zone.as_bytes() {
            [b'Z'] => 0,
            [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
                let offset = zone[1..3].parse::<i64>().ok()? * 3600 + zone[4..6].parse::<i64>().ok()? * 60;
                if *sign == b'-' { -offset } else { offset }
            }
            _ => return None,
        };
        Some(Self(days_since_1970(number(0..4)?, month, day) * 86_400 + seconds - offset))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, second) = (self.0.div_euclid(86_400), self.0.rem_euclid(86_400));
        let (year, month, day) = date(days);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Str::deserialize(deserializer)?;
        let wrong = || serde::de::Error::custom(format!("must be a time such as 2026-11-22T14:32:34Z, found {text:?}"));
        Self::parse(&text).ok_or_else(wrong)
    }
}

/// Days from 1970-01-01 to a date of the Gregorian calendar, whose years are taken to begin in March so that the
/// leap day comes last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    era * 146_097 + year * 365 + year / 4 - year / 100 + (153 * month + 2) / 5 + day - 1 - 719_468
}

/// The inverse of [`days_since_1970`].
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
    use super::Timestamp;

    #[test]
    fn timestamps_are_read_and_written() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2024-02-29T23:59:59Z", 1_709_251_199),
            ("2026-11-22T14:32:34Z", 1_795_357_954),
        ] {
            assert_eq!(Timestamp::parse(text), Some(Timestamp(seconds)));
            assert_eq!(Timestamp(seconds).to_string(), text);
        }
        assert_eq!(Timestamp::parse("2026-11-22T16:32:34.75+02:00"), Some(Timestamp(1_795_357_954)));
        assert_eq!(Timestamp::parse("2026-11-22"), None);
        assert_eq!(Timestamp::parse("2026-13-22T14:32:34Z"), None);
    }
}
