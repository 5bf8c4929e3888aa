//! Which preference by place is in force for calls to a service.

use crate::api::destination_rule::{LoadBalancer, LocalityBalancing, ZoneAwareBalancing};

use super::cluster_defaults::ClusterDefaults;

/// A preference for endpoints near the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preference<'a> {
    /// The service's own: labels to compare, the most important first. In force without outlier detection, because
    /// endpoints of such a service come with their readiness.
    Distribution(&'static [&'static str]),
    /// By locality.
    Locality(&'a LocalityBalancing),
    /// By zone, which Envoy does by itself.
    Zone(&'a ZoneAwareBalancing),
}

impl<'a> Preference<'a> {
    /// A rule's goes before the service's, that before the mesh's; of one object, zones go before localities. One that is
    /// switched off is none, and hides those behind it; zones switched off have to be told to Envoy (istio
    /// `pilot/pkg/networking/core/loadbalancer`, `GetEffectiveLbSetting`).
    pub fn of(
        rule: Option<&'a LoadBalancer>,
        service: &'static [&'static str],
        mesh: &'a ClusterDefaults,
    ) -> Option<Self> {
        let on = |setting: &&LocalityBalancing| setting.enabled != Some(false);
        if let Some(zones) = rule.and_then(|r| r.zone_aware_lb_setting.as_ref()) {
            return Some(Self::Zone(zones));
        }
        if let Some(setting) = rule.and_then(|r| r.locality_lb_setting.as_ref()) {
            return Some(setting).filter(on).map(Self::Locality);
        }
        if !service.is_empty() {
            return Some(Self::Distribution(service));
        }
        match &mesh.zone_aware {
            Some(zones) => Some(Self::Zone(zones)),
            None => mesh.locality.as_ref().filter(on).map(Self::Locality),
        }
    }
}
