//! Where a workload runs.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Str;

/// Region, zone and sub-zone; empty parts are unknown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Locality {
    /// The region, `topology.kubernetes.io/region` of the node.
    pub region: Str,
    /// The zone, `topology.kubernetes.io/zone` of the node.
    pub zone: Str,
    /// The sub-zone, `topology.istio.io/subzone` of the node.
    pub sub_zone: Str,
}

impl Locality {
    /// Reads `region/zone/subzone`; missing parts are empty, further ones are ignored.
    pub fn parse(text: &str) -> Self {
        let mut parts = text.split('/').map(Str::from);
        let mut next = || parts.next().unwrap_or_default();
        Self { region: next(), zone: next(), sub_zone: next() }
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.region.is_empty() && self.zone.is_empty() && self.sub_zone.is_empty()
    }
}

impl fmt::Display for Locality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.region)?;
        if !self.zone.is_empty() || !self.sub_zone.is_empty() {
            write!(f, "/{}", self.zone)?;
        }
        if !self.sub_zone.is_empty() {
            write!(f, "/{}", self.sub_zone)?;
        }
        Ok(())
    }
}
