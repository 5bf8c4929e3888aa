//! The virtual hosts of a port as one class sees them, where some hosts are not to it what they are to others.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::base::{Host, Namespace, Str};
use crate::wire::{Cache, Failure, Part};

use super::contest::holder;
use super::host::{Candidate, HostPlan};
use super::names::Domain;
use super::port::{Port, named, virtual_host};

/// What a class sees of a port.
pub(super) struct Overlay<'a> {
    number: u16,
    namespace: &'a Namespace,
    /// What all see, if there is anything.
    port: Option<&'a Port>,
    /// Hosts of which the class sees something else, or nothing.
    own: BTreeMap<&'a Host, Option<&'a Candidate>>,
    /// Who has the names that these hosts claim, or would claim for others.
    holders: BTreeMap<&'a Str, Option<&'a Host>>,
    /// Hosts of all that have other names here than elsewhere, because of these.
    touched: BTreeMap<&'a Host, &'a Candidate>,
}

impl<'a> Overlay<'a> {
    /// Lays what a class sees differently over what all see.
    pub(super) fn new(
        number: u16,
        namespace: &'a Namespace,
        port: Option<&'a Port>,
        own: &'a BTreeMap<Host, HostPlan>,
    ) -> Self {
        let shared = |host: &Host| port.and_then(|p| p.candidate(host));
        let here = own.iter().map(|(host, plan)| (host, plan.ports.get(&number)));
        let own: BTreeMap<_, _> = here.filter(|(host, plan)| plan.is_some() || shared(host).is_some()).collect();
        let mut new = Self { number, namespace, port, own, holders: BTreeMap::new(), touched: BTreeMap::new() };
        new.settle();
        new
    }

    /// Whether no host has a virtual host here.
    pub(super) fn is_empty(&self) -> bool {
        let replaced = |port: &Port| self.own.keys().filter(|host| port.candidate(host).is_some()).count();
        self.own.values().all(Option::is_none) && self.port.is_none_or(|port| port.len() == replaced(port))
    }

    /// Decides who has each name that the class's own hosts bring in or take away.
    fn settle(&mut self) {
        let mut claims: BTreeMap<&'a str, Vec<(&'a Host, &'a Candidate)>> = BTreeMap::new();
        let mut texts: BTreeSet<&'a Str> = BTreeSet::new();
        let names = |candidate: &'a Candidate| candidate.names.seen_from(self.namespace).iter().map(|d| &d.text);
        for (host, candidate) in &self.own {
            if let Some(candidate) = *candidate {
                names(candidate).for_each(|text| claims.entry(text).or_default().push((host, candidate)));
            }
            let before = self.port.and_then(|p| p.candidate(host));
            texts.extend(candidate.iter().copied().chain(before).flat_map(names));
        }
        for text in texts {
            let shared = self.port.into_iter().flat_map(|p| p.claimants(text));
            let others = shared.filter(|(host, _)| !self.own.contains_key(host));
            let own = claims.get(text.as_str()).into_iter().flatten().copied();
            let (after, _) = holder(text, Some(self.namespace), others.chain(own));
            let before = self.port.and_then(|p| p.holder(text, self.namespace));
            if before != after {
                let moved = before.into_iter().chain(after).filter(|host| !self.own.contains_key(host));
                self.touched.extend(moved.filter_map(|host| Some((host, self.port?.candidate(host)?))));
            }
            self.holders.insert(text, after);
        }
    }

    /// The virtual hosts: groups as they are where they can be, else their members, and then the class's own.
    pub(super) fn parts(&self, cache: &Cache, failures: &mut Vec<Failure>) -> Vec<Arc<Part>> {
        let here: BTreeSet<&Host> = self.own.keys().chain(self.touched.keys()).copied().collect();
        let mut parts = Vec::new();
        self.port.iter().for_each(|port| port.seen_from(self.namespace, &here, &mut parts));
        let own = self.own.iter().filter_map(|(host, candidate)| Some((*host, (*candidate)?)));
        for (host, candidate) in own.chain(self.touched.iter().map(|(host, candidate)| (*host, *candidate))) {
            let names = self.held(host, candidate.names.seen_from(self.namespace));
            let Some(host) = virtual_host(host, self.number, candidate, names) else { continue };
            match cache.part(&host) {
                Ok(part) => parts.push(part),
                Err(failure) => failures.push(named(failure, &host.name)),
            }
        }
        parts
    }

    fn held(&self, host: &Host, domains: &[Domain]) -> Vec<Str> {
        let holds = |text: &&Str| match self.holders.get(*text) {
            Some(holder) => *holder == Some(host),
            None => self.port.is_none_or(|p| p.holder(text, self.namespace) == Some(host)),
        };
        domains.iter().map(|d| &d.text).filter(holds).cloned().collect()
    }
}
