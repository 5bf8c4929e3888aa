//! A remote cluster while it is read: by one kubeconfig, and by the next until that has read everything.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Status;
use super::remote::{News, Reader, What};
use super::told::{finding, of_secret};
use crate::api::Key;
use crate::base::{Finding, Severity, Str};
use crate::source::{Delivery, Event};

/// A remote cluster.
pub(super) struct Running {
    /// What leads there.
    pub(super) secret: Key,
    pub(super) kubeconfig: Arc<[u8]>,
    reader: Reader,
    /// The one that takes its place when it has read everything.
    next: Option<Reader>,
    /// All objects that there are of it.
    known: BTreeSet<Key>,
    pub(super) status: Status,
    /// When it was begun to be read.
    pub(super) since: Instant,
}

impl Running {
    pub(super) fn new(secret: Key, kubeconfig: Arc<[u8]>, reader: Reader) -> Self {
        let (known, status, since) = (BTreeSet::new(), Status::Syncing, Instant::now());
        Self { secret, kubeconfig, reader, next: None, known, status, since }
    }

    /// Another kubeconfig is to take the place of the one by which it is read.
    pub(super) fn succeed(&mut self, secret: Key, kubeconfig: Arc<[u8]>, reader: Reader) {
        (self.secret, self.kubeconfig, self.next) = (secret, kubeconfig, Some(reader));
    }

    /// Nothing is left of it.
    pub(super) fn end(self) -> impl Iterator<Item = Event> {
        self.known.into_iter().map(Event::Delete)
    }

    /// What one of its readers says, and what happened to objects because of it.
    pub(super) fn take(&mut self, news: News) -> Vec<Event> {
        let is_next = self.next.as_ref().is_some_and(|next| next.number == news.reader);
        if !is_next && self.reader.number != news.reader {
            return Vec::new();
        }
        match news.what {
            What::Unusable(why) => {
                let wrong = vec![finding(&self.secret, &news.cluster, Severity::Error, "bad-kubeconfig", &why)];
                match self.next.as_mut().filter(|_| is_next) {
                    Some(next) => next.findings = wrong,
                    None => (self.reader.findings, self.status) = (wrong, Status::Closed),
                }
                Vec::new()
            }
            What::Delivery(delivery) => self.deliver(delivery, is_next),
        }
    }

    fn deliver(&mut self, delivery: Delivery, is_next: bool) -> Vec<Event> {
        let complete = delivery.events.contains(&Event::Synced);
        let mut events = Vec::new();
        if let Some(mut next) = self.next.take_if(|_| is_next) {
            if !complete {
                next.findings = delivery.findings.to_vec();
                self.next = Some(next);
                return events;
            }
            let there: BTreeSet<Key> = delivery.events.iter().filter_map(upserted).collect();
            events.extend(self.known.difference(&there).cloned().map(Event::Delete));
            self.known.retain(|key| there.contains(key));
            // The one before ends here.
            self.reader = next;
        }
        self.reader.findings = delivery.findings.to_vec();
        if complete {
            self.status = Status::Synced;
        }
        for event in delivery.events {
            match &event {
                Event::Upsert(object) => drop(self.known.insert(object.key())),
                Event::Delete(key) => drop(self.known.remove(key)),
                Event::Synced => continue,
            }
            events.push(event);
        }
        events
    }

    /// What is wrong with it, as something that the Secret leads to.
    pub(super) fn findings(&self, id: &Str, timeout: Duration) -> Vec<Finding> {
        let readers = std::iter::once(&self.reader).chain(&self.next);
        let all = readers.flat_map(|reader| &reader.findings).cloned();
        let mut all: Vec<Finding> = all.map(|finding| of_secret(finding, &self.secret, id)).collect();
        if self.status == Status::Timeout {
            let late =
                format!("cluster {id} was not read within {} s; proxies are served without it", timeout.as_secs());
            all.push(finding(&self.secret, id, Severity::Error, "late-cluster", &late));
        }
        all
    }
}

fn upserted(event: &Event) -> Option<Key> {
    match event {
        Event::Upsert(object) => Some(object.key()),
        Event::Delete(_) | Event::Synced => None,
    }
}
