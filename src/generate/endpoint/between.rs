//! Endpoints on other networks are reached through gateways (istio `pilot/pkg/xds/endpoints/ep_filters.go`,
//! `EndpointsByNetworkFilter`).

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::base::Str;
use crate::model::facts::{Endpoint, Gateway, Gateways, Handle};

use super::selection::Selection;
use super::{Group, Member};

/// From where callers reach endpoints, where there are gateways between networks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Between {
    /// All gateways.
    pub gateways: Handle<Gateways>,
    /// The callers' network; empty where they do not say.
    pub network: Str,
    /// Whether callers speak IPv4, and IPv6.
    pub families: (bool, bool),
}

impl Between {
    /// Puts gateways in the place of the members that they lead to. A gateway gets the weight of all of these together,
    /// which they share with the other gateways of their network.
    pub(super) fn apply<'e>(&'e self, group: &mut Group<'e>, selection: &Selection) {
        let scale = self.gateways.scale();
        let mut direct = Vec::with_capacity(group.members.len());
        let mut through: BTreeMap<&'e Gateway, u32> = BTreeMap::new();
        for member in group.members.drain(..) {
            let Member::Direct { endpoint, weight } = member else { continue };
            let weight = weight.saturating_mul(scale);
            let found = self.gateways.into_network(&endpoint.workload.network, &endpoint.workload.cluster);
            if self.is_near(endpoint, &found) {
                if !endpoint.address().is_empty() {
                    direct.push(Member::Direct { endpoint, weight });
                }
                continue;
            }
            let reachable: Vec<&Gateway> = found.into_iter().filter(|g| self.reaches(g)).collect();
            // A gateway knows from the handshake where a call goes, so there must be one.
            if !selection.takes_mtls(endpoint) {
                continue;
            }
            let part = weight / (reachable.len() as u32).max(1);
            for gateway in reachable {
                let sum = through.entry(gateway).or_default();
                *sum = sum.saturating_add(part);
            }
        }
        direct.extend(through.into_iter().map(|(gateway, weight)| Member::Through { gateway, weight: weight.max(1) }));
        group.members = direct;
        group.weigh();
    }

    /// Whether an endpoint is called itself. A caller that does not say where it is goes through the gateways that an
    /// endpoint's network has.
    fn is_near(&self, endpoint: &Endpoint, gateways: &[&Gateway]) -> bool {
        let there = &endpoint.workload.network;
        gateways.is_empty() || there.is_empty() || self.network == *there
    }

    /// Whether a gateway is of a family that callers speak. Names may have addresses of either, and istiod does not send
    /// those to callers of one family.
    fn reaches(&self, gateway: &Gateway) -> bool {
        let (v4, v6) = self.families;
        match gateway.address.parse::<IpAddr>().map(|ip| ip.to_canonical()) {
            _ if v4 == v6 => true,
            Ok(IpAddr::V4(_)) => v4,
            Ok(IpAddr::V6(_)) => v6,
            Err(_) => false,
        }
    }
}

#[cfg(test)]
mod tests;
