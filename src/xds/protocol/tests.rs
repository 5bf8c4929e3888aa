//! Scripts: what a client and a control plane say to each other.

mod delta;
mod model;
mod order;
mod refusal;
mod returning;
mod sotw;

use std::sync::Arc;

use envoy_types::pb::envoy::config::cluster::v3::Cluster as Message;

use super::*;
use crate::wire::{Encoded, Layer};
use crate::xds::response::version_of;
use crate::xds::tests::Thing;
use crate::xds::{ErrorDetail, Text};

pub(super) use ResourceType::{Cluster, Endpoint, Extension, Listener, NameTable, Route};

/// A control plane with one client.
pub(super) struct Script {
    cache: Arc<Cache>,
    now: Publication,
    session: Session,
}

impl Script {
    /// `resources` are `name=content` per type.
    fn new(face: Face, resources: &[(ResourceType, &str)]) -> Self {
        let cache = Arc::new(Cache::default());
        let labels = Labels { nonce: "n".into(), version: "v".into() };
        let session = Session::new(face, cache.clone(), labels, Arc::default());
        let mut script = Self { cache, now: Publication::default(), session };
        script.publish(resources);
        script.session.poll_response();
        script
    }

    fn delta(resources: &[(ResourceType, &str)]) -> Self {
        Self::new(Face::Delta, resources)
    }

    fn sotw(resources: &[(ResourceType, &str)]) -> Self {
        Self::new(Face::Sotw, resources)
    }

    fn thing(&self, name: &str, content: &str) -> Arc<Encoded> {
        self.cache.get_or_build(&Thing { name: name.into(), content: content.into() }).unwrap()
    }

    /// The version of `name=content` as a client states it; of endpoints, for their cluster as it is now.
    fn version(&self, kind: ResourceType, thing: &str) -> String {
        let (name, content) = thing.split_once('=').unwrap_or((thing, ""));
        let version = version_of(kind, &self.thing(name, content), self.now.of(Cluster));
        String::from_utf8(version.to_vec()).unwrap()
    }

    /// A new revision, in which all resources of the given types are these.
    fn publish(&mut self, resources: &[(ResourceType, &str)]) {
        self.now.revision += 1;
        for (kind, list) in resources {
            let things = list.split_whitespace().map(|t| t.split_once('=').unwrap_or((t, "")));
            let layer: Layer = things.map(|(name, content)| (Str::from(name), self.thing(name, content))).collect();
            self.now.assemblies[*kind as usize] = Assembly::new([layer]);
        }
        self.session.on_publication(Arc::new(self.now.clone()));
    }

    /// The next response as text, `cds n1 +a +b -c`, or nothing.
    fn next(&mut self) -> String {
        let Some(r) = self.session.poll_response() else { return String::new() };
        let set = r.resources.iter().map(|e| format!(" +{}", e.name()));
        let removed = r.removed.iter().map(|n| format!(" -{n}"));
        format!("{} {}{}", r.kind.short(), r.nonce, set.chain(removed).collect::<String>())
    }

    fn say(&mut self, request: Request) -> Note {
        self.session.on_request(&request).unwrap()
    }

    /// Adds to a subscription, or takes out what starts with `-`; in the state-of-the-world variant, lists it.
    fn ask(&mut self, kind: ResourceType, names: &str) -> Note {
        self.say(asking(kind, names))
    }

    /// Comes back with `name=content` of an earlier stream. Names that are not to be asked for by name start with `~`.
    fn ask_holding(&mut self, kind: ResourceType, held: &str) -> Note {
        let mut request = asking(kind, "");
        for thing in held.split_whitespace() {
            let version = self.version(kind, thing.trim_start_matches('~'));
            let name = thing.split('=').next().unwrap();
            request.stated.push((name.trim_start_matches('~').into(), version.as_str().into()));
            if !name.starts_with('~') {
                request.subscribe.push(name.into());
            }
        }
        self.say(request)
    }

    fn accept(&mut self, kind: ResourceType, nonce: &str) -> Note {
        self.say(Request { nonce: nonce.into(), ..asking(kind, "") })
    }

    fn refuse(&mut self, kind: ResourceType, nonce: &str, why: &str) -> Note {
        let error = Some(ErrorDetail { code: 13, message: why.into() });
        self.say(Request { nonce: nonce.into(), error, ..asking(kind, "") })
    }

    /// Sends, and accepts at once, all there is to send; the types in the order of their responses.
    fn settle(&mut self) -> String {
        let mut seen = Vec::new();
        while let Some(r) = self.session.poll_response() {
            seen.push(r.kind.short());
            let mut request = Request { nonce: (*r.nonce).into(), ..asking(r.kind, "") };
            if r.face == Face::Sotw {
                let interest = self.session.state(r.kind).unwrap().interest;
                let known = interest.known().map(|id| self.cache.names().name(id));
                let names: Vec<Text> = known.chain(interest.unknown().cloned()).map(|n| (*n).into()).collect();
                request.subscribe = names;
            }
            self.say(request);
        }
        seen.join(" ")
    }
}

pub(super) fn asking(kind: ResourceType, names: &str) -> Request {
    let mut request = Request { type_url: kind.type_url().into(), ..Request::default() };
    for name in names.split_whitespace() {
        match name.strip_prefix('-') {
            Some(gone) => request.unsubscribe.push(gone.into()),
            None => request.subscribe.push(name.into()),
        }
    }
    request
}
