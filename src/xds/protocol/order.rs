//! What is sent when, so that a proxy is never pointed at something it does not have.
//!
//! Clusters and endpoints go first, and listeners and routes wait until the clusters are in force: Envoy
//! withholds its answer to clusters while one of them is warming (`ClusterManagerImpl::updateClusterCounts`). The
//! name table comes last. Clusters that are gone are told only when listeners and routes that used them have been
//! replaced. Listeners that are gone go in one response with those that come, because a new one may have the
//! address of an old one, and Envoy removes before it adds (`LdsApiImpl::onConfigUpdate`). That endpoints or routes
//! are gone can be said at any time: Envoy goes on with what it has (`EdsClusterImpl::onConfigUpdate`).
//!
//! A cluster that is sent makes Envoy wait for its endpoints, even if it has them: they are sent again. Envoy
//! need not ask for them, because the replaced cluster still watches the same name (istio `delta.go`,
//! `forceEDSPush`, Envoy issue 13009). A load assignment has the name of its cluster. So that this outlives a
//! broken stream, the version of endpoints tells for which cluster they were sent (`Response::version_of`).
//!
//! All waiting is for the answer of a peer, so each wait can be given up: a cluster may warm for ever.

use std::collections::BTreeSet;
use std::sync::Arc;

use roaring::RoaringBitmap;

use crate::base::Str;
use crate::wire::{ResourceType, Version};

use super::watch::{Draft, Flight};
use super::{Face, Response, Session};
use crate::xds::response::forms;

use ResourceType::{Cluster, Endpoint, Extension, Listener, NameTable, Route, Secret};

/// Something that a peer has to do before more can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// To answer the response of this number.
    Answer(u64),
    /// To ask for listeners and routes, having come back with clusters.
    Requests,
}

/// Whether a state-of-the-world response holds everything, so that what is not in it is gone.
fn is_complete(kind: ResourceType) -> bool {
    kind.is_wildcard()
}

impl Session {
    /// The next response, if one may be sent now.
    pub fn poll_response(&mut self) -> Option<Response> {
        loop {
            if let Some(response) = ResourceType::ALL.into_iter().find_map(|kind| self.send_due(kind)) {
                return Some(response);
            }
            if let Some(response) = self.send_gone() {
                return Some(response);
            }
            if !self.advance() {
                return None;
            }
        }
    }

    /// What has to happen before more can be sent; `None` when nothing is due, or only what a wait was given up for.
    pub fn waiting(&self) -> Option<Wait> {
        if !self.is_behind() && Arc::ptr_eq(&self.target, &self.latest) {
            return None;
        }
        let flights = self.watches.iter().flatten().filter_map(|w| w.flight.as_ref());
        let oldest = flights.filter(|f| !f.overdue).map(|f| f.number).min();
        oldest.map(Wait::Answer).or_else(|| self.awaits_requests().then_some(Wait::Requests))
    }

    /// Waits no longer. The type of an overdue response itself still takes no other before it is answered, save
    /// clusters, of which a later response may mend what an earlier one left warming.
    pub fn give_up(&mut self, wait: Wait) {
        match wait {
            Wait::Requests => self.returning = false,
            Wait::Answer(number) => {
                let flights = self.watches.iter_mut().flatten().filter_map(|w| w.flight.as_mut());
                flights.filter(|f| f.number == number).for_each(|f| f.overdue = true);
            }
        }
    }

    /// Whether something is due that will be sent once a wait ends.
    pub(super) fn is_behind(&self) -> bool {
        ResourceType::ALL.into_iter().any(|kind| {
            self.watch(kind).is_some_and(|watch| {
                let stuck = kind != Cluster && watch.flight.as_ref().is_some_and(|f| f.overdue);
                !stuck && watch.is_behind(self.target.of(kind))
            })
        })
    }

    /// Turns to the latest publication, if the current one is delivered.
    pub(super) fn advance(&mut self) -> bool {
        let busy = self.begun && self.is_behind() && self.waiting().is_some();
        if busy || Arc::ptr_eq(&self.target, &self.latest) {
            return false;
        }
        self.target = self.latest.clone();
        self.begun = false;
        let names = self.cache.names();
        for watch in self.watches.iter_mut().flatten().filter(|w| w.interest.is_behind(names)) {
            Arc::make_mut(&mut watch.interest).learn(names);
        }
        true
    }

    fn is_in_flight(&self, kind: ResourceType) -> bool {
        self.watch(kind).and_then(|w| w.flight.as_ref()).is_some_and(|f| !f.overdue)
    }

    /// Whether the client has yet to say that it has the latest of a type in force, so that more may be to come.
    ///
    /// Not before its first answer: a client that holds nothing yet has no traffic to lose, and Envoy itself asks for
    /// listeners only when it has all its clusters.
    fn is_settling(&self, kind: ResourceType) -> bool {
        self.is_in_flight(kind) && self.watch(kind).is_some_and(|w| w.established)
    }

    /// Whether a type takes no response because it has not answered the last one.
    fn is_taken(&self, kind: ResourceType) -> bool {
        self.watch(kind).and_then(|w| w.flight.as_ref()).is_some_and(|f| !(f.overdue && kind == Cluster))
    }

    /// Whether a type waits for others.
    fn is_held(&self, kind: ResourceType) -> bool {
        let first: &[ResourceType] = match kind {
            // A cluster or listener may itself wait for its secrets, and for a cluster's sake Envoy withholds its answer.
            Cluster | Endpoint | Secret | Extension => &[],
            Listener | Route => &[Cluster],
            NameTable => &[Cluster, Listener, Route],
        };
        first.iter().any(|k| self.is_settling(*k))
    }

    fn awaits_requests(&self) -> bool {
        self.returning && (self.watch(Listener).is_none() || self.watch(Route).is_none())
    }

    /// What is due of one type, save what lingers.
    fn send_due(&mut self, kind: ResourceType) -> Option<Response> {
        if self.is_taken(kind) || self.is_held(kind) {
            return None;
        }
        let target = self.target.clone();
        let watch = self.watches[kind as usize].as_mut()?;
        let mut draft = watch.take_due(target.of(kind), self.cache.names());
        if kind == Cluster {
            let gone = std::mem::take(&mut draft.gone);
            watch.lingering.extend(gone.into_iter().map(|e| (e.name().clone(), Some(e))));
        }
        if kind == Extension {
            draft.say_nothing_of_absence();
        }
        if draft.is_empty() || (self.face == Face::Sotw && !is_complete(kind) && !draft.speaks_of_presence()) {
            return None;
        }
        self.warm(kind, &draft.ids);
        Some(self.write(kind, draft))
    }

    /// The clusters that are gone, once nothing uses them.
    fn send_gone(&mut self) -> Option<Response> {
        let used = self.is_in_flight(Listener) || self.is_in_flight(Route) || self.awaits_requests();
        if used || self.is_taken(Cluster) {
            return None;
        }
        let watch = self.watches[Cluster as usize].as_mut().filter(|w| !w.lingering.is_empty())?;
        let missing = std::mem::take(&mut watch.lingering).into_keys().collect();
        Some(self.write(Cluster, Draft { missing, ..Draft::default() }))
    }

    /// Owes the endpoints of clusters that are about to be sent.
    fn warm(&mut self, kind: ResourceType, ids: &RoaringBitmap) {
        if kind != Cluster {
            return;
        }
        match &mut self.watches[Endpoint as usize] {
            Some(endpoints) => endpoints.owed.ids |= endpoints.interest.named_of(ids),
            None => self.unwarmed |= ids,
        }
    }

    fn write(&mut self, kind: ResourceType, draft: Draft) -> Response {
        self.begun = true;
        self.sent += 1;
        let number = self.sent;
        let forms = match (self.face, kind) {
            (Face::Delta, Endpoint) => forms(&draft.set, &self.clusters()),
            _ => Vec::new(),
        };
        let nonce = Str::from(format!("{}{number}", self.labels.nonce));
        let watch = self.watches[kind as usize].as_mut().expect("a type that is written to was asked for");
        let (resources, removed) = match self.face {
            Face::Sotw if is_complete(kind) => (watch.everything(), BTreeSet::new()),
            Face::Sotw => (draft.set, BTreeSet::new()),
            Face::Delta => {
                let mut removed = draft.missing;
                removed.extend(draft.gone.iter().map(|e| e.name().clone()));
                (draft.set, removed)
            }
        };
        // Of a state of the world the version is that of its content, so that it is the same from every replica.
        let version = match self.face {
            Face::Sotw => Str::from(Version::of_all(resources.iter()).to_string()),
            Face::Delta => Str::from(format!("{}{}", self.labels.version, self.target.revision)),
        };
        // pilot-agent does not answer a name table that is empty, nor one that is gone (`xds_proxy_delta.go`).
        let answered = !resources.is_empty() || (!removed.is_empty() && kind != NameTable);
        watch.flight = answered.then_some(Flight { number, ids: draft.ids, overdue: false });
        watch.nonce_sent = nonce.clone();
        watch.version = version.clone();
        let removed = removed.into_iter().collect();
        Response { face: self.face, kind, nonce, version, resources, removed, forms }
    }
}
