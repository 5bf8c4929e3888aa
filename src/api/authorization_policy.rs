//! Istio's `AuthorizationPolicy`: which calls a workload lets in (`istio/api` `authorization_policy.proto`).

use serde::{Deserialize, Serialize};

use super::enumeration::proto_enum;
use super::envoy_filter::TargetRef;
use super::selector::MatchLabels;
use crate::base::Str;

/// Which calls workloads let in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AuthorizationPolicy {
    /// The workloads; all of the namespace if absent, all of the mesh in the root namespace.
    pub selector: Option<MatchLabels>,
    /// The older form of `target_refs`, with one of them.
    pub target_ref: Option<TargetRef>,
    /// Gateways of Kubernetes' API and services of the ambient mesh that it is for, and nobody else.
    pub target_refs: Vec<TargetRef>,
    /// A call that any of them matches is the policy's business.
    pub rules: Vec<Rule>,
    /// What becomes of such a call.
    pub action: Action,
    /// Who is asked, with `CUSTOM`.
    pub provider: Option<Provider>,
}

proto_enum! {
    /// What becomes of calls that match.
    pub enum Action {
        /// They are let in; where such a policy is, no others are.
        Allow = 0 "ALLOW",
        /// They are refused, before any policy of the first sort is looked at.
        Deny = 1 "DENY",
        /// They are marked for the audit.
        Audit = 2 "AUDIT",
        /// A service is asked whether they are let in.
        Custom = 3 "CUSTOM",
    }
}

/// A service that is asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Provider {
    /// Its name in the mesh config's `extensionProviders`.
    pub name: Str,
}

/// Calls that match: one of the sources, one of the operations, and every condition.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Rule {
    /// Who calls; anybody if there are none.
    pub from: Vec<From>,
    /// What is called; anything if there are none.
    pub to: Vec<To>,
    /// What must hold besides.
    pub when: Vec<Condition>,
}

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct From {
    /// It must be there.
    pub source: Option<Source>,
}

/// Who calls: one of each list that is not empty, and none of each list `not_…`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Source {
    /// Identities, `cluster.local/ns/shop/sa/web`; they may begin or end with `*`.
    pub principals: Vec<Str>,
    /// None of these.
    pub not_principals: Vec<Str>,
    /// Who a token is about, `issuer/subject`.
    pub request_principals: Vec<Str>,
    /// None of these.
    pub not_request_principals: Vec<Str>,
    /// Namespaces of identities.
    pub namespaces: Vec<Str>,
    /// None of these.
    pub not_namespaces: Vec<Str>,
    /// Addresses of peers, or ranges.
    pub ip_blocks: Vec<Str>,
    /// None of these.
    pub not_ip_blocks: Vec<Str>,
    /// Addresses of clients, as proxies in front tell them, or ranges.
    pub remote_ip_blocks: Vec<Str>,
    /// None of these.
    pub not_remote_ip_blocks: Vec<Str>,
    /// Service accounts, `name` or `namespace/name`.
    pub service_accounts: Vec<Str>,
    /// None of these.
    pub not_service_accounts: Vec<Str>,
    /// Trust domains of identities.
    pub trust_domains: Vec<Str>,
    /// None of these.
    pub not_trust_domains: Vec<Str>,
}

/// What is called.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct To {
    /// It must be there.
    pub operation: Option<Operation>,
}

/// What is called: one of each list that is not empty, and none of each list `not_…`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Operation {
    /// Hosts, whatever their case; they may begin or end with `*`.
    pub hosts: Vec<Str>,
    /// None of these.
    pub not_hosts: Vec<Str>,
    /// Ports of the workload.
    pub ports: Vec<Str>,
    /// None of these.
    pub not_ports: Vec<Str>,
    /// Methods of HTTP.
    pub methods: Vec<Str>,
    /// None of these.
    pub not_methods: Vec<Str>,
    /// Paths; they may begin or end with `*`, or have segments `{*}` and at last `{**}`.
    pub paths: Vec<Str>,
    /// None of these.
    pub not_paths: Vec<Str>,
}

/// What must hold besides.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Condition {
    /// The attribute, as `source.ip` or `request.headers[x-role]`.
    pub key: Str,
    /// It has one of these values.
    pub values: Vec<Str>,
    /// It has none of these.
    pub not_values: Vec<Str>,
}
