//! `connections` and `adsz`: who is connected, and what they ask for.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::client::Client;
use super::time::rfc3339;
use crate::base::{Labels, Locality, Str};
use crate::wire::Names;

/// The clients that are connected.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AdsClients {
    /// How many there are.
    pub total_clients: usize,
    /// Each of them, by id.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub clients: Vec<AdsClient>,
}

/// A connected client.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AdsClient {
    /// The proxy's name and a number.
    pub connection_id: Str,
    /// Since when.
    pub connected_at: String,
    /// Its address and port.
    pub address: String,
    /// What it says of itself and asks for; not on `connections`.
    #[serde(flatten)]
    pub details: Option<Details>,
}

/// What a client says of itself and asks for.
#[derive(Debug, Serialize)]
pub struct Details {
    #[serde(skip_serializing_if = "Labels::is_empty")]
    labels: Labels,
    metadata: Value,
    locality: BTreeMap<&'static str, Str>,
    watches: BTreeMap<&'static str, Vec<Str>>,
}

/// Who is connected.
pub fn connections(clients: &[Client]) -> AdsClients {
    list(clients, |_| None)
}

/// Who is connected, what they say of themselves and what they ask for. `names` are those of the resources.
pub fn adsz(clients: &[Client], names: &Names) -> AdsClients {
    list(clients, |client| {
        Some(Details {
            labels: labels(client),
            metadata: Value::Object((*client.metadata).clone()),
            locality: locality(&client.locality),
            watches: client.asked().map(|(kind, _)| (kind.type_url(), client.watched(kind, names))).collect(),
        })
    })
}

fn list(clients: &[Client], details: impl Fn(&Client) -> Option<Details>) -> AdsClients {
    let client = |client: &Client| AdsClient {
        connection_id: client.id.clone(),
        connected_at: rfc3339(client.connected),
        address: client.address.to_string(),
        details: details(client),
    };
    AdsClients { total_clients: clients.len(), clients: clients.iter().map(client).collect() }
}

/// The labels a proxy states and those that follow from where it is (istio `AugmentLabels`).
fn labels(client: &Client) -> Labels {
    let place = &client.locality;
    let derived = [
        ("topology.kubernetes.io/region", place.region.as_str()),
        ("topology.kubernetes.io/zone", &place.zone),
        ("topology.istio.io/subzone", &place.sub_zone),
        ("topology.istio.io/cluster", client.text("CLUSTER_ID")),
        ("topology.istio.io/network", client.text("NETWORK")),
        ("kubernetes.io/hostname", client.text("NODE_NAME")),
    ];
    let mut labels = client.labels();
    labels.extend(derived.into_iter().filter(|(_, v)| !v.is_empty()).map(|(k, v)| (k.into(), v.into())));
    labels
}

/// As Go prints Envoy's message, which is not proto-JSON.
fn locality(locality: &Locality) -> BTreeMap<&'static str, Str> {
    let parts = [("region", &locality.region), ("zone", &locality.zone), ("sub_zone", &locality.sub_zone)];
    parts.into_iter().filter(|(_, v)| !v.is_empty()).map(|(k, v)| (k, v.clone())).collect()
}
