//! Which preference by place is in force for calls to a service.

use crate::api::destination_rule::{LoadBalancer, LocalityBalancing, ZoneAwareBalancing};

use super::cluster_defaults::ClusterDefaults;
use super::topology::{NETWORK, NODE, REGION, SUB_ZONE, ZONE};

/// Which endpoints a service wants to be called first (`trafficDistribution`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Distribution {
    /// All alike.
    Any,
    /// Those in the caller's zone.
    SameZone,
    /// Those on the caller's node.
    SameNode,
}

impl Distribution {
    /// The labels that caller and endpoint should have in common, the most important first.
    pub const fn labels(self) -> &'static [&'static str] {
        match self {
            Self::Any => &[],
            Self::SameZone => &[NETWORK, REGION, ZONE],
            Self::SameNode => &[NETWORK, REGION, ZONE, SUB_ZONE, NODE],
        }
    }
}

/// A preference for endpoints near the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preference<'a> {
    /// The service's own. In force without outlier detection, because endpoints of such a service come with their
    /// readiness.
    Distribution(Distribution),
    /// By locality.
    Locality(&'a LocalityBalancing),
    /// By zone, which Envoy does by itself.
    Zone(&'a ZoneAwareBalancing),
}

impl<'a> Preference<'a> {
    /// A rule's goes before the service's, that before the mesh's; of one object, zones go before localities. One that is
    /// switched off is none, and hides those behind it; zones switched off have to be told to Envoy (istio
    /// `pilot/pkg/networking/core/loadbalancer`, `GetEffectiveLbSetting`).
    pub fn of(rule: Option<&'a LoadBalancer>, service: Distribution, mesh: &'a ClusterDefaults) -> Option<Self> {
        let on = |setting: &&LocalityBalancing| setting.enabled != Some(false);
        if let Some(zones) = rule.and_then(|r| r.zone_aware_lb_setting.as_ref()) {
            return Some(Self::Zone(zones));
        }
        if let Some(setting) = rule.and_then(|r| r.locality_lb_setting.as_ref()) {
            return Some(setting).filter(on).map(Self::Locality);
        }
        if service != Distribution::Any {
            return Some(Self::Distribution(service));
        }
        match &mesh.zone_aware {
            Some(zones) => Some(Self::Zone(zones)),
            None => mesh.locality.as_ref().filter(on).map(Self::Locality),
        }
    }
}
