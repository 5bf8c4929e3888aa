//! Virtual addresses for hosts that have none.
//!
//! A sidecar that answers DNS gives such a host an address of its own, by which a later connection is told apart from
//! others to the same port. An address once given stays with its host: what the object's status says comes first, then
//! what was given before, then a slot by the hash of namespace and host. Users' own addresses are never given away.

use std::collections::{BTreeMap, BTreeSet};

use crate::api::service_entry::{Resolution, ServiceEntry};
use crate::api::{Kind, Meta, Spec};
use crate::base::{Digest, Host, Namespace, Str};
use crate::model::facts::Allocation;

use super::{Dirty, Index};

/// Slots of 240.240.0.0/16 without the network's own address and broadcast: 1 to 65534.
const SLOTS: u32 = 65534;

/// Which host has which slot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allocations {
    slots: BTreeMap<(Namespace, Host), u16>,
    taken: BTreeMap<u16, (Namespace, Host)>,
}

impl Allocations {
    /// Takes up what was given before. Of two hosts with one slot the first keeps it.
    pub fn restore(given: impl IntoIterator<Item = (Namespace, Host, u16)>) -> Self {
        let mut out = Self::default();
        for (namespace, host, slot) in given {
            out.take((namespace, host), slot);
        }
        out
    }

    /// Everything that was given: namespace, host and slot, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Namespace, &Host, u16)> {
        self.slots.iter().map(|((namespace, host), slot)| (namespace, host, *slot))
    }

    /// The addresses of a host.
    pub fn get(&self, namespace: &Namespace, host: &Host) -> Option<Allocation> {
        self.slots.get(&(namespace.clone(), host.clone())).map(|slot| addresses(*slot))
    }

    fn take(&mut self, owner: (Namespace, Host), slot: u16) -> bool {
        if slot == 0 || u32::from(slot) > SLOTS || self.slots.contains_key(&owner) || self.taken.contains_key(&slot) {
            return false;
        }
        self.taken.insert(slot, owner.clone());
        self.slots.insert(owner, slot);
        true
    }

    /// Frees the slots of all but some hosts.
    fn forget(&mut self, but: impl Fn(&(Namespace, Host)) -> bool) {
        self.taken.retain(|_, owner| but(owner));
        self.slots.retain(|owner, _| but(owner));
    }

    /// The slot by hash, or the next that is free. `None` when all are taken.
    fn assign(&mut self, owner: &(Namespace, Host), reserved: &BTreeSet<u16>) -> Option<u16> {
        let digest = Digest::of_bytes(format!("{}/{}", owner.0, owner.1).as_bytes());
        let start = u32::from_le_bytes([digest.0[0], digest.0[1], digest.0[2], digest.0[3]]) % SLOTS;
        let mut probes = (0..SLOTS).map(|i| ((start + i) % SLOTS + 1) as u16);
        let slot = probes.find(|s| !self.taken.contains_key(s) && !reserved.contains(s))?;
        self.take(owner.clone(), slot);
        Some(slot)
    }
}

/// The addresses of a slot.
fn addresses(slot: u16) -> Allocation {
    let [high, low] = slot.to_be_bytes();
    Allocation { v4: format!("240.240.{high}.{low}").into(), v6: format!("2001:2::{slot:x}").into() }
}

/// The slot of an address in 240.240.0.0/16 or 2001:2::/48 with nothing in between.
fn slot_of(address: &str) -> Option<u16> {
    match address.parse().ok()? {
        std::net::IpAddr::V4(ip) => match ip.octets() {
            [240, 240, high, low] => Some(u16::from_be_bytes([high, low])),
            _ => None,
        },
        std::net::IpAddr::V6(ip) => match ip.segments() {
            [0x2001, 2, 0, 0, 0, 0, 0, slot] => Some(slot),
            _ => None,
        },
    }
}

/// Whether a host of a ServiceEntry gets addresses (istio `pilot/pkg/controllers/ipallocate`): it has none of its own,
/// is resolved, is not a wildcard unless it is resolved dynamically, and has not opted out.
pub(super) fn is_eligible(host: &Host, meta: &Meta, entry: &ServiceEntry) -> bool {
    const LABEL: &str = "networking.istio.io/enable-autoallocate-ip";
    entry.addresses.is_empty()
        && entry.resolution != Resolution::None
        && (!host.is_wildcard() || entry.resolution == Resolution::DynamicDns)
        && !meta.labels.get(LABEL).is_some_and(|v| v.eq_ignore_ascii_case("false"))
}

impl Index {
    /// Gives addresses to hosts that are new, those with a status first, each group in order; the order of edits does
    /// not matter beyond that. A host that goes keeps its slot, so that it has its old address when it comes back.
    pub(super) fn allocate(&mut self, dirty: &mut Dirty) {
        let mut stated = Vec::new();
        let mut wanting = BTreeSet::new();
        for host in &dirty.services {
            for object in self.defining.get(host).into_iter().flatten().filter_map(|k| self.objects.get(k)) {
                let Spec::ServiceEntry(entry) = &object.spec else { continue };
                let owner = (object.meta.namespace.clone(), host.clone());
                if !is_eligible(host, &object.meta, entry) || self.allocations.slots.contains_key(&owner) {
                    continue;
                }
                let status = entry.allocated.iter().filter(|a| Host::new(a.host.clone()) == *host);
                match status.filter_map(|a| slot_of(&a.value)).next() {
                    Some(slot) => stated.push((object.meta.created, owner, slot)),
                    None => drop(wanting.insert(owner)),
                }
            }
        }
        stated.sort();
        for (_, owner, slot) in stated {
            if !self.allocations.take(owner.clone(), slot) {
                wanting.insert(owner);
            }
        }
        if wanting.is_empty() {
            return;
        }
        let reserved = self.users_own();
        for owner in &wanting {
            if self.allocations.assign(owner, &reserved).is_none() {
                // Only now do hosts that are gone lose what was kept for them.
                let defining = &self.defining;
                self.allocations.forget(|(namespace, host)| {
                    defining.get(host).is_some_and(|keys| keys.iter().any(|k| k.namespace == *namespace))
                });
                self.allocations.assign(owner, &reserved);
            }
        }
    }

    /// Slots whose addresses users wrote themselves.
    fn users_own(&self) -> BTreeSet<u16> {
        let entries =
            self.objects.iter().filter(|(k, _)| k.kind == Kind::ServiceEntry).filter_map(|(_, o)| match &o.spec {
                Spec::ServiceEntry(entry) => Some(&entry.addresses),
                _ => None,
            });
        entries.flatten().filter_map(|a: &Str| slot_of(a)).collect()
    }
}
