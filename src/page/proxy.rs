//! `proxy`, `holdings`, `resource`: what one proxy says of itself and what it holds.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::SystemTime;

use serde::Serialize;
use serde_json::{Map, Value};

use super::list::{self, Ask, Part};
use super::proxies::{Row, State, millis, row, type_lag, type_state};
use crate::api::Key;
use crate::base::{Labels, Namespace, Str};
use crate::debug::{self, Client, json};
use crate::wire::{Encoded, ResourceType};
use crate::xds::{Face, TypeStatus};

/// `GET /ui/api/proxy?id=`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Proxy {
    /// As in the list.
    #[serde(flatten)]
    pub row: Row,
    /// The whole node id.
    pub node: Str,
    /// The other end of its connection.
    pub address: String,
    /// Which variant of the protocol it speaks.
    pub protocol: &'static str,
    /// Where it says it runs.
    pub locality: String,
    /// The labels that it states.
    pub labels: Labels,
    /// Everything that it says of itself.
    pub metadata: Arc<Map<String, Value>>,
    /// The types that it asks for.
    pub holds: Vec<Holding>,
}

/// How a proxy stands with one type.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Holding {
    /// `cds`, `eds`, …
    pub r#type: &'static str,
    /// How far it is.
    pub state: State,
    /// For how many milliseconds it has been owing an answer.
    pub lag: u64,
    /// When something was sent last, in milliseconds since 1970.
    pub sent: Option<u64>,
    /// The version of that.
    pub version: Str,
    /// How many resources it holds.
    pub resources: usize,
    /// How many bytes they have.
    pub bytes: usize,
    /// What it refused, until it accepts something.
    pub refusal: Option<Refusal>,
}

/// What a proxy refused.
#[derive(Debug, Serialize)]
pub struct Refusal {
    /// Its words.
    pub message: Str,
    /// The gRPC status that it gave.
    pub code: i32,
    /// The resources that its words name, or the first of those that were sent.
    pub names: Vec<Str>,
    /// The objects that these follow from, in words, if it is certain what is refused.
    pub cause: Option<Str>,
}

/// One row of `GET /ui/api/holdings?id=&type=`; sorted by `name` or `bytes`.
#[derive(Debug, Serialize)]
pub struct Resource {
    /// Its name; that of a name table is empty.
    pub name: Str,
    /// The digest of its content.
    pub version: String,
    /// Its size.
    pub bytes: usize,
}

/// `GET /ui/api/resource?id=&type=&name=`.
#[derive(Debug, Serialize)]
pub struct Shown {
    /// Name, version, size.
    #[serde(flatten)]
    pub resource: Resource,
    /// The objects that it follows from, in the order of kinds: those that had a say. The mesh's settings are the ConfigMap
    /// `istio`.
    pub origins: Vec<Origin>,
    /// The resource as JSON; of a secret no private key.
    pub json: Value,
}

/// An object.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// Its kind.
    pub kind: &'static str,
    /// Its namespace.
    pub namespace: Namespace,
    /// Its name.
    pub name: Str,
}

/// The proxy of an id or a name; of several connections of one proxy the newest.
pub fn find<'c>(clients: &'c [Client], id: &str) -> Option<&'c Client> {
    let named = clients.iter().filter(|c| c.id == id || c.node.proxy() == id);
    named.max_by_key(|c| (c.id == id, c.connected))
}

/// What a proxy says of itself, and how much it holds.
pub fn proxy(client: &Client, istio: &BTreeSet<Str>, now: SystemTime) -> Proxy {
    Proxy {
        row: row(client, istio, now),
        node: client.node.str().clone(),
        address: client.address.to_string(),
        protocol: match client.face {
            Face::Delta => "incremental",
            Face::Sotw => "state of the world",
        },
        locality: client.locality.to_string(),
        labels: client.labels(),
        metadata: client.metadata.clone(),
        holds: client.asked().map(|(kind, status)| holding(client, kind, status, now)).collect(),
    }
}

fn holding(client: &Client, kind: ResourceType, status: &TypeStatus, now: SystemTime) -> Holding {
    let (resources, bytes) = client.holds(kind).fold((0, 0), |(n, sum), r| (n + 1, sum + size(r)));
    let refusal = |r: &crate::xds::protocol::Rejection| Refusal {
        message: r.message.clone(),
        code: r.code,
        names: r.names.clone(),
        cause: r.cause.get().cloned(),
    };
    Holding {
        r#type: kind.short(),
        state: type_state(status),
        lag: type_lag(status, now),
        sent: status.sent_at.map(millis),
        version: status.state.version.clone(),
        resources,
        bytes,
        refusal: status.state.rejection.as_deref().map(refusal),
    }
}

/// What a proxy holds of a type.
pub fn holdings(client: &Client, kind: ResourceType, ask: &Ask) -> Part<Resource> {
    let all: Vec<&Arc<Encoded>> = client.holds(kind).collect();
    let total = all.len();
    let mut found: Vec<_> = all.into_iter().filter(|r| ask.finds(&[r.name()])).collect();
    found.sort_by(|a, b| a.name().cmp(b.name()));
    ask.sort(&mut found, |column, resource| match column {
        "name" => Some(list::Key::Text(resource.name().clone())),
        "bytes" => Some(list::Key::Number(size(resource) as u64)),
        _ => None,
    });
    ask.cut(total, found, |resource| of(resource))
}

/// One resource that a proxy holds, and the objects that it follows from.
///
/// # Errors
/// When it cannot be printed, which is a defect.
pub fn shown(client: &Client, kind: ResourceType, name: &str, from: &[Key]) -> Result<Option<Shown>, json::Error> {
    let Some(found) = client.holds(kind).find(|r| *r.name() == name) else { return Ok(None) };
    let origin =
        |key: &Key| Origin { kind: key.kind.as_str(), namespace: key.namespace.clone(), name: key.name.clone() };
    let origins = from.iter().map(origin).collect();
    Ok(Some(Shown { resource: of(found), origins, json: debug::resource(kind, found)? }))
}

fn of(resource: &Encoded) -> Resource {
    Resource { name: resource.name().clone(), version: resource.version().to_string(), bytes: size(resource) }
}

/// The size of the message.
fn size(resource: &Encoded) -> usize {
    resource.head().len() + resource.parts().iter().map(|part| part.bytes.len()).sum::<usize>()
}
