//! Virtual addresses for hosts that have none.
//!
//! A sidecar that answers DNS gives such a host an address of its own, by which a later connection is told apart from
//! others to the same port. An address once given stays with its host: what the object's status says comes first, as
//! all replicas and istiod read the same there; then what was given before; then a slot by the hash of namespace and
//! host. No address is given twice. Users' own are never given away; of two statuses with one address, the older
//! object keeps it and the other gets a new one.

mod pool;

use std::collections::BTreeSet;
use std::net::IpAddr;

use imbl::OrdMap;

use crate::api::service_entry::{Allocated, Resolution, ServiceEntry};
use crate::api::{Key, Kind, Meta, Spec};
use crate::base::{Digest, Features, Host, Namespace, Str};
use crate::model::facts::Allocation;

use super::{Dirty, Index};
use pool::Pool;

/// Whose an address is: a host of a ServiceEntry, by namespace, host and name of the object. Two objects of a namespace
/// may have one host, and istiod gives each its own addresses. The name is empty for addresses that were kept before
/// names were.
type Owner = (Namespace, Host, Str);

/// How good a claim is; the least is the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Claim {
    /// The status of an object says so, which was created then.
    Stated(i64),
    /// It was given here, and others may not know yet.
    Given,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Given {
    addresses: Allocation,
    claim: Claim,
}

/// Which host has which addresses. Copies share what they have in common.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allocations {
    given: OrdMap<Owner, Given>,
    taken: OrdMap<IpAddr, Owner>,
}

impl Allocations {
    /// Takes up what was given before: namespace, host, name of the object, addresses. Of two with one address the first
    /// keeps it.
    pub fn restore(given: impl IntoIterator<Item = (Namespace, Host, Str, Allocation)>) -> Self {
        let mut out = Self::default();
        for (namespace, host, object, addresses) in given {
            let ips = ips(&addresses);
            if !ips.is_empty() && !ips.iter().any(|ip| out.taken.contains_key(ip)) {
                out.give((namespace, host, object), addresses, Claim::Given);
            }
        }
        out
    }

    /// Without what mizzen gave out of other ranges than it has now.
    pub(super) fn within(mut self, features: &Features) -> Self {
        let pool = Pool::new(features);
        let given = self.given.iter().filter(|(_, given)| given.claim == Claim::Given && !pool.has(&given.addresses));
        let outside: Vec<Owner> = given.map(|(owner, _)| owner.clone()).collect();
        outside.iter().for_each(|owner| drop(self.release(owner)));
        self
    }

    /// Everything that was given: namespace, host, name of the object and addresses, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Namespace, &Host, &Str, &Allocation)> {
        self.given.iter().map(|((namespace, host, object), given)| (namespace, host, object, &given.addresses))
    }

    /// The addresses of a host of an object.
    pub fn get(&self, namespace: &Namespace, host: &Host, object: &Str) -> Option<&Allocation> {
        self.given.get(&(namespace.clone(), host.clone(), object.clone())).map(|given| &given.addresses)
    }

    /// Who has an address: namespace and name of the object.
    pub fn holder(&self, address: &str) -> Option<(&Namespace, &Str)> {
        let (namespace, _, object) = self.taken.get(&address.parse::<IpAddr>().ok()?.to_canonical())?;
        Some((namespace, object))
    }

    /// Whether nothing was given or taken away between the two. O(1); may be wrong in saying no.
    pub fn is_same(&self, other: &Self) -> bool {
        self.given.ptr_eq(&other.given)
    }

    fn give(&mut self, owner: Owner, addresses: Allocation, claim: Claim) {
        self.release(&owner);
        for ip in ips(&addresses) {
            self.taken.insert(ip, owner.clone());
        }
        self.given.insert(owner, Given { addresses, claim });
    }

    fn release(&mut self, owner: &Owner) -> Option<Given> {
        let given = self.given.remove(owner)?;
        for ip in ips(&given.addresses) {
            self.taken.remove(&ip);
        }
        Some(given)
    }

    /// All of a namespace that have or had a host.
    fn namesakes<'a>(&'a self, owner: &'a Owner) -> impl Iterator<Item = &'a Owner> {
        let first = (owner.0.clone(), owner.1.clone(), Str::new());
        self.given
            .range(first..)
            .map(|(other, _)| other)
            .take_while(|other| (&other.0, &other.1) == (&owner.0, &owner.1))
            .filter(move |other| *other != owner)
    }

    /// The slot by hash, or the next that is free. False when all are taken.
    fn assign(&mut self, pool: Pool, owner: &Owner, reserved: &BTreeSet<IpAddr>) -> bool {
        let digest = Digest::of_bytes(format!("{}/{}", owner.0, owner.1).as_bytes());
        let seed = u32::from_le_bytes([digest.0[0], digest.0[1], digest.0[2], digest.0[3]]);
        let free = |a: &Allocation| ips(a).iter().all(|ip| !self.taken.contains_key(ip) && !reserved.contains(ip));
        let Some(addresses) = pool.from(seed).find(free) else { return false };
        self.give(owner.clone(), addresses, Claim::Given);
        true
    }
}

impl Allocation {
    /// What a status says of a host: its first address of each family. None if it has none that can be read.
    pub fn stated(status: &[Allocated], host: &Host) -> Option<Self> {
        let own = status.iter().filter(|a| Host::new(a.host.clone()) == *host);
        let all: Vec<IpAddr> = own.filter_map(|a| a.value.parse::<IpAddr>().ok()).map(|ip| ip.to_canonical()).collect();
        let first =
            |v4: bool| all.iter().find(|ip| ip.is_ipv4() == v4).map_or_else(Str::new, |ip| Str::from(ip.to_string()));
        (!all.is_empty()).then(|| Self { v4: first(true), v6: first(false) })
    }
}

fn ips(addresses: &Allocation) -> Vec<IpAddr> {
    [&addresses.v4, &addresses.v6].into_iter().filter_map(|a| a.parse().ok()).collect()
}

/// The addresses that users wrote themselves. A range is no address; istiod overlooks it too.
fn own(entry: &ServiceEntry) -> impl Iterator<Item = IpAddr> + '_ {
    entry.addresses.iter().filter_map(|a| a.parse::<IpAddr>().ok()).map(|ip| ip.to_canonical())
}

/// Whether a host of a ServiceEntry gets addresses (istio `pilot/pkg/controllers/ipallocate`): it has none of its own,
/// is resolved, is not a wildcard unless it is resolved dynamically, and has not opted out.
pub fn is_eligible(host: &Host, meta: &Meta, entry: &ServiceEntry) -> bool {
    const LABEL: &str = "networking.istio.io/enable-autoallocate-ip";
    entry.addresses.is_empty()
        && entry.resolution != Resolution::None
        && (!host.is_wildcard() || entry.resolution == Resolution::DynamicDns)
        && !meta.labels.get(LABEL).is_some_and(|v| v.eq_ignore_ascii_case("false"))
}

impl Index {
    /// Gives addresses to hosts that need some. A host that goes keeps its own, so that it has them when it comes back,
    /// until somebody's status claims them. O(changed hosts), and one look at all ServiceEntries where there is a new
    /// claim.
    pub(super) fn allocate(&mut self, dirty: &mut Dirty) {
        let mut claims = Vec::new();
        let mut wanting = BTreeSet::new();
        let mut written = BTreeSet::new();
        for host in &dirty.services {
            for object in self.defining.get(host).into_iter().flatten().filter_map(|k| self.objects.get(k)) {
                let Spec::ServiceEntry(entry) = &object.spec else { continue };
                written.extend(own(entry));
                if !is_eligible(host, &object.meta, entry) {
                    continue;
                }
                let owner = (object.meta.namespace.clone(), host.clone(), object.meta.name.clone());
                let given = self.allocations.given.get(&owner);
                let claim = Claim::Stated(object.meta.created);
                match (Allocation::stated(&entry.allocated, host), given) {
                    (Some(stated), given) if given.is_none_or(|g| (&g.addresses, g.claim) != (&stated, claim)) => {
                        claims.push((claim, owner, stated));
                    }
                    (Some(_), _) => {}
                    (None, Some(given)) if given.claim != Claim::Given => {
                        let addresses = given.addresses.clone();
                        self.allocations.give(owner, addresses, Claim::Given);
                    }
                    (None, Some(_)) => {}
                    (None, None) => drop(wanting.insert(owner)),
                }
            }
        }
        for ip in written {
            if let Some(owner) = self.allocations.taken.get(&ip).cloned() {
                self.evict(&owner, &mut wanting, dirty);
            }
        }
        if claims.is_empty() && wanting.is_empty() {
            return;
        }
        let reserved = self.users_own();
        claims.sort();
        for (claim, owner, addresses) in claims {
            self.claim(claim, owner, addresses, &reserved, &mut wanting, dirty);
        }
        for owner in wanting {
            self.provide(&owner, &reserved);
        }
    }

    /// Gives a host what its status says, unless somebody has a better claim to it.
    fn claim(
        &mut self,
        claim: Claim,
        owner: Owner,
        addresses: Allocation,
        reserved: &BTreeSet<IpAddr>,
        wanting: &mut BTreeSet<Owner>,
        dirty: &mut Dirty,
    ) {
        let ips = ips(&addresses);
        let rivals = ips.iter().filter_map(|ip| self.allocations.taken.get(ip)).filter(|rival| **rival != owner);
        let rivals: BTreeSet<Owner> = rivals.cloned().collect();
        let better = |rival: &Owner| {
            self.is_entitled(rival)
                && self.allocations.given.get(rival).is_some_and(|g| (g.claim, rival) < (claim, &owner))
        };
        if ips.iter().any(|ip| reserved.contains(ip)) || rivals.iter().any(better) {
            if !self.allocations.given.contains_key(&owner) {
                wanting.insert(owner);
            }
            return;
        }
        for rival in rivals {
            self.evict(&rival, wanting, dirty);
        }
        wanting.remove(&owner);
        self.allocations.give(owner, addresses, claim);
    }

    /// Takes addresses away; who still needs some is to get others.
    fn evict(&mut self, owner: &Owner, wanting: &mut BTreeSet<Owner>, dirty: &mut Dirty) {
        self.allocations.release(owner);
        if self.is_entitled(owner) {
            dirty.services.insert(owner.1.clone());
            wanting.insert(owner.clone());
        }
    }

    /// New addresses: those of an object that had the host before, if there is one, or else some that are free.
    fn provide(&mut self, owner: &Owner, reserved: &BTreeSet<IpAddr>) {
        let before = self.allocations.namesakes(owner).find(|other| !self.is_entitled(other)).cloned();
        if let Some(left) = before.and_then(|before| self.allocations.release(&before))
            && !ips(&left.addresses).iter().any(|ip| reserved.contains(ip))
        {
            return self.allocations.give(owner.clone(), left.addresses, Claim::Given);
        }
        let pool = Pool::new(&self.options.features);
        if !self.allocations.assign(pool, owner, reserved) {
            // Only now do hosts that are gone lose what was kept for them.
            let gone: Vec<Owner> =
                self.allocations.given.keys().filter(|other| !self.is_entitled(other)).cloned().collect();
            gone.iter().for_each(|other| drop(self.allocations.release(other)));
            self.allocations.assign(pool, owner, reserved);
        }
    }

    /// Whether there is such a host, and it is to have addresses.
    fn is_entitled(&self, (namespace, host, name): &Owner) -> bool {
        let key = Key::new(Kind::ServiceEntry, namespace.clone(), name.clone());
        let object = self.objects.get(&key).filter(|_| self.defining.get(host).is_some_and(|keys| keys.contains(&key)));
        object.is_some_and(|object| match &object.spec {
            Spec::ServiceEntry(entry) => is_eligible(host, &object.meta, entry),
            _ => false,
        })
    }

    /// Addresses that users wrote themselves.
    fn users_own(&self) -> BTreeSet<IpAddr> {
        let first = Key::new(Kind::ServiceEntry, Namespace::default(), Str::new());
        let entries = self.objects.range(first..).take_while(|(k, _)| k.kind == Kind::ServiceEntry);
        let entries = entries.filter_map(|(_, o)| match &o.spec {
            Spec::ServiceEntry(entry) => Some(entry),
            _ => None,
        });
        entries.flat_map(own).collect()
    }
}

#[cfg(test)]
mod tests;
