//! What follows from what was read, and from what could not be read.

use std::time::Instant;

use tracing::debug;

use super::{Reflector, Step};
use crate::base::{Finding, ObjectRef, Severity, Str};
use crate::source::Event;
use crate::source::kube::answer::Item;
use crate::source::kube::client::Error;

impl Reflector {
    /// Takes in the list as a whole.
    pub(super) async fn replace(&mut self, items: Vec<Item>) {
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
    pub(super) async fn well(&mut self) {
        self.failures = 0;
        if self.trouble.take().is_some() {
            self.say(Vec::new(), true).await;
        }
    }

    /// The server does not answer, or says no.
    pub(super) async fn note(&mut self, error: &Error) {
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
        let unread = !self.listed;
        self.listed |= self.resource.optional && error.code() == 403;
        // A watch that breaks off and begins again is nothing to speak of.
        if self.trouble.is_none() && (self.failures > 1 || unread) {
            self.trouble = Some(self.finding(error));
            self.say(Vec::new(), true).await;
        }
    }

    pub(super) fn finding(&self, error: &Error) -> Finding {
        let kind = Str::from(self.resource.kind.as_str());
        let spared = self.resource.optional && error.code() == 403;
        let instead = match self.listed {
            true if spared && self.ledger.len() == 0 => "there are none of them until they may be read",
            true => "what was last read stays in force",
            false if self.resource.cluster.is_empty() => "nothing is served until it can be read",
            false => "its services are not known until it can be read",
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
        let severity = if spared { Severity::Warning } else { Severity::Error };
        Finding { object, field: Str::new(), severity, code, text: Str::from(text) }
    }

    pub(super) async fn tell(&mut self, events: Vec<Event>) {
        let news = self.ledger.take_news();
        self.say(events, news).await;
    }

    pub(super) async fn say(&mut self, events: Vec<Event>, news: bool) {
        let findings = news.then(|| self.ledger.findings().chain(self.trouble.clone()).collect());
        let step = Step { list: self.list, events, findings, listed: self.listed };
        // Nobody listens any more: `run` ends.
        let _ = self.around.steps.send(step).await;
    }
}
