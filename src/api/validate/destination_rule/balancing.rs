//! How an endpoint is chosen.

use std::collections::BTreeSet;

use crate::api::destination_rule::{
    ConsistentHash, Failover, HashAlgorithm, HashKey, HttpCookie, LoadBalancer, LocalityBalancing, Policy, Warmup,
    ZoneAwareBalancing,
};
use crate::api::validate::at::At;
use crate::base::Str;

/// The greatest size of a Maglev table, and of a ring, that Envoy takes.
const MAX_TABLE: u64 = 5_000_011;
const MAX_RING: u64 = 8 * 1024 * 1024;

/// Labels of the locality, which some settings rank by themselves.
const TOPOLOGY: [&str; 3] =
    ["topology.kubernetes.io/region", "topology.kubernetes.io/zone", "topology.istio.io/subzone"];

impl At<'_> {
    /// How an endpoint is chosen; failover needs outlier detection beside it.
    pub(in crate::api::validate) fn load_balancer(&self, settings: Option<&LoadBalancer>, outlier_detection: bool) {
        let Some(settings) = settings else { return };
        if let Some(Policy::ConsistentHash(hash)) = &settings.policy {
            self.field("consistentHash").consistent_hash(hash);
        }
        let (locality, zone) = (&settings.locality_lb_setting, &settings.zone_aware_lb_setting);
        let both = locality.is_some() && zone.is_some();
        self.require(!both, "may have only one of localityLbSetting and zoneAwareLbSetting");
        self.field("localityLbSetting").locality_balancing(locality.as_ref(), outlier_detection);
        self.field("zoneAwareLbSetting").zone_aware_balancing(zone.as_ref(), outlier_detection);
        self.field("warmupDurationSecs").duration(settings.warmup_duration_secs);
        if let Some(warmup) = settings.warmup {
            self.field("warmup").warmup(warmup);
        }
    }

    fn consistent_hash(&self, hash: &ConsistentHash) {
        match &hash.key {
            Some(HashKey::HttpCookie(cookie)) => self.field("httpCookie").cookie(cookie),
            Some(HashKey::HttpHeaderName(name)) => self.field("httpHeaderName").cors_header(name),
            Some(HashKey::HttpQueryParameterName(name)) => {
                self.field("httpQueryParameterName").require(!name.is_empty(), "must not be empty");
            }
            Some(HashKey::UseSourceIp(_)) | None => {}
        }
        let ring = |at: &At<'_>, size: u64| at.require(size <= MAX_RING, format_args!("must be at most {MAX_RING}"));
        if hash.minimum_ring_size != 0 {
            let at = self.field("minimumRingSize");
            at.deprecated("has the successor ringHash.minimumRingSize");
            at.require(hash.algorithm.is_none(), "must not be set beside ringHash or maglev");
            ring(&at, hash.minimum_ring_size);
        }
        match hash.algorithm {
            Some(HashAlgorithm::RingHash(r)) => {
                ring(&self.field("ringHash").field("minimumRingSize"), r.minimum_ring_size)
            }
            Some(HashAlgorithm::Maglev(maglev)) => {
                let size = maglev.table_size;
                let valid = size == 0 || (size < MAX_TABLE && is_prime(size));
                let text = format!("must be a prime number below {MAX_TABLE}, found {size}");
                self.field("maglev").field("tableSize").require(valid, text);
            }
            None => {}
        }
    }

    fn cookie(&self, cookie: &HttpCookie) {
        self.field("name").require(!cookie.name.is_empty(), "must not be empty");
        self.field("ttl").span(cookie.ttl);
        let mut names = BTreeSet::new();
        for (index, attribute) in cookie.attributes.iter().enumerate() {
            let (attributes, name) = (self.field("attributes"), &attribute.name);
            let at = attributes.index(index);
            at.field("name").require(!name.is_empty(), "must not be empty");
            at.field("name").require(names.insert(name), format_args!("names {name:?} a second time"));
        }
    }

    fn warmup(&self, warmup: Warmup) {
        self.field("duration").require(warmup.duration.is_some(), "must be set");
        self.field("duration").duration(warmup.duration);
        self.field("minimumPercent").percentage(warmup.minimum_percent);
        let rises = warmup.aggression.is_none_or(|a| a.get() > 0.0);
        self.field("aggression").require(rises, "must be greater than 0");
    }

    /// Preference by locality.
    pub(in crate::api::validate) fn locality_balancing(&self, locality: Option<&LocalityBalancing>, outlier: bool) {
        let Some(locality) = locality else { return };
        let both = !locality.distribute.is_empty() && !locality.failover.is_empty();
        self.require(!both, "may have only one of distribute and failover");
        let ranked = locality.failover_priority.iter().find(|label| TOPOLOGY.contains(&label.as_str()));
        if let (false, Some(label)) = (locality.failover.is_empty(), ranked) {
            let text = format!("must not have {label} beside failover, which ranks by it");
            self.field("failoverPriority").invalid(text);
        }
        let distribute = self.field("distribute");
        for (index, share) in locality.distribute.iter().enumerate() {
            let to = distribute.index(index);
            let to = to.field("to");
            to.entries(&share.to, |_, weight, at| {
                at.require((1..=100).contains(weight), format_args!("must be from 1 to 100, found {weight}"));
            });
            let sum: u64 = share.to.values().map(|w| u64::from(*w)).sum();
            to.require(sum == 100, format_args!("must make 100 together, found {sum}"));
            to.localities(share.to.keys());
        }
        distribute.localities(locality.distribute.iter().map(|share| &share.from));
        self.failover(&locality.failover, &locality.failover_priority, outlier);
    }

    /// Preference by zone, made by Envoy itself.
    pub(in crate::api::validate) fn zone_aware_balancing(&self, zone: Option<&ZoneAwareBalancing>, outlier: bool) {
        let Some(zone) = zone else { return };
        self.field("failoverPriority").each(&zone.failover_priority, |label, at| {
            let text = "must not be a label of the locality, by which Envoy ranks itself";
            at.require(!TOPOLOGY.contains(&label.as_str()), text);
        });
        self.field("minClusterSize").require(zone.min_cluster_size != Some(0), "must be at least 1");
        self.failover(&zone.failover, &zone.failover_priority, outlier);
    }

    fn failover(&self, failover: &[Failover], priority: &[Str], outlier: bool) {
        let used = !failover.is_empty() || !priority.is_empty();
        if used && !outlier {
            self.ineffective("needs outlierDetection beside it; without that endpoints never count as failed");
        }
        self.field("failover").each(failover, |failover, at| {
            at.require(failover.from != failover.to, "must go from one region to another");
            for (name, region) in [("from", &failover.from), ("to", &failover.to)] {
                let plain = !region.contains(['/', '*']);
                at.field(name).require(plain, format_args!("must be a region, found {region:?}"));
            }
        });
    }

    /// Localities that must not cover one another.
    fn localities<'s>(&self, localities: impl Iterator<Item = &'s Str>) {
        let mut seen: Vec<&str> = Vec::new();
        for locality in localities {
            let parts = locality.splitn(3, '/').all(|part| !part.is_empty());
            let wildcard = locality.find('*').is_none_or(|at| at + 1 == locality.len());
            if !parts || !wildcard {
                let text = "must be region, region/zone or region/zone/subzone, * only at the end, found";
                self.invalid(format_args!("{text} {locality:?}"));
            } else if let Some(other) = seen.iter().find(|other| covers(other, locality) || covers(locality, other)) {
                self.invalid(format_args!("has {locality:?} and {other:?}, of which one covers the other"));
            }
            seen.push(locality);
        }
    }
}

/// Whether a locality covers another: it is its beginning, or `*` in the place of its rest.
fn covers(locality: &str, other: &str) -> bool {
    let mut parts = other.split('/');
    locality.split('/').all(|part| part == "*" || parts.next() == Some(part))
}

/// Whether a number is prime, with 1 counted as Envoy counts it (`Primes::isPrime`).
fn is_prime(number: u64) -> bool {
    match number {
        0 => false,
        1..4 => true,
        _ => {
            let mut factors = std::iter::once(2).chain((3..).step_by(2)).take_while(|f| f * f <= number);
            !factors.any(|f| number.is_multiple_of(f))
        }
    }
}
