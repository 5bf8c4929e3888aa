//! PeerAuthentication.

use super::at::At;
use crate::api::peer_authentication::PeerAuthentication;

pub(super) fn peer_authentication(policy: &PeerAuthentication, at: &At<'_>) {
    at.field("selector").match_labels(policy.selector.as_ref());
    let selects = policy.selector.as_ref().is_some_and(|s| !s.match_labels.is_empty());
    let ports = at.field("portLevelMtls");
    ports.require(selects || policy.port_level_mtls.is_empty(), "needs a selector that names the workloads");
    for port in policy.port_level_mtls.keys() {
        ports.key(&port.to_string()).port(*port);
    }
}
