//! The name table: which names a proxy can resolve, and to what.
//!
//! A unit is a host. Its rows follow from its definitions and, where it has no address of its own, from its endpoints.
//! All rows of a class are one resource, a rope of entries sorted by name. Classes with the same facets but for the scope
//! share the rows of all hosts that they do not see in a way of their own.
//!
//! Invariants: a name is there once; rows are those of istiod (`pkg/dns/server/name_table.go`).
//! Absent: names derived from a row (`reviews`, `reviews.shop`), which agents make themselves.

mod class;
mod hosts;
mod reach;
mod rows;

#[cfg(test)]
mod tests;

pub use class::{Names, Shared};
pub use reach::{Addresses, Families, Reach, addresses};
pub use rows::table;

use crate::base::Str;
use crate::model::{Scope, View};
use crate::proxy::{Proxy, Role};

/// What distinguishes name tables.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NameFacets {
    /// From where the proxies see the mesh.
    pub scope: Scope,
    /// By which addresses they reach services.
    pub reach: Reach,
    /// Their cluster; pods of others answer only where it has none of that name.
    pub cluster: Str,
    /// Their network; pods of others are not reached directly.
    pub network: Str,
    /// Whether they are beside workloads; gateways resolve nothing by the table.
    pub sidecar: bool,
}

/// What holds for a proxy.
pub fn facets(view: &View<'_>, proxy: &Proxy) -> NameFacets {
    NameFacets {
        scope: view.scope().clone(),
        reach: Reach::of(view, proxy),
        cluster: proxy.cluster().into(),
        network: proxy.network().into(),
        sidecar: proxy.role == Role::Sidecar,
    }
}
