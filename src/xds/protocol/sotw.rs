//! The state-of-the-world face: each request lists the whole subscription.

use std::sync::Arc;

use roaring::RoaringBitmap;

use crate::wire::{Names, ResourceType};

use super::interest::{Asked, Interest};
use super::watch::Watch;
use super::{Note, Request, Session, Violation};

const WILDCARD: &str = "*";

pub(super) fn on_request(s: &mut Session, kind: ResourceType, request: &Request) -> Result<Note, Violation> {
    if s.watch(kind).is_none() || request.nonce.is_empty() {
        begin(s, kind, request);
        return Ok(Note::Subscribed(kind));
    }
    let note = s.on_answer(kind, request);
    // A client sends its list again with every answer, so one beside a stale nonce is not lost.
    if !matches!(note, Note::Stale(_)) {
        change(s, kind, request);
    }
    Ok(note)
}

/// A request that answers nothing: the first of a type, or one as if it were. All of it is answered.
fn begin(s: &mut Session, kind: ResourceType, request: &Request) {
    if request.subscribe.is_empty() && !kind.is_wildcard() {
        s.watches[kind as usize] = None;
        return;
    }
    let target = s.target.of(kind);
    let interest = listed(request, kind.is_wildcard(), s.cache.names()).0;
    let watch = s.watches[kind as usize].get_or_insert_with(|| Watch::new(target.clone(), Interest::default()));
    watch.interest = Arc::new(interest);
    watch.owe_all(&RoaringBitmap::new());
    watch.owed.answer = true;
}

/// The list beside an answer: names that were not in the last one are answered, and no names at all end a
/// subscription to names.
fn change(s: &mut Session, kind: ResourceType, request: &Request) {
    if request.subscribe.is_empty() && !kind.is_wildcard() {
        s.watches[kind as usize] = None;
        return;
    }
    let Some(watch) = s.watches[kind as usize].as_mut() else { return };
    let was = watch.interest.clone();
    let (interest, asked) = listed(request, was.is_wildcard(), s.cache.names());
    for name in asked {
        match name {
            Asked::Known(id) if !was.names(id) => drop(watch.owed.ids.insert(id.0)),
            Asked::Unknown(name) if !was.has_unknown(&name) => watch.owed.answer = true,
            _ => {}
        }
    }
    let widened = interest.is_wildcard() && !was.is_wildcard();
    watch.interest = Arc::new(interest);
    if widened {
        watch.owe_all(&RoaringBitmap::new());
        watch.owed.answer = true;
    }
}

/// The subscription that a request lists. `empty_is_all` tells what it means to name nothing.
fn listed(request: &Request, empty_is_all: bool, names: &Names) -> (Interest, Vec<Asked>) {
    let mut interest = Interest::default();
    let list = request.subscribe.iter().filter(|n| ***n != *WILDCARD);
    let asked: Vec<Asked> = list.map(|name| interest.subscribe(name, names)).collect();
    interest.set_wildcard(if request.subscribe.is_empty() {
        empty_is_all
    } else {
        asked.len() < request.subscribe.len()
    });
    (interest, asked)
}
