//! Puts what all lists say together, into deliveries.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::mpsc::{Receiver, Sender};
use tokio::sync::{Notify, mpsc, watch};

use super::client::Client;
use super::clusters::Clusters;
use super::reflector::{Around, Reflector, Step};
use super::resource::Resource;
use super::settings::{self, Role, Settings};
use super::{Options, Watcher, discovery};
use crate::api::Kind;
use crate::base::Finding;
use crate::source::{Delivery, Event};

/// So many steps wait while a delivery is made; the readers wait then.
const STEPS: usize = 256;

/// What the lists have said and nobody has been told yet.
pub(super) struct Desk {
    lists: Vec<List>,
    settings: Settings,
    /// Where the mesh config is in files: whether they said anything, and what is wrong with them.
    files: Option<(bool, Vec<Finding>)>,
    events: Vec<Event>,
    /// What happened to the Secrets that lead to other clusters.
    secrets: Vec<Event>,
    /// What is wrong with other clusters.
    elsewhere: Vec<Finding>,
    /// Whether other clusters are waited for.
    waits: bool,
    /// Whether `findings` of a list, or of the settings, are others than delivered.
    news: bool,
    synced: bool,
}

/// What a list is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// Objects of the mesh.
    Objects,
    /// A ConfigMap of the mesh.
    Settings(Role),
    /// The Secrets that lead to other clusters.
    Clusters,
}

/// What is known of a list.
struct List {
    purpose: Use,
    listed: bool,
    findings: Vec<Finding>,
}

/// Reads everything, and delivers until nobody takes deliveries any more.
pub(super) async fn run(
    client: Arc<Client>,
    options: Options,
    watcher: Arc<dyn Watcher>,
    mut files: Option<Receiver<Delivery>>,
    deliveries: Sender<Delivery>,
) {
    let lists = lists(&options, files.is_none());
    let mut desk = Desk::new(lists.iter().map(|(_, purpose)| *purpose), files.is_none());
    let mut clusters = Clusters::new(&options, watcher.clone());
    let lists = lists.into_iter().map(|(resource, _)| resource);
    let mut inbox = read_all(client, lists, watcher, options.revision.into(), options.doubt);
    loop {
        tokio::select! {
            step = inbox.recv() => {
                let Some(step) = step else { return };
                desk.take_all(step, &mut inbox);
                clusters.take_secrets(std::mem::take(&mut desk.secrets));
            }
            () = clusters.changed() => {}
            Some(delivery) = read(&mut files) => desk.take_files(delivery),
            permit = deliveries.reserve(), if desk.has_news() => match permit {
                Ok(permit) => permit.send(desk.delivery()),
                Err(_) => return,
            },
            () = deliveries.closed() => return,
        }
        desk.take_clusters(&mut clusters);
    }
}

/// Reads lists, each in a task of its own, until nobody takes what they say.
pub(super) fn read_all(
    client: Arc<Client>,
    lists: impl Iterator<Item = Resource>,
    watcher: Arc<dyn Watcher>,
    revision: Arc<str>,
    doubt: std::time::Duration,
) -> mpsc::Receiver<Step> {
    let (steps, inbox) = mpsc::channel(STEPS);
    let nudge = Arc::new(Notify::new());
    let (tell, known) = watch::channel(None);
    let lists: Vec<Resource> = lists.collect();
    // Where only Kubernetes' own kinds are read, nobody asks which others there are.
    let wanted: Vec<Kind> = lists.iter().map(|list| list.kind).filter(|kind| kind.is_istio()).collect();
    if !wanted.is_empty() {
        tokio::spawn(discovery::run(client.clone(), wanted, tell, nudge.clone()));
    }
    let around = Around { client, known, nudge, steps, watcher, revision, doubt };
    for (list, resource) in lists.into_iter().enumerate() {
        tokio::spawn(Reflector::new(around.clone(), list, resource).run());
    }
    inbox
}

/// What files say next; nothing, ever, where there are none.
async fn read(files: &mut Option<Receiver<Delivery>>) -> Option<Delivery> {
    match files {
        Some(files) => files.recv().await,
        None => None,
    }
}

/// All that is read.
fn lists(options: &Options, maps: bool) -> Vec<(Resource, Use)> {
    let mut lists: Vec<_> = Kind::all().map(|kind| (Resource::all(kind), Use::Objects)).collect();
    if options.remotes.folder.is_none() {
        lists.push((Resource::clusters(&options.namespace), Use::Clusters));
    }
    let map = |name: &str| Resource::config_map(&options.namespace, name);
    if maps {
        lists.push((map(&settings::name(&options.revision)), Use::Settings(Role::Own)));
    }
    if !options.shared_mesh.is_empty() {
        lists.push((map(&options.shared_mesh), Use::Settings(Role::Shared)));
    }
    lists
}

impl Desk {
    pub(super) fn new(lists: impl Iterator<Item = Use>, maps: bool) -> Self {
        let lists = lists.map(|purpose| List { purpose, listed: false, findings: Vec::new() }).collect();
        let files = (!maps).then(|| (false, Vec::new()));
        Self {
            lists,
            settings: Settings::new(),
            files,
            events: Vec::new(),
            secrets: Vec::new(),
            elsewhere: Vec::new(),
            waits: false,
            news: false,
            synced: false,
        }
    }

    /// Takes a step, and all that wait behind it.
    pub(super) fn take_all(&mut self, first: Step, inbox: &mut mpsc::Receiver<Step>) {
        self.take(first);
        while let Ok(step) = inbox.try_recv() {
            self.take(step);
        }
    }

    pub(super) fn take(&mut self, step: Step) {
        let list = &mut self.lists[step.list];
        list.listed = step.listed;
        if let Some(findings) = step.findings
            && findings != list.findings
        {
            list.findings = findings;
            self.news = true;
        }
        match list.purpose {
            Use::Clusters => self.secrets.extend(step.events),
            Use::Settings(role) => {
                for event in step.events {
                    match event {
                        Event::Upsert(map) => self.settings.take(role, Some(map)),
                        Event::Delete(_) => self.settings.take(role, None),
                        Event::Synced => {}
                    }
                    self.news = true;
                }
            }
            Use::Objects => self.events.extend(step.events),
        }
    }

    /// What the files of the mesh config say. They hold no objects.
    pub(super) fn take_files(&mut self, delivery: Delivery) {
        if let Some(update) = delivery.mesh {
            self.settings.take_file(update);
        }
        self.files = Some((true, delivery.findings.to_vec()));
        self.news = true;
    }

    /// What other clusters say, and whether they are waited for.
    fn take_clusters(&mut self, clusters: &mut Clusters) {
        self.events.extend(clusters.take_events());
        self.waits = clusters.waits();
        if let Some(findings) = clusters.take_findings() {
            self.elsewhere = findings;
            self.news = true;
        }
    }

    fn complete(&self) -> bool {
        let mesh = self.files.as_ref().is_none_or(|(read, _)| *read);
        self.synced || mesh && !self.waits && self.lists.iter().all(|list| list.listed)
    }

    /// Whether there is something to deliver. Until everything has been listed once, only findings are.
    pub(super) fn has_news(&self) -> bool {
        self.news || self.complete() && (!self.synced || !self.events.is_empty())
    }

    pub(super) fn delivery(&mut self) -> Delivery {
        self.news = false;
        let of_files = self.files.iter().flat_map(|(_, findings)| findings);
        let of_settings = self.settings.findings().iter().chain(of_files).cloned().collect::<Vec<_>>();
        // What is wrong with all kinds alike is said once.
        let findings: BTreeSet<Finding> =
            self.lists.iter().flat_map(|list| list.findings.iter().cloned()).chain(of_settings).collect();
        let findings = findings.into_iter().chain(self.elsewhere.iter().cloned()).collect::<BTreeSet<_>>();
        let findings = findings.into_iter().collect();
        if !self.complete() {
            return Delivery { events: Vec::new(), mesh: None, findings };
        }
        let mut events = std::mem::take(&mut self.events);
        if !std::mem::replace(&mut self.synced, true) {
            events.push(Event::Synced);
        }
        let mesh = self.settings.take_changed();
        Delivery { events, mesh, findings }
    }
}

#[cfg(test)]
mod tests;
