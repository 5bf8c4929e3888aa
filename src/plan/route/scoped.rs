//! Which hosts and ports matter to a class whose Sidecar lets only some through: it plans them all itself, as sharing
//! what everybody sees would mean to go through everything it does not see.

use std::collections::BTreeSet;

use crate::base::Host;
use crate::model::facts::Egress;
use crate::model::{FactKey, Scope, View};

/// All hosts that matter: those of services and those of VirtualServices.
pub(super) fn hosts(view: &View<'_>) -> BTreeSet<Host> {
    let all = view.hosts().chain(view.routed_hosts()).chain(view.wild_hosts());
    all.filter(|host| sees(view, host)).cloned().collect()
}

/// Whether a host matters.
pub(super) fn sees(view: &View<'_>, host: &Host) -> bool {
    !view.definitions(host).is_empty() || view.virtual_services(host).iter().any(|rule| rule.hosts.contains(host))
}

/// Hosts to which a change may matter: those that are planned and read what changed, and those that it may bring in.
pub(super) fn concerned<'h>(
    view: &View<'_>,
    changed: &BTreeSet<FactKey>,
    touched: impl Iterator<Item = &'h Host>,
) -> BTreeSet<Host> {
    let mut out: BTreeSet<Host> = touched.cloned().collect();
    for key in changed {
        match key {
            FactKey::Service(host) | FactKey::Routes(host) => drop(out.insert(host.clone())),
            FactKey::WildRoutes => out.extend(view.wild_hosts().cloned()),
            _ => {}
        }
    }
    out
}

/// Ports at which the Sidecar has listeners of its own, but for those that reach every port.
pub(super) fn ports(egress: &Egress) -> impl Iterator<Item = u16> {
    egress.listeners.iter().filter_map(|l| l.needs_port())
}

/// Whether a listener asks for the routes of a port though it has no virtual host: that of a Sidecar which takes calls.
pub(super) fn asks(scope: &Scope, number: u16) -> bool {
    let Scope::Sidecar(_, egress) = scope else { return false };
    let own = egress.listeners.iter().filter(|l| l.needs_port() == Some(number));
    own.filter_map(|l| l.port.as_ref()).any(|p| p.protocol.is_http())
}
