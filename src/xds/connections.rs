//! Who is connected and what was said, for the debug pages.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use parking_lot::{Mutex, RwLock};
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::base::{Locality, Str};
use crate::wire::ResourceType;

use super::address::Address;
use super::node::{Node, NodeId};
use super::protocol::TypeState;
use super::request::Face;

/// All streams that are open.
///
/// A stream writes its own entry and no other; a reader takes copies of what are pointers.
#[derive(Default)]
pub struct Connections {
    open: RwLock<BTreeMap<u64, Arc<Connection>>>,
    count: AtomicU64,
}

/// One stream.
pub struct Connection {
    number: u64,
    /// `<name>.<namespace>-<number>`, as istiod builds it.
    pub id: Str,
    /// The variant that it speaks.
    pub face: Face,
    /// Who the client says it is.
    pub node: NodeId,
    /// The metadata of its node.
    pub metadata: Arc<Map<String, Value>>,
    /// Where it says it runs.
    pub locality: Locality,
    /// Major, minor and patch of its Envoy, if it tells.
    pub version: Option<(u32, u32, u32)>,
    /// The other end of the connection.
    pub address: Address,
    /// When it was admitted.
    pub connected_at: SystemTime,
    types: Mutex<[Option<TypeStatus>; ResourceType::COUNT]>,
    /// Ends the connection that the stream is on.
    closing: CancellationToken,
}

/// The state of one type on one stream.
#[derive(Clone, Debug)]
pub struct TypeStatus {
    /// What was asked for, sent and answered.
    pub state: TypeState,
    /// When the latest response was sent.
    pub sent_at: Option<SystemTime>,
}

impl Connections {
    /// The open streams, in the order in which they were admitted.
    pub fn list(&self) -> Vec<Arc<Connection>> {
        self.open.read().values().cloned().collect()
    }

    /// How many streams are open.
    pub fn len(&self) -> usize {
        self.open.read().len()
    }

    /// How many streams are open and not about to end.
    pub fn staying(&self) -> usize {
        self.open.read().values().filter(|c| !c.closing.is_cancelled()).count()
    }

    /// Ends the connections of so many streams, so that their clients connect anew. Those first that have been here
    /// longest: a client that was sent away and came back is not sent away again at once.
    pub fn shed(&self, count: usize) {
        let open = self.open.read();
        open.values().filter(|c| !c.closing.is_cancelled()).take(count).for_each(|c| c.closing.cancel());
    }

    /// Whether no stream is open.
    pub fn is_empty(&self) -> bool {
        self.open.read().is_empty()
    }

    /// An entry for a client, which is not listed yet.
    pub(super) fn entry(&self, face: Face, node: &Node, address: Address, closing: CancellationToken) -> Connection {
        let number = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        Connection {
            number,
            id: format!("{}-{number}", node.id.proxy()).into(),
            face,
            node: node.id.clone(),
            metadata: node.metadata.clone(),
            locality: node.locality.clone(),
            version: node.version,
            address,
            connected_at: SystemTime::now(),
            types: Mutex::default(),
            closing,
        }
    }

    /// Lists an entry until the result is dropped.
    pub(super) fn open(self: &Arc<Self>, connection: Connection) -> OpenConnection {
        let connection = Arc::new(connection);
        self.open.write().insert(connection.number, connection.clone());
        OpenConnection { connections: self.clone(), connection }
    }
}

impl Connection {
    /// Ends the connection of the stream; most clients come back at once.
    pub fn disconnect(&self) {
        self.closing.cancel();
    }

    /// The state of one type, if the client asked for it.
    pub fn status(&self, kind: ResourceType) -> Option<TypeStatus> {
        self.types.lock()[kind as usize].clone()
    }

    /// Takes over the state of a type; `sent` if a response was just sent.
    pub(super) fn update(&self, kind: ResourceType, state: Option<TypeState>, sent: bool) {
        let mut types = self.types.lock();
        let before = types[kind as usize].take();
        let sent_at = if sent { Some(SystemTime::now()) } else { before.and_then(|b| b.sent_at) };
        types[kind as usize] = state.map(|state| TypeStatus { state, sent_at });
    }
}

/// The entry of a stream, as long as it is open.
pub(super) struct OpenConnection {
    connections: Arc<Connections>,
    connection: Arc<Connection>,
}

impl std::ops::Deref for OpenConnection {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.connections.open.write().remove(&self.connection.number);
    }
}
