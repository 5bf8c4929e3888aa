//! The virtual hosts of one port, as all classes with one base share them.

mod variants;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

use crate::base::{Host, Namespace, Str};
use crate::generate::route::{self, VirtualHost};
use crate::wire::{Cache, Failure, Part};

use super::contest::{Claims, Contest};
use super::host::Candidate;

use variants::{Key, Variants};

/// All virtual hosts of a port.
pub(super) struct Port {
    number: u16,
    hosts: BTreeMap<Host, Placed>,
    claims: Claims,
    contests: BTreeMap<Str, Contest>,
    groups: BTreeMap<Key, Group>,
    /// Of hosts that cannot be built in some variant.
    failures: BTreeMap<Host, Vec<Failure>>,
}

/// A virtual host in its place.
struct Placed {
    candidate: Candidate,
    variants: Variants,
}

/// Virtual hosts that look different from the same namespaces, in one piece for each view.
#[derive(Default)]
struct Group {
    members: BTreeSet<Host>,
    elsewhere: Option<Arc<Part>>,
    within: BTreeMap<Namespace, Option<Arc<Part>>>,
    /// Whether the pieces are older than the members.
    stale: bool,
}

/// A change of one host: what it gives now, if anything.
pub(super) type Change = (Host, Option<Candidate>);

impl Port {
    /// No virtual hosts yet.
    pub(super) fn new(number: u16) -> Self {
        Self {
            number,
            hosts: BTreeMap::new(),
            claims: Claims::default(),
            contests: BTreeMap::new(),
            groups: BTreeMap::new(),
            failures: BTreeMap::new(),
        }
    }

    /// How many hosts have a virtual host.
    pub(super) fn len(&self) -> usize {
        self.hosts.len()
    }

    /// The virtual host of a host.
    pub(super) fn candidate(&self, host: &Host) -> Option<&Candidate> {
        self.hosts.get(host).map(|placed| &placed.candidate)
    }

    /// The hosts that may claim a name.
    pub(super) fn claimants(&self, text: &str) -> impl Iterator<Item = (&Host, &Candidate)> {
        self.claims.on(text).filter_map(|host| Some((host, self.candidate(host)?)))
    }

    /// Who has a name as seen from a namespace.
    pub(super) fn holder(&self, text: &str, namespace: &Namespace) -> Option<&Host> {
        match self.contests.get(text) {
            Some(contest) => contest.holder(Some(namespace)),
            None => super::contest::holder(text, Some(namespace), self.claimants(text)).0,
        }
    }

    /// Adds all virtual hosts as seen from a namespace, but for those that are left out. O(groups), where none is.
    pub(super) fn seen_from(&self, namespace: &Namespace, left_out: &BTreeSet<&Host>, out: &mut Vec<Arc<Part>>) {
        let broken: BTreeSet<Key> =
            left_out.iter().filter_map(|host| Some(self.hosts.get(*host)?.variants.key())).collect();
        for (key, group) in &self.groups {
            if broken.contains(key) {
                let members = group.members.iter().filter(|host| !left_out.contains(host));
                out.extend(members.filter_map(|host| self.hosts[host].variants.seen_from(namespace)).cloned());
            } else {
                out.extend(group.within.get(namespace).unwrap_or(&group.elsewhere).clone());
            }
        }
    }

    /// What could not be built.
    pub(super) fn failures(&self) -> impl Iterator<Item = &Failure> {
        self.failures.values().flatten()
    }

    /// Takes in changes; says whether anything looks different.
    pub(super) fn update(&mut self, changes: Vec<Change>, cache: &Cache) -> bool {
        let mut dirty = BTreeSet::new();
        let mut renamed = false;
        let mut moved = false;
        for (host, candidate) in changes {
            let old = self.hosts.get(&host).map(|p| &p.candidate);
            renamed |= !same_claims(old, candidate.as_ref());
            match candidate {
                Some(candidate) => {
                    let unplaced = |candidate| Placed { candidate, variants: Variants::default() };
                    match self.hosts.get_mut(&host) {
                        Some(placed) => placed.candidate = candidate,
                        None => drop(self.hosts.insert(host.clone(), unplaced(candidate))),
                    }
                    dirty.insert(host);
                }
                None => {
                    self.failures.remove(&host);
                    if let Some(old) = self.hosts.remove(&host) {
                        self.leave(&host, &old.variants.key());
                        moved = true;
                    }
                }
            }
        }
        if renamed {
            dirty.extend(self.settle());
        }
        moved |= self.place(dirty, cache);
        self.join(cache);
        moved || renamed
    }

    /// Decides anew who has which name; returns hosts for which that matters.
    fn settle(&mut self) -> Vec<Host> {
        self.claims = Claims::new(self.hosts.iter().map(|(host, placed)| (host, &placed.candidate)));
        let new = self.claims.contests(|host| self.hosts.get(host).map(|p| &p.candidate));
        let old = std::mem::replace(&mut self.contests, new);
        let texts: BTreeSet<&Str> = old.keys().chain(self.contests.keys()).collect();
        let moved = texts.into_iter().filter(|text| old.get(*text) != self.contests.get(*text));
        moved.flat_map(|text| self.claims.on(text)).cloned().collect()
    }

    /// Encodes hosts again and puts them into the groups they belong to.
    fn place(&mut self, dirty: BTreeSet<Host>, cache: &Cache) -> bool {
        let dirty: Vec<Host> = dirty.into_iter().collect();
        let encode = |host: &Host| self.encode(host, cache);
        // A handful is not worth waking other threads for.
        let encoded: Vec<(Variants, Vec<Failure>)> = match dirty.len() {
            0..64 => dirty.iter().map(encode).collect(),
            _ => dirty.par_iter().with_min_len(16).map(encode).collect(),
        };
        let mut moved = false;
        for (host, (variants, failures)) in dirty.into_iter().zip(encoded) {
            let Some(placed) = self.hosts.get_mut(&host) else { continue };
            let key = variants.key();
            let old = std::mem::replace(&mut placed.variants, variants);
            match failures.is_empty() {
                true => drop(self.failures.remove(&host)),
                false => drop(self.failures.insert(host.clone(), failures)),
            }
            if !self.groups.get(&key).is_some_and(|g| g.members.contains(&host)) {
                self.leave(&host, &old.key());
            } else if old.same(&self.hosts[&host].variants) {
                continue;
            }
            let group = self.groups.entry(key).or_default();
            group.members.insert(host);
            group.stale = true;
            moved = true;
        }
        moved
    }

    fn leave(&mut self, host: &Host, key: &Key) {
        if let Some(group) = self.groups.get_mut(key) {
            group.stale |= group.members.remove(host);
        }
    }

    /// One host in all its variants.
    fn encode(&self, host: &Host, cache: &Cache) -> (Variants, Vec<Failure>) {
        let candidate = &self.hosts[host].candidate;
        let mut failures = Vec::new();
        let mut part = |domains: Vec<Str>| {
            let host = virtual_host(host, self.number, candidate, domains)?;
            cache.part(&host).map_err(|failure| failures.push(named(failure, &host.name))).ok()
        };
        let everywhere = self.held(host, candidate, None);
        let contested = candidate.names.lists().flat_map(|(_, domains)| domains);
        let contested = contested.filter_map(|d| self.contests.get(&d.text)).flat_map(Contest::views);
        let own = candidate.names.within.iter().map(|(namespace, _)| namespace);
        let views: BTreeSet<&Namespace> = own.chain(contested).collect();
        let within = views.into_iter().filter_map(|namespace| {
            let held = self.held(host, candidate, Some(namespace));
            (held != everywhere).then(|| (namespace.clone(), part(held)))
        });
        let within = within.collect();
        (Variants { within, elsewhere: part(everywhere) }, failures)
    }

    /// The names that a host has as seen from a namespace, as far as it is contested who has them.
    fn held(&self, host: &Host, candidate: &Candidate, view: Option<&Namespace>) -> Vec<Str> {
        let domains = view.map_or(&candidate.names.elsewhere[..], |ns| candidate.names.seen_from(ns));
        let holds = |text: &&Str| self.contests.get(*text).is_none_or(|c| c.holder(view) == Some(host));
        domains.iter().map(|d| &d.text).filter(holds).cloned().collect()
    }

    /// Joins the groups in which something changed.
    fn join(&mut self, cache: &Cache) {
        self.groups.retain(|_, group| !group.members.is_empty());
        for (key, group) in self.groups.iter_mut().filter(|(_, group)| group.stale) {
            let views = key.iter().map(Some).chain([None]);
            let joined = views.map(|view| (view.cloned(), joined(&mut self.hosts, &group.members, view, cache)));
            let mut pieces: BTreeMap<Option<Namespace>, Option<Arc<Part>>> = joined.collect();
            group.elsewhere = pieces.remove(&None).flatten();
            group.within = pieces.into_iter().filter_map(|(view, piece)| Some((view?, piece))).collect();
            group.stale = false;
        }
    }
}

/// The virtual hosts of a group in one piece, as seen from a namespace. Their own bytes become slices of it.
fn joined(
    hosts: &mut BTreeMap<Host, Placed>,
    members: &BTreeSet<Host>,
    view: Option<&Namespace>,
    cache: &Cache,
) -> Option<Arc<Part>> {
    let part_of = |host: &Host| hosts.get(host).and_then(|placed| placed.variants.get(view)).cloned();
    let (there, mut parts): (Vec<&Host>, Vec<Arc<Part>>) =
        members.iter().filter_map(|host| Some((host, part_of(host)?))).unzip();
    let piece = cache.joined(&mut parts);
    for (host, part) in there.into_iter().zip(parts) {
        if let Some(placed) = hosts.get_mut(host) {
            placed.variants.set(view, part);
        }
    }
    piece
}

/// Whether two candidates of one host claim the same names with the same right.
fn same_claims(old: Option<&Candidate>, new: Option<&Candidate>) -> bool {
    match (old, new) {
        (Some(old), Some(new)) => old.names == new.names && old.rank == new.rank && old.known == new.known,
        (old, new) => old.is_none() && new.is_none(),
    }
}

/// The virtual host of a candidate; none without names.
pub(super) fn virtual_host(host: &Host, port: u16, candidate: &Candidate, domains: Vec<Str>) -> Option<VirtualHost> {
    if domains.is_empty() {
        return None;
    }
    Some(VirtualHost { name: route::domain(host, port).into(), domains, routes: candidate.routes.clone() })
}

/// A failure that says which virtual host it is about.
pub(super) fn named(failure: Failure, name: &Str) -> Failure {
    Failure { resource: format!("virtual host {name}").into(), ..failure }
}
