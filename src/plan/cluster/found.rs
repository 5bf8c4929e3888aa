//! How the endpoints of a port, or of a subset there, are found.

use crate::api::destination_rule::{LoadBalancer, Policy, SimpleBalancing, Subset};
use crate::base::Features;
use crate::model::facts::{Port, Protocol, Registry, Resolution, Rule, Service, TargetPort, Traffic};

/// How endpoints are found; clusters and endpoints are planned alike by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::plan) enum Found {
    /// The control plane sends them.
    Sent,
    /// Calls go where the caller was going, perhaps to another port there.
    Original(Option<u16>),
    /// The proxy resolves names, for one address or for all.
    Resolved {
        /// Whether only the first address is used.
        first_only: bool,
    },
    /// The proxy resolves the name of each call.
    Forwarded,
    /// There is no cluster.
    Nothing,
}

impl Found {
    /// How the service says that endpoints of a port are found (istio `cluster.go`, `convertResolution`). Datagrams are
    /// not proxied; of hosts whose names are resolved per call, only protocols that tell the name.
    pub(in crate::plan) fn of(service: &Service, port: &Port, gateway: bool, features: &Features) -> Self {
        let named = matches!(port.protocol, Protocol::Http | Protocol::Http2 | Protocol::Grpc | Protocol::Tls);
        match service.resolution {
            _ if port.protocol == Protocol::Udp => Self::Nothing,
            Resolution::Alias => Self::Nothing,
            Resolution::DynamicDns if !service.host.is_wildcard() => Self::Sent,
            Resolution::DynamicDns if named => Self::Forwarded,
            Resolution::DynamicDns => Self::Nothing,
            Resolution::Passthrough if gateway => Self::Sent,
            Resolution::Passthrough if features.balanced_headless && service.registry == Registry::Kubernetes => {
                Self::Sent
            }
            Resolution::Passthrough => Self::Original(other_port(service, port)),
            Resolution::Dns => Self::Resolved { first_only: service.races },
            Resolution::DnsRoundRobin => Self::Resolved { first_only: true },
            Resolution::Static => Self::Sent,
        }
    }

    /// The same with the rule's say: it may send calls where the caller was going. A subset goes where its rule goes, and
    /// where its own policy says, even if that holds settings for the port (istio `buildSubsetCluster`).
    pub(in crate::plan) fn under(self, rule: Option<&Rule>, subset: Option<&Subset>, port: u16) -> Self {
        let policy = rule.and_then(|r| r.policy.as_deref());
        let own = subset.and_then(|s| s.traffic_policy.as_deref());
        let of_rule = || is_passthrough(Traffic::of(policy, port).load_balancer);
        let of_subset = || {
            let narrowed = Traffic::of(policy, port).narrowed(own, port).load_balancer;
            is_passthrough(narrowed) || is_passthrough(own.and_then(|p| p.load_balancer.as_ref()))
        };
        match self {
            Self::Sent | Self::Resolved { .. } if of_rule() || of_subset() => Self::Original(None),
            other => other,
        }
    }
}

/// Whether a policy sends calls where the caller was going.
pub(super) fn is_passthrough(balancer: Option<&LoadBalancer>) -> bool {
    let policy = balancer.and_then(|b| b.policy.as_ref());
    matches!(policy, Some(Policy::Simple(SimpleBalancing::Passthrough)))
}

/// A ServiceEntry may send calls to another port of the address that the caller was going to.
fn other_port(service: &Service, port: &Port) -> Option<u16> {
    match port.target {
        TargetPort::Number(number) if service.registry == Registry::External && number != port.number => Some(number),
        _ => None,
    }
}
