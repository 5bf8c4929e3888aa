//! Patches of EnvoyFilters: those there are, and those that hold for a proxy.

use crate::api::bytes::Bytes;
use crate::api::envoy_filter::{ApplyTo, ConfigMatch, ObjectMatch, Operation, PatchContext, ProxyMatch};
use crate::base::{Host, Labels, Namespace, Str};

use super::Handle;

/// One EnvoyFilter, with those of its patches that can be applied.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Filter {
    /// Its name.
    pub name: Str,
    /// Filters of a lower number go first.
    pub priority: i32,
    /// When it was created, in seconds since 1970.
    pub created: i64,
    /// The workloads; empty for all.
    pub selector: Labels,
    /// Gateways of the Gateway API, by name, that it is for in place of workloads.
    pub gateways: Option<Vec<Str>>,
    /// The patches, in order.
    pub patches: Vec<Handle<Patch>>,
}

/// One patch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Patch {
    /// The namespace of the EnvoyFilter.
    pub namespace: Namespace,
    /// Its name.
    pub filter: Str,
    /// Which of its patches this is, from 0.
    pub index: usize,
    /// What sort of thing it is for.
    pub apply_to: ApplyTo,
    /// What is done.
    pub operation: Operation,
    /// Which things it is for.
    pub matches: ConfigMatch,
    /// The message that is added or merged, encoded; absent where something is taken out.
    pub message: Option<Bytes>,
    /// The types by which extensions are configured in it.
    pub extensions: Vec<Str>,
}

impl Patch {
    /// Where things are that it is for.
    pub fn context(&self) -> PatchContext {
        self.matches.context
    }

    /// Of which proxies.
    pub fn proxies(&self) -> Option<&ProxyMatch> {
        self.matches.proxy.as_ref()
    }

    /// Which things of their sort; all if absent.
    pub fn object(&self) -> Option<&ObjectMatch> {
        self.matches.object.as_ref()
    }

    /// The encoded message; empty if there is none.
    pub fn bytes(&self) -> &[u8] {
        self.message.as_ref().map(Bytes::as_slice).unwrap_or_default()
    }
}

/// The patches that hold for some proxies, and for one sort of what they get, in the order in which they are applied.
/// Not empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PatchSet {
    /// Whether the proxies are gateways.
    pub gateway: bool,
    /// The patches.
    pub patches: Vec<Handle<Patch>>,
    /// Those that need a type of extension which the proxies do not have, with that type.
    pub lacking: Vec<(Handle<Patch>, Str)>,
    /// For each port in names of a gateway's routes the ports of the servers behind it, where these are not just that
    /// one; filled where a patch asks for a port.
    pub ports: Vec<(u16, Vec<u16>)>,
    /// For each port of the workload the services that arrive there; filled where a patch for calls in asks for one.
    pub services: Vec<(u16, Vec<Host>)>,
}
