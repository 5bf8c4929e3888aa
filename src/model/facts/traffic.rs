//! The traffic policy in force for one port, chosen from the layers that users write.

use crate::api::destination_rule::{
    ClientTls, ClientTlsMode, ConnectionPool, LoadBalancer, OutlierDetection, PortPolicy, ProxyProtocol, RetryBudget,
    TrafficPolicy, Tunnel,
};
use crate::api::mesh::DefaultTrafficPolicy;

/// What is in force for one port of a service, or of a subset of it. Each part comes from one layer as a whole;
/// layers are never mixed within a part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic<'a> {
    /// How an endpoint is chosen.
    pub load_balancer: Option<&'a LoadBalancer>,
    /// Limits of connections and requests.
    pub pool: Option<&'a ConnectionPool>,
    /// When endpoints are taken out for a while.
    pub outlier: Option<&'a OutlierDetection>,
    /// TLS towards the endpoints.
    pub tls: Option<&'a ClientTls>,
    /// Tunnelling through a proxy.
    pub tunnel: Option<&'a Tunnel>,
    /// The PROXY protocol towards the endpoints.
    pub proxy_protocol: Option<&'a ProxyProtocol>,
    /// How many retries may be under way.
    pub retry_budget: Option<&'a RetryBudget>,
}

impl<'a> Traffic<'a> {
    /// A rule's policy for one port. A port with settings of its own inherits nothing (istio
    /// `pilot/pkg/networking/util/util.go`, `GetPortLevelTrafficPolicy`).
    pub fn of(policy: Option<&'a TrafficPolicy>, port: u16) -> Self {
        let Some(policy) = policy else { return Self::default() };
        match of_port(policy, port) {
            Some(own) => Self::of_port_policy(own),
            None => Self {
                load_balancer: policy.load_balancer.as_ref(),
                pool: policy.connection_pool.as_ref(),
                outlier: policy.outlier_detection.as_ref(),
                tls: policy.tls.as_ref(),
                tunnel: policy.tunnel.as_ref(),
                proxy_protocol: policy.proxy_protocol.as_ref(),
                retry_budget: policy.retry_budget.as_ref(),
            },
        }
    }

    /// The mesh's defaults where the rule says nothing.
    pub fn or_mesh(self, defaults: Option<&'a DefaultTrafficPolicy>) -> Self {
        let Some(defaults) = defaults else { return self };
        Self {
            pool: self.pool.or(defaults.connection_pool.as_ref()),
            outlier: self.outlier.or(defaults.outlier_detection.as_ref()),
            ..self
        }
    }

    /// A subset's policy laid over its rule's. If the subset has settings for this very port, the parts that such
    /// settings can hold all come from there, even those they leave out (`MergeTrafficPolicy`).
    pub fn narrowed(self, subset: Option<&'a TrafficPolicy>, port: u16) -> Self {
        let Some(subset) = subset else { return self };
        if let Some(own) = of_port(subset, port) {
            let Self { tunnel, proxy_protocol, retry_budget, .. } = self;
            return Self { tunnel, proxy_protocol, retry_budget, ..Self::of_port_policy(own) };
        }
        Self {
            load_balancer: subset.load_balancer.as_ref().or(self.load_balancer),
            pool: subset.connection_pool.as_ref().or(self.pool),
            outlier: subset.outlier_detection.as_ref().or(self.outlier),
            tls: subset.tls.as_ref().or(self.tls),
            tunnel: subset.tunnel.as_ref().or(self.tunnel),
            proxy_protocol: subset.proxy_protocol.as_ref().or(self.proxy_protocol),
            retry_budget: subset.retry_budget.as_ref().or(self.retry_budget),
        }
    }

    fn of_port_policy(policy: &'a PortPolicy) -> Self {
        Self {
            load_balancer: policy.load_balancer.as_ref(),
            pool: policy.connection_pool.as_ref(),
            outlier: policy.outlier_detection.as_ref(),
            tls: policy.tls.as_ref(),
            ..Self::default()
        }
    }
}

/// The TLS mode that a policy asks for on a port. Unlike [`Traffic::of`], settings of the port that do not mention
/// TLS leave the mode of the policy in force (istio `pilot/pkg/xds/endpoints/mtls_checker.go`).
pub fn tls_mode(policy: Option<&TrafficPolicy>, port: u16) -> Option<ClientTlsMode> {
    let policy = policy?;
    let own = policy.port_level_settings.iter().find(|p| is_for(p, port) && p.tls.is_some());
    own.and_then(|p| p.tls.as_ref()).or(policy.tls.as_ref()).map(|tls| tls.mode)
}

fn of_port(policy: &TrafficPolicy, port: u16) -> Option<&PortPolicy> {
    policy.port_level_settings.iter().find(|p| is_for(p, port))
}

fn is_for(policy: &PortPolicy, port: u16) -> bool {
    policy.port.is_some_and(|p| p.number == u32::from(port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::virtual_service::PortSelector;

    fn with_budget_and_pool() -> TrafficPolicy {
        TrafficPolicy {
            connection_pool: Some(ConnectionPool::default()),
            retry_budget: Some(RetryBudget::default()),
            ..TrafficPolicy::default()
        }
    }

    fn for_port(number: u32) -> TrafficPolicy {
        let port = PortPolicy {
            port: Some(PortSelector { number }),
            outlier_detection: Some(OutlierDetection::default()),
            ..PortPolicy::default()
        };
        TrafficPolicy { port_level_settings: vec![port], ..TrafficPolicy::default() }
    }

    #[test]
    fn settings_of_a_port_inherit_nothing_from_their_policy() {
        let policy = TrafficPolicy { port_level_settings: for_port(80).port_level_settings, ..with_budget_and_pool() };
        let on_80 = Traffic::of(Some(&policy), 80);
        assert!(on_80.outlier.is_some() && on_80.pool.is_none() && on_80.retry_budget.is_none());
        assert!(Traffic::of(Some(&policy), 81).pool.is_some());
    }

    #[test]
    fn settings_of_a_subsets_port_replace_the_parts_they_leave_out_but_not_those_they_cannot_hold() {
        let (rule, subset) = (with_budget_and_pool(), for_port(80));
        let on_80 = Traffic::of(Some(&rule), 80).narrowed(Some(&subset), 80);
        assert!(on_80.outlier.is_some() && on_80.pool.is_none() && on_80.retry_budget.is_some());
        let on_81 = Traffic::of(Some(&rule), 81).narrowed(Some(&subset), 81);
        assert!(on_81.outlier.is_none() && on_81.pool.is_some());
    }

    #[test]
    fn settings_of_a_port_without_tls_leave_the_mode_of_the_policy() {
        let tls = Some(ClientTls { mode: ClientTlsMode::Simple, ..ClientTls::default() });
        let policy = TrafficPolicy { tls, ..for_port(80) };
        assert_eq!(tls_mode(Some(&policy), 80), Some(ClientTlsMode::Simple));
        assert!(Traffic::of(Some(&policy), 80).tls.is_none());
    }
}
