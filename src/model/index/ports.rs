//! Definitions by port number.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::{Host, Namespace, Str};
use crate::model::facts::{Handle, Member, PortMembers, Service};
use crate::model::snapshot::{Changes, FactKey};

use super::{Index, put};

/// The order in which istiod gives ports away (`pilot/pkg/model/push_context.go`, `SortServicesByCreationTime`).
type Rank = (i64, Str, Namespace, Str, Host);

/// Definitions by port number, and ports to be told of.
#[derive(Default)]
pub(super) struct Ports {
    members: BTreeMap<u16, BTreeMap<Rank, Member>>,
    dirty: BTreeSet<u16>,
}

impl Ports {
    /// Takes in what became of a host's definitions. O(definitions × ports).
    pub(super) fn replace(&mut self, old: &[Handle<Service>], new: &[Handle<Service>]) {
        for (service, port) in ports(old) {
            if let Some(members) = self.members.get_mut(&port) {
                members.remove(&rank(service));
            }
            self.dirty.insert(port);
        }
        let contested = new.iter().any(|s| s.namespace != new[0].namespace);
        for (service, port) in ports(new) {
            let member = Member { service: service.clone(), contested };
            self.members.entry(port).or_default().insert(rank(service), member);
            self.dirty.insert(port);
        }
    }
}

impl Index {
    /// Each port once per batch, however many of its services changed.
    pub(super) fn derive_ports(&mut self, changes: &mut Changes) {
        for port in std::mem::take(&mut self.ports.dirty) {
            let fact = self.ports.members.get(&port).filter(|m| !m.is_empty()).map(|members| PortMembers {
                hosts: Handle::new(members.keys().map(|(.., host)| host.clone()).collect()),
                services: members.values().cloned().collect(),
            });
            if fact.is_none() {
                self.ports.members.remove(&port);
            }
            if put(&mut self.snapshot.ports, &port, fact) {
                changes.keys.insert(FactKey::Port(port));
                changes.keys.insert(FactKey::AnyPort);
            }
        }
    }
}

fn rank(service: &Service) -> Rank {
    let Service { created, name, namespace, object, host, .. } = service;
    (*created, name.clone(), namespace.clone(), object.clone(), host.clone())
}

/// Each definition once for each number that its ports have.
fn ports(services: &[Handle<Service>]) -> impl Iterator<Item = (&Handle<Service>, u16)> {
    services.iter().flat_map(|service| {
        let numbers: BTreeSet<u16> = service.ports.iter().map(|p| p.number).collect();
        numbers.into_iter().map(move |number| (service, number))
    })
}
