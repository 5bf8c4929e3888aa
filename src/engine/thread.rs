//! The thread that owns a [`Core`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use crate::api::Key;
use crate::api::mesh::MeshConfig;
use crate::base::Finding;
use crate::plan::ProxyId;
use crate::store::Event;

use super::core::{Core, Settled};

/// How long to wait for a quiet moment (Istio's `PILOT_DEBOUNCE_AFTER` and `PILOT_DEBOUNCE_MAX`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Debounce {
    /// So long nothing must have come.
    pub quiet: Duration,
    /// After so long it is taken in all the same.
    pub longest: Duration,
}

impl Default for Debounce {
    fn default() -> Self {
        Self { quiet: Duration::from_millis(100), longest: Duration::from_secs(10) }
    }
}

/// What a source has to say.
pub struct Input {
    /// Objects that came, changed or went.
    pub events: Vec<Event>,
    /// New settings of the mesh.
    pub mesh: Option<MeshConfig>,
    /// All that the source finds wrong now.
    pub findings: Arc<[Finding]>,
}

type Task = Box<dyn FnOnce(&mut Core) + Send>;

enum Command {
    Input(Box<Input>),
    Task(Task),
}

/// A hold on the thread. It ends when the last hold is dropped.
#[derive(Clone)]
pub struct Engine {
    commands: Sender<Command>,
}

impl Engine {
    /// Starts the thread. `settled` is called on it after each revision, with the moment when the first of the events
    /// in it had come.
    pub fn spawn(
        core: Core,
        debounce: Debounce,
        settled: impl FnMut(&mut Core, Settled, Instant) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (commands, inbox) = channel();
        std::thread::Builder::new().name("engine".to_owned()).spawn(move || run(core, debounce, &inbox, settled))?;
        Ok(Self { commands })
    }

    /// Passes on what a source has to say. Cheap; it is taken in after a quiet moment.
    pub fn input(&self, input: Input) {
        // The thread only ends with the last sender, so that this cannot fail while we hold one.
        let _ = self.commands.send(Command::Input(Box::new(input)));
    }

    /// Runs something with the core, between revisions, and waits for what it gives. `None` when the thread is gone.
    pub async fn with<T: Send + 'static>(&self, task: impl FnOnce(&mut Core) -> T + Send + 'static) -> Option<T> {
        let (answer, result) = tokio::sync::oneshot::channel();
        self.tell(move |core| drop(answer.send(task(core))));
        result.await.ok()
    }

    /// Runs something with the core, between revisions, and does not wait.
    pub fn tell(&self, task: impl FnOnce(&mut Core) + Send + 'static) {
        let _ = self.commands.send(Command::Task(Box::new(task)));
    }

    /// A proxy is gone.
    pub fn leave(&self, id: ProxyId) {
        self.tell(move |core| core.leave(id));
    }
}

/// When what has come is due.
struct Pending {
    first: Instant,
    last: Instant,
    /// When each object was first heard of. Of the first state nothing is noted: it is many objects, and no change.
    heard: BTreeMap<Key, Instant>,
}

impl Pending {
    fn since(first: Instant) -> Self {
        Self { first, last: first, heard: BTreeMap::new() }
    }

    fn hear(&mut self, events: &[Event], now: Instant) {
        for event in events {
            let key = match event {
                Event::Upsert(object) => object.key(),
                Event::Delete(key) => key.clone(),
                Event::Synced => continue,
            };
            self.heard.entry(key).or_insert(now);
        }
    }

    fn due(&self, debounce: Debounce) -> Instant {
        (self.last + debounce.quiet).min(self.first + debounce.longest)
    }
}

fn run(
    mut core: Core,
    debounce: Debounce,
    inbox: &Receiver<Command>,
    mut settled: impl FnMut(&mut Core, Settled, Instant),
) {
    let mut pending: Option<Pending> = None;
    loop {
        let command = match &pending {
            None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(p) => inbox.recv_timeout(p.due(debounce).saturating_duration_since(Instant::now())),
        };
        match command {
            Ok(Command::Input(input)) => {
                let now = Instant::now();
                // The first state is wanted at once: nothing can be served before it.
                let first = !core.synced();
                let mut waiting = pending.take().unwrap_or_else(|| Pending::since(now));
                waiting.last = now;
                if !first {
                    waiting.hear(&input.events, now);
                }
                core.note(input.events, input.mesh, input.findings);
                if first && core.synced() {
                    settle(&mut core, waiting, &mut settled);
                } else {
                    pending = Some(waiting);
                }
            }
            Ok(Command::Task(task)) => task(&mut core),
            Err(RecvTimeoutError::Timeout) => {
                if let Some(waiting) = pending.take() {
                    settle(&mut core, waiting, &mut settled);
                }
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn settle(core: &mut Core, pending: Pending, settled: &mut impl FnMut(&mut Core, Settled, Instant)) {
    let began = Instant::now();
    let mut outcome = core.settle();
    outcome.took = began.elapsed();
    for changed in &mut outcome.changed {
        changed.at = pending.heard.get(&changed.key).copied();
    }
    settled(core, outcome, pending.first);
}
