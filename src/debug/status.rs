//! `syncz`: which response each proxy was sent last and which it accepted.

use std::collections::BTreeMap;

use serde::Serialize;

use super::client::Client;
use super::time::{rfc3339, rfc3339_seconds};
use crate::base::Str;
use crate::wire::ResourceType;
use crate::xds::{Rejection, TypeStatus};

/// How a proxy stands (istiod's `SyncStatus`); istioctl and Kiali read it. Nonces, empty where there was nothing.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "the fields are istiod's, one pair per type")]
pub struct SyncStatus {
    #[serde(skip_serializing_if = "str::is_empty")]
    pub cluster_id: String,
    pub proxy: String,
    pub proxy_type: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub istio_version: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub cluster_sent: Str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub cluster_acked: Str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub listener_sent: Str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub listener_acked: Str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub route_sent: Str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub route_acked: Str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub endpoint_sent: Str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub endpoint_acked: Str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub extensionconfig_sent: Str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub extensionconfig_acked: Str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub resources: BTreeMap<&'static str, ResourceStatus>,
}

/// How a proxy stands with one type.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceStatus {
    /// The nonce sent last.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub sent: Str,
    /// The nonce accepted last.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub acked: Str,
    /// When it was sent; year 1 for never.
    pub sent_time: String,
    /// Why the proxy refused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<Str>,
}

/// How each proxy stands, or those of one namespace.
pub fn syncz(clients: &[Client], namespace: Option<&str>) -> Vec<SyncStatus> {
    let wanted = |c: &&Client| namespace.is_none_or(|n| c.namespace() == n);
    clients.iter().filter(wanted).map(status).collect()
}

fn status(client: &Client) -> SyncStatus {
    let nonces = |kind| match client.status(kind) {
        Some(TypeStatus { state, .. }) => (state.nonce_sent.clone(), state.nonce_acked.clone()),
        None => Default::default(),
    };
    let (cluster_sent, cluster_acked) = nonces(ResourceType::Cluster);
    let (listener_sent, listener_acked) = nonces(ResourceType::Listener);
    let (route_sent, route_acked) = nonces(ResourceType::Route);
    let (endpoint_sent, endpoint_acked) = nonces(ResourceType::Endpoint);
    let (extensionconfig_sent, extensionconfig_acked) = nonces(ResourceType::Extension);
    SyncStatus {
        cluster_id: client.text("CLUSTER_ID").to_owned(),
        proxy: client.node.proxy().to_owned(),
        proxy_type: client.node.kind().to_owned(),
        istio_version: client.text("ISTIO_VERSION").to_owned(),
        cluster_sent,
        cluster_acked,
        listener_sent,
        listener_acked,
        route_sent,
        route_acked,
        endpoint_sent,
        endpoint_acked,
        extensionconfig_sent,
        extensionconfig_acked,
        resources: client.asked().map(|(kind, status)| (kind.type_url(), resource(status))).collect(),
    }
}

fn resource(status: &TypeStatus) -> ResourceStatus {
    ResourceStatus {
        sent: status.state.nonce_sent.clone(),
        acked: status.state.nonce_acked.clone(),
        sent_time: status.sent_at.map_or_else(|| rfc3339_seconds(None), rfc3339),
        last_error: status.state.rejection.as_ref().map(|r| last_error(r)),
    }
}

/// The proxy's words, and the objects behind them where they are known.
fn last_error(rejection: &Rejection) -> Str {
    match rejection.cause.get() {
        Some(cause) => format!("{} (it follows from {cause})", rejection.message).into(),
        None => rejection.message.clone(),
    }
}
