//! One list, read and watched for ever.

mod read;
mod tell;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, mpsc};

use super::Watcher;
use super::backoff::Backoff;
use super::client::{Client, Error};
use super::discovery::Known;
use super::ledger::Ledger;
use super::resource::Resource;
use crate::base::{Finding, Str};
use crate::source::Event;
use read::JSON;

/// A watch that lasted so long was a good one: the next begins at once.
const GOOD: Duration = Duration::from_millis(500);

/// What a list has to say.
#[derive(Debug)]
pub(super) struct Step {
    /// Which list.
    pub(super) list: usize,
    /// What happened; a list that was read anew is one step.
    pub(super) events: Vec<Event>,
    /// All that is wrong with it, if that is something else than before.
    pub(super) findings: Option<Vec<Finding>>,
    /// Whether it has been read as a whole once.
    pub(super) listed: bool,
}

/// What a reflector needs of the others.
#[derive(Clone)]
pub(super) struct Around {
    pub(super) client: Arc<Client>,
    pub(super) known: Known,
    /// Asks for what is served at once.
    pub(super) nudge: Arc<Notify>,
    pub(super) steps: mpsc::Sender<Step>,
    pub(super) watcher: Arc<dyn Watcher>,
    pub(super) revision: Arc<str>,
    pub(super) doubt: Duration,
}

/// One list.
pub(super) struct Reflector {
    around: Around,
    list: usize,
    resource: Resource,
    ledger: Ledger,
    /// Where a watch goes on; without one, the list is read anew.
    version: Option<Str>,
    /// Whether the server sends the list as the beginning of the watch.
    streams: bool,
    listed: bool,
    backoff: Backoff,
    /// How many tries failed, one after the other.
    failures: u32,
    trouble: Option<Finding>,
}

impl Reflector {
    pub(super) fn new(around: Around, list: usize, resource: Resource) -> Self {
        let ledger = Ledger::new(resource.kind.as_str(), around.doubt);
        Self {
            around,
            list,
            resource,
            ledger,
            version: None,
            streams: true,
            listed: false,
            backoff: Backoff::new(),
            failures: 0,
            trouble: None,
        }
    }

    /// Reads until nobody listens.
    pub(super) async fn run(mut self) {
        let steps = self.around.steps.clone();
        tokio::select! {
            () = steps.closed() => {}
            () = async { loop { self.turn().await } } => {}
        }
    }

    /// Reads until something ends it, and waits as long as that calls for.
    async fn turn(&mut self) {
        let began = Instant::now();
        match self.round().await {
            Ok(()) if began.elapsed() > GOOD || !self.listed => self.backoff.reset(),
            Ok(()) => tokio::time::sleep(self.backoff.wait() / 4).await,
            Err(error) => {
                self.note(&error).await;
                if began.elapsed() > GOOD {
                    self.backoff.reset();
                }
                tokio::time::sleep(self.backoff.wait()).await;
            }
        }
    }

    async fn round(&mut self) -> Result<(), Error> {
        let version = match self.served().await {
            Some(version) => version,
            None => match self.serves_after_all().await? {
                Some(version) => version,
                None => return self.absent().await,
            },
        };
        if self.version.is_none() && !self.streams {
            self.read_pages(version).await?;
        }
        self.watch(version).await
    }

    /// The version in which the kind is served; waits until that is known.
    async fn served(&mut self) -> Option<&'static str> {
        if !self.resource.kind.is_istio() {
            return Some("v1");
        }
        let known = self.around.known.wait_for(Option::is_some).await.ok()?;
        known.as_ref().and_then(|served| served.get(&self.resource.kind).copied())
    }

    /// The version in which a kind is served that is not among those that the server says it serves. Right after its
    /// start it may not say all; only to be asked for a list and not to know it (404, and not 503) is its last word.
    async fn serves_after_all(&self) -> Result<Option<&'static str>, Error> {
        let version = self.resource.kind.versions()[0];
        let path = format!("{}&limit=1", self.resource.path(version));
        match self.around.client.read(&path, JSON, None).await {
            Ok(_) => Ok(Some(version)),
            Err(error) if error.code() == 404 => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// There is no such kind: it has no objects. Waits until there may be.
    async fn absent(&mut self) -> Result<(), Error> {
        self.replace(Vec::new()).await;
        self.version = None;
        let due = self.ledger.due();
        tokio::select! {
            _ = self.around.known.changed() => {}
            () = until(due) => {}
        }
        Ok(())
    }
}

/// Waits until then; for ever, if there is no such time.
pub(super) async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}
