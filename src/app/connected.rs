//! The open streams as the debug pages need them.

use std::sync::Arc;

use crate::base::Str;
use crate::debug::{Client, Clients, Watch};
use crate::proxy::Proxy;
use crate::wire::{Cache, ResourceType};
use crate::xds::{Connection, Connections, TypeStatus};

/// Whoever is connected over xDS.
pub(super) struct Connected {
    /// The open streams.
    pub connections: Arc<Connections>,
    /// Where names have their numbers.
    pub cache: Arc<Cache>,
}

impl Clients for Connected {
    fn clients(&self) -> Vec<Client> {
        self.connections.list().iter().filter_map(|c| self.client(c)).collect()
    }
}

impl Connected {
    fn client(&self, connection: &Connection) -> Option<Client> {
        let metadata = serde_json::Value::Object((*connection.metadata).clone());
        let id = connection.node.as_str();
        let proxy = Proxy::new(id, "", connection.locality.clone(), &metadata, &[]).ok()?;
        let watch = |kind| connection.status(kind).map(|status| self.watch(kind, &status));
        Some(Client {
            id: connection.id.clone(),
            connected: connection.connected_at,
            peer: connection.address.to_string().into(),
            proxy: Arc::new(proxy),
            watches: ResourceType::ALL.into_iter().filter_map(watch).collect(),
        })
    }

    fn watch(&self, kind: ResourceType, status: &TypeStatus) -> Watch {
        let state = &status.state;
        let wanted = |id| state.interest.is_wildcard() || state.interest.wants(id);
        let holds: Vec<_> = state.holds.iter().filter(|e| wanted(e.id())).cloned().collect();
        let names: Vec<Str> = match state.interest.is_wildcard() {
            true => holds.iter().map(|e| e.name().clone()).collect(),
            false => {
                let known = state.interest.known().map(|id| self.cache.names().name(id));
                known.chain(state.interest.unknown().cloned()).collect()
            }
        };
        Watch {
            kind,
            names,
            version: state.version.clone(),
            nonce_sent: state.nonce_sent.clone(),
            nonce_acked: state.nonce_acked.clone(),
            sent: status.sent_at,
            error: state.rejection.as_ref().map(|r| r.message.clone()),
            holds,
        }
    }
}
