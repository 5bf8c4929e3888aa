//! Puts what all lists say together, into deliveries.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::mpsc::{Receiver, Sender};
use tokio::sync::{Notify, mpsc, watch};

use super::client::Client;
use super::reflector::{Around, Reflector, Step};
use super::resource::Resource;
use super::settings::{self, Role, Settings};
use super::{Options, Watcher, discovery};
use crate::api::Kind;
use crate::base::Finding;
use crate::source::{Delivery, Event, MeshUpdate};

/// So many steps wait while a delivery is made; the readers wait then.
const STEPS: usize = 256;

/// What the lists have said and nobody has been told yet.
pub(super) struct Desk {
    lists: Vec<List>,
    settings: Mesh,
    events: Vec<Event>,
    /// Whether `findings` of a list, or of the settings, are others than delivered.
    news: bool,
    synced: bool,
}

/// Where the mesh config is from.
enum Mesh {
    Maps(Settings),
    /// Files: what they said last, if it was not delivered yet; whether they said anything; what is wrong with them.
    Files {
        update: Option<MeshUpdate>,
        read: bool,
        findings: Vec<Finding>,
    },
}

/// What is known of a list.
struct List {
    /// What it is for, if it is one of the ConfigMaps of the mesh.
    role: Option<Role>,
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
    let (steps, mut inbox) = mpsc::channel(STEPS);
    let nudge = Arc::new(Notify::new());
    let (tell, known) = watch::channel(None);
    tokio::spawn(discovery::run(client.clone(), tell, nudge.clone()));
    let lists = lists(&options, files.is_none());
    let mut desk = Desk::new(lists.iter().map(|(_, role)| *role), files.is_none());
    let around =
        Around { client, known, nudge, steps, watcher, revision: options.revision.into(), doubt: options.doubt };
    for (list, (resource, _)) in lists.into_iter().enumerate() {
        tokio::spawn(Reflector::new(around.clone(), list, resource).run());
    }
    drop(around);
    loop {
        tokio::select! {
            step = inbox.recv() => {
                let Some(step) = step else { return };
                desk.take(step);
                while let Ok(step) = inbox.try_recv() {
                    desk.take(step);
                }
            }
            Some(delivery) = read(&mut files) => desk.take_files(delivery),
            permit = deliveries.reserve(), if desk.has_news() => match permit {
                Ok(permit) => permit.send(desk.delivery()),
                Err(_) => return,
            },
            () = deliveries.closed() => return,
        }
    }
}

/// What files say next; nothing, ever, where there are none.
async fn read(files: &mut Option<Receiver<Delivery>>) -> Option<Delivery> {
    match files {
        Some(files) => files.recv().await,
        None => None,
    }
}

/// All that is read.
fn lists(options: &Options, maps: bool) -> Vec<(Resource, Option<Role>)> {
    let mut lists: Vec<_> = Kind::all().map(|kind| (Resource::all(kind), None)).collect();
    if maps {
        let map = |name: &str| Resource::config_map(&options.namespace, name);
        lists.push((map(&settings::name(&options.revision)), Some(Role::Own)));
        if !options.shared_mesh.is_empty() {
            lists.push((map(&options.shared_mesh), Some(Role::Shared)));
        }
    }
    lists
}

impl Desk {
    pub(super) fn new(lists: impl Iterator<Item = Option<Role>>, maps: bool) -> Self {
        let lists = lists.map(|role| List { role, listed: false, findings: Vec::new() }).collect();
        let settings = match maps {
            true => Mesh::Maps(Settings::new()),
            false => Mesh::Files { update: None, read: false, findings: Vec::new() },
        };
        Self { lists, settings, events: Vec::new(), news: false, synced: false }
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
        match (list.role, &mut self.settings) {
            (Some(role), Mesh::Maps(settings)) => {
                for event in step.events {
                    match event {
                        Event::Upsert(map) => settings.take(role, Some(map)),
                        Event::Delete(_) => settings.take(role, None),
                        Event::Synced => {}
                    }
                    self.news = true;
                }
            }
            _ => self.events.extend(step.events),
        }
    }

    /// What the files of the mesh config say. They hold no objects.
    pub(super) fn take_files(&mut self, delivery: Delivery) {
        if let Mesh::Files { update, read, findings } = &mut self.settings {
            *update = delivery.mesh.or_else(|| update.take());
            *read = true;
            *findings = delivery.findings.to_vec();
            self.news = true;
        }
    }

    fn complete(&self) -> bool {
        let mesh = !matches!(self.settings, Mesh::Files { read: false, .. });
        mesh && self.lists.iter().all(|list| list.listed)
    }

    /// Whether there is something to deliver. Until everything has been listed once, only findings are.
    pub(super) fn has_news(&self) -> bool {
        self.news || self.complete() && (!self.synced || !self.events.is_empty())
    }

    pub(super) fn delivery(&mut self) -> Delivery {
        self.news = false;
        let of_settings = match &self.settings {
            Mesh::Maps(settings) => settings.findings().to_vec(),
            Mesh::Files { findings, .. } => findings.clone(),
        };
        // What is wrong with all kinds alike is said once.
        let findings: BTreeSet<Finding> =
            self.lists.iter().flat_map(|list| list.findings.iter().cloned()).chain(of_settings).collect();
        let findings = findings.into_iter().collect();
        if !self.complete() {
            return Delivery { events: Vec::new(), mesh: None, findings };
        }
        let mut events = std::mem::take(&mut self.events);
        if !std::mem::replace(&mut self.synced, true) {
            events.push(Event::Synced);
        }
        let mesh = match &mut self.settings {
            Mesh::Maps(settings) => settings.take_changed().map(|mesh| MeshUpdate { mesh }),
            Mesh::Files { update, .. } => update.take(),
        };
        Delivery { events, mesh, findings }
    }
}

#[cfg(test)]
mod tests;
