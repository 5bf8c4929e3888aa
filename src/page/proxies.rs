//! `proxies`: who is connected, and how far each is.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;

use super::list::{Ask, Key, Part};
use crate::base::Str;
use crate::debug::Client;
use crate::wire::ResourceType;
use crate::xds::TypeStatus;

/// How far a proxy is; of several types the worst counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Nothing was sent yet, as nothing that it asks for is there.
    Silent,
    /// It accepted what was sent last.
    Synced,
    /// It has not answered what was sent last.
    Waiting,
    /// It refused something, and goes on with what it had.
    Rejected,
}

/// `GET /ui/api/proxies` with the parameters of a list; sorted by `name`, `namespace`, `version`, `kind`, `connected`,
/// `state` or `lag`.
#[derive(Debug, Serialize)]
pub struct Proxies {
    /// The rows.
    #[serde(flatten)]
    pub part: Part<Row>,
    /// How all of them stand.
    pub tally: Tally,
}

/// One proxy.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// Unique while the process runs.
    pub id: Str,
    /// The pod's name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// `sidecar`, `router`, …
    pub role: String,
    /// `istio` for Istio's own build, `stock` for any other.
    pub kind: &'static str,
    /// Istio's version if it states one, else Envoy's.
    pub version: String,
    /// Since when, in milliseconds since 1970.
    pub connected: u64,
    /// The worst of its types.
    pub state: State,
    /// For how many milliseconds it has been owing an answer; 0 if it is not.
    pub lag: u64,
    /// The types that it asks for.
    pub types: Vec<TypeState>,
}

/// How a proxy stands with one type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TypeState {
    /// `cds`, `eds`, …
    pub r#type: &'static str,
    /// How far it is.
    pub state: State,
    /// For how many milliseconds it has been owing an answer.
    pub lag: u64,
}

/// How many proxies are how far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// All of them.
    pub total: usize,
    /// Those that accepted everything.
    pub synced: usize,
    /// Those that owe an answer.
    pub waiting: usize,
    /// Those that refuse something.
    pub rejected: usize,
}

/// Who is connected. `istio` has the node ids of those that are of Istio's own build.
pub fn proxies(clients: &[Client], istio: &BTreeSet<Str>, now: SystemTime, ask: &Ask) -> Proxies {
    let texts = |c: &Client| ask.finds(&[c.node.proxy(), c.namespace(), c.node.kind(), &version(c), kind(c, istio)]);
    let mut found: Vec<&Client> = clients.iter().filter(|c| texts(c)).collect();
    ask.sort(&mut found, |column, client| match column {
        "name" => Some(Key::Text(client.node.proxy().into())),
        "namespace" => Some(Key::Text(client.namespace().into())),
        "version" => Some(Key::Text(version(client).into())),
        "kind" => Some(Key::Text(kind(client, istio).into())),
        "connected" => Some(Key::Number(millis(client.connected))),
        "state" => Some(Key::Number(state(client) as u64)),
        "lag" => Some(Key::Number(lag(client, now))),
        _ => None,
    });
    let part = ask.cut(clients.len(), found, |client| row(client, istio, now));
    Proxies { part, tally: tally(clients) }
}

/// How all of them stand.
pub(super) fn tally(clients: &[Client]) -> Tally {
    let mut tally = Tally { total: clients.len(), ..Tally::default() };
    for client in clients {
        match state(client) {
            State::Silent | State::Synced => tally.synced += 1,
            State::Waiting => tally.waiting += 1,
            State::Rejected => tally.rejected += 1,
        }
    }
    tally
}

/// One of them.
pub(super) fn row(client: &Client, istio: &BTreeSet<Str>, now: SystemTime) -> Row {
    let (proxy, namespace) = (client.node.proxy(), client.namespace());
    let name = proxy.strip_suffix(namespace).and_then(|name| name.strip_suffix('.')).unwrap_or(proxy);
    let of_type = |(kind, status): (ResourceType, &TypeStatus)| TypeState {
        r#type: kind.short(),
        state: type_state(status),
        lag: type_lag(status, now),
    };
    Row {
        id: client.id.clone(),
        name: name.to_owned(),
        namespace: namespace.to_owned(),
        role: client.node.kind().to_owned(),
        kind: kind(client, istio),
        version: version(client),
        connected: millis(client.connected),
        state: state(client),
        lag: lag(client, now),
        types: client.asked().map(of_type).collect(),
    }
}

/// How far a proxy is with one type.
pub(super) fn type_state(status: &TypeStatus) -> State {
    let said = &status.state;
    match () {
        () if said.rejection.is_some() => State::Rejected,
        () if said.nonce_sent.is_empty() => State::Silent,
        () if said.nonce_sent == said.nonce_acked => State::Synced,
        () => State::Waiting,
    }
}

/// For how long it has been owing an answer.
pub(super) fn type_lag(status: &TypeStatus, now: SystemTime) -> u64 {
    let owing = status.sent_at.filter(|_| type_state(status) == State::Waiting);
    owing.map_or(0, |since| whole(now.duration_since(since).unwrap_or_default()))
}

fn state(client: &Client) -> State {
    client.asked().map(|(_, status)| type_state(status)).max().unwrap_or(State::Silent)
}

fn lag(client: &Client, now: SystemTime) -> u64 {
    client.asked().map(|(_, status)| type_lag(status, now)).max().unwrap_or_default()
}

fn kind(client: &Client, istio: &BTreeSet<Str>) -> &'static str {
    if istio.contains(client.node.str()) { "istio" } else { "stock" }
}

fn version(client: &Client) -> String {
    match (client.text("ISTIO_VERSION"), client.version) {
        ("", Some((major, minor, patch))) => format!("Envoy {major}.{minor}.{patch}"),
        ("", None) => String::new(),
        (istio, _) => istio.to_owned(),
    }
}

/// A moment as browsers count.
pub(super) fn millis(at: SystemTime) -> u64 {
    whole(at.duration_since(UNIX_EPOCH).unwrap_or_default())
}

fn whole(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
