//! A connected client, as the pages need it.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::{Map, Value};

use crate::base::{Labels, Locality, Str};
use crate::wire::{Encoded, Names, ResourceType};
use crate::xds::{Address, Connection, Connections, Face, NodeId, TypeStatus};

/// Whoever knows the clients that are connected.
pub trait Clients: Send + Sync {
    /// All of them as they are now, by id.
    fn clients(&self) -> Vec<Client>;

    /// Ends a client's stream, if it is there.
    fn disconnect(&self, id: &str);
}

/// A connected client at one moment. Taking it copies pointers.
#[derive(Clone, Debug)]
pub struct Client {
    /// The proxy's name with a number, unique while the process runs: `web-1.shop-17`.
    pub id: Str,
    /// The variant of the protocol that it speaks.
    pub face: Face,
    /// Who it says it is.
    pub node: NodeId,
    /// What else it says of itself.
    pub metadata: Arc<Map<String, Value>>,
    /// Where it says it runs.
    pub locality: Locality,
    /// Major, minor and patch of its Envoy, if it tells.
    pub version: Option<(u32, u32, u32)>,
    /// The other end of its connection.
    pub address: Address,
    /// Since when.
    pub connected: SystemTime,
    /// What it asked for, was sent and answered, in the order of [`ResourceType::ALL`].
    pub types: [Option<TypeStatus>; ResourceType::COUNT],
}

impl Clients for Connections {
    fn clients(&self) -> Vec<Client> {
        let mut clients: Vec<_> = self.list().iter().map(|c| Client::of(c)).collect();
        clients.sort_by(|a, b| a.id.cmp(&b.id));
        clients
    }

    fn disconnect(&self, id: &str) {
        self.list().iter().filter(|c| c.id == id).for_each(|c| c.disconnect());
    }
}

impl Client {
    fn of(connection: &Connection) -> Self {
        Self {
            id: connection.id.clone(),
            face: connection.face,
            node: connection.node.clone(),
            metadata: connection.metadata.clone(),
            locality: connection.locality.clone(),
            version: connection.version,
            address: connection.address,
            connected: connection.connected_at,
            types: ResourceType::ALL.map(|kind| connection.status(kind)),
        }
    }

    /// The client that a proxy's name means: one of exactly that name, the newest if it is connected twice; else, as
    /// in istiod, one whose id contains it. An empty name is nobody.
    pub fn find<'c>(clients: &'c [Client], name: &str) -> Option<&'c Client> {
        if name.is_empty() {
            return None;
        }
        let exact = clients.iter().filter(|c| c.node.proxy() == name || c.id == name).max_by_key(|c| c.connected);
        exact.or_else(|| clients.iter().find(|c| c.id.contains(name)))
    }

    /// The types of which it has not answered the latest response, or refused it, for longer than so long before `now`.
    pub fn unanswered(&self, now: SystemTime, longer: Duration) -> impl Iterator<Item = &'static str> {
        let late = move |status: &TypeStatus| {
            let owed = status.state.nonce_sent != status.state.nonce_acked;
            owed && status.sent_at.is_some_and(|at| now.duration_since(at).is_ok_and(|past| past >= longer))
        };
        self.asked().filter(move |(_, status)| late(status)).map(|(kind, _)| kind.short())
    }

    /// A string of the metadata; empty where it is something else, or nothing.
    pub fn text(&self, key: &str) -> &str {
        self.metadata.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    /// The namespace whose configuration it gets.
    pub fn namespace(&self) -> &str {
        let of_name = || self.node.proxy().rsplit_once('.').map_or("", |(_, namespace)| namespace);
        Some(self.text("NAMESPACE")).filter(|n| !n.is_empty()).unwrap_or_else(of_name)
    }

    /// The labels of its workload, as it states them.
    pub fn labels(&self) -> Labels {
        let labels = self.metadata.get("LABELS").and_then(Value::as_object);
        labels.into_iter().flatten().filter_map(|(k, v)| Some((k.as_str().into(), v.as_str()?.into()))).collect()
    }

    /// How it stands with the types that it asked for.
    pub fn asked(&self) -> impl Iterator<Item = (ResourceType, &TypeStatus)> {
        ResourceType::ALL.into_iter().zip(&self.types).filter_map(|(kind, status)| Some((kind, status.as_ref()?)))
    }

    /// How it stands with one type.
    pub fn status(&self, kind: ResourceType) -> Option<&TypeStatus> {
        self.types[kind as usize].as_ref()
    }

    /// What it was brought to of a type and asks for.
    pub fn holds(&self, kind: ResourceType) -> impl Iterator<Item = &Arc<Encoded>> {
        let states = self.status(kind).map(|s| &s.state).into_iter();
        states.flat_map(|state| state.holds.iter().filter(|r| state.interest.wants(r.id())))
    }

    /// The names it watches of a type. Where it asks for everything those are, as in istiod, what it holds if it is
    /// told increments, and none otherwise.
    pub fn watched(&self, kind: ResourceType, names: &Names) -> Vec<Str> {
        let Some(interest) = self.status(kind).map(|s| &s.state.interest) else { return Vec::new() };
        let mut watched: Vec<Str> = match (interest.is_wildcard(), self.face) {
            (true, Face::Sotw) => Vec::new(),
            (true, Face::Delta) => self.holds(kind).map(|r| r.name().clone()).collect(),
            (false, _) => interest.known().map(|id| names.name(id)).chain(interest.unknown().cloned()).collect(),
        };
        watched.sort();
        watched
    }
}
