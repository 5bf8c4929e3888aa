//! Reading: in pages, or as a watch that begins with the list.

use std::time::Duration;

use tracing::debug;

use super::{Reflector, until};
use crate::base::Str;
use crate::source::Event;
use crate::source::kube::answer::{Event as Heard, Item, Reading};
use crate::source::kube::client::Error;
use crate::source::kube::lines::Lines;

pub(super) const JSON: &str = "application/json";
/// The objects of a page, as client-go asks for.
const PAGE: usize = 500;
/// A watch is asked to end after this many seconds, to twice as many.
const WATCH: f64 = 300.0;

impl Reflector {
    /// Reads the list in pages. Where the list changed so much that no further page can be had, it is read as one.
    pub(super) async fn read_pages(&mut self, version: &str) -> Result<(), Error> {
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
    pub(super) async fn watch(&mut self, version: &'static str) -> Result<(), Error> {
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
                // Doubt is over: what does the server say now? While a list is read, it is being told.
                () = until(due), if listing.is_none() => {
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

    pub(super) fn read_in_pages_from_now_on(&mut self, error: &Error) -> Result<(), Error> {
        debug!("{}: {error}; reading in pages", self.resource.kind);
        self.streams = false;
        Ok(())
    }

    pub(super) async fn heard(&mut self, event: Option<Event>, version: Str) {
        self.version = Some(version);
        self.tell(event.into_iter().collect()).await;
    }

    pub(super) fn reading<'a>(&'a self, api_version: &'a str) -> Reading<'a> {
        Reading { resource: &self.resource, api_version, revision: &self.around.revision }
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
