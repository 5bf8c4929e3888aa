//! Where callers stand, as far as that makes a difference.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::base::{Labels, Locality, Str};
use crate::model::View;
use crate::model::facts::Workload;
use crate::model::facts::topology::{REGION, SUB_ZONE, ZONE, augment, stated_locality};
use crate::proxy::Proxy;

/// Where callers stand, as far as rules, services and the mesh's settings look at it; what they do not look at is
/// empty, so that callers who differ in nothing else are alike.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Caller {
    /// The labels that select rules or that preferences compare.
    pub labels: Labels,
    /// The locality.
    pub locality: Locality,
    /// The node.
    pub node: Str,
    /// The cluster, for callers of another one than the control plane's.
    pub cluster: Str,
    /// The networks that they want to see; all if absent.
    pub networks: Option<BTreeSet<Str>>,
    /// The network they are on, and whether they speak IPv4 and IPv6, where there are gateways between networks.
    pub network: Option<(Str, (bool, bool))>,
}

impl Caller {
    /// Where a proxy stands, as far as rules select callers by their labels.
    pub fn selected(view: &View<'_>, proxy: &Proxy) -> Self {
        let Some(keys) = view.distinctions().selectors.get(&proxy.namespace) else { return Self::default() };
        let (labels, _) = place(view, proxy);
        Self { labels: only(labels, |key| keys.contains(key)), ..Self::default() }
    }

    /// Where a proxy stands, as far as its endpoints depend on it too.
    pub fn placed(view: &View<'_>, proxy: &Proxy) -> Self {
        let distinctions = view.distinctions();
        let mut caller = Self::selected(view, proxy);
        let networks = proxy.metadata.list("REQUESTED_NETWORK_VIEW");
        caller.networks = (!networks.is_empty()).then(|| networks.into_iter().collect());
        if proxy.cluster() != &*view.mesh().cluster {
            caller.cluster = proxy.cluster().into();
        }
        if !view.networks().all.is_empty() {
            caller.network = Some((proxy.network().into(), proxy.families()));
        }
        if distinctions.node {
            caller.node = proxy.metadata.text("NODE_NAME").into();
        }
        if distinctions.locality || !distinctions.compared.is_empty() {
            let (labels, locality) = place(view, proxy);
            caller.labels.extend(only(labels, |key| distinctions.compared.contains(key)));
            caller.locality = if distinctions.locality { locality } else { Locality::default() };
        }
        caller
    }
}

fn only(labels: Labels, wanted: impl Fn(&Str) -> bool) -> Labels {
    labels.into_iter().filter(|(key, _)| wanted(key)).collect()
}

/// The labels and the locality of the workload beside a proxy (istio `pilot/pkg/xds/ads.go`, `setTopologyLabels`).
///
/// The labels of the pod, or of the endpoint that a ServiceEntry of its namespace has at its address, go before those
/// that the proxy states. Where they tell no locality, the proxy's word holds.
pub fn place(view: &View<'_>, proxy: &Proxy) -> (Labels, Locality) {
    let labels = match known_workload(view, proxy) {
        Some(workload) => {
            let mut labels = proxy.metadata.map("STATIC_LABELS");
            labels.extend(workload.labels.iter().map(|(k, v)| (k.clone(), v.clone())));
            labels
        }
        None => proxy.labels.clone(),
    };
    let locality = locality_of(&labels).unwrap_or_else(|| proxy.locality.clone());
    let labels = augment(&labels, &locality, proxy.cluster(), proxy.metadata.text("NODE_NAME"), proxy.network());
    (labels, locality)
}

fn known_workload(view: &View<'_>, proxy: &Proxy) -> Option<Arc<Workload>> {
    let at_first = proxy.addresses.first().and_then(|address| view.instance(proxy.cluster(), address));
    let pod = at_first.filter(|i| !i.pod.is_empty()).and_then(|i| i.workload.clone());
    let entry = |address| view.entry_workload(proxy.cluster(), address, &proxy.namespace);
    pod.or_else(|| proxy.addresses.iter().find_map(entry))
}

fn locality_of(labels: &Labels) -> Option<Locality> {
    let [region, zone, sub_zone] = [REGION, ZONE, SUB_ZONE].map(|key| labels.get(key).cloned());
    if region.is_none() && zone.is_none() && sub_zone.is_none() {
        return stated_locality(labels).map(|label| Locality::parse(&label));
    }
    let [region, zone, sub_zone] = [region, zone, sub_zone].map(Option::unwrap_or_default);
    Some(Locality { region, zone, sub_zone })
}
