//! Who wins where several services want one listener (istio `pilot/pkg/networking/core/listener.go`,
//! `buildSidecarOutboundListener`).
//!
//! The first one makes the listener. HTTP and bytes can share it if the first bytes tell them apart; two services
//! for bytes can share it if their chains take different connections; what cannot share is left out. For MongoDB and
//! MySQL the server speaks first, so nothing may be detected there.

use crate::base::Str;
use crate::generate::filter::{Calls, HttpFilter, Routes};
use crate::generate::listener::{Chain, Content, Match, Transport};
use crate::model::facts::{Protocol, Resolution};

use super::Planning;
use super::group::Candidate;
use super::taken::Taken;

/// A listener in the making.
pub(super) struct Entry {
    /// The addresses of the service that came first.
    pub(super) bind: Vec<Str>,
    /// Whether they are of sockets of their own.
    pub(super) real: bool,
    pub(super) chains: Vec<Chain>,
    /// Whether a service came too late for connections that another one has.
    pub(super) contested: bool,
    taken: Taken,
    /// What was said first; nothing, once several are told apart.
    protocol: Protocol,
}

/// The ways to treat a port.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Calls,
    Bytes,
    Detected,
}

impl Sort {
    fn of(protocol: Protocol) -> Self {
        match protocol {
            p if p.is_http() => Self::Calls,
            p if p.is_tcp() => Self::Bytes,
            _ => Self::Detected,
        }
    }
}

/// Whether a listener with this candidate may have to read calls.
pub(super) fn reads_calls(candidate: &Candidate) -> bool {
    Sort::of(candidate.port.protocol) != Sort::Bytes
}

impl Entry {
    /// What the candidates for one address make of it, in their order. `None` where nobody has a chain.
    pub(super) fn of(planning: &Planning<'_, '_>, group: &[Candidate]) -> Option<Self> {
        let mut candidates = group.iter();
        let mut entry = Self::new(planning, candidates.next()?);
        candidates.for_each(|candidate| entry.add(planning, candidate));
        (!entry.chains.is_empty()).then_some(entry)
    }

    fn new(planning: &Planning<'_, '_>, candidate: &Candidate) -> Self {
        let (chains, protocol) = match Sort::of(candidate.port.protocol) {
            // On the wildcard address bytes pass through, so that calls have to be told from them.
            Sort::Calls if planning.detects_calls(candidate) => (planning.calls(candidate), Protocol::Unsupported),
            Sort::Calls => (planning.calls(candidate), candidate.port.protocol),
            Sort::Bytes => (planning.bytes(candidate), candidate.port.protocol),
            Sort::Detected => (planning.both(candidate), candidate.port.protocol),
        };
        let Candidate { bind, real, .. } = candidate.clone();
        let mut entry = Self { bind, real, chains: Vec::new(), contested: false, taken: Taken::default(), protocol };
        entry.merge(chains);
        entry
    }

    fn add(&mut self, planning: &Planning<'_, '_>, candidate: &Candidate) {
        let incoming = candidate.port.protocol;
        if incoming == Protocol::HttpProxy {
            *self = Self::new(planning, candidate);
            return;
        }
        let (new, old) = (Sort::of(incoming), Sort::of(self.protocol));
        if (new == Sort::Calls && old != Sort::Bytes) || !can_share(incoming, self.protocol) {
            return;
        }
        match (new, old) {
            (Sort::Detected, Sort::Calls) => *self = Self::new(planning, candidate),
            (Sort::Calls, _) => self.merge(planning.calls(candidate)),
            (Sort::Detected, Sort::Bytes) => self.merge(planning.both(candidate)),
            (Sort::Bytes | Sort::Detected, _) => {
                let chains = planning.bytes(candidate);
                let expected = self.chains.len() + chains.len();
                self.merge(chains);
                self.contested |= self.chains.len() < expected;
            }
        }
        if new != old {
            self.protocol = Protocol::Unsupported;
        }
    }

    /// Adds chains for connections that no chain there is takes already.
    fn merge(&mut self, chains: Vec<Chain>) {
        for chain in chains {
            self.chains.extend(self.taken.restrict(chain));
        }
    }
}

/// In these protocols the server speaks first, so that a listener for them can do nothing else.
fn can_share(incoming: Protocol, current: Protocol) -> bool {
    let speaks_first = |p: Protocol| matches!(p, Protocol::Mongo | Protocol::MySql);
    incoming == current || !(speaks_first(incoming) || speaks_first(current))
}

impl Planning<'_, '_> {
    fn both(&self, candidate: &Candidate) -> Vec<Chain> {
        let mut chains = self.bytes(candidate);
        chains.extend(self.calls(candidate));
        chains
    }

    /// Whether calls have to be told from bytes. A listener for an HTTP proxy takes nothing else.
    fn detects_calls(&self, candidate: &Candidate) -> bool {
        let detected = Sort::of(candidate.port.protocol) == Sort::Detected;
        let shared = candidate.bind[0] == self.caller.wildcards[0];
        candidate.port.protocol != Protocol::HttpProxy && (detected || shared)
    }

    /// The chain for calls; none in a part of the listeners that has no settings for it.
    fn calls(&self, candidate: &Candidate) -> Vec<Chain> {
        let Some(settings) = self.calls else { return Vec::new() };
        let (service, port) = (&candidate.service, &candidate.port);
        let detected = Sort::of(port.protocol) == Sort::Detected;
        let alone = detected && candidate.bind[0] != self.caller.wildcards[0];
        let name = match port.number {
            // The routes of a socket are named by it.
            0 => candidate.bind[0].to_string(),
            number if alone => format!("{}:{number}", service.host),
            number => number.to_string(),
        };
        let web = port.protocol == Protocol::GrpcWeb && self.caller.has_grpc_web;
        let resolves =
            service.resolution == Resolution::DynamicDns && service.host.is_wildcard() && self.caller.resolves_hosts;
        let resolve = || HttpFilter::Resolve(service.host.clone(), self.caller.lookup);
        let calls = Calls {
            settings: settings.clone(),
            filters: web.then_some(HttpFilter::GrpcWeb).into_iter().chain(resolves.then(resolve)).collect(),
            stat_prefix: format!("outbound_{}_{};", candidate.bind[0], port.number).into(),
            routes: Routes::Named(name.into()),
            absolute_urls: false,
            http2: false,
        };
        let matches = match self.detects_calls(candidate) {
            true => Match { protocols: self.caller.clear_http, transport: Transport::Raw, ..Match::default() },
            false => Match::default(),
        };
        vec![Chain { matches, origin: None, content: Content::Calls(calls) }]
    }
}
