//! Who has a port of a number.

use std::collections::BTreeSet;

use crate::base::Host;

use super::handle::Handle;
use super::service::Service;

/// All definitions with a port of one number: what listeners of that port are made of.
///
/// They stand in one fact, and not as a read for each, because a port that a thousand services share is planned for
/// every class of proxies.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PortMembers {
    /// Their hosts.
    pub hosts: Handle<BTreeSet<Host>>,
    /// The definitions by creation time, name and namespace, the order in which istiod gives ports away.
    pub services: Vec<Member>,
}

/// A definition with a port of the number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Member {
    /// The definition.
    pub service: Handle<Service>,
    /// Whether other namespaces define the host too, so that only one of them counts for a caller.
    pub contested: bool,
}
