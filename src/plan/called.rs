//! The service that is called by a host: the unit of clusters for calls out, and of endpoints.

use crate::base::Host;
use crate::model::facts::{Handle, Resolution, Service};
use crate::model::{FactKey, View};

use super::Output;

/// The host that a fact may bring into being.
pub(super) fn unit_of(key: &FactKey) -> Option<Host> {
    match key {
        FactKey::Service(host) | FactKey::Leading(host) => Some(host.clone()),
        _ => None,
    }
}

/// The service for which something is planned, if proxies are `served` at all. A host that nobody will see is forgotten.
pub(super) fn service(view: &View<'_>, served: bool, host: &Host, out: &mut Output<'_>) -> Option<Handle<Service>> {
    if !served || !view.is_defined(host) {
        out.gone();
        return None;
    }
    let service = view.service(host);
    if service.is_none() && view.egress().is_some() {
        // What a Sidecar holds back takes no room.
        out.gone();
    }
    service.filter(|service| service.resolution != Resolution::Alias)
}
