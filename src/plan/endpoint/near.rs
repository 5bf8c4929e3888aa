//! What preferences by place come to for callers at one place.

use crate::api::destination_rule::{Failover, LocalityBalancing, ZoneAwareBalancing};
use crate::base::Str;
use crate::generate::endpoint::{Compared, Near, Reach, Regions, covers};
use crate::model::facts::topology::{NETWORK, priority};
use crate::model::facts::{ClusterDefaults, Preference};
use crate::plan::caller::Caller;

use super::Wanted;

/// What the preference in force comes to. Failing over needs outlier detection, or Envoy would never notice a failure
/// (istio `pilot/pkg/networking/core/loadbalancer`, `ApplyLocalityLoadBalancer`).
pub(super) fn resolve(wanted: &Wanted<'_>, caller: &Caller, mesh: &ClusterDefaults) -> Option<Near> {
    // istiod does not hand the endpoints of a resolved subset to the comparison of labels.
    let compares = !(wanted.resolved && wanted.subset.is_some());
    let fails_over = wanted.traffic.outlier.is_some();
    match Preference::of(wanted.traffic.load_balancer, wanted.service.distribution(), mesh)? {
        Preference::Distribution(wished) => first(compared(wished.labels(), caller, compares), None),
        Preference::Locality(setting) if !setting.distribute.is_empty() => shares(setting, caller),
        Preference::Locality(setting) if fails_over => {
            let labels = &setting.failover_priority;
            let regions = || regions(&setting.failover, caller, Reach::Locality);
            let by_locality = labels.is_empty() || !setting.failover.is_empty();
            first(compared(labels, caller, compares), by_locality.then(regions))
        }
        Preference::Locality(_) => None,
        Preference::Zone(setting) => zones(setting, caller, compares),
    }
}

fn first(compared: Vec<Compared>, regions: Option<Regions>) -> Option<Near> {
    (!compared.is_empty() || regions.is_some()).then_some(Near::First { compared, regions })
}

/// Those that are set for the caller's locality.
fn shares(setting: &LocalityBalancing, caller: &Caller) -> Option<Near> {
    let own = setting.distribute.iter().find(|d| covers(&d.from, &caller.locality))?;
    Some(Near::Shares(own.to.iter().map(|(pattern, percent)| (pattern.clone(), *percent)).collect()))
}

fn zones(setting: &ZoneAwareBalancing, caller: &Caller, compares: bool) -> Option<Near> {
    if setting.enabled == Some(false) {
        return None;
    }
    let regions = regions(&setting.failover, caller, Reach::Region);
    first(compared(&setting.failover_priority, caller, compares), Some(regions))
}

fn regions(failover: &[Failover], caller: &Caller, reach: Reach) -> Regions {
    let own = failover.iter().find(|f| f.from == caller.locality.region);
    Regions { from: caller.locality.clone(), to: own.map(|f| f.to.clone()), reach }
}

fn compared<S: AsRef<str>>(priorities: &[S], caller: &Caller, compares: bool) -> Vec<Compared> {
    let resolve = |(at, written): (usize, &S)| {
        let (label, value) = priority(written.as_ref());
        let own = || caller.labels.get(label).cloned().unwrap_or_default();
        Compared {
            label: label.into(),
            value: value.map(Str::from).unwrap_or_else(own),
            outermost: at == 0 && written.as_ref() == NETWORK,
        }
    };
    if compares { priorities.iter().enumerate().map(resolve).collect() } else { Vec::new() }
}
