//! DestinationRule.

mod balancing;
mod pool;

use std::collections::BTreeSet;

use super::at::At;
use super::label::Nobody;
use crate::api::destination_rule::{DestinationRule, PortPolicy, TrafficPolicy, Tunnel};
use crate::base::Namespace;

pub(super) fn destination_rule(rule: &DestinationRule, namespace: &Namespace, at: &At<'_>) {
    at.field("host").wildcard(&rule.host);
    if let Some(policy) = &rule.traffic_policy {
        traffic_policy(policy, namespace, &at.field("trafficPolicy"));
    }
    let subsets = &at.field("subsets");
    let mut names = BTreeSet::new();
    for (index, subset) in rule.subsets.iter().enumerate() {
        let at = subsets.index(index);
        at.field("name").label(&subset.name);
        at.field("name").require(names.insert(&subset.name), format_args!("names {:?} a second time", subset.name));
        at.field("labels").labels(&subset.labels);
        if let Some(policy) = &subset.traffic_policy {
            traffic_policy(policy, namespace, &at.field("trafficPolicy"));
        }
    }
    let export_to = at.field("exportTo");
    export_to.export_to(&rule.export_to, namespace, Nobody::Refused);
    if rule.workload_selector.is_some() {
        let own = rule.export_to.iter().all(|n| n == "." || *n == *namespace.str());
        export_to.require(own, "must not leave the object's namespace where there is a workloadSelector");
    }
    at.field("workloadSelector").match_labels(rule.workload_selector.as_ref());
}

fn traffic_policy(policy: &TrafficPolicy, namespace: &Namespace, at: &At<'_>) {
    at.require(*policy != TrafficPolicy::default(), "must have at least one field");
    at.require(
        policy.tunnel.is_none() || policy.proxy_protocol.is_none(),
        "may have only one of tunnel and proxyProtocol",
    );
    at.field("outlierDetection").outlier_detection(policy.outlier_detection.as_ref());
    at.field("connectionPool").connection_pool(policy.connection_pool.as_ref());
    at.field("loadBalancer").load_balancer(policy.load_balancer.as_ref(), policy.outlier_detection.is_some());
    at.field("tls").client_tls(policy.tls.as_ref(), namespace);
    at.field("portLevelSettings").each(&policy.port_level_settings, |policy, at| port_policy(policy, namespace, at));
    if let Some(settings) = &policy.tunnel {
        tunnel(settings, &at.field("tunnel"));
    }
    if let Some(budget) = policy.retry_budget {
        at.field("retryBudget").field("percent").percentage(budget.percent);
        at.field("retryBudget").field("budgetInterval").span(budget.budget_interval);
    }
}

fn port_policy(policy: &PortPolicy, namespace: &Namespace, at: &At<'_>) {
    let port = at.field("port");
    port.require(policy.port.is_some(), "must be set");
    port.port_selector(policy.port);
    let empty = PortPolicy { port: policy.port, ..PortPolicy::default() };
    at.require(*policy != empty, "must have at least one field beside port");
    at.field("outlierDetection").outlier_detection(policy.outlier_detection.as_ref());
    at.field("connectionPool").connection_pool(policy.connection_pool.as_ref());
    at.field("loadBalancer").load_balancer(policy.load_balancer.as_ref(), policy.outlier_detection.is_some());
    at.field("tls").client_tls(policy.tls.as_ref(), namespace);
}

fn tunnel(tunnel: &Tunnel, at: &At<'_>) {
    let known = ["", "CONNECT", "POST"].contains(&tunnel.protocol.as_str());
    at.field("protocol").require(known, format_args!("must be CONNECT or POST, found {:?}", tunnel.protocol));
    at.field("targetHost").fqdn_or_ip(&tunnel.target_host);
    at.field("targetPort").port(tunnel.target_port);
}
