//! The remote clusters to which Secrets lead (`istio/multiCluster=true`) or kubeconfigs in a folder, and how each of them
//! is.
//!
//! As in istiod (`pkg/kube/multicluster/secretcontroller.go`), each key of such a Secret names a cluster, and its value is
//! a kubeconfig. A kubeconfig that changes takes over once everything was read by it; until then the one before holds.

mod folder;
mod remote;
mod roster;
mod running;
mod told;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::reflector::until;
use super::{Options, Watcher};
use crate::api::{Key, Object, Spec};
use crate::base::{Finding, Severity, Str};
use crate::source::Event;
use folder::Folder;
use remote::{Manner, News, Reader};
use running::Running;
use told::{finding, name};

pub use roster::{Remote, Roster, Status};

/// All remote clusters.
pub(super) struct Clusters {
    own: Str,
    manner: Manner,
    /// How long the start waits; zero for as long as it takes.
    timeout: Duration,
    roster: Roster,
    watcher: Arc<dyn Watcher>,
    /// Where kubeconfigs are that are read in place of Secrets.
    folder: Option<Folder>,
    /// The Secrets; the kubeconfigs of a folder count as such.
    secrets: BTreeMap<Key, Arc<Object>>,
    running: BTreeMap<Str, Running>,
    news: mpsc::Sender<News>,
    inbox: mpsc::Receiver<News>,
    readers: u64,
    events: Vec<Event>,
    /// What is wrong with the Secrets as such.
    faults: Vec<Finding>,
    /// What was last said to be wrong.
    told: Vec<Finding>,
}

impl Clusters {
    pub(super) fn new(options: &Options, watcher: Arc<dyn Watcher>) -> Self {
        // One piece of news of each waits while another is worked on.
        let (news, inbox) = mpsc::channel(1);
        Self {
            own: options.cluster.as_str().into(),
            manner: Manner::new(options),
            timeout: options.remotes.timeout,
            roster: options.roster.clone(),
            watcher,
            folder: options.remotes.folder.clone().map(Folder::open),
            secrets: BTreeMap::new(),
            running: BTreeMap::new(),
            news,
            inbox,
            readers: 0,
            events: Vec::new(),
            faults: Vec::new(),
            told: Vec::new(),
        }
    }

    /// What happened to the Secrets.
    pub(super) fn take_secrets(&mut self, events: Vec<Event>) {
        if events.is_empty() {
            return;
        }
        for event in events {
            match event {
                Event::Upsert(secret) => match self.secrets.insert(secret.key(), secret.clone()) {
                    Some(old) if old.spec == secret.spec => {}
                    Some(_) => self.watcher.secret("update"),
                    None => self.watcher.secret("add"),
                },
                Event::Delete(key) => {
                    self.secrets.remove(&key);
                    self.watcher.secret("delete");
                }
                Event::Synced => {}
            }
        }
        self.reconcile();
    }

    /// Waits until something happened to a cluster. May be dropped and asked again without loss.
    pub(super) async fn changed(&mut self) {
        let due = self.due();
        tokio::select! {
            Some(news) = self.inbox.recv() => self.take(news),
            events = folder::changed(&mut self.folder) => self.take_secrets(events),
            () = until(due) => self.expire(),
        }
        self.publish();
    }

    /// What happened to objects since the last call.
    pub(super) fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Whether the start should wait.
    pub(super) fn waits(&self) -> bool {
        let unread = self.folder.as_ref().is_some_and(|folder| !folder.is_read());
        unread || self.running.values().any(|running| running.status == Status::Syncing)
    }

    /// All that is wrong now, if that is something else than at the last call.
    pub(super) fn take_findings(&mut self) -> Option<Vec<Finding>> {
        let running = self.running.iter().flat_map(|(id, running)| running.findings(id, self.timeout));
        let of_folder = self.folder.iter().flat_map(Folder::findings).cloned();
        let now: Vec<Finding> = self.faults.iter().cloned().chain(of_folder).chain(running).collect();
        (now != self.told).then(|| {
            self.told.clone_from(&now);
            now
        })
    }

    /// Starts, replaces and stops clusters as the Secrets say. Of two Secrets that name one cluster, the one counts that
    /// was first.
    fn reconcile(&mut self) {
        self.faults.clear();
        let mut wanted: BTreeMap<Str, (Key, Arc<[u8]>)> = BTreeMap::new();
        for (key, secret) in &self.secrets {
            let Spec::Secret(spec) = &secret.spec else { continue };
            for (id, kubeconfig) in &spec.data {
                let holder = self.running.get(id).map(|running| &running.secret);
                let holder = holder.filter(|holder| leads_to(self.secrets.get(*holder), id));
                let why = match holder.or_else(|| wanted.get(id).map(|(key, _)| key)) {
                    _ if *id == self.own => {
                        "is the name of the control plane's own cluster, which is read anyway".into()
                    }
                    Some(other) if other != key => format!("leads to a cluster to which {} leads already", name(other)),
                    _ => {
                        wanted.insert(id.clone(), (key.clone(), kubeconfig.as_slice().into()));
                        continue;
                    }
                };
                let text = format!("{id} {why}; it is ignored");
                self.faults.push(finding(key, id, Severity::Warning, "duplicate-cluster", &text));
            }
        }
        let gone: Vec<Str> = self.running.keys().filter(|id| !wanted.contains_key(*id)).cloned().collect();
        gone.iter().for_each(|id| self.stop(id));
        for (id, (secret, kubeconfig)) in wanted {
            if let Some(running) = self.running.get_mut(&id).filter(|running| running.kubeconfig == kubeconfig) {
                running.secret = secret;
                continue;
            }
            let reader = self.reader(&id, &kubeconfig);
            match self.running.get_mut(&id) {
                // One that could never be read has nothing to wait for.
                Some(running) if running.status == Status::Synced => running.succeed(secret, kubeconfig, reader),
                _ => drop(self.running.insert(id, Running::new(secret, kubeconfig, reader))),
            }
        }
        self.publish();
    }

    fn reader(&mut self, id: &Str, kubeconfig: &[u8]) -> Reader {
        self.readers += 1;
        let text = String::from_utf8_lossy(kubeconfig).into();
        remote::start(id, text, self.manner.clone(), (self.readers, self.news.clone()))
    }

    fn stop(&mut self, id: &Str) {
        if let Some(running) = self.running.remove(id) {
            self.events.extend(running.end());
            self.watcher.cluster(id, Status::Closed, self.running.len());
        }
    }

    fn take(&mut self, news: News) {
        if let Some(running) = self.running.get_mut(&news.cluster) {
            self.events.extend(running.take(news));
        }
    }

    /// When a cluster that is being read has had its time.
    fn due(&self) -> Option<Instant> {
        let syncing = self.running.values().filter(|running| running.status == Status::Syncing);
        let first = syncing.map(|running| running.since + self.timeout).min();
        first.filter(|_| !self.timeout.is_zero())
    }

    fn expire(&mut self) {
        for (id, running) in &mut self.running {
            if running.status == Status::Syncing && running.since.elapsed() >= self.timeout {
                running.status = Status::Timeout;
                self.watcher.late(id);
            }
        }
    }

    /// Tells people how the clusters are, where that is something new.
    fn publish(&self) {
        let remote = |(id, running): (&Str, &Running)| Remote {
            id: id.clone(),
            secret: told::place(&running.secret),
            status: running.status,
        };
        let now: Vec<Remote> = self.running.iter().map(remote).collect();
        let mut told = self.roster.lock();
        for remote in now.iter().filter(|remote| !told.contains(remote)) {
            self.watcher.cluster(&remote.id, remote.status, now.len());
        }
        *told = now;
    }
}

fn leads_to(secret: Option<&Arc<Object>>, id: &Str) -> bool {
    secret.is_some_and(|secret| matches!(&secret.spec, Spec::Secret(spec) if spec.data.contains_key(id)))
}
