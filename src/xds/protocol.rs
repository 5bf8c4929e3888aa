//! The protocol of one stream, without IO and without a clock.
//!
//! Comes in: [`Session::on_request`], [`Session::on_publication`], and [`Session::give_up`] when an answer that
//! others wait for does not come. Goes out: [`Session::poll_response`], to be called until it has nothing more
//! whenever something came in.
//!
//! One core with two faces: `delta` and `sotw` read requests, `order` decides what is sent when, `watch` what is due.
//! Invariants: a type has one response in flight, and publications meanwhile are skipped, never queued; a
//! publication is delivered as a whole before a later one is begun; what a client was brought to is remembered
//! as the roots of shared maps.

mod delta;
mod interest;
mod order;
mod sotw;
mod watch;

#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};

use roaring::RoaringBitmap;

use crate::base::Str;
use crate::wire::{Assembly, Cache, NameId, Publication, ResourceType};

use super::request::{Face, Request};
use super::response::Response;

pub use interest::Interest;
pub use order::Wait;

use watch::Watch;

/// How much of a client's words about a refusal is kept: what Envoy writes at most.
const REASON_BYTES: usize = 4096;
/// How many names are kept of what was refused.
const REFUSED_NAMES: usize = 16;

/// What nonces and versions of a stream begin with.
#[derive(Clone, Debug)]
pub struct Labels {
    /// Unique to the stream, across restarts, so that a nonce of an earlier stream is not taken for one of this.
    pub nonce: Str,
    /// Tells the runs of the control plane apart; the revision follows. Of the incremental variant, for people.
    pub version: Str,
}

/// One stream of one client.
pub struct Session {
    face: Face,
    cache: Arc<Cache>,
    labels: Labels,
    /// What is being delivered.
    target: Arc<Publication>,
    /// Whether a response was made from `target`: then it is delivered as a whole before another is begun.
    begun: bool,
    /// What is delivered next.
    latest: Arc<Publication>,
    watches: [Option<Watch>; ResourceType::COUNT],
    /// Clusters sent before endpoints were asked for.
    unwarmed: RoaringBitmap,
    /// The client came back with clusters, so requests for listeners and routes are about to follow.
    returning: bool,
    /// How many responses were sent.
    sent: u64,
}

/// What a request was.
#[derive(Clone, Debug, PartialEq)]
pub enum Note {
    /// A subscription, or a change of one.
    Subscribed(ResourceType),
    /// The client accepted the latest response.
    Accepted(ResourceType),
    /// The client refused the latest response, or part of it.
    Refused(ResourceType, Arc<Rejection>),
    /// An answer to a response that is not the latest.
    Stale(ResourceType),
    /// A type that is not served: health reports of pilot-agent, extensions, anything else.
    Ignored,
}

/// A response that a client refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The nonce of the response.
    pub nonce: Str,
    /// The gRPC status code that the client gave.
    pub code: i32,
    /// The client's words.
    pub message: Str,
    /// Resources of the response that the words name; where they name none, the first of the response.
    pub names: Vec<Str>,
    /// What the refused resources follow from, once that is known, for people to read. It is for others to tell.
    pub cause: OnceLock<Str>,
}

impl Rejection {
    /// The resources that are refused for sure: those that the words name, or the only one there was.
    pub fn certain(&self) -> &[Str] {
        let named = |name: &Str| !name.is_empty() && self.message.contains(name.as_str());
        if self.names.len() == 1 || self.names.iter().all(named) { &self.names } else { &[] }
    }
}

/// Why a stream has to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// The client asks for more names than it could use; its configuration, or its intention, is broken.
    #[error("too many names without a resource are waiting for an answer")]
    TooManyNames,
}

/// The state of one type, for the debug pages.
#[derive(Clone, Debug)]
pub struct TypeState {
    /// What the client asks for.
    pub interest: Arc<Interest>,
    /// What it was brought to; those resources that it asks for.
    pub holds: Assembly,
    /// The nonce of the latest response; empty if there was none.
    pub nonce_sent: Str,
    /// The nonce that it accepted last.
    pub nonce_acked: Str,
    /// The version of the latest response.
    pub version: Str,
    /// The latest refusal, until something is accepted.
    pub rejection: Option<Arc<Rejection>>,
}

impl Session {
    /// A stream on which nothing was said yet, to a client that should hold `publication`.
    pub fn new(face: Face, cache: Arc<Cache>, labels: Labels, publication: Arc<Publication>) -> Self {
        Self {
            face,
            cache,
            labels,
            target: publication.clone(),
            begun: false,
            latest: publication,
            watches: Default::default(),
            unwarmed: RoaringBitmap::new(),
            returning: false,
            sent: 0,
        }
    }

    /// Takes in a request.
    ///
    /// # Errors
    /// When the stream has to end.
    pub fn on_request(&mut self, request: &Request) -> Result<Note, Violation> {
        let Some(kind) = ResourceType::from_url(&request.type_url) else { return Ok(Note::Ignored) };
        match self.face {
            Face::Delta => delta::on_request(self, kind, request),
            Face::Sotw => sotw::on_request(self, kind, request),
        }
    }

    /// What the client should hold from now on. One that is not yet begun is forgotten.
    pub fn on_publication(&mut self, publication: Arc<Publication>) {
        self.latest = publication;
        self.advance();
    }

    /// The revision that the client was sent in full, as far as it takes it; `None` while something is due.
    pub fn delivered(&self) -> Option<u64> {
        (Arc::ptr_eq(&self.target, &self.latest) && !self.is_behind()).then_some(self.target.revision)
    }

    /// The revision that the client was sent in full and of which every response is answered.
    pub fn answered(&self) -> Option<u64> {
        let waits = self.watches.iter().flatten().any(|watch| watch.flight.is_some());
        self.delivered().filter(|_| !waits)
    }

    /// The state of one type, if the client asked for it.
    pub fn state(&self, kind: ResourceType) -> Option<TypeState> {
        let watch = self.watch(kind)?;
        Some(TypeState {
            interest: watch.interest.clone(),
            holds: watch.base.clone(),
            nonce_sent: watch.nonce_sent.clone(),
            nonce_acked: watch.nonce_acked.clone(),
            version: watch.version.clone(),
            rejection: watch.rejection.clone(),
        })
    }

    fn watch(&self, kind: ResourceType) -> Option<&Watch> {
        self.watches[kind as usize].as_ref()
    }

    /// The clusters that the client was brought to; of one that did not ask for any, those that it should hold.
    fn clusters(&self) -> Assembly {
        self.watch(ResourceType::Cluster).map_or_else(|| self.target.of(ResourceType::Cluster), |w| &w.base).clone()
    }

    /// Takes in the answer to a response, if it is the latest of its type.
    fn on_answer(&mut self, kind: ResourceType, request: &Request) -> Note {
        let Some(watch) = self.watches[kind as usize].as_mut() else { return Note::Ignored };
        if *request.nonce != *watch.nonce_sent {
            return Note::Stale(kind);
        }
        let flight = watch.flight.take();
        watch.established = true;
        let Some(error) = &request.error else {
            watch.nonce_acked = watch.nonce_sent.clone();
            watch.rejection = None;
            return Note::Accepted(kind);
        };
        let ids = flight.map(|f| f.ids).unwrap_or_default();
        let message = Str::from(beginning(&error.message, REASON_BYTES));
        let named = named_in(&message, &ids, &self.cache);
        // Where a response holds everything there is nothing to be sent in parts.
        if self.face == Face::Delta || !kind.is_wildcard() {
            watch.probe(&ids, &named);
        }
        let names = if named.is_empty() { &ids } else { &named }.iter().take(REFUSED_NAMES);
        let names = names.map(|id| self.cache.names().name(NameId(id))).collect();
        let rejection = Arc::new(Rejection {
            nonce: watch.nonce_sent.clone(),
            code: error.code,
            message,
            names,
            cause: OnceLock::new(),
        });
        watch.rejection = Some(rejection.clone());
        Note::Refused(kind, rejection)
    }
}

/// As much of a text as fits into `max` bytes.
fn beginning(text: &str, max: usize) -> &str {
    let end = (0..=text.len().min(max)).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or_default()]
}

/// Those of `ids` whose names occur in a client's words.
fn named_in(message: &str, ids: &RoaringBitmap, cache: &Cache) -> RoaringBitmap {
    let named = |id: &u32| {
        let name = cache.names().name(NameId(*id));
        !name.is_empty() && message.contains(name.as_str())
    };
    ids.iter().filter(named).collect()
}
