//! The remote clusters to which Secrets lead (`istio/multiCluster=true`), and how each of them is.
//!
//! As in istiod (`pkg/kube/multicluster/secretcontroller.go`), each key of such a Secret names a cluster, and its value is
//! a kubeconfig. A kubeconfig that changes takes over once everything was read by it; until then the one before holds.

mod remote;
mod roster;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::pace::Rate;
use super::reflector::until;
use super::{Options, Watcher};
use crate::api::{Key, Object, Spec};
use crate::base::{Finding, ObjectRef, Severity, Str};
use crate::source::Event;
use remote::{News, Reader, What};

pub use roster::{Remote, Roster, Status};

/// All remote clusters.
pub(super) struct Clusters {
    own: Str,
    rate: Rate,
    doubt: Duration,
    /// How long the start waits; zero for as long as it takes.
    timeout: Duration,
    insecure: Arc<BTreeSet<String>>,
    roster: Roster,
    watcher: Arc<dyn Watcher>,
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

/// A remote cluster.
struct Running {
    secret: Key,
    kubeconfig: Arc<[u8]>,
    reader: Reader,
    /// The one that takes its place when it has read everything.
    next: Option<Reader>,
    /// All objects that there are of it.
    known: BTreeSet<Key>,
    status: Status,
    since: Instant,
}

impl Clusters {
    pub(super) fn new(options: &Options, watcher: Arc<dyn Watcher>) -> Self {
        // One piece of news of each waits while another is worked on.
        let (news, inbox) = mpsc::channel(1);
        Self {
            own: options.cluster.as_str().into(),
            rate: options.rate,
            doubt: options.doubt,
            timeout: options.remote_timeout,
            insecure: Arc::new(options.insecure.clone()),
            roster: options.roster.clone(),
            watcher,
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
        self.running.values().any(|running| running.status == Status::Syncing)
    }

    /// All that is wrong now, if that is something else than at the last call.
    pub(super) fn take_findings(&mut self) -> Option<Vec<Finding>> {
        let running = self.running.iter().flat_map(|(id, running)| running.findings(id, self.timeout));
        let now: Vec<Finding> = self.faults.iter().cloned().chain(running).collect();
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
                    Some(other) if other != key => format!("leads to a cluster to which {other} leads already"),
                    _ => {
                        wanted.insert(id.clone(), (key.clone(), kubeconfig.as_slice().into()));
                        continue;
                    }
                };
                self.faults.push(finding(
                    key,
                    id,
                    Severity::Warning,
                    "duplicate-cluster",
                    &format!("{id} {why}; it is ignored"),
                ));
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
                Some(running) if running.status == Status::Synced => {
                    (running.secret, running.kubeconfig, running.next) = (secret, kubeconfig, Some(reader));
                }
                _ => {
                    let (known, status, since) = (BTreeSet::new(), Status::Syncing, Instant::now());
                    let new = Running { secret, kubeconfig, reader, next: None, known, status, since };
                    self.running.insert(id, new);
                }
            }
        }
        self.publish();
    }

    fn reader(&mut self, id: &Str, kubeconfig: &[u8]) -> Reader {
        self.readers += 1;
        let text = String::from_utf8_lossy(kubeconfig).into();
        remote::start(id, text, self.insecure.clone(), (self.rate, self.doubt), (self.readers, self.news.clone()))
    }

    fn stop(&mut self, id: &Str) {
        if let Some(running) = self.running.remove(id) {
            self.events.extend(running.known.into_iter().map(Event::Delete));
            self.watcher.cluster(id, Status::Closed, self.running.len());
        }
    }

    fn take(&mut self, news: News) {
        let Some(running) = self.running.get_mut(&news.cluster) else { return };
        let is_next = running.next.as_ref().is_some_and(|next| next.number == news.reader);
        if !is_next && running.reader.number != news.reader {
            return;
        }
        match news.what {
            What::Unusable(why) => {
                let severity = Severity::Error;
                let wrong = vec![finding(&running.secret, &news.cluster, severity, "bad-kubeconfig", &why)];
                match running.next.as_mut().filter(|_| is_next) {
                    Some(next) => next.findings = wrong,
                    None => (running.reader.findings, running.status) = (wrong, Status::Closed),
                }
            }
            What::Delivery(delivery) => {
                let complete = delivery.events.contains(&Event::Synced);
                if let Some(mut next) = running.next.take_if(|_| is_next) {
                    if !complete {
                        next.findings = delivery.findings.to_vec();
                        running.next = Some(next);
                        return;
                    }
                    let there: BTreeSet<Key> = delivery.events.iter().filter_map(upserted).collect();
                    let gone = running.known.difference(&there).cloned().map(Event::Delete);
                    self.events.extend(gone.collect::<Vec<_>>());
                    running.known.retain(|key| there.contains(key));
                    // The one before ends here.
                    running.reader = next;
                }
                running.reader.findings = delivery.findings.to_vec();
                if complete {
                    running.status = Status::Synced;
                }
                for event in delivery.events {
                    match &event {
                        Event::Upsert(object) => drop(running.known.insert(object.key())),
                        Event::Delete(key) => drop(running.known.remove(key)),
                        Event::Synced => continue,
                    }
                    self.events.push(event);
                }
            }
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
            secret: format!("{}/{}", running.secret.namespace, running.secret.name).into(),
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

impl Running {
    /// What is wrong with it, as something that the Secret leads to.
    fn findings(&self, id: &Str, timeout: Duration) -> Vec<Finding> {
        let readers = std::iter::once(&self.reader).chain(&self.next);
        let mut all: Vec<Finding> = readers.flat_map(|reader| &reader.findings).cloned().collect();
        for finding in all.iter_mut().filter(|finding| finding.code != "bad-kubeconfig") {
            // Objects of other clusters may have the names of own ones.
            finding.text = match finding.object.name.is_empty() {
                true => format!("cluster {id}: {}", finding.text).into(),
                false => format!("cluster {id}: {finding}").into(),
            };
            (finding.object, finding.field) = (object_ref(&self.secret), field(id));
        }
        if self.status == Status::Timeout {
            let late =
                format!("cluster {id} was not read within {} s; proxies are served without it", timeout.as_secs());
            all.push(finding(&self.secret, id, Severity::Error, "late-cluster", &late));
        }
        all
    }
}

fn leads_to(secret: Option<&Arc<Object>>, id: &Str) -> bool {
    secret.is_some_and(|secret| matches!(&secret.spec, Spec::Secret(spec) if spec.data.contains_key(id)))
}

fn upserted(event: &Event) -> Option<Key> {
    match event {
        Event::Upsert(object) => Some(object.key()),
        Event::Delete(_) | Event::Synced => None,
    }
}

fn finding(secret: &Key, id: &Str, severity: Severity, code: &'static str, text: &str) -> Finding {
    Finding { object: object_ref(secret), field: field(id), severity, code, text: text.into() }
}

fn object_ref(secret: &Key) -> ObjectRef {
    ObjectRef {
        kind: secret.kind.as_str().into(),
        namespace: secret.namespace.str().clone(),
        name: secret.name.clone(),
        file: None,
    }
}

fn field(id: &Str) -> Str {
    format!("data.{id}").into()
}
