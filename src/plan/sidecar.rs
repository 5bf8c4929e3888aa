//! Which Sidecar applies to a proxy, and what follows from it for all sorts of resources.

use crate::api::mesh;
use crate::api::sidecar::{OutboundMode, OutboundTrafficPolicy};
use crate::generate::cluster::outbound_name;
use crate::generate::route::Unknown;
use crate::model::facts::{Handle, Sidecar};
use crate::model::{FactKey, Scope, Snapshot, View};
use crate::proxy::{Proxy, Role};

use super::caller::place;

/// The Sidecar that applies to a proxy; none to a gateway.
pub fn sidecar(view: &View<'_>, proxy: &Proxy) -> Option<Handle<Sidecar>> {
    (proxy.role == Role::Sidecar).then(|| view.sidecar(&proxy.namespace, || place(view, proxy).0)).flatten()
}

/// From where a proxy sees the mesh, and what was read to know it.
pub fn scope(snapshot: &Snapshot, proxy: &Proxy) -> (Scope, Vec<FactKey>) {
    let view = View::new(snapshot, &Scope::Public);
    let scope = snapshot.scope_under(&proxy.namespace, sidecar(&view, proxy).as_deref());
    let mut reads = view.into_reads();
    reads.push(FactKey::Scope(proxy.namespace.clone()));
    (scope, reads)
}

/// What becomes of a proxy's calls to hosts that nobody knows.
pub(super) fn unknown(view: &View<'_>, proxy: &Proxy) -> Unknown {
    let speaking = sidecar(view, proxy).filter(|s| s.unknown.is_some());
    speaking.iter().for_each(|s| view.credit_sidecar(s));
    match speaking.as_ref().and_then(|s| s.unknown.as_ref()) {
        Some(said) => said_by_sidecar(said),
        None => match view.mesh().config.outbound_traffic_policy.mode {
            mesh::OutboundMode::AllowAny => Unknown::Allow,
            mesh::OutboundMode::AllowAnyDynamicDns => Unknown::Resolve,
            mesh::OutboundMode::RegistryOnly => Unknown::Block,
        },
    }
}

/// The proxy for calls that go out is named whether it can be reached or not, as istiod does.
fn said_by_sidecar(said: &OutboundTrafficPolicy) -> Unknown {
    match (said.mode, &said.egress_proxy) {
        (OutboundMode::RegistryOnly, _) => Unknown::Block,
        (OutboundMode::AllowAny, None) => Unknown::Allow,
        (OutboundMode::AllowAny, Some(proxy)) => {
            let port = proxy.port.and_then(|p| u16::try_from(p.number).ok()).unwrap_or(0);
            Unknown::Through(outbound_name(port, &proxy.subset, &proxy.host))
        }
    }
}
