//! One list, read and watched for ever.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, mpsc};
use tracing::debug;

use super::Watcher;
use super::answer::{Event as Heard, Item, Reading};
use super::backoff::Backoff;
use super::client::{Client, Error};
use super::discovery::Known;
use super::ledger::Ledger;
use super::lines::Lines;
use super::resource::Resource;
use crate::base::{Finding, ObjectRef, Severity, Str};
use crate::source::Event;

const JSON: &str = "application/json";
/// The objects of a page, as client-go asks for.
const PAGE: usize = 500;
/// A watch is asked to end after this many seconds, to twice as many.
const WATCH: f64 = 300.0;
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
        let Some(version) = self.served().await else { return self.absent().await };
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

    /// Reads the list in pages. Where the list changed so much that no further page can be had, it is read as one.
    async fn read_pages(&mut self, version: &str) -> Result<(), Error> {
        let mut items: Vec<Item> = Vec::new();
        let (mut next, mut limit) = (String::new(), PAGE);
        loop {
            let token: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
            let path = format!("{}&limit={limit}&continue={token}", self.resource.path(version));
            let body = match self.around.client.read(&path, JSON, None).await {
                Ok(answer) => answer.body,
                Err(e) if e.code() == 410 && !next.is_empty() => {
                    (next, limit) = (String::new(), 0);
                    items.clear();
                    continue;
                }
                Err(e) => return Err(e),
            };
            let api_version = self.resource.api_version(version);
            let page = self.reading(&api_version).page(&body).map_err(unreadable)?;
            items.extend(page.items);
            if page.next.is_empty() {
                self.replace(items).await;
                self.version = Some(page.version);
                return Ok(());
            }
            next = page.next;
        }
    }

    /// Watches until the watch ends, beginning with the list where there is no version to go on from.
    async fn watch(&mut self, version: &'static str) -> Result<(), Error> {
        let seconds = (WATCH * (1.0 + self.backoff.chance())) as u64;
        let path = self.resource.path(version);
        let mut path = format!("{path}&watch=1&allowWatchBookmarks=true&timeoutSeconds={seconds}");
        let mut listing = match &self.version {
            Some(from) => {
                path.push_str(&format!("&resourceVersion={from}"));
                None
            }
            None => {
                path.push_str("&sendInitialEvents=true&resourceVersionMatch=NotOlderThan");
                Some(Vec::new())
            }
        };
        let answer = match self.around.client.get(&path, JSON).await {
            Err(error) if listing.is_some() && cannot_stream(&error) => return self.read_in_pages_from_now_on(&error),
            answer => answer?,
        };
        let api_version = self.resource.api_version(version);
        let silence = Duration::from_secs(seconds + 30);
        let mut lines = Lines::new(answer.into_body());
        if listing.is_none() {
            self.well().await;
        }
        loop {
            let due = self.ledger.due();
            let line = tokio::select! {
                line = tokio::time::timeout(silence, lines.next()) => line,
                // Doubt is over: what does the server say now?
                () = until(due) => {
                    self.version = None;
                    return Ok(());
                }
            };
            let line = line.map_err(|_| Error::Unreachable("the watch is silent".to_owned()))?;
            let line = line.map_err(|e| Error::Unreachable(e.to_string()))?;
            let Some(line) = line else {
                let broken = || Error::Unreachable("the list breaks off".to_owned());
                return if listing.is_some() { Err(broken()) } else { Ok(()) };
            };
            let (heard, at) = self.reading(&api_version).event(&line).map_err(unreadable)?;
            match (heard, &mut listing) {
                (Heard::Error(status), _) => {
                    let error = status.into();
                    if listing.is_some() && cannot_stream(&error) {
                        return self.read_in_pages_from_now_on(&error);
                    }
                    return Err(error);
                }
                (Heard::There(item), Some(items)) => items.push(item),
                (Heard::Gone(key), Some(items)) => items.retain(|item| item.key != key),
                (Heard::Bookmark { version, listed: true }, Some(items)) => {
                    let items = std::mem::take(items);
                    listing = None;
                    self.replace(items).await;
                    self.version = Some(version);
                    self.backoff.reset();
                }
                (Heard::Bookmark { .. }, Some(_)) => {}
                (Heard::Bookmark { version, .. }, None) => self.version = Some(version),
                (Heard::There(item), None) => {
                    let event = self.ledger.there(item);
                    self.heard(event, at).await;
                }
                (Heard::Gone(key), None) => {
                    let event = self.ledger.gone(key);
                    self.heard(event, at).await;
                }
            }
        }
    }

    fn read_in_pages_from_now_on(&mut self, error: &Error) -> Result<(), Error> {
        debug!("{}: {error}; reading in pages", self.resource.kind);
        self.streams = false;
        Ok(())
    }

    async fn heard(&mut self, event: Option<Event>, version: Str) {
        self.version = Some(version);
        self.tell(event.into_iter().collect()).await;
    }

    fn reading<'a>(&'a self, api_version: &'a str) -> Reading<'a> {
        Reading { resource: &self.resource, api_version, revision: &self.around.revision }
    }

    /// Takes in the list as a whole.
    async fn replace(&mut self, items: Vec<Item>) {
        let events = self.ledger.replace(items, Instant::now());
        self.around.watcher.listed(self.resource.kind);
        self.around.watcher.held(self.resource.kind, self.ledger.held());
        debug!("{}: {} objects listed", self.resource.kind, self.ledger.len());
        self.listed = true;
        self.failures = 0;
        let news = self.trouble.take().is_some() | self.ledger.take_news();
        self.say(events, news).await;
    }

    /// The server answers.
    async fn well(&mut self) {
        self.failures = 0;
        if self.trouble.take().is_some() {
            self.say(Vec::new(), true).await;
        }
    }

    /// The server does not answer, or says no.
    async fn note(&mut self, error: &Error) {
        debug!("{}: {error}", self.resource.kind);
        match error {
            // It does not know any more what happened since: read the list anew.
            Error::Refused { code: 410, .. } => self.version = None,
            // It was restored to an older state, and waits in vain for ours.
            Error::Refused { code: 504, .. } => self.version = None,
            Error::Refused { code: 404, .. } => {
                self.version = None;
                self.around.nudge.notify_one();
            }
            _ => {}
        }
        if error.code() == 410 {
            return;
        }
        self.around.watcher.failed(self.resource.kind);
        self.failures += 1;
        // A watch that breaks off and begins again is nothing to speak of.
        if self.trouble.is_none() && (self.failures > 1 || !self.listed) {
            self.trouble = Some(self.finding(error));
            self.say(Vec::new(), true).await;
        }
    }

    fn finding(&self, error: &Error) -> Finding {
        let kind = Str::from(self.resource.kind.as_str());
        let instead = match self.listed {
            true => "what was last read stays in force",
            false => "nothing is served until it can be read",
        };
        let server = self.around.client.server();
        let (kind, code, text) = match error {
            Error::Refused { .. } => (kind, "refused", format!("the API server refuses the list: {error}; {instead}")),
            // Said once for all kinds, as long as the words are the same.
            Error::Unreachable(_) if self.listed => {
                (Str::new(), "api-server-away", format!("the API server {server} does not answer; {instead}"))
            }
            Error::Unreachable(why) => {
                (Str::new(), "api-server-away", format!("the API server {server} does not answer: {why}; {instead}"))
            }
        };
        let object = ObjectRef { kind, ..ObjectRef::default() };
        Finding { object, field: Str::new(), severity: Severity::Error, code, text: Str::from(text) }
    }

    async fn tell(&mut self, events: Vec<Event>) {
        let news = self.ledger.take_news();
        self.say(events, news).await;
    }

    async fn say(&mut self, events: Vec<Event>, news: bool) {
        let findings = news.then(|| self.ledger.findings().chain(self.trouble.clone()).collect());
        let step = Step { list: self.list, events, findings, listed: self.listed };
        // Nobody listens any more: `run` ends.
        let _ = self.around.steps.send(step).await;
    }
}

/// Whether a list as a stream is refused as such: by a server that does not know it or has it switched off, or whose
/// etcd is too old for it (500, "the required storage feature RequestWatchProgress is disabled").
fn cannot_stream(error: &Error) -> bool {
    matches!(error.code(), 400 | 422 | 500 | 501)
}

fn unreadable(error: serde_json::Error) -> Error {
    Error::Unreachable(format!("the answer cannot be read: {error}"))
}

/// Waits until then; for ever, if there is no such time.
async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}
