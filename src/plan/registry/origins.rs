//! Where a proxy's resources are from.

use std::collections::BTreeSet;

use crate::base::Str;
use crate::model::{Origin, Scope, Snapshot, View};
use crate::plan::patches::Side;
use crate::plan::sidecar;
use crate::proxy::Proxy;
use crate::wire::ResourceType;

use super::{Plan, ProxyId};

impl Plan {
    /// Where a resource that a proxy should hold is from; nothing if it holds none of that name.
    ///
    /// Nothing is kept for the sake of this: the unit of the resource is planned again with a view that notes what it
    /// hands out. O(units of the class) to find it, then about the cost of planning one unit; for a configuration of
    /// routes and for the name table O(their hosts), some 10 µs each.
    pub fn origins(&self, snapshot: &Snapshot, id: ProxyId, kind: ResourceType, name: &Str) -> BTreeSet<Origin> {
        let member = self.proxies.get(&id);
        member.map(|member| self.sorts.origins(snapshot, member, (kind, name), &self.cache)).unwrap_or_default()
    }
}

/// The Sidecar whose scope decides what there is of a sort.
pub(super) fn of_scope(snapshot: &Snapshot, proxy: &Proxy, (kind, side): (ResourceType, Side)) -> BTreeSet<Origin> {
    let scoped = match side {
        Side::Out => true,
        Side::Nothing => kind != ResourceType::Secret,
        Side::In | Side::Both | Side::Added => false,
    };
    let view = View::traced(snapshot, &Scope::Public, &Str::default());
    match sidecar::sidecar(&view, proxy) {
        Some(sidecar) if scoped && sidecar.egress.is_some() => view.credit_sidecar(&sidecar),
        _ => return BTreeSet::new(),
    }
    let is_sidecar = |origin: &Origin| *origin != Origin::Mesh;
    view.into_origins().into_iter().filter(is_sidecar).collect()
}
