//! Proxies in groups, groups in classes.
//!
//! A proxy's answers, one per sort of resource, tell its classes. Proxies with the same answers are a group and share
//! one publication; a change that moves a class makes new publications for the groups in it, and nobody else hears
//! of it.

mod origins;
mod said;
mod sorts;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::reads::Readers;
use crate::model::{FactKey, Snapshot};
use crate::proxy::Proxy;
use crate::wire::{Cache, Publication, ResourceType};

use sorts::{Answers, Sorts};

pub use sorts::ClassSize;

/// The number of a connected proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProxyId(pub u64);

struct Group {
    proxies: BTreeSet<ProxyId>,
    publication: Arc<Publication>,
}

struct Member {
    proxy: Proxy,
    answers: Answers,
}

/// All connected proxies and everything planned for them.
pub struct Plan {
    cache: Arc<Cache>,
    sorts: Sorts,
    groups: BTreeMap<Answers, Group>,
    proxies: BTreeMap<ProxyId, Member>,
    readers: Readers<FactKey, ProxyId>,
    next: u64,
}

impl Plan {
    /// No proxies yet.
    pub fn new(cache: Arc<Cache>) -> Self {
        Self {
            cache,
            sorts: Sorts::default(),
            groups: BTreeMap::new(),
            proxies: BTreeMap::new(),
            readers: Readers::default(),
            next: 0,
        }
    }

    /// A proxy joins: what it should hold.
    pub fn join(&mut self, snapshot: &Snapshot, proxy: Proxy) -> (ProxyId, Arc<Publication>) {
        let id = ProxyId(self.next);
        self.next += 1;
        let (answers, reads) = Answers::of(snapshot, &proxy);
        self.readers.record(&id, reads);
        let publication = self.enter(snapshot, id, &answers);
        self.proxies.insert(id, Member { proxy, answers });
        (id, publication)
    }

    /// A proxy is gone.
    pub fn leave(&mut self, id: ProxyId) {
        if let Some(member) = self.proxies.remove(&id) {
            self.readers.forget(&id);
            self.exit(id, &member.answers);
        }
    }

    /// Plans again what a change touches. Returns the proxies whose resources changed, and what they should hold.
    pub fn update(&mut self, snapshot: &Snapshot, changed: &BTreeSet<FactKey>) -> Vec<(ProxyId, Arc<Publication>)> {
        let mut out = Vec::new();
        if self.sorts.update(snapshot, changed, &self.cache) {
            for (answers, group) in &mut self.groups {
                let assemblies = self.sorts.assemble(answers);
                let publication = Publication { revision: snapshot.revision, assemblies };
                if !publication.same(&group.publication) {
                    group.publication = Arc::new(publication);
                    out.extend(group.proxies.iter().map(|id| (*id, Arc::clone(&group.publication))));
                }
            }
        }
        self.regroup(snapshot, changed, &mut out);
        self.cache.sweep_sometimes();
        out
    }

    /// Proxies of which something holds now that did not before move to another group.
    fn regroup(
        &mut self,
        snapshot: &Snapshot,
        changed: &BTreeSet<FactKey>,
        out: &mut Vec<(ProxyId, Arc<Publication>)>,
    ) {
        let concerned: BTreeSet<ProxyId> = changed.iter().flat_map(|key| self.readers.of(key)).copied().collect();
        for id in concerned {
            let Some(member) = self.proxies.get(&id) else { continue };
            let (answers, reads) = Answers::of(snapshot, &member.proxy);
            self.readers.record(&id, reads);
            if answers == member.answers {
                continue;
            }
            let publication = self.enter(snapshot, id, &answers);
            out.retain(|(other, _)| *other != id);
            out.push((id, publication));
            let old = self.proxies.get_mut(&id).map(|m| std::mem::replace(&mut m.answers, answers));
            old.iter().for_each(|old| self.exit(id, old));
        }
    }

    fn enter(&mut self, snapshot: &Snapshot, id: ProxyId, answers: &Answers) -> Arc<Publication> {
        if let Some(group) = self.groups.get_mut(answers) {
            group.proxies.insert(id);
            return Arc::clone(&group.publication);
        }
        self.sorts.enter(snapshot, answers, &self.cache);
        let assemblies = self.sorts.assemble(answers);
        let publication = Arc::new(Publication { revision: snapshot.revision, assemblies });
        let group = Group { proxies: BTreeSet::from([id]), publication: Arc::clone(&publication) };
        self.groups.insert(answers.clone(), group);
        publication
    }

    fn exit(&mut self, id: ProxyId, answers: &Answers) {
        let Some(group) = self.groups.get_mut(answers) else { return };
        group.proxies.remove(&id);
        if group.proxies.is_empty() {
            self.groups.remove(answers);
            self.sorts.leave(answers);
        }
    }

    /// The connected proxies.
    pub fn proxies(&self) -> impl Iterator<Item = (ProxyId, &Proxy)> {
        self.proxies.iter().map(|(id, member)| (*id, &member.proxy))
    }

    /// What a connected proxy should hold.
    pub fn publication(&self, id: ProxyId) -> Option<&Arc<Publication>> {
        self.groups.get(&self.proxies.get(&id)?.answers).map(|g| &g.publication)
    }

    /// Listeners for calls out of which one service takes what another one wants. O(units of listeners).
    pub fn outbound_conflicts(&self) -> usize {
        self.sorts.contested(ResourceType::Listener).len()
    }

    /// Proxies to which several services want one port of the workload in different protocols. O(groups).
    pub fn inbound_conflicts(&self) -> usize {
        let contested = self.groups.iter().filter(|(answers, _)| answers.inbound_clusters.facets.is_contested());
        contested.map(|(_, group)| group.proxies.len()).sum()
    }

    /// What the connected proxies should hold, each publication once.
    pub fn publications(&self) -> impl Iterator<Item = &Arc<Publication>> {
        self.groups.values().map(|group| &group.publication)
    }

    /// Number and size of the classes of each sort. A number that grows with the proxies is a defect.
    pub fn sizes(&self) -> Vec<ClassSize> {
        self.sorts.sizes()
    }
}
