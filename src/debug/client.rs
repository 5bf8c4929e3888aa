//! A connected client, as the pages need it.

use std::sync::Arc;
use std::time::SystemTime;

use crate::base::Str;
use crate::proxy::Proxy;
use crate::wire::{Encoded, ResourceType};

/// Whoever knows the clients that are connected.
pub trait Clients: Send + Sync {
    /// All of them as they are now, by id.
    fn clients(&self) -> Vec<Client>;
}

/// A connected client.
#[derive(Clone, Debug)]
pub struct Client {
    /// The proxy's name with a number, unique while the process runs: `web-1.shop-17`.
    pub id: Str,
    /// Since when.
    pub connected: SystemTime,
    /// Its address and port.
    pub peer: Str,
    /// What it says of itself.
    pub proxy: Arc<Proxy>,
    /// What it asked for, in the order of [`ResourceType::ALL`].
    pub watches: Vec<Watch>,
}

/// What a client asked for of one type, and what came of it.
#[derive(Clone, Debug)]
pub struct Watch {
    /// The type.
    pub kind: ResourceType,
    /// The names asked for; where everything is, those of what it holds, or nothing, as the protocol variant has it.
    pub names: Vec<Str>,
    /// The version of the latest response.
    pub version: Str,
    /// The nonce of the latest response; empty if there was none.
    pub nonce_sent: Str,
    /// The nonce accepted last; empty if none was.
    pub nonce_acked: Str,
    /// When the latest response was sent.
    pub sent: Option<SystemTime>,
    /// The client's words when it refused the latest response.
    pub error: Option<Str>,
    /// What it was sent and asks for, by name.
    pub holds: Vec<Arc<Encoded>>,
}

impl Client {
    /// The watch of a type.
    pub fn watch(&self, kind: ResourceType) -> Option<&Watch> {
        self.watches.iter().find(|w| w.kind == kind)
    }

    /// The client that a proxy's name means: one of exactly that name, the newest if it is connected twice; else, as
    /// in istiod, one whose id contains it. An empty name is nobody.
    pub fn find<'c>(clients: &'c [Client], name: &str) -> Option<&'c Client> {
        if name.is_empty() {
            return None;
        }
        let exact = clients.iter().filter(|c| c.proxy.name == name || c.id == name).max_by_key(|c| c.connected);
        exact.or_else(|| clients.iter().find(|c| c.id.contains(name)))
    }
}
