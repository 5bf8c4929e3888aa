//! The incremental face: requests say what to add to a subscription and what to take out.

use std::sync::Arc;

use roaring::RoaringBitmap;

use crate::base::Str;
use crate::wire::ResourceType;

use super::interest::{Asked, Interest};
use super::watch::Watch;
use super::{Note, Request, Session, Violation};
use crate::xds::response::version_of;

const WILDCARD: &str = "*";

/// Changes of a subscription count whether or not the nonce beside them does: Envoy puts them on whatever
/// answer it is about to send, and says each of them once.
pub(super) fn on_request(s: &mut Session, kind: ResourceType, request: &Request) -> Result<Note, Violation> {
    if s.watch(kind).is_none() {
        begin(s, kind, request)?;
        return Ok(Note::Subscribed(kind));
    }
    if !request.subscribe.is_empty() || !request.unsubscribe.is_empty() {
        change(s, kind, request)?;
    }
    Ok(if request.nonce.is_empty() { Note::Subscribed(kind) } else { s.on_answer(kind, request) })
}

/// The first request of a type. Its nonce, if it has one, is of an earlier stream.
fn begin(s: &mut Session, kind: ResourceType, request: &Request) -> Result<(), Violation> {
    let target = s.target.of(kind).clone();
    let mut interest = Interest::default();
    // "*" may be given in so many words, or by naming nothing where the type has that custom.
    let everything = request.subscribe.iter().any(|n| **n == *WILDCARD);
    interest.set_wildcard(everything || (request.subscribe.is_empty() && kind.is_wildcard()));
    let mut watch = Watch::new(target, interest);
    let held = take_stated(s, kind, &mut watch, request)?;
    let names = s.cache.names();
    let unknown = Arc::make_mut(&mut watch.interest).subscribe_all(named(request), names, &mut watch.owed.ids);
    watch.owed.unknown(unknown)?;
    watch.owed.ids -= &held;
    if watch.interest.is_wildcard() {
        watch.owe_all(&held);
        // Envoy's clusters and listeners are not initialised, nor is pilot-agent ready, before a first answer. A
        // client that holds some has had one.
        watch.owed.answer = request.stated.is_empty();
    }
    s.watches[kind as usize] = Some(watch);
    if request.unsubscribe.is_empty() { Ok(()) } else { drop_names(s, kind, request) }
}

/// Compares what the client states with what it should hold. Returns what needs not be sent again.
///
/// A cluster that is gone lingers, for routes may still use it; anything else is answered as missing. As in istiod
/// (`deltaWatchedResources`), a name stated is a name asked for.
fn take_stated(
    s: &mut Session,
    kind: ResourceType,
    watch: &mut Watch,
    request: &Request,
) -> Result<RoaringBitmap, Violation> {
    let unwarmed = if kind == ResourceType::Endpoint { std::mem::take(&mut s.unwarmed) } else { RoaringBitmap::new() };
    let clusters = s.clusters();
    let mut held = RoaringBitmap::new();
    let interest = Arc::make_mut(&mut watch.interest);
    for (name, version) in &request.stated {
        if !interest.is_wildcard() {
            interest.subscribe(name, s.cache.names());
        }
        match watch.base.get(name) {
            Some(now) if version_of(kind, now, &clusters).as_slice() == version.as_bytes() => {
                held.insert(now.id().0);
            }
            Some(now) => drop(watch.owed.ids.insert(now.id().0)),
            None if kind == ResourceType::Cluster => drop(watch.lingering.insert(Str::from(&**name), None)),
            None => watch.owed.name(Asked::Unknown(Str::from(&**name)))?,
        }
    }
    watch.established = !request.stated.is_empty();
    s.returning |= watch.established && kind == ResourceType::Cluster;
    Ok(held - unwarmed)
}

fn change(s: &mut Session, kind: ResourceType, request: &Request) -> Result<(), Violation> {
    let names = s.cache.names();
    let Some(watch) = s.watches[kind as usize].as_mut() else { return Ok(()) };
    let interest = Arc::make_mut(&mut watch.interest);
    let unknown = interest.subscribe_all(named(request), names, &mut watch.owed.ids);
    watch.owed.unknown(unknown)?;
    if request.subscribe.iter().any(|n| **n == *WILDCARD) && !interest.is_wildcard() {
        interest.set_wildcard(true);
        watch.owe_all(&RoaringBitmap::new());
        watch.owed.answer = true;
    }
    drop_names(s, kind, request)
}

/// The names that a request adds.
fn named(request: &Request) -> impl Iterator<Item = &str> {
    request.subscribe.iter().map(|n| &**n).filter(|n| *n != WILDCARD)
}

fn drop_names(s: &mut Session, kind: ResourceType, request: &Request) -> Result<(), Violation> {
    let names = s.cache.names();
    let Some(watch) = s.watches[kind as usize].as_mut() else { return Ok(()) };
    for name in &request.unsubscribe {
        let interest = Arc::make_mut(&mut watch.interest);
        if **name == *WILDCARD {
            interest.set_wildcard(false);
            watch.owed.ids = interest.named_of(&watch.owed.ids);
            continue;
        }
        let known = interest.unsubscribe(name, names);
        if interest.is_wildcard() {
            // The client cannot know whether the wildcard covers the name as well, and waits for word.
            watch.owed.ids.extend(known.map(|id| id.0));
            continue;
        }
        watch.owed.forget(name, known);
        watch.lingering.remove(&**name);
    }
    Ok(())
}
